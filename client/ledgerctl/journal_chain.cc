#include "client/ledgerctl/journal_chain.h"

#include "absl/strings/str_cat.h"

#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

absl::Status Differs(uint64_t sequence, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("journal entry ", sequence, ": ", what));
}

absl::Status CheckFields(const ::admin::v1::JournalEntry& shown,
                         const Entry& entry) {
  const uint64_t sequence = shown.sequence();
  if (shown.hash() != std::string(AsBytes(entry.hash()))) {
    return Differs(sequence, "its hash is not the SHA-256 of its bytes");
  }
  if (entry.sequence().value() != sequence) {
    return Differs(sequence, absl::StrCat("its bytes are those of entry ",
                                          entry.sequence().value()));
  }
  if (entry.epoch().value() != shown.epoch() ||
      entry.timestamp().value() != shown.timestamp() ||
      std::string(Name(entry.kind())) != shown.operation() ||
      shown.previous_hash() != std::string(AsBytes(entry.previous_hash()))) {
    return Differs(sequence,
                   "its epoch, timestamp, operation or previous hash is not "
                   "what its bytes say");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Entry> JournalChain::Check(
    const ::admin::v1::JournalEntry& entry) {
  absl::StatusOr<Entry> parsed = Entry::Parse(entry.raw());
  if (!parsed.ok()) {
    return Differs(entry.sequence(), parsed.status().message());
  }
  LEDGERD_RETURN_IF_ERROR(CheckFields(entry, *parsed));
  LEDGERD_RETURN_IF_ERROR(CheckPlace(*parsed));
  last_ = parsed->id();
  return parsed;
}

absl::Status JournalChain::CheckPlace(const Entry& entry) const {
  const uint64_t sequence = entry.sequence().value();
  if (last_.has_value()) {
    if (entry.sequence() != last_->sequence.Next()) {
      return Differs(sequence,
                     absl::StrCat("follows entry ", last_->sequence.value(),
                                  ": some are missing"));
    }
    if (entry.epoch() < last_->epoch) {
      return Differs(sequence, "its epoch is below that of the entry before");
    }
  }
  const Hash256 before = last_.has_value() ? last_->hash : Hash256{};
  if ((last_.has_value() || sequence == 1) && entry.previous_hash() != before) {
    return Differs(sequence,
                   "its previous hash is not the hash of the entry before");
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::client
