// What is missing in a group, by what a replica says of it, and what to do.
//
//   for (const std::string& words : AdviceOf(status)) Context::Warn(words);
//
// Shape   One text for each thing that is missing, the worst first; none when
//         all is well. Alarms are not among it: they say themselves.
#ifndef LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_
#define LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_

#include <string>
#include <vector>

#include "admin/v1/admin.pb.h"

namespace ledgerd::client {

std::vector<std::string> AdviceOf(const ::admin::v1::GetStatusResponse& status);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_
