// transfers, and account list, transfers, balances: what matches a filter.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/filters.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/records.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

struct FilterOptions {
  std::string account;
  bool debits_only = false;
  bool credits_only = false;
  std::string user_data_128;
  uint64_t user_data_64 = 0;
  uint32_t user_data_32 = 0;
  uint32_t ledger = 0;
  uint16_t code = 0;
  std::string from;
  std::string to;
  bool reversed = false;
  uint32_t limit = 100;
};

absl::Status SetTime(const std::string& text, std::optional<Timestamp>& time) {
  if (text.empty()) return absl::OkStatus();
  LEDGERD_ASSIGN_OR_RETURN(time, ParseTime(text));
  return absl::OkStatus();
}

// Sets what both filters have.
template <typename Filter>
absl::Status SetCommon(const FilterOptions& options, Filter& filter) {
  if (!options.user_data_128.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(filter.user_data_128,
                             ParseId(options.user_data_128));
  }
  filter.user_data_64 = options.user_data_64;
  filter.user_data_32 = options.user_data_32;
  if (options.code != 0) filter.code = options.code;
  LEDGERD_RETURN_IF_ERROR(SetTime(options.from, filter.timestamp_min));
  LEDGERD_RETURN_IF_ERROR(SetTime(options.to, filter.timestamp_max));
  filter.reversed = options.reversed;
  filter.limit = options.limit;
  return absl::OkStatus();
}

absl::StatusOr<QueryFilter> MakeQueryFilter(const FilterOptions& options) {
  QueryFilter filter;
  LEDGERD_RETURN_IF_ERROR(SetCommon(options, filter));
  if (options.ledger != 0) filter.ledger = options.ledger;
  return filter;
}

absl::StatusOr<AccountFilter> MakeAccountFilter(const FilterOptions& options) {
  AccountFilter filter;
  LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(options.account));
  filter.account = AccountId(id);
  filter.debits = !options.credits_only;
  filter.credits = !options.debits_only;
  LEDGERD_RETURN_IF_ERROR(SetCommon(options, filter));
  return filter;
}

// Whoever sees a full page knows how to ask for the next one.
void SayIfMore(const FilterOptions& options, size_t shown, Timestamp last) {
  if (shown < options.limit) return;
  const uint64_t next = options.reversed ? last.value() - 1 : last.value() + 1;
  Context::Say(absl::StrCat("There may be more: --",
                            options.reversed ? "to" : "from", "=", next,
                            ", or a higher --limit."));
}

absl::Status Print(Context& context, const FilterOptions& options,
                   const FoundTransfers& found) {
  Printer printer = context.MakePrinter();
  for (size_t i = 0; i < found.transfers.size(); ++i) {
    printer.Row(ToRecord(found.transfers[i], found.pending_states[i]));
  }
  printer.Finish();
  if (!found.transfers.empty()) {
    SayIfMore(options, found.transfers.size(),
              found.transfers.back().timestamp);
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> ListAccounts(Context& context,
                                      const FilterOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const QueryFilter filter, MakeQueryFilter(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundAccounts found,
                           client->QueryAccounts(filter));
  Printer printer = context.MakePrinter();
  for (const Account& account : found.accounts) printer.Row(ToRecord(account));
  printer.Finish();
  if (!found.accounts.empty()) {
    SayIfMore(options, found.accounts.size(), found.accounts.back().timestamp);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ListTransfers(Context& context,
                                       const FilterOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const QueryFilter filter, MakeQueryFilter(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundTransfers found,
                           client->QueryTransfers(filter));
  LEDGERD_RETURN_IF_ERROR(Print(context, options, found));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> LookupTransfers(
    Context& context, const std::vector<std::string>& texts) {
  std::vector<TransferId> ids;
  for (const std::string& text : texts) {
    LEDGERD_ASSIGN_OR_RETURN(const Uint128 id, ParseId(text));
    ids.emplace_back(id);
  }
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundTransfers found,
                           client->LookupTransfers(ids));
  LEDGERD_RETURN_IF_ERROR(Print(context, {.limit = ~uint32_t{0}}, found));
  if (found.missing.empty()) return ExitCode::kOk;
  return absl::AbortedError(absl::StrCat(
      "no transfer ", ToString(found.missing.front().value()),
      found.missing.size() > 1
          ? absl::StrCat(" (nor ", found.missing.size() - 1, " others)")
          : ""));
}

absl::StatusOr<ExitCode> AccountTransfers(Context& context,
                                          const FilterOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const AccountFilter filter,
                           MakeAccountFilter(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundTransfers found,
                           client->GetAccountTransfers(filter));
  LEDGERD_RETURN_IF_ERROR(Print(context, options, found));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> AccountBalances(Context& context,
                                         const FilterOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const AccountFilter filter,
                           MakeAccountFilter(options));
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const FoundBalances found,
                           client->GetAccountBalances(filter));
  Printer printer = context.MakePrinter();
  for (const AccountBalance& balance : found.balances) {
    printer.Row(ToRecord(balance));
  }
  printer.Finish();
  if (!found.balances.empty()) {
    SayIfMore(options, found.balances.size(), found.balances.back().timestamp);
  }
  return ExitCode::kOk;
}

void AddFilter(CLI::App* command, FilterOptions* options) {
  command->add_option("--code", options->code, "Of this category alone");
  command
      ->add_option("--user-data-128", options->user_data_128,
                   "With this value alone: decimal, or a UUID")
      ->type_name("ID");
  command->add_option("--user-data-64", options->user_data_64,
                      "With this value alone");
  command->add_option("--user-data-32", options->user_data_32,
                      "With this value alone");
  command
      ->add_option("--from", options->from,
                   "Not before this time: as shown, or in nanoseconds since "
                   "1970")
      ->type_name("TIME");
  command->add_option("--to", options->to, "Not after this time")
      ->type_name("TIME");
  command->add_flag("--reversed", options->reversed, "Newest first");
  command->add_option("--limit", options->limit, "At most so many")
      ->capture_default_str();
}

void AddAccountFilter(CLI::App* command, FilterOptions* options) {
  command->add_option("account", options->account, "Decimal, or a UUID")
      ->type_name("ID")
      ->required();
  auto* debits = command->add_flag("--debits", options->debits_only,
                                   "Only what the account pays");
  command
      ->add_flag("--credits", options->credits_only,
                 "Only what the account receives")
      ->excludes(debits);
  AddFilter(command, options);
}

using Query = absl::StatusOr<ExitCode> (*)(Context&, const FilterOptions&);

}  // namespace

void AddAccountQueries(CLI::App& account, Context& context) {
  const auto add = [&](const char* name, const char* description, Query query) {
    const auto options = std::make_shared<FilterOptions>();
    CLI::App* command = account.add_subcommand(name, description);
    command->callback([&context, options, query] {
      context.Run([&] { return query(context, *options); });
    });
    return std::pair(command, options.get());
  };
  const auto [list, list_options] =
      add("list", "Show the accounts that match, oldest first.", ListAccounts);
  list->add_option("--ledger", list_options->ledger, "Of this ledger alone");
  AddFilter(list, list_options);
  list->footer(
      "Example:\n  ledgerctl account list --ledger 978 --limit 10 -o json");
  const auto [transfers, transfers_options] =
      add("transfers", "Show an account's transfers.", AccountTransfers);
  AddAccountFilter(transfers, transfers_options);
  transfers->footer(
      "Example:\n  ledgerctl account transfers 1001 --reversed --limit 10");
  const auto [balances, balances_options] =
      add("balances",
          "Show an account's balances after each of its transfers; for "
          "accounts with the flag 'history'.",
          AccountBalances);
  AddAccountFilter(balances, balances_options);
  balances->footer(
      "Example:\n  ledgerctl account balances 1001 --from "
      "2026-11-25T00:00:00Z");
}

void AddTransfersCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<FilterOptions>();
  const auto ids = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(
      "transfers", "Show transfers: those given, or all that match.");
  command->add_option("ids", *ids, "Decimal, or UUIDs")->type_name("ID");
  command->add_option("--ledger", options->ledger, "Of this ledger alone");
  AddFilter(command, options.get());
  command->footer(
      "Examples:\n  ledgerctl transfers 7 8\n  ledgerctl transfers --code 10 "
      "--from 2026-11-25T00:00:00Z --limit 1000 -o json");
  command->callback([&context, options, ids] {
    context.Run([&] {
      return ids->empty() ? ListTransfers(context, *options)
                          : LookupTransfers(context, *ids);
    });
  });
}

}  // namespace ledgerd::client
