// verify: all replicas have the same state. verify --books: the books balance,
// and the journal's chain holds.
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
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

using ReplicaHash = ::admin::v1::VerifyReplicasResponse::ReplicaHash;
using Hashes = std::pair<std::string, std::string>;

Hashes HashesOf(const ReplicaHash& replica) {
  return {replica.state_hash(), replica.journal_hash()};
}

// What more replicas say than anything else; nothing's where two are even.
Hashes MostCommon(const ::admin::v1::VerifyReplicasResponse& verified) {
  std::map<Hashes, size_t> counts;
  for (const ReplicaHash& replica : verified.hashes()) {
    if (replica.error().empty()) ++counts[HashesOf(replica)];
  }
  std::pair<Hashes, size_t> most;
  for (const auto& [hashes, count] : counts) {
    if (count == most.second) most.first = {};
    if (count > most.second) most = {hashes, count};
  }
  return most.first;
}

// Of one replica: "equal", "differs", or why it was not asked.
std::string Verdict(const ReplicaHash& replica, const Hashes& right) {
  if (!replica.error().empty()) return replica.error();
  return HashesOf(replica) == right ? "equal" : "differs";
}

absl::StatusOr<ExitCode> VerifyReplicas(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto verified, admin->VerifyReplicas());
  const Hashes right = MostCommon(verified);
  std::string differing;
  Printer printer = context.MakePrinter();
  for (const ReplicaHash& replica : verified.hashes()) {
    const std::string verdict = Verdict(replica, right);
    printer.Row(
        {Number("replica", replica.replica_id()),
         Number("sequence", verified.sequence()),
         Text("state_hash", absl::BytesToHexString(replica.state_hash())),
         Text("journal_hash", absl::BytesToHexString(replica.journal_hash())),
         Text("verdict", verdict)});
    if (verdict != "differs") continue;
    absl::StrAppend(&differing, differing.empty() ? "" : ", ",
                    replica.replica_id());
  }
  printer.Finish();
  const std::string at = absl::StrCat("sequence ", verified.sequence());
  if (!differing.empty()) {
    Context::Warn(absl::StrCat("At ", at, " replicas differ: ", differing,
                               ". Take them out and let them begin anew from "
                               "the others"));
    return ExitCode::kCorruption;
  }
  if (!verified.match()) {
    Context::Warn(
        absl::StrCat("At ", at, " all that answered are equal; not all did"));
    return ExitCode::kUnhealthy;
  }
  Context::Say(absl::StrCat("All replicas have the same state at ", at, "."));
  return ExitCode::kOk;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Context& context) {
  const auto books = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "verify",
      "Check that what is stored is consistent: that all replicas have the "
      "same state and journal as of one sequence, also under load.");
  command->add_flag(
      "--books", *books,
      "Instead all accounts as of one sequence, also under load: per ledger, "
      "debits equal credits, posted and pending; no account is past "
      "its limit; the journal's hash chain holds over all that is "
      "kept of it, and the answer says from which sequence on");
  command->footer(
      "Without --books, a replica differs whose hashes are not those of most; "
      "where no hashes are those of most, all do.\n\nWhat was dropped from the "
      "journal's beginning is not proven again: the first entry kept is taken "
      "as it is, each later one by the hash of the one before.\n\nExit codes: "
      "5 "
      "a replica could not be asked; 6 replicas differ, the books do not "
      "balance or the chain does not hold.\n\nExamples:\n  ledgerctl "
      "verify\n  ledgerctl verify --books -o json");
  // CLI11 writes to `books` while it parses: the callback keeps it.
  command->callback([&context, books] {
    context.Run([&] {
      return *books ? VerifyBooks(context) : VerifyReplicas(context);
    });
  });
}

}  // namespace ledgerd::client
