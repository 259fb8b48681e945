#include "storage/indexed_rows.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "storage/pending_log.h"

namespace ledgerd::storage {
namespace {

Transfer RandomTransfer(std::mt19937_64& random, Timestamp timestamp) {
  Transfer transfer;
  transfer.debit_account_id = AccountId(1 + random() % 50);
  transfer.user_data_64 = random() % 3;
  transfer.code = 10;
  transfer.timestamp = timestamp;
  return transfer;
}

std::vector<Timestamp> Walk(TimestampCursor& cursor, bool reversed) {
  std::vector<Timestamp> found;
  Timestamp from = reversed ? kTimestampMax : Timestamp(1);
  for (;;) {
    const Timestamp at = cursor.Seek(from);
    if (at == kNoTimestamp) return found;
    found.push_back(at);
    from = Timestamp(reversed ? at.value() - 1 : at.value() + 1);
  }
}

// Row by row.
std::vector<Timestamp> Expected(const std::vector<Transfer>& rows, size_t size,
                                IndexField field, Uint128 value,
                                bool reversed) {
  std::vector<Timestamp> found;
  for (size_t i = 0; i < size; ++i) {
    if (IndexedFields<Transfer>::ValueOf(field, rows[i]) == value) {
      found.push_back(rows[i].timestamp);
    }
  }
  if (reversed) std::reverse(found.begin(), found.end());
  return found;
}

void ExpectView(const RowsView<Transfer>& view,
                const std::vector<Transfer>& rows, size_t size) {
  ASSERT_EQ(view.size(), size);

  struct Case {
    IndexField field;
    Uint128 value;
  };

  for (const Case& c :
       {Case{IndexField::kDebitAccount, 7}, Case{IndexField::kDebitAccount, 51},
        Case{IndexField::kTransferUserData64, 2},
        Case{IndexField::kTransferCode, 10}}) {
    for (const bool reversed : {false, true}) {
      RowsCursor<Transfer> cursor(view, c.field, c.value, reversed);
      ASSERT_EQ(Walk(cursor, reversed),
                Expected(rows, size, c.field, c.value, reversed));
    }
  }
}

TEST(IndexedRowsTest, FindsWhatALookAtEveryRowFinds) {
  std::mt19937_64 random(1);
  IndexedRows<Transfer> rows;
  std::vector<Transfer> all;
  // Nothing, a part of a block, whole blocks, and more.
  for (const size_t size :
       {size_t{0}, size_t{100}, kIndexedBlockRows, 2 * kIndexedBlockRows + 1}) {
    while (all.size() < size) {
      all.push_back(RandomTransfer(random, Timestamp(3 * all.size() + 5)));
      rows.Append(all.back());
    }
    ExpectView(rows.View(), all, size);
  }
}

TEST(IndexedRowsTest, SeeksFromAnyTimestamp) {
  std::mt19937_64 random(2);
  IndexedRows<Transfer> rows;
  std::vector<Transfer> all;
  for (size_t i = 0; i < kIndexedBlockRows + 500; ++i) {
    all.push_back(RandomTransfer(random, Timestamp(3 * i + 5)));
    rows.Append(all.back());
  }
  const RowsView<Transfer> view = rows.View();
  for (int i = 0; i < 500; ++i) {
    const bool reversed = random() % 2 == 0;
    const Timestamp from(random() % (3 * all.size() + 20));
    RowsCursor<Transfer> cursor(view, IndexField::kDebitAccount, 7, reversed);
    Timestamp expected = kNoTimestamp;
    for (const Timestamp at :
         Expected(all, all.size(), IndexField::kDebitAccount, 7, reversed)) {
      if (reversed ? at > from : at < from) continue;
      expected = at;
      break;
    }
    ASSERT_EQ(cursor.Seek(from), expected) << from << " " << reversed;
  }
}

// Views are read by two threads, which make the same indexes, while the rows
// grow, and are undone, beyond them.
TEST(IndexedRowsTest, AreReadWhileTheyGrow) {
  std::mt19937_64 random(3);
  IndexedRows<Transfer> rows;
  std::vector<Transfer> all;
  const auto append = [&] {
    all.push_back(RandomTransfer(random, Timestamp(all.size() + 1)));
    rows.Append(all.back());
  };
  for (int round = 0; round < 12; ++round) {
    const RowsView<Transfer> view = rows.View();
    const std::vector<Transfer> expected = all;
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i) {
      readers.emplace_back(
          [&] { ExpectView(view, expected, expected.size()); });
    }
    for (int i = 0; i < 1500; ++i) {
      append();
      if (i % 3 == 0) {
        all.pop_back();
        rows.RemoveLast();
      }
    }
    for (std::thread& reader : readers) reader.join();
  }
}

TEST(PendingLogTest, TellsTheNewestStateOfItsMoment) {
  PendingLog log;
  const auto state_of = [](uint64_t i) {
    return static_cast<PendingState>(1 + i % 4);
  };
  EXPECT_EQ(log.View().Find(Timestamp(1)), PendingState::kNone);
  constexpr uint64_t kTransfers = 1000;
  PendingLogView early;
  for (uint64_t i = 0; i < 3 * PendingLog::kBlock + 10; ++i) {
    if (i == kTransfers + 5) early = log.View();
    log.Append({Timestamp(1 + i % kTransfers), state_of(i / kTransfers)});
  }
  PendingLogView late = log.View();
  std::thread other([&] {
    for (uint64_t t = 0; t < kTransfers; ++t) {
      EXPECT_EQ(early.Find(Timestamp(1 + t)), state_of(t < 5 ? 1 : 0));
    }
  });
  for (uint64_t t = 0; t < kTransfers; ++t) {
    const uint64_t rounds = (3 * PendingLog::kBlock + 10 - t - 1) / kTransfers;
    EXPECT_EQ(late.Find(Timestamp(1 + t)), state_of(rounds)) << t;
  }
  EXPECT_EQ(late.Find(Timestamp(kTransfers + 1)), PendingState::kNone);
  other.join();
}

}  // namespace
}  // namespace ledgerd::storage
