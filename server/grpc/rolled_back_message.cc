#include "server/grpc/rolled_back_message.h"

#include <cstddef>
#include <map>
#include <utility>

#include "proto/entry.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "server/grpc/journal_message.h"
#include "storage/journal.h"
#include "storage/rolled_back.h"

namespace ledgerd::server {
namespace {

// Of the entry that stands there; 0 when it cannot be read.
Epoch EpochAt(const storage::Journal& journal, Sequence sequence) {
  const auto entries = journal.Read(sequence, 1);
  return entries.ok() && !entries->empty() ? entries->front().epoch()
                                           : Epoch(0);
}

// That of the first entry from `from` on which is of a later epoch than
// `before`; 0: none. Epochs never go down along a journal.
Epoch FirstLaterEpoch(const storage::Journal& journal, Sequence from,
                      Epoch before) {
  const Sequence last = journal.last().sequence;
  if (from < journal.first() || from > last) return Epoch(0);
  Sequence low = from;
  Sequence high = last;
  while (low < high) {
    const Sequence middle(low.value() + (high.value() - low.value()) / 2);
    if (EpochAt(journal, middle) > before) {
      high = middle;
    } else {
      low = middle.Next();
    }
  }
  const Epoch found = EpochAt(journal, low);
  return found > before ? found : Epoch(0);
}

void SetTime(Timestamp time, google::protobuf::Timestamp& message) {
  message.set_seconds(static_cast<int64_t>(time.value() / kNanosPerSecond));
  message.set_nanos(static_cast<int32_t>(time.value() % kNanosPerSecond));
}

}  // namespace

absl::Status FillRolledBack(const ServedGroup& group,
                            admin::v1::ListRolledBackResponse& response) {
  // Two thirds for entries with their bytes, the rest for those without.
  constexpr size_t kWholeMax = kMessageBytesMax / 3 * 2;
  constexpr int kEntriesMax = 4'000;
  size_t whole = 0;
  std::map<std::pair<Sequence, Epoch>, Epoch> new_epochs;
  return storage::ReadRolledBack(
      group.data_dir, [&](const storage::RolledBackEntry& cut) {
        admin::v1::RolledBackEntry& message = *response.add_entries();
        // As it was asked for, and as it lay in the journal.
        whole += 2 * cut.entry.bytes().size();
        if (whole <= kWholeMax) {
          ToMessage(cut.entry, *message.mutable_entry());
        } else {
          HeaderToMessage(cut.entry, *message.mutable_entry());
        }
        SetTime(cut.rolled_back_at, *message.mutable_rolled_back_at());
        const auto [known, is_new] =
            new_epochs.try_emplace({cut.from, cut.entry.epoch()});
        if (is_new) {
          known->second =
              FirstLaterEpoch(group.journal, cut.from, cut.entry.epoch());
        }
        message.set_new_epoch(known->second.value());
        return response.entries_size() < kEntriesMax;
      });
}

}  // namespace ledgerd::server
