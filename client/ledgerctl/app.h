// The whole command line, for main() and for tests.
//
//   const int exit_code = RunLedgerctl({"account", "show", "7"});
#ifndef LEDGERD_CLIENT_LEDGERCTL_APP_H_
#define LEDGERD_CLIENT_LEDGERCTL_APP_H_

#include <string>
#include <vector>

namespace ledgerd::client {

// `arguments` without the program's name. Prints to stdout and stderr.
int RunLedgerctl(std::vector<std::string> arguments);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_APP_H_
