#include "storage/index_writer.h"

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "storage/state_keys.h"
#include "storage/timestamp_list.h"

namespace ledgerd::storage {

std::vector<Timestamp> ValueGroups::Distribute(
    const std::vector<Timestamp>& timestamps) {
  uint32_t begin = 0;
  for (Group& group : groups_) {
    group.begin = begin;
    begin += group.count;
  }
  std::vector<uint32_t> next;
  next.reserve(groups_.size());
  for (const Group& group : groups_) next.push_back(group.begin);
  std::vector<Timestamp> distributed(timestamps.size());
  for (size_t i = 0; i < timestamps.size(); ++i) {
    distributed[next[groups_of_[i]]++] = timestamps[i];
  }
  return distributed;
}

absl::Status ValueGroups::Write(IndexField field,
                                const std::vector<Timestamp>& timestamps,
                                size_t row_bytes, IngestFiles& files) {
  if (groups_.size() == 1 && groups_.front().value == 0) {
    return absl::OkStatus();
  }
  const std::vector<Timestamp> distributed = Distribute(timestamps);
  std::sort(groups_.begin(), groups_.end(),
            [](const Group& a, const Group& b) { return a.value < b.value; });
  for (const Group& group : groups_) {
    if (group.value == 0) continue;
    const Key prefix = IndexPrefix(field, group.value);
    const auto put = [&](Timestamp first, absl::string_view row) {
      return files.Put(Key(prefix).Add(first.value()),
                       {row.data(), row.size()});
    };
    LEDGERD_RETURN_IF_ERROR(PackTimestamps(
        absl::MakeConstSpan(distributed).subspan(group.begin, group.count),
        row_bytes, put));
  }
  return absl::OkStatus();
}

}  // namespace ledgerd::storage
