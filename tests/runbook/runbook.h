// The commands of deploy/RUNBOOK.md, as they stand there.
//
//   for (const RunbookSection& section : ReadRunbook(text)) { ... }
//
// Shape   The blocks marked as sh, a command a line. "# on ledger-c" in
//         a line of its own says where the commands after it are typed, and
//         "# exit code 5" at the end of one how it ends (0 otherwise).
#ifndef LEDGERD_TESTS_RUNBOOK_RUNBOOK_H_
#define LEDGERD_TESTS_RUNBOOK_RUNBOOK_H_

#include <string>
#include <vector>

namespace ledgerd::runbook {

struct RunbookCommand {
  std::string text;
  // A host of the document; empty for anywhere.
  std::string host;
  int exit_code = 0;
  int line = 0;
};

struct RunbookSection {
  std::string title;
  std::vector<RunbookCommand> commands;
};

std::vector<RunbookSection> ReadRunbook(const std::string& text);

}  // namespace ledgerd::runbook

#endif  // LEDGERD_TESTS_RUNBOOK_RUNBOOK_H_
