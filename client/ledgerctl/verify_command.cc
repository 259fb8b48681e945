// verify --books: the books balance, and the journal's chain holds.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/ledgerctl/book_audit.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/journal_chain.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

absl::Status RequireWholeJournal(AdminClient& admin) {
  LEDGERD_ASSIGN_OR_RETURN(const auto status, admin.GetStatus());
  if (status.journal_first_sequence() <= 1) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the journal of this replica begins at sequence ",
      status.journal_first_sequence(),
      ", so it does not name every account: the books cannot be checked "
      "from it. Ask a replica that keeps all of its journal"));
}

BookAudit::ReadJournal CheckedReader(AdminClient& admin, JournalChain& chain) {
  return
      [&](Sequence from, Sequence to,
          const std::function<void(const Entry&)>& on_entry) -> absl::Status {
        LEDGERD_ASSIGN_OR_RETURN(const auto status, admin.GetStatus());
        if (status.commit_sequence() < from.value()) return absl::OkStatus();
        return admin.ReadJournal(
            {.from = from, .to = to},
            [&](const ::admin::v1::JournalEntry& shown) -> absl::Status {
              LEDGERD_ASSIGN_OR_RETURN(const Entry entry, chain.Check(shown));
              on_entry(entry);
              return absl::OkStatus();
            });
      };
}

void Print(Context& context, const BookAudit::Result& result) {
  Printer printer = context.MakePrinter();
  for (const auto& [ledger, sums] : result.books.ledgers()) {
    printer.Row({Number("ledger", uint64_t{ledger}),
                 Number("accounts", uint64_t{sums.accounts}),
                 Text("debits_posted", sums.debits_posted.ToText()),
                 Text("credits_posted", sums.credits_posted.ToText()),
                 Text("debits_pending", sums.debits_pending.ToText()),
                 Text("credits_pending", sums.credits_pending.ToText())});
  }
  printer.Finish();
}

absl::StatusOr<ExitCode> VerifyBooks(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_RETURN_IF_ERROR(RequireWholeJournal(*admin));
  JournalChain chain;
  BookAudit audit(*client, {.batch_max = context.batch_max()},
                  CheckedReader(*admin, chain));
  LEDGERD_ASSIGN_OR_RETURN(const BookAudit::Result result, audit.Run());
  Print(context, result);
  const auto problems = result.books.problems();
  for (const std::string& problem : problems) Context::Warn(problem);
  Context::Say(absl::StrCat(
      result.accounts, " accounts at sequence ", result.sequence.value(),
      problems.empty() ? ": the books balance; "
                       : ": the books do NOT balance; ",
      "the hash chain holds over ", result.entries, " entries."));
  return problems.empty() ? ExitCode::kOk : ExitCode::kCorruption;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Context& context) {
  const auto books = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("verify", "Check that what is stored is consistent.");
  command
      ->add_flag("--books", *books,
                 "All accounts as of one sequence: per ledger, debits equal "
                 "credits, posted and pending; no account is past its limit; "
                 "the journal's hash chain holds")
      ->required();
  command->footer(
      "Exit codes: 4 the journal does not go back to its beginning, 6 the "
      "books do not balance or the chain does not hold.\n\nExample:\n  "
      "ledgerctl verify --books");
  // CLI11 writes to `books` while it parses: the callback keeps it.
  command->callback([&context, books] {
    if (!*books) return;
    context.Run([&] { return VerifyBooks(context); });
  });
}

}  // namespace ledgerd::client
