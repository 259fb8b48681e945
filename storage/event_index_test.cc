#include "storage/event_index.h"

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ledgerd::storage {
namespace {

using Sides = std::map<AccountId, EventSide>;

// Appends entries, and keeps what each account was last.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  void WriteEntry(EventLog& log, uint64_t events) {
    for (uint64_t i = 0; i < events; ++i) {
      Event event;
      event.timestamp = Timestamp(++time_);
      event.debit = Side();
      if (random_() % 5 != 0) {
        event.type = EventType::kSinglePhase;
        do {
          event.credit = Side();
        } while (event.credit.account == event.debit.account);
        sides_[event.credit.account] = event.credit;
      }
      sides_[event.debit.account] = event.debit;
      log.Append(event);
    }
    log.FinishEntry(Sequence(++sequence_), Timestamp(time_));
  }

  const Sides& sides() const { return sides_; }

 private:
  EventSide Side() {
    return {.account = AccountId(1 + random_() % 500),
            .debits_posted = Amount(random_()),
            .flags = static_cast<uint16_t>(random_() % 64)};
  }

  std::mt19937_64 random_;
  Sides sides_;
  uint64_t time_ = 0;
  uint64_t sequence_ = 0;
};

void ExpectSides(EventIndexView& view, const Sides& sides) {
  for (uint64_t id = 0; id <= 501; ++id) {
    const auto found = view.Find(AccountId(id));
    const auto expected = sides.find(AccountId(id));
    ASSERT_EQ(found.has_value(), expected != sides.end()) << id;
    if (found.has_value()) {
      EXPECT_TRUE(*found == expected->second) << id;
    }
  }
}

TEST(EventIndexTest, FindsTheNewestOfItsMoment) {
  EventLog log;
  EventIndex index;
  Writer writer(1);
  // Nothing, less than a block, several, entries of one event and of many.
  for (const auto& [entries, events] :
       {std::pair<int, uint64_t>{0, 0}, {3, 10}, {900, 1}, {3, 8189}, {1, 1}}) {
    for (int i = 0; i < entries; ++i) writer.WriteEntry(log, events);
    EventIndexView view = index.View(log);
    ExpectSides(view, writer.sides());
  }
}

// Two views of different moments make the same indexes while the log grows.
TEST(EventIndexTest, IsReadWhileTheLogGrows) {
  EventLog log;
  EventIndex index;
  Writer writer(2);
  for (int round = 0; round < 10; ++round) {
    EventIndexView early = index.View(log);
    const Sides early_sides = writer.sides();
    for (int i = 0; i < 20; ++i) writer.WriteEntry(log, 100);
    EventIndexView late = index.View(log);
    const Sides late_sides = writer.sides();
    std::thread first([&] { ExpectSides(early, early_sides); });
    std::thread second([&] { ExpectSides(late, late_sides); });
    for (int i = 0; i < 20; ++i) writer.WriteEntry(log, 100);
    first.join();
    second.join();
  }
}

}  // namespace
}  // namespace ledgerd::storage
