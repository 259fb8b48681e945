// account create, account show.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/records.h"
#include "client/ledgerctl/repeat.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

struct CreateOptions {
  std::string id;
  uint32_t ledger = 1;
  uint16_t code = 1;
  std::string flags;
  std::string user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
};

absl::StatusOr<Account> MakeAccount(const CreateOptions& options) {
  Account account;
  account.id = AccountId(NewId());
  if (!options.id.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(options.id));
    account.id = AccountId(id);
  }
  account.ledger = options.ledger;
  account.code = options.code;
  LEDGERD_ASSIGN_OR_RETURN(account.flags, ParseAccountFlags(options.flags));
  if (!options.user_data_128.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(account.user_data_128,
                             ParseId(options.user_data_128));
  }
  account.user_data_64 = options.user_data_64;
  account.user_data_32 = options.user_data_32;
  return account;
}

absl::StatusOr<ExitCode> Create(Context& context,
                                const CreateOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const Account account, MakeAccount(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  if (options.id.empty()) {
    Context::Say(absl::StrCat("The account's id is ",
                              ToString(account.id.value()),
                              "; after an error try again with --id=it."));
  }
  LEDGERD_ASSIGN_OR_RETURN(const CreatedAccounts created,
                           client->CreateAccounts({account}));
  const AccountResult& result = created.results.front();
  context.MakePrinter().One({Text("id", ToString(account.id.value())),
                             Text("status", std::string(Name(result.status))),
                             Text("timestamp", TimeText(result.timestamp)),
                             Number("sequence", created.sequence.value())});
  if (IsThere(result)) return ExitCode::kOk;
  return absl::AbortedError(
      absl::StrCat("account ", ToString(account.id.value()),
                   " was not created: ", Name(result.status)));
}

absl::StatusOr<ExitCode> Show(Context& context,
                              const std::vector<std::string>& texts) {
  std::vector<AccountId> ids;
  for (const std::string& text : texts) {
    LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(text));
    ids.emplace_back(id);
  }
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundAccounts found,
                           client->LookupAccounts(ids));
  Printer printer = context.MakePrinter();
  for (const Account& account : found.accounts) printer.Row(ToRecord(account));
  printer.Finish();
  if (found.missing.empty()) return ExitCode::kOk;
  return absl::AbortedError(absl::StrCat(
      "no account ", ToString(found.missing.front().value()),
      found.missing.size() > 1
          ? absl::StrCat(" (nor ", found.missing.size() - 1, " others)")
          : ""));
}

void AddCreate(CLI::App& parent, Context& context) {
  const auto options = std::make_shared<CreateOptions>();
  CLI::App* command = parent.add_subcommand(
      "create",
      "Create an account. Running it again with the same id is safe: it "
      "answers 'exists'.");
  command
      ->add_option("--id", options->id,
                   "Decimal, or a UUID; a new one by default")
      ->type_name("ID");
  command
      ->add_option("--ledger", options->ledger,
                   "The currency, tenant, ...: accounts transact only "
                   "within one")
      ->capture_default_str();
  command
      ->add_option("--code", options->code,
                   "The chart-of-accounts category, 1 to 65535")
      ->capture_default_str();
  command->add_option(
      "--flags", options->flags,
      "Joined by '|' or ',': debits_must_not_exceed_credits (a customer who "
      "may not overdraw), credits_must_not_exceed_debits, history (keep the "
      "balance after every transfer)");
  command
      ->add_option("--user-data-128", options->user_data_128,
                   "Yours: decimal, or a UUID")
      ->type_name("ID");
  command->add_option("--user-data-64", options->user_data_64, "Yours");
  command->add_option("--user-data-32", options->user_data_32, "Yours");
  command->footer(
      "Example:\n  ledgerctl account create --id 1001 --ledger 978 --code 10 "
      "--flags debits_must_not_exceed_credits");
  command->callback([&context, options] {
    context.Run([&] { return Create(context, *options); });
  });
}

void AddShow(CLI::App& parent, Context& context) {
  const auto ids = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      parent.add_subcommand("show", "Show accounts with their balances.");
  command->add_option("ids", *ids, "Decimal, or UUIDs")
      ->type_name("ID")
      ->required();
  command->footer(
      "net is credits_posted - debits_posted: what a customer has, where "
      "customers are liabilities.\n\nExample:\n  ledgerctl account show 1001 "
      "1002 -o json");
  command->callback([&context, ids, repeat = AddRepeat(*command)] {
    RunRepeated(context, *repeat, [&] { return Show(context, *ids); });
  });
}

}  // namespace

void AddAccountCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("account", "Create or show accounts.");
  command->require_subcommand(1);
  AddCreate(*command, context);
  AddShow(*command, context);
  AddAccountQueries(*command, context);
}

}  // namespace ledgerd::client
