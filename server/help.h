// What ledgerd tells of itself: --help, and the manual page ledgerd(8).
//
//   std::cout << HelpText();
//   std::cout << ManualPage();   // ledgerd manual | man -l -
//
// Shape   Both are made of the same tables and of config.proto, so neither has
//         a flag that the other lacks.
#ifndef LEDGERD_SERVER_HELP_H_
#define LEDGERD_SERVER_HELP_H_

#include <string>

namespace ledgerd::server {

std::string HelpText();

// As man and groff read it.
std::string ManualPage();

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HELP_H_
