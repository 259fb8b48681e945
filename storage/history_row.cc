#include "storage/history_row.h"

#include <cstddef>
#include <cstdint>

#include "proto/base/little_endian.h"
#include "storage/packed_numbers.h"

namespace ledgerd::storage {
namespace {

// Five numbers have 20 bits of lengths.
constexpr size_t kHeadBytes = 4;
constexpr size_t kBytesMax = kHeadBytes + 8 + size_t{4} * 16 + 16;

}  // namespace

std::string PackHistory(absl::Span<const HistoryRow> rows) {
  const uint64_t first = rows.front().balances.timestamp.value();
  std::string packed;
  char bytes[kBytesMax];
  for (const HistoryRow& row : rows) {
    NumberWriter writer(bytes + kHeadBytes);
    writer.Put(row.balances.timestamp.value() - first);
    writer.Put(row.balances.debits_pending.value());
    writer.Put(row.balances.debits_posted.value());
    writer.Put(row.balances.credits_pending.value());
    writer.Put(row.balances.credits_posted.value());
    PutLittle(bytes, static_cast<uint32_t>(writer.lengths()));
    packed.append(bytes, static_cast<size_t>(writer.at() - bytes));
  }
  return packed;
}

bool UnpackHistory(Timestamp first, absl::string_view row,
                   std::vector<AccountBalances>& balances) {
  balances.clear();
  const char* at = row.data();
  const char* const limit = at + row.size();
  while (at != limit) {
    if (limit - at < static_cast<ptrdiff_t>(kHeadBytes)) return false;
    NumberReader reader(at + kHeadBytes, limit, GetLittle<uint32_t>(at));
    AccountBalances next;
    next.timestamp = Timestamp(first.value() + reader.Next<uint64_t>());
    next.debits_pending = Amount(reader.Next<Uint128>());
    next.debits_posted = Amount(reader.Next<Uint128>());
    next.credits_pending = Amount(reader.Next<Uint128>());
    next.credits_posted = Amount(reader.Next<Uint128>());
    at = reader.end();
    if (at == nullptr) return false;
    balances.push_back(next);
  }
  return !balances.empty();
}

}  // namespace ledgerd::storage
