// watch: what happens in the ledger, event by event.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/event_watch.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/records.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

struct WatchOptions {
  uint64_t from = 0;
  uint64_t count = 0;
};

std::string NameOf(LedgerEventType type) {
  switch (type) {
    case LedgerEventType::kAccountCreated:
      return "account_created";
    case LedgerEventType::kSinglePhase:
      return "single_phase";
    case LedgerEventType::kTwoPhasePending:
      return "two_phase_pending";
    case LedgerEventType::kTwoPhasePosted:
      return "two_phase_posted";
    case LedgerEventType::kTwoPhaseVoided:
      return "two_phase_voided";
    case LedgerEventType::kTwoPhaseExpired:
      return "two_phase_expired";
  }
  return absl::StrCat("type_", static_cast<int>(type));
}

void AddBalances(const std::string& side, const Account& account,
                 Record& record) {
  const auto add = [&](const char* name, Amount amount) {
    record.push_back(Text(absl::StrCat(side, name), ToString(amount.value())));
  };
  add("_debits_pending", account.debits_pending);
  add("_debits_posted", account.debits_posted);
  add("_credits_pending", account.credits_pending);
  add("_credits_posted", account.credits_posted);
}

// The same fields for all types, so that a table has its columns.
Record ToRecord(Sequence sequence, const LedgerEvent& event) {
  const bool is_account = event.type == LedgerEventType::kAccountCreated;
  Record record = {
      Number("sequence", sequence.value()),
      Text("type", NameOf(event.type)),
      Text("timestamp", TimeText(event.timestamp)),
      Text("transfer", is_account ? "" : ToString(event.transfer.id.value())),
      Text("debit_account", ToString(event.debit.id.value())),
      Text("credit_account",
           is_account ? "" : ToString(event.credit.id.value())),
      Text("amount",
           is_account ? "" : ToString(event.transfer.amount.value()))};
  AddBalances("debit_account", event.debit, record);
  AddBalances("credit_account", event.credit, record);
  return record;
}

absl::StatusOr<ExitCode> Watch(Context& context, const WatchOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  Printer printer = context.MakePrinter();
  printer.set_streaming(true);
  const auto watch = client->WatchEvents(Sequence(options.from));
  for (uint64_t printed = 0; options.count == 0 || printed < options.count;) {
    LEDGERD_ASSIGN_OR_RETURN(const LedgerEvents entry, watch->Next());
    for (const LedgerEvent& event : entry.events) {
      printer.Row(ToRecord(entry.sequence, event));
      if (++printed == options.count) break;
    }
  }
  printer.Finish();
  return ExitCode::kOk;
}

}  // namespace

void AddWatchCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<WatchOptions>();
  CLI::App* command = app.add_subcommand(
      "watch",
      "Print what happens: each account created, transfer made, posted, voided "
      "or expired, with both balances after it. First the past, then live, "
      "over restarts of the server, each event once.");
  command->add_option("--from", options->from,
                      "The first sequence; by default the oldest kept");
  command->add_option("--count,-n", options->count,
                      "End after that many events; by default never");
  command->footer("Example:\n  ledgerctl watch --from 100 -o json");
  command->callback([&context, options] {
    context.Run([&] { return Watch(context, *options); });
  });
}

}  // namespace ledgerd::client
