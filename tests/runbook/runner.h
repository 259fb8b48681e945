// Runs commands of the runbook where a test's replicas stand for its hosts.
//
//   Runner runner;
//   runner.AddHost("ledger-a", {.client = "127.0.0.1:4711", ...});
//   EXPECT_EQ(runner.Run(command), "");
//
// Shape    Names, addresses and paths of the document are replaced by the
//          test's; all else goes to bash as it is. Where the document starts a
//          daemon, the test's own way of starting it is taken, so that it ends
//          with the test. A command that ends otherwise than stated is run
//          again, as the document says, for a minute.
// Threads  The test's main thread.
#ifndef LEDGERD_TESTS_RUNBOOK_RUNNER_H_
#define LEDGERD_TESTS_RUNBOOK_RUNNER_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"

#include "tests/integration/test_directory.h"
#include "tests/runbook/runbook.h"

namespace ledgerd::runbook {

struct Host {
  std::string client_address;
  std::string admin_address;
  std::string data_directory;
  std::string members;
  std::function<absl::Status()> start;
};

class Runner {
 public:
  Runner();

  // By its name in the document: "ledger-a".
  void AddHost(const std::string& name, Host host);

  // What is wrong with how it ended; empty when nothing is.
  std::string Run(const RunbookCommand& command);

  // All of a section, up to the first that ends otherwise than stated.
  std::string RunSection(const RunbookSection& section);

 private:
  std::string ConfigOf(const std::string& name) const;
  // Of all hosts, as LEDGERCTL_ADDRESS and LEDGERCTL_ADMIN_ADDRESS.
  std::string Environment() const;
  std::string Replaced(const RunbookCommand& command) const;

  const integration::TestDirectory directory_{"runbook"};
  std::map<std::string, Host> hosts_;
};

// All of deploy/RUNBOOK.md that has commands, by title.
std::map<std::string, RunbookSection> Sections();

}  // namespace ledgerd::runbook

#endif  // LEDGERD_TESTS_RUNBOOK_RUNNER_H_
