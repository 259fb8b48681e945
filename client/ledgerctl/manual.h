// The manual page ledgerctl(1), as man and groff read it.
//
//   std::cout << ManualPage(OutlineOf(app));   // ledgerctl manual | man -l -
//
// Source   man(7), groff_man(7).
#ifndef LEDGERD_CLIENT_LEDGERCTL_MANUAL_H_
#define LEDGERD_CLIENT_LEDGERCTL_MANUAL_H_

#include <string>
#include <vector>

#include "client/ledgerctl/command_outline.h"

namespace ledgerd::client {

std::string ManualPage(const std::vector<CommandOutline>& outlines);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_MANUAL_H_
