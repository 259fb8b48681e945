// verify --books: the books balance, and the journal's chain holds.
#include <algorithm>
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

// So often is the journal begun again when its first segment is released while
// it is read.
constexpr int kAttemptsMax = 10;

// The part of the journal that is kept, and has been checked.
struct CheckedJournal {
  Sequence first;
  Sequence last;
};

absl::Status ReadChecked(AdminClient& admin, const CheckedJournal& kept) {
  if (kept.last < kept.first) return absl::OkStatus();
  JournalChain chain;
  return admin.ReadJournal({.from = kept.first, .to = kept.last},
                           [&](const ::admin::v1::JournalEntry& entry) {
                             return chain.Check(entry).status();
                           });
}

absl::StatusOr<CheckedJournal> CheckJournal(AdminClient& admin) {
  for (int attempt = 1;; ++attempt) {
    LEDGERD_ASSIGN_OR_RETURN(const auto status, admin.GetStatus());
    const CheckedJournal kept = {.first = Sequence(std::max<uint64_t>(
                                     1, status.journal_first_sequence())),
                                 .last = Sequence(status.commit_sequence())};
    const absl::Status checked = ReadChecked(admin, kept);
    if (checked.ok()) return kept;
    if (!absl::IsOutOfRange(checked) || attempt == kAttemptsMax) return checked;
  }
}

void Print(Context& context, const BookAudit::Result& result,
           const CheckedJournal& journal) {
  Printer printer = context.MakePrinter();
  for (const auto& [ledger, sums] : result.books.ledgers()) {
    printer.Row({Number("ledger", uint64_t{ledger}),
                 Number("accounts", uint64_t{sums.accounts}),
                 Text("debits_posted", sums.debits_posted.ToText()),
                 Text("credits_posted", sums.credits_posted.ToText()),
                 Text("debits_pending", sums.debits_pending.ToText()),
                 Text("credits_pending", sums.credits_pending.ToText()),
                 Number("sequence", result.sequence.value()),
                 Number("journal_first", journal.first.value()),
                 Number("journal_last", journal.last.value())});
  }
  printer.Finish();
}

// What has been proven, and from where on.
std::string Words(const BookAudit::Result& result,
                  const CheckedJournal& journal, bool balanced) {
  return absl::StrCat(
      result.accounts, " accounts as of sequence ", result.sequence.value(),
      balanced ? ": the books balance; " : ": the books do NOT balance; ",
      "the journal's hash chain holds from sequence ", journal.first.value(),
      journal.first > Sequence(1) ? " (the first that is kept)" : "", " to ",
      journal.last.value(), ".");
}

absl::StatusOr<ExitCode> VerifyBooks(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  BookAudit audit(*client, {.batch_max = context.batch_max()});
  LEDGERD_ASSIGN_OR_RETURN(const BookAudit::Result result, audit.Run());
  LEDGERD_ASSIGN_OR_RETURN(const CheckedJournal journal, CheckJournal(*admin));
  Print(context, result, journal);
  const auto problems = result.books.problems();
  for (const std::string& problem : problems) Context::Warn(problem);
  Context::Say(Words(result, journal, problems.empty()));
  return problems.empty() ? ExitCode::kOk : ExitCode::kCorruption;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Context& context) {
  const auto books = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("verify", "Check that what is stored is consistent.");
  command
      ->add_flag(
          "--books", *books,
          "All accounts as of one sequence, also under load: per ledger, "
          "debits equal credits, posted and pending; no account is past "
          "its limit; the journal's hash chain holds over all that is "
          "kept of it, and the answer says from which sequence on")
      ->required();
  command->footer(
      "What was dropped from the journal's beginning is not proven again: the "
      "first entry kept is taken as it is, each later one by the hash of the "
      "one before.\n\nExit codes: 6 the books do not balance or the chain does "
      "not hold.\n\nExample:\n  ledgerctl verify --books -o json");
  // CLI11 writes to `books` while it parses: the callback keeps it.
  command->callback([&context, books] {
    if (!*books) return;
    context.Run([&] { return VerifyBooks(context); });
  });
}

}  // namespace ledgerd::client
