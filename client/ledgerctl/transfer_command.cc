// transfer: one payment.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

struct TransferOptions {
  std::string id;
  std::string debit;
  std::string credit;
  std::string amount;
  uint32_t ledger = 0;
  uint16_t code = 0;
  bool pending = false;
  std::string post;
  std::string void_id;
  uint32_t expires_after_seconds = 0;
  bool balancing_debit = false;
  bool balancing_credit = false;
  bool closing_debit = false;
  bool closing_credit = false;
  std::string user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
};

uint16_t FlagsOf(const TransferOptions& options) {
  const auto bit = [](bool set, uint16_t flag) { return set ? flag : 0; };
  return static_cast<uint16_t>(
      bit(options.pending, transfer_flags::kPending) |
      bit(!options.post.empty(), transfer_flags::kPostPending) |
      bit(!options.void_id.empty(), transfer_flags::kVoidPending) |
      bit(options.balancing_debit, transfer_flags::kBalancingDebit) |
      bit(options.balancing_credit, transfer_flags::kBalancingCredit) |
      bit(options.closing_debit, transfer_flags::kClosingDebit) |
      bit(options.closing_credit, transfer_flags::kClosingCredit));
}

// Leaves `value` alone when the text is empty.
template <typename Id>
absl::Status SetId(const std::string& text, Id* value) {
  if (text.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(text));
  *value = Id(id);
  return absl::OkStatus();
}

// What is left out of a post or void, the server takes from the pending
// transfer; a post without an amount posts all.
absl::Status SetAmount(const TransferOptions& options, Transfer* transfer) {
  const bool resolves = !options.post.empty() || !options.void_id.empty();
  if (options.amount.empty() && !resolves) {
    return absl::InvalidArgumentError(
        "no --amount: how much, in the smallest unit (995 is 9.95)");
  }
  if (options.amount.empty()) {
    transfer->amount = options.post.empty() ? Amount(0) : kAmountMax;
    return absl::OkStatus();
  }
  LEDGERD_ASSIGN_OR_RETURN(transfer->amount, ParseAmount(options.amount));
  return absl::OkStatus();
}

absl::StatusOr<Transfer> MakeTransfer(const TransferOptions& options) {
  const bool resolves = !options.post.empty() || !options.void_id.empty();
  if (!resolves && (options.debit.empty() || options.credit.empty())) {
    return absl::InvalidArgumentError(
        "a transfer needs --debit and --credit, the accounts that pay and "
        "receive; or --post or --void, the pending transfer to resolve");
  }
  Transfer transfer;
  transfer.id = TransferId(NewId());
  LEDGERD_RETURN_IF_ERROR(SetId(options.id, &transfer.id));
  LEDGERD_RETURN_IF_ERROR(SetId(options.debit, &transfer.debit_account_id));
  LEDGERD_RETURN_IF_ERROR(SetId(options.credit, &transfer.credit_account_id));
  LEDGERD_RETURN_IF_ERROR(SetId(options.post, &transfer.pending_id));
  LEDGERD_RETURN_IF_ERROR(SetId(options.void_id, &transfer.pending_id));
  LEDGERD_RETURN_IF_ERROR(
      SetId(options.user_data_128, &transfer.user_data_128));
  LEDGERD_RETURN_IF_ERROR(SetAmount(options, &transfer));
  const bool inherits = resolves;
  transfer.ledger = options.ledger == 0 && !inherits ? 1 : options.ledger;
  transfer.code = options.code == 0 && !inherits ? 1 : options.code;
  transfer.timeout_seconds = options.expires_after_seconds;
  transfer.user_data_64 = options.user_data_64;
  transfer.user_data_32 = options.user_data_32;
  transfer.flags = FlagsOf(options);
  return transfer;
}

// Why the ledger refused, and what to do, where the status does not say it all.
absl::string_view Explanation(TransferStatus status) {
  switch (status) {
    case TransferStatus::kExceedsCredits:
      return ": the debit account has too little. This id is used up: pay with "
             "a new one once it has enough";
    case TransferStatus::kExceedsDebits:
      return ": the credit account would receive more than it may. This id is "
             "used up: pay with a new one";
    case TransferStatus::kDebitAccountNotFound:
    case TransferStatus::kCreditAccountNotFound:
      return ": see 'ledgerctl account show'. This id is used up: pay with a "
             "new one once the account exists";
    case TransferStatus::kIdAlreadyFailed:
      return ": this id failed before and can never be used again; a new "
             "attempt is a new id";
    case TransferStatus::kExistsWithDifferentAmount:
    case TransferStatus::kExistsWithDifferentDebitAccountId:
    case TransferStatus::kExistsWithDifferentCreditAccountId:
      return ": this id is another payment's";
    default:
      return "";
  }
}

absl::Status Refusal(const Transfer& transfer, const TransferResult& result) {
  std::string text = absl::StrCat("transfer ", ToString(transfer.id.value()),
                                  " was refused: ", Name(result.status));
  if (result.status == TransferStatus::kIdAlreadyFailed) {
    absl::StrAppend(&text, " (", Name(result.original_status), ")");
  }
  return absl::AbortedError(absl::StrCat(text, Explanation(result.status)));
}

absl::StatusOr<ExitCode> Send(Context& context,
                              const TransferOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const Transfer transfer, MakeTransfer(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  if (options.id.empty()) {
    Context::Say(absl::StrCat("The transfer's id is ",
                              ToString(transfer.id.value()),
                              "; after an error try again with --id=it."));
  }
  LEDGERD_ASSIGN_OR_RETURN(const CreatedTransfers created,
                           client->CreateTransfers({transfer}));
  const TransferResult& result = created.results.front();
  context.MakePrinter().One({Text("id", ToString(transfer.id.value())),
                             Text("status", std::string(Name(result.status))),
                             Text("amount", ToString(result.amount.value())),
                             Text("timestamp", TimeText(result.timestamp)),
                             Number("sequence", created.sequence.value())});
  if (IsThere(result)) return ExitCode::kOk;
  return Refusal(transfer, result);
}

void AddPlainOptions(CLI::App* command, TransferOptions* options) {
  command
      ->add_option("--id", options->id,
                   "Chosen once for each payment, kept for every retry: "
                   "decimal, or a UUID; a new one by default")
      ->type_name("ID");
  command->add_option("--debit", options->debit, "The account that pays")
      ->type_name("ID");
  command->add_option("--credit", options->credit, "The account that receives")
      ->type_name("ID");
  command
      ->add_option("--amount", options->amount,
                   "In the smallest unit; or 'max', for balancing and post")
      ->type_name("AMOUNT");
  command->add_option("--ledger", options->ledger, "By default 1");
  command->add_option("--code", options->code,
                      "Why: your category, 1 to 65535. By default 1");
  command
      ->add_option("--user-data-128", options->user_data_128,
                   "Yours: decimal, or a UUID")
      ->type_name("ID");
  command->add_option("--user-data-64", options->user_data_64, "Yours");
  command->add_option("--user-data-32", options->user_data_32, "Yours");
}

void AddTwoPhaseOptions(CLI::App* command, TransferOptions* options) {
  auto* pending = command->add_flag("--pending", options->pending,
                                    "Reserve the amount; post or void later");
  auto* post =
      command
          ->add_option("--post", options->post,
                       "Post this pending transfer: all of it, or --amount")
          ->type_name("ID");
  auto* void_id =
      command
          ->add_option("--void", options->void_id, "Void this pending transfer")
          ->type_name("ID");
  pending->excludes(post)->excludes(void_id);
  post->excludes(void_id);
  command
      ->add_option("--expires-after", options->expires_after_seconds,
                   "Seconds until a pending transfer expires by itself; 0 is "
                   "never")
      ->needs(pending);
  command
      ->add_flag("--closing-debit", options->closing_debit,
                 "Close the debit account")
      ->needs(pending);
  command
      ->add_flag("--closing-credit", options->closing_credit,
                 "Close the credit account")
      ->needs(pending);
}

void AddBalancingOptions(CLI::App* command, TransferOptions* options) {
  command->add_flag("--balancing-debit", options->balancing_debit,
                    "At most --amount, as far as the debit account's balance "
                    "goes");
  command->add_flag("--balancing-credit", options->balancing_credit,
                    "The same for the credit account");
}

}  // namespace

void AddTransferCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<TransferOptions>();
  CLI::App* command = app.add_subcommand(
      "transfer",
      "Move money from one account to another, in one step or in two.");
  AddPlainOptions(command, options.get());
  AddTwoPhaseOptions(command, options.get());
  AddBalancingOptions(command, options.get());
  AddRevertCommand(*command, context);
  command->footer(
      "Examples:\n"
      "  ledgerctl transfer --id 1 --debit 1001 --credit 1002 --amount 995\n"
      "  ledgerctl transfer --id 2 --debit 1001 --credit 1002 --amount 500 "
      "--pending --expires-after 3600\n"
      "  ledgerctl transfer --id 3 --post 2 --amount 300\n"
      "  ledgerctl transfer revert 1\n\n"
      "A repeated id answers 'exists' and moves nothing. Exit code 1: refused, "
      "or the outcome is unknown (run it again with the same id).");
  command->callback([&context, options, command] {
    // CLI11 has called that of a subcommand before.
    if (!command->get_subcommands().empty()) return;
    context.Run([&] { return Send(context, *options); });
  });
}

}  // namespace ledgerd::client
