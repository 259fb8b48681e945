// transfer revert: the opposite of a payment, once.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/reversal.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

// Each of them was refused, and then asked for again by somebody.
constexpr uint32_t kAttemptsMax = 1'000;

struct Reverted {
  Transfer reversal;
  TransferResult result;
  Sequence sequence;
};

// An id that has failed before has failed for good: only then the next one is
// tried, so no two of them are ever executed.
absl::StatusOr<Reverted> Execute(LedgerClient& client, const Transfer& transfer,
                                 PendingState state) {
  for (uint32_t attempt = 0; attempt < kAttemptsMax; ++attempt) {
    LEDGERD_ASSIGN_OR_RETURN(const Transfer reversal,
                             ReversalOf(transfer, state, attempt));
    LEDGERD_ASSIGN_OR_RETURN(const CreatedTransfers created,
                             client.CreateTransfers({reversal}));
    const TransferResult& result = created.results.front();
    if (result.status == TransferStatus::kIdAlreadyFailed) continue;
    return Reverted{reversal, result, created.sequence};
  }
  return absl::AbortedError(
      absl::StrCat(kAttemptsMax, " attempts to revert transfer ",
                   ToString(transfer.id.value()), " were refused already"));
}

absl::string_view Explanation(TransferStatus status) {
  switch (status) {
    case TransferStatus::kExceedsCredits:
    case TransferStatus::kExceedsDebits:
      return ": what it moved is not there any more. Run it again once it is: "
             "it is reverted once, however often it is asked for";
    default:
      return ". Nothing was done; it may be asked for again";
  }
}

absl::StatusOr<ExitCode> Revert(Context& context, const std::string& text) {
  LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(text));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundTransfers found,
                           client->LookupTransfers({TransferId(id)}));
  if (found.transfers.empty()) {
    return absl::AbortedError(
        absl::StrCat("no transfer ", ToString(id), ": nothing was reverted"));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      const Reverted done,
      Execute(*client, found.transfers.front(), found.pending_states.front()));
  context.MakePrinter().One(
      {Text("id", ToString(done.reversal.id.value())),
       Text("reverts", ToString(id)),
       Text("status", std::string(Name(done.result.status))),
       Text("amount", ToString(done.reversal.amount.value())),
       Text("timestamp", TimeText(done.result.timestamp)),
       Number("sequence", done.sequence.value())});
  if (IsThere(done.result)) return ExitCode::kOk;
  return absl::AbortedError(
      absl::StrCat("transfer ", ToString(id), " was not reverted: ",
                   Name(done.result.status), Explanation(done.result.status)));
}

}  // namespace

void AddRevertCommand(CLI::App& transfer, Context& context) {
  const auto id = std::make_shared<std::string>();
  CLI::App* command = transfer.add_subcommand(
      "revert",
      "Move a transfer's money back: the exact opposite, as a transfer of its "
      "own, whose user_data_128 is the first one's id.");
  command->add_option("id", *id, "The transfer: decimal, or a UUID")
      ->type_name("ID")
      ->required();
  // All else is the first one's.
  for (CLI::Option* option : transfer.get_options()) command->excludes(option);
  command->footer(
      "Its id is derived from the first one's: asked for again it answers "
      "'exists', and moves nothing. Of a chain each transfer is reverted by "
      "itself. One in two steps is reverted by what posted it; one that is "
      "pending is voided instead (exit code 4).\n\nExample:\n  ledgerctl "
      "transfer revert 1");
  command->callback(
      [&context, id] { context.Run([&] { return Revert(context, *id); }); });
}

}  // namespace ledgerd::client
