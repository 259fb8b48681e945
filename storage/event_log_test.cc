#include "storage/event_log.h"

#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "storage/event_codec.h"

namespace ledgerd::storage {
namespace {

// Numbers of all lengths.
Uint128 RandomNumber(std::mt19937_64& random) {
  const auto bits = random() % 129;
  if (bits == 0) return 0;
  return MakeUint128(random(), random()) >> (128 - bits);
}

EventSide RandomSide(std::mt19937_64& random) {
  return {.account = AccountId(RandomNumber(random)),
          .debits_pending = Amount(RandomNumber(random)),
          .debits_posted = Amount(RandomNumber(random)),
          .credits_pending = Amount(RandomNumber(random)),
          .credits_posted = Amount(RandomNumber(random)),
          .flags = static_cast<uint16_t>(RandomNumber(random))};
}

Event RandomEvent(std::mt19937_64& random, Timestamp timestamp) {
  Event event;
  event.type = static_cast<EventType>(1 + random() % 6);
  event.timestamp = timestamp;
  event.debit = RandomSide(random);
  if (event.type == EventType::kAccountCreated) return event;
  event.transfer =
      random() % 2 == 0 ? timestamp : Timestamp(random() % 1000 + 1);
  if (random() % 2 == 0) event.pending = Timestamp(random());
  event.credit = RandomSide(random);
  return event;
}

struct Written {
  Sequence sequence;
  std::vector<Event> events;
};

// Appends one entry to log and `written`.
void Write(std::mt19937_64& random, EventLog& log, Sequence sequence,
           std::vector<Written>& written) {
  Written entry{sequence, {}};
  const uint64_t count = random() % 40;
  for (uint64_t i = 0; i < count; ++i) {
    const Timestamp at(sequence.value() * 1000 + i * 3);
    if (random() % 8 == 0) {
      const EventMark mark = log.Mark();
      for (uint64_t undone = random() % 5; undone > 0; --undone) {
        log.Append(RandomEvent(random, at));
      }
      log.ReturnTo(mark);
    }
    entry.events.push_back(RandomEvent(random, at));
    log.Append(entry.events.back());
  }
  log.FinishEntry(sequence, Timestamp(sequence.value() * 1000 + 999));
  if (count > 0) written.push_back(entry);
}

void ExpectEvents(const EventLogView& view, size_t i, const Written& expected) {
  ASSERT_EQ(view[i].sequence, expected.sequence);
  ASSERT_EQ(view[i].count, expected.events.size());
  EventLogCursor cursor = view.Read(i);
  for (const Event& event : expected.events) {
    const Event* read = cursor.Next();
    ASSERT_NE(read, nullptr);
    ASSERT_TRUE(*read == event) << "entry " << expected.sequence;
  }
  EXPECT_EQ(cursor.Next(), nullptr);
}

uint64_t Seed() {
  const uint64_t seed = std::random_device()();
  testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

TEST(EventCodec, KeepsEveryNumberAndRefusesWhatIsCutOff) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const Timestamp base(random() % 1000);
    const Event event =
        RandomEvent(random, Timestamp(base.value() + random() % 100'000 + 1));
    char bytes[kEventBytesMax];
    const char* end = EncodeEvent(event, base, bytes);
    ASSERT_LE(end, bytes + sizeof(bytes));
    Event read;
    ASSERT_EQ(DecodeEvent(bytes, end, base, read), end);
    ASSERT_TRUE(read == event);
    ASSERT_EQ(DecodeEvent(bytes, end - 1, base, read), nullptr);
  }
}

TEST(EventCodec, RefusesAnUnknownType) {
  Event read;
  std::string bytes(kEventBytesMax, '\0');
  EXPECT_EQ(DecodeEvent(bytes.data(), bytes.data() + bytes.size(), Timestamp(0),
                        read),
            nullptr);
  bytes[7] = static_cast<char>(0x70);
  EXPECT_EQ(DecodeEvent(bytes.data(), bytes.data() + bytes.size(), Timestamp(0),
                        read),
            nullptr);
}

TEST(EventCodec, ATransferBetweenSmallAccountsTakesFewBytes) {
  Event event;
  event.type = EventType::kSinglePhase;
  event.timestamp = event.transfer = Timestamp(1'800'000'000'000'000'100);
  event.debit = {.account = AccountId(7), .debits_posted = Amount(1'000'000)};
  event.credit = {.account = AccountId(8), .credits_posted = Amount(1'000'000)};
  char bytes[kEventBytesMax];
  const char* end =
      EncodeEvent(event, Timestamp(1'800'000'000'000'000'000), bytes);
  EXPECT_EQ(end - bytes, 8 + 1 + 2 * (1 + 3));
}

TEST(EventLog, ReadsBackWhatWasKept) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  EventLog log;
  std::vector<Written> written;
  // Several chunks of both kinds.
  for (uint64_t sequence = 1; sequence <= 1500; ++sequence) {
    Write(random, log, Sequence(sequence), written);
  }
  ASSERT_GT(log.bytes(), 4 * EventLog::kChunkBytes);
  const EventLogView all = log.ViewFrom(Sequence(0));
  ASSERT_EQ(all.size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) ExpectEvents(all, i, written[i]);
  for (size_t i = 0; i < written.size(); i += 97) {
    const EventLogView some = log.ViewFrom(written[i].sequence);
    ASSERT_EQ(some.size(), written.size() - i);
    ExpectEvents(some, 0, written[i]);
    ExpectEvents(some, some.size() - 1, written.back());
    EXPECT_EQ(all.LowerBound(written[i].sequence), i);
  }
  EXPECT_EQ(log.ViewFrom(Sequence(1501)).size(), 0u);
  EXPECT_EQ(all.LowerBound(Sequence(1501)), all.size());
}

TEST(EventLog, AnEntryIsSeenOnceItIsFinished) {
  EventLog log;
  EXPECT_EQ(log.ViewFrom(Sequence(0)).size(), 0u);
  std::mt19937_64 random(1);
  log.Append(RandomEvent(random, Timestamp(5)));
  EXPECT_EQ(log.ViewFrom(Sequence(0)).size(), 0u);
  log.FinishEntry(Sequence(1), Timestamp(5));
  EXPECT_EQ(log.ViewFrom(Sequence(0)).size(), 1u);
  const EventMark mark = log.Mark();
  log.Append(RandomEvent(random, Timestamp(6)));
  log.ReturnTo(mark);
  log.FinishEntry(Sequence(2), Timestamp(6));
  EXPECT_EQ(log.ViewFrom(Sequence(0)).size(), 1u);
}

// A view is read by another thread while the log grows beyond it.
TEST(EventLog, IsReadWhileItGrows) {
  EventLog log;
  std::mt19937_64 random(7);
  std::vector<Written> written;
  Write(random, log, Sequence(1), written);
  for (uint64_t round = 0; round < 50; ++round) {
    const EventLogView view = log.ViewFrom(Sequence(0));
    const std::vector<Written> expected = written;
    std::thread reader([&] {
      for (size_t i = 0; i < view.size(); ++i) {
        ExpectEvents(view, i, expected[i]);
      }
    });
    for (uint64_t i = 0; i < 10; ++i) {
      Write(random, log, Sequence(2 + round * 10 + i), written);
    }
    reader.join();
    EXPECT_EQ(view.size(), expected.size());
  }
}

}  // namespace
}  // namespace ledgerd::storage
