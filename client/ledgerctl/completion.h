// Completion for bash: commands, options, and values where they are known.
//
//   std::cout << BashCompletion(OutlineOf(app));
//   eval "$(ledgerctl completion bash)"                    # in ~/.bashrc
//
// Shape   One function, and tables that it looks into. Needs bash 4 alone, not
//         the package bash-completion.
#ifndef LEDGERD_CLIENT_LEDGERCTL_COMPLETION_H_
#define LEDGERD_CLIENT_LEDGERCTL_COMPLETION_H_

#include <string>
#include <vector>

#include "client/ledgerctl/command_outline.h"

namespace ledgerd::client {

std::string BashCompletion(const std::vector<CommandOutline>& outlines);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_COMPLETION_H_
