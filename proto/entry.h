// An Entry is the journal's unit, encoded once: the same bytes are written,
// sent, written again, and hashed everywhere.
//
//   Command command = MakeCommand(EntryKind::kCreateTransfers, transfers);
//   Entry entry = Entry::Seal(std::move(command), position);
//   for (const Transfer& transfer : entry.rows<Transfer>()) ...
//
// Shape       A header of 80 bytes, then the payload. storage/FORMAT.md, "The
//             shared entry", has the grammar and a worked example.
// Errors      DATA_LOSS  the bytes are no entry: too short, or a checksum,
//                        version or size that does not hold.
// Threads     Immutable; copies share the bytes. Safe from any thread.
#ifndef LEDGERD_PROTO_ENTRY_H_
#define LEDGERD_PROTO_ENTRY_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "proto/base/check.h"
#include "proto/base/sha256.h"
#include "proto/system_limits.h"
#include "proto/types.h"

namespace ledgerd {

inline constexpr uint16_t kEntryVersion = 1;

// What an entry does. The values are on disk: never renumber.
enum class EntryKind : uint8_t {
  kCreateAccounts = 1,   // Payload: rows of Account.
  kCreateTransfers = 2,  // Payload: rows of Transfer.
  kExpireTransfers = 3,  // No payload: expires what is due at its timestamp.
  kEpochStart = 4,       // No payload: the first entry of each epoch.
  kMembership = 5,       // Payload: a Membership (membership.h).
  kPause = 6,            // Payload: the same, with another pause.
  kIncidents = 7,        // Payload: incidents (incident.h).
};

// As in admin.v1.JournalEntry.operation; "unknown" for a kind of a newer build.
absl::string_view Name(EntryKind kind);

// What somebody wants journalled: an entry without its place in the journal.
struct Command {
  EntryKind kind = EntryKind::kEpochStart;
  // How many timestamps the entry takes, at least 1: its events use the last
  // ones up to the entry's own.
  uint32_t timestamp_count = 1;
  // kEntryHeaderBytes of space, then the payload.
  std::string buffer = std::string(kEntryHeaderBytes, '\0');
};

// An entry's last place: where the next one continues the chain.
struct EntryId {
  Epoch epoch;
  Sequence sequence;
  Hash256 hash = {};

  friend bool operator==(const EntryId&, const EntryId&) = default;
};

class Entry {
 public:
  // Gives `command` its place after `previous`. `timestamp` is the entry's
  // final one (ledger.md, Time).
  static Entry Seal(Command command, Epoch epoch, Timestamp timestamp,
                    const EntryId& previous);

  // Takes over bytes from a disk or a peer, after checking them.
  static absl::StatusOr<Entry> Parse(std::string bytes);

  EntryKind kind() const { return static_cast<EntryKind>(rep_->bytes[6]); }

  Epoch epoch() const { return rep_->epoch; }

  Sequence sequence() const { return rep_->sequence; }

  Timestamp timestamp() const { return rep_->timestamp; }

  Hash256 previous_hash() const;

  // SHA-256 of bytes().
  const Hash256& hash() const { return rep_->hash; }

  EntryId id() const { return {epoch(), sequence(), hash()}; }

  // The shared entry: exactly what hash() covers.
  absl::string_view bytes() const { return rep_->bytes; }

  absl::string_view payload() const {
    return bytes().substr(kEntryHeaderBytes);
  }

  // The payload as rows. Requires: the kind has rows of this type.
  template <typename Row>
  absl::Span<const Row> rows() const;

  // How many rows; 0 for the kinds without.
  size_t event_count() const;

 private:
  struct Rep {
    std::string bytes;
    Epoch epoch;
    Sequence sequence;
    Timestamp timestamp;
    Hash256 hash = {};
  };

  explicit Entry(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}

  std::shared_ptr<const Rep> rep_;
};

// A command of `rows`, one event each.
template <typename Row>
Command MakeCommand(EntryKind kind, absl::Span<const Row> rows) {
  static_assert(sizeof(Row) == kRowBytes);
  Command command;
  command.kind = kind;
  command.timestamp_count = static_cast<uint32_t>(rows.size());
  command.buffer.resize(kEntryHeaderBytes + rows.size() * kRowBytes);
  std::memcpy(command.buffer.data() + kEntryHeaderBytes, rows.data(),
              rows.size() * kRowBytes);
  return command;
}

// Expires what is due; takes as many timestamps as it could expire transfers.
Command MakeExpireCommand();

template <typename Row>
absl::Span<const Row> Entry::rows() const {
  static_assert(sizeof(Row) == kRowBytes);
  const char* at = rep_->bytes.data() + kEntryHeaderBytes;
  // Long strings are on the heap, which is aligned to 16; so is the header's
  // size.
  LEDGERD_CHECK(reinterpret_cast<uintptr_t>(at) % alignof(Row) == 0);
  return {reinterpret_cast<const Row*>(at), payload().size() / kRowBytes};
}

}  // namespace ledgerd

#endif  // LEDGERD_PROTO_ENTRY_H_
