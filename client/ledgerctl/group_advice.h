// What is missing in a group, by what a replica says of it, and what to do.
//
//   for (const Advice& advice : AdviceOf(status)) Context::Warn(Words(advice));
//
// Shape   One for each thing that is missing, the worst first; none when
//         all is well. Alarms are not among it: they say themselves.
#ifndef LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_
#define LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_

#include <string>
#include <vector>

#include "admin/v1/admin.pb.h"

namespace ledgerd::client {

struct Advice {
  std::string what;
  std::string todo;
};

std::vector<Advice> AdviceOf(const ::admin::v1::GetStatusResponse& status);

// Both, as one sentence.
std::string Words(const Advice& advice);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_GROUP_ADVICE_H_
