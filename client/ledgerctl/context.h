// What all subcommands share: where the servers are, how to print, how to fail.
//
//   context.Run([&]() -> absl::StatusOr<ExitCode> { ... });   // a CLI callback
//
// Errors   Run() words an error on stderr (what, why, what to do) and turns it
//          into the exit code.
#ifndef LEDGERD_CLIENT_LEDGERCTL_CONTEXT_H_
#define LEDGERD_CLIENT_LEDGERCTL_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "client/ledger_client.h"
#include "client/ledgerctl/admin_client.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/printer.h"

namespace ledgerd::client {

// As given on the command line, or by the environment.
struct GlobalOptions {
  std::string address = "127.0.0.1:7300";        // Several: joined by commas.
  std::string admin_address = "127.0.0.1:7301";  // Several: the same way.
  std::string timeout = "10s";
  std::string output = "table";
};

class Context {
 public:
  using Body = std::function<absl::StatusOr<ExitCode>()>;

  GlobalOptions& options() { return options_; }

  void Run(const Body& body);

  ExitCode exit_code() const { return exit_code_; }

  // A client whose server has answered, so that "no connection" is told apart
  // from "outcome unknown" before anything is sent.
  absl::StatusOr<LedgerClient*> Connect();

  // Events in one request, as that server says. Requires: Connect().
  size_t batch_max() const { return batch_max_; }

  absl::StatusOr<AdminClient*> ConnectAdmin();

  Printer MakePrinter() const;

  // Asks on stderr; whether the answer, a line of stdin, is `word`.
  static bool Confirm(const std::string& question, const std::string& word);

  // A line on stderr.
  static void Say(const std::string& words);
  static void Warn(const std::string& words);
  // Colors and progress are for terminals; NO_COLOR turns colors off.
  static bool IsTerminal();

 private:
  void Fail(const absl::Status& status);

  GlobalOptions options_;
  ExitCode exit_code_ = ExitCode::kOk;
  std::unique_ptr<LedgerClient> client_;
  std::unique_ptr<AdminClient> admin_;
  size_t batch_max_ = 0;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_CONTEXT_H_
