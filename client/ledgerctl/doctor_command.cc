// doctor: what is wrong in a group, and what to do.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "client/ledgerctl/admin_client.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/diagnosis.h"
#include "client/ledgerctl/repeat.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

// For one that does not answer: there are others to be asked.
constexpr std::chrono::milliseconds kPatienceMax{2'000};
constexpr int64_t kDay = 86'400;

// The replicas at `addresses`, and at those that they name.
std::vector<Asked> AskAll(std::deque<std::string> addresses,
                          std::chrono::milliseconds patience) {
  std::set<std::string> known(addresses.begin(), addresses.end());
  // One may be reached by several names.
  std::set<std::pair<std::string, uint64_t>> answered;
  std::vector<Asked> asked;
  for (; !addresses.empty(); addresses.pop_front()) {
    auto status = AdminClient({addresses.front()}, patience).GetStatus();
    if (status.ok()) {
      if (!answered.emplace(status->cluster_id(), status->replica_id())
               .second) {
        continue;
      }
      for (const v1::ReplicaStatus& replica : status->replicas()) {
        const std::string& address = replica.admin_address();
        if (!address.empty() && known.insert(address).second) {
          addresses.push_back(address);
        }
      }
    }
    asked.push_back({addresses.front(), std::move(status)});
  }
  return asked;
}

// The newest of the last day; none where nobody tells.
std::vector<v1::Incident> RecentIncidents(const std::vector<Asked>& replicas,
                                          Timestamp now,
                                          std::chrono::milliseconds patience) {
  v1::ListIncidentsRequest request;
  request.mutable_since()->set_seconds(
      static_cast<int64_t>(now.value() / kNanosPerSecond) - kDay);
  for (const Asked& replica : replicas) {
    if (!replica.status.ok()) continue;
    const auto listed =
        AdminClient({replica.address}, patience).ListIncidents(request);
    if (!listed.ok()) continue;
    return {listed->incidents().begin(), listed->incidents().end()};
  }
  return {};
}

absl::Status AskClientsPort(const GlobalOptions& options,
                            std::chrono::milliseconds patience) {
  LedgerClient client({.addresses = absl::StrSplit(options.address, ',',
                                                   absl::SkipWhitespace()),
                       .timeout = patience});
  return client.GetServerInfo().status();
}

absl::StatusOr<Examination> Examine(const GlobalOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(auto patience, ParseDuration(options.timeout));
  patience = std::min<std::chrono::milliseconds>(patience, kPatienceMax);
  const std::deque<std::string> addresses =
      absl::StrSplit(options.admin_address, ',', absl::SkipWhitespace());
  if (addresses.empty()) {
    return absl::InvalidArgumentError("--admin-address: names nobody");
  }
  Examination examination;
  examination.now = Timestamp(static_cast<uint64_t>(
      std::chrono::nanoseconds(
          std::chrono::system_clock::now().time_since_epoch())
          .count()));
  examination.replicas = AskAll(addresses, patience);
  const bool somebody =
      std::any_of(examination.replicas.begin(), examination.replicas.end(),
                  [](const Asked& asked) { return asked.status.ok(); });
  if (!somebody) return examination.replicas.front().status.status();
  examination.clients = AskClientsPort(options, patience);
  examination.incidents =
      RecentIncidents(examination.replicas, examination.now, patience);
  return examination;
}

absl::StatusOr<ExitCode> Show(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(const Examination examination,
                           Examine(context.options()));
  const std::vector<Finding> findings = Diagnose(examination);
  Printer printer = context.MakePrinter();
  bool stands = false;
  for (const Finding& finding : findings) {
    stands = stands || finding.severity == Severity::kCritical;
    printer.Row({Text("level", Name(finding.severity)),
                 Text("where", finding.where), Text("finding", finding.what),
                 Text("do", finding.todo)});
  }
  printer.Finish();
  if (findings.empty()) {
    Context::Say(absl::StrCat("Nothing is wrong: ", examination.replicas.size(),
                              examination.replicas.size() == 1
                                  ? " replica answers."
                                  : " replicas answer."));
  }
  return stands ? ExitCode::kUnhealthy : ExitCode::kOk;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "doctor",
      "Ask all replicas of the group, and say what is wrong there and what to "
      "do.");
  command->footer(
      "Asks the operators' ports of --admin-address, and of all replicas that "
      "those name; then the clients' port, --address, and what has happened in "
      "the last day. A replica that says nothing for 2 s is passed "
      "by.\nLevels: critical, payments are not taken; warning, the next fault "
      "may end them, or lose something; note. RUNBOOK.md (deploy/) has a "
      "section for each alarm.\nWhether the books hold, and the replicas are "
      "equal, 'ledgerctl verify' tells: that reads much more.\nExit code 5: "
      "something is critical; 2: nobody answers.\n\nExamples:\n  ledgerctl "
      "doctor\n  ledgerctl doctor -o json --admin-address "
      "ledger-a:7301,ledger-b:7301");
  command->callback([&context, repeat = AddRepeat(*command)] {
    RunRepeated(context, *repeat, [&] { return Show(context); });
  });
}

}  // namespace ledgerd::client
