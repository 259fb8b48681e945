#include "tests/sim/history.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ledgerd::sim {
namespace {

bool SameAnswers(const EntryResult& a, const EntryResult& b) {
  return a.accounts == b.accounts && a.transfers == b.transfers;
}

}  // namespace

void History::Fail(std::string why) {
  if (violation_.empty()) violation_ = std::move(why);
}

void History::OnApplied(const Entry& entry, const EntryResult& result) {
  const uint64_t at = entry.sequence().value();
  if (at > applied_.size() + 1) {
    Fail(absl::StrCat("sequence ", at, " is applied, and nobody has applied ",
                      applied_.size() + 1));
    return;
  }
  if (at <= applied_.size()) {
    const Applied& before = applied_[at - 1];
    if (!(before.entry.id() == entry.id())) {
      Fail(absl::StrCat("two different entries are applied at sequence ", at));
    } else if (!SameAnswers(before.result, result)) {
      Fail(absl::StrCat("the entry at sequence ", at, " is answered twice, ",
                        "and not in the same way"));
    }
    return;
  }
  applied_.push_back({entry, result});
  if (!SameAnswers(naive_.Apply(entry), result)) {
    Fail(absl::StrCat("the naive ledger answers sequence ", at,
                      " in another way"));
  }
}

void History::OnState(Sequence applied, Uint128 hash) {
  const auto known = hashes_.emplace(applied, hash);
  if (known.first->second != hash) {
    Fail(absl::StrCat("two states differ as of sequence ", applied.value()));
  }
}

void History::OnWritten(Sequence floor, const Command& command,
                        const EntryResult& result) {
  const uint64_t at = result.sequence.value();
  if (at == 0 || at > applied_.size()) {
    Fail(
        absl::StrCat("an answer names sequence ", at, " of ", applied_.size()));
    return;
  }
  const Applied& applied = applied_[at - 1];
  const absl::string_view payload =
      absl::string_view(command.buffer).substr(kEntryHeaderBytes);
  if (applied.entry.kind() != command.kind ||
      applied.entry.payload() != payload) {
    Fail(absl::StrCat("the answer names sequence ", at,
                      ", and another command is there: it is lost"));
  } else if (!SameAnswers(applied.result, result)) {
    Fail(absl::StrCat("the answer is not what sequence ", at, " gave"));
  } else if (result.sequence <= floor) {
    Fail(absl::StrCat("sequence ", at, " was asked for after an answer from ",
                      floor.value()));
  }
  floor_ = std::max(floor_, result.sequence);
}

void History::OnRead(Sequence floor, Sequence at) {
  if (at < floor) {
    Fail(absl::StrCat("stale read: as of sequence ", at.value(),
                      ", asked after an answer from ", floor.value()));
  }
  floor_ = std::max(floor_, at);
}

}  // namespace ledgerd::sim
