#include "storage/timestamp_list.h"

#include <optional>

namespace ledgerd::storage {
namespace {

// A number in groups of 7 bits, the lowest first; the high bit says that more
// follow.
void PutVarint(uint64_t number, std::string& row) {
  for (; number >= 0x80; number >>= 7) {
    row.push_back(static_cast<char>(number | 0x80));
  }
  row.push_back(static_cast<char>(number));
}

class VarintReader {
 public:
  explicit VarintReader(absl::string_view row) : row_(row) {}

  bool AtEnd() const { return at_ == row_.size(); }

  // Nothing when the row is at its end, or the number is too long.
  std::optional<uint64_t> Next() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && !AtEnd(); shift += 7) {
      const auto byte = static_cast<uint8_t>(row_[at_++]);
      number |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    return std::nullopt;
  }

 private:
  absl::string_view row_;
  size_t at_ = 0;
};

// The end of the run that begins at `begin`.
size_t RunEnd(absl::Span<const Timestamp> timestamps, size_t begin) {
  size_t end = begin + 1;
  while (end < timestamps.size() &&
         timestamps[end] == timestamps[end - 1].Next()) {
    ++end;
  }
  return end;
}

}  // namespace

absl::Status PackTimestamps(
    absl::Span<const Timestamp> timestamps, size_t row_bytes_max,
    const std::function<absl::Status(Timestamp, absl::string_view)>& put) {
  std::string row;
  for (size_t at = 0; at < timestamps.size();) {
    const Timestamp first = timestamps[at];
    size_t end = RunEnd(timestamps, at);
    row.clear();
    // A row of one timestamp, of which there are many, is empty.
    if (end - at > 1 || end < timestamps.size()) PutVarint(end - at - 1, row);
    while (end < timestamps.size() && row.size() < row_bytes_max) {
      const size_t begin = end;
      end = RunEnd(timestamps, begin);
      const uint64_t gap =
          timestamps[begin].value() - timestamps[begin - 1].value() - 2;
      const bool longer = end - begin > 1;
      PutVarint(gap << 1 | (longer ? 1 : 0), row);
      if (longer) PutVarint(end - begin - 2, row);
    }
    if (absl::Status status = put(first, row); !status.ok()) return status;
    at = end;
  }
  return absl::OkStatus();
}

bool UnpackTimestamps(Timestamp first, absl::string_view row,
                      std::vector<TimestampRun>& runs) {
  constexpr uint64_t kMax = kTimestampMax.value();
  runs.clear();
  VarintReader reader(row);
  std::optional<uint64_t> more = row.empty() ? 0 : reader.Next();
  for (uint64_t begin = first.value();;) {
    if (!more.has_value() || begin > kMax || *more > kMax - begin) return false;
    const uint64_t last = begin + *more;
    runs.push_back({Timestamp(begin), Timestamp(last)});
    if (reader.AtEnd()) return true;
    const auto token = reader.Next();
    if (!token.has_value() || (*token >> 1) > kMax - last) return false;
    begin = last + (*token >> 1) + 2;
    more = 0;
    if ((*token & 1) != 0) {
      more = reader.Next();
      if (more.has_value()) ++*more;
    }
  }
}

}  // namespace ledgerd::storage
