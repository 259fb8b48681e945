#include "replication/wire.h"

#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "proto/system_limits.h"

namespace ledgerd::replication {
namespace {

namespace v1 = ::replication::v1;

constexpr uint64_t kNumberMax = (uint64_t{1} << 63) - 1;

// Draws messages of every kind, with all their fields set.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  template <typename Number>
  Number Some() {
    // Small ones, the largest, and all between.
    const uint64_t bits = Below(64);
    return Number(random_() & kNumberMax >> bits);
  }

  EntryId Id() {
    EntryId id{Some<Epoch>(), Some<Sequence>(), {}};
    for (uint8_t& byte : id.hash) byte = static_cast<uint8_t>(random_());
    return id;
  }

  Membership Members() {
    Membership membership{.since = Id()};
    uint64_t id = 0;
    for (uint64_t i = Below(kMembersMax + 1); i > 0; --i) {
      id += 1 + Below(1'000);
      membership.members.push_back(
          {ReplicaId(id), Incarnation(static_cast<uint32_t>(random_())),
           static_cast<MemberRole>(1 + Below(3))});
    }
    membership.paused = Below(2) == 0;
    membership.paused_until = Some<Timestamp>();
    return membership;
  }

  std::vector<Entry> Entries() {
    std::vector<Entry> entries;
    EntryId previous = Id();
    for (uint64_t i = Below(4); i > 0; --i) {
      const std::vector<Transfer> rows(1 + Below(5));
      Command command = Below(3) == 0
                            ? Command{}
                            : MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                                    absl::MakeConstSpan(rows));
      entries.push_back(Entry::Seal(std::move(command), Epoch(7),
                                    Timestamp(Below(1'000)), previous));
      previous = entries.back().id();
    }
    return entries;
  }

  // One of each kind in turn.
  Body OfKind(size_t kind) {
    switch (kind) {
      case 0:
        return Append{Id(), Entries(), Some<Sequence>()};
      case 1:
        return Heartbeat{Some<Sequence>(), Some<Round>(),     Some<Round>(),
                         Some<Sequence>(), Some<Timestamp>(), Some<Sequence>(),
                         Some<Sequence>()};
      case 2:
        return PromoteNow{Below(2) == 0};
      case 3:
        return Acknowledged{Some<Sequence>()};
      case 4:
        return Matched{Some<Sequence>()};
      case 5:
        return Mismatch{Id(), Id()};
      case 6:
        return HeartbeatAnswer{Some<Round>(), Some<Sequence>(),
                               Some<Sequence>(), Some<Sequence>(),
                               Below(2) == 0};
      case 7:
        return StaleEpoch{};
      case 8:
        return WouldYouLeave{Some<Epoch>(), Id()};
      case 9:
        return WouldLeave{Some<Epoch>(), Below(2) == 0};
      default:
        return OfLaterKind(kind);
    }
  }

  Message Envelope(Body body) {
    return {.from = ReplicaId(1 + Below(99)),
            .from_incarnation = Incarnation(static_cast<uint32_t>(random_())),
            .to = ReplicaId(1 + Below(99)),
            .to_incarnation = Incarnation(static_cast<uint32_t>(random_())),
            .fork = Some<Fork>(),
            .epoch = Some<Epoch>(),
            .body = std::move(body)};
  }

 private:
  Body OfLaterKind(size_t kind) {
    switch (kind) {
      case 10:
        return PromiseRequest{};
      case 11: {
        Promise promise{Id(), Id(), Some<Sequence>(), {}, Members()};
        for (uint64_t i = Below(5); i > 0; --i) {
          promise.damaged.push_back(Some<Sequence>());
        }
        return promise;
      }
      case 12:
        return Fetch{Id(), Some<Sequence>()};
      case 13:
        return Fetched{Id(), Entries()};
      case 14:
        return FetchMismatch{Id(), Id()};
      case 15:
        return FetchCheckpoint{};
      case 16:
        return ReadIndex{Some<ReadId>()};
      case 17:
        return ReadIndexAnswer{Some<ReadId>(), Below(2) == 0, Some<Sequence>()};
      case 18:
        return Recall{Some<ProcessId>()};
      default:
        return Recalled{Some<Epoch>(), Some<Epoch>(), Some<Sequence>(),
                        Members(), Some<ProcessId>()};
    }
  }

  std::mt19937_64 random_;
};

v1::ConnectRequest Parsed(const std::string& bytes) {
  v1::ConnectRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  return request;
}

// One of kind `kind` as it arrives.
v1::ConnectRequest Sent(size_t kind) {
  Draw draw(1);
  return Parsed(Join(Encode(draw.Envelope(draw.OfKind(kind)))));
}

TEST(WireTest, EveryKindComesBackAsItWas) {
  const uint64_t seed = TestSeed();
  Draw draw(seed);
  for (int i = 0; i < 200; ++i) {
    for (size_t kind = 0; kind < std::variant_size_v<Body>; ++kind) {
      const Message message = draw.Envelope(draw.OfKind(kind));
      ASSERT_EQ(message.body.index(), kind);
      const std::string bytes = Join(Encode(message));
      const auto decoded = Decode(Parsed(bytes));
      ASSERT_TRUE(decoded.ok()) << decoded.status() << " seed " << seed;
      EXPECT_EQ(decoded->body.index(), kind);
      // All that a message has is in its bytes.
      EXPECT_EQ(Join(Encode(*decoded)), bytes) << "seed " << seed;
    }
  }
}

TEST(WireTest, FieldsMeanTheSameAtBothEnds) {
  Message message;
  message.from = ReplicaId(1);
  message.from_incarnation = Incarnation(2);
  message.to = ReplicaId(3);
  message.to_incarnation = Incarnation(4);
  message.fork = Fork(5);
  message.epoch = Epoch(6);
  message.body =
      Heartbeat{Sequence(7),   Round(8),     Round(9),    Sequence(10),
                Timestamp(11), Sequence(12), Sequence(13)};
  const auto decoded = Decode(Parsed(Join(Encode(message))));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->from, ReplicaId(1));
  EXPECT_EQ(decoded->from_incarnation, Incarnation(2));
  EXPECT_EQ(decoded->to, ReplicaId(3));
  EXPECT_EQ(decoded->to_incarnation, Incarnation(4));
  EXPECT_EQ(decoded->fork, Fork(5));
  EXPECT_EQ(decoded->epoch, Epoch(6));
  const auto& heartbeat = std::get<Heartbeat>(decoded->body);
  EXPECT_EQ(heartbeat.commit, Sequence(7));
  EXPECT_EQ(heartbeat.round, Round(8));
  EXPECT_EQ(heartbeat.completed, Round(9));
  EXPECT_EQ(heartbeat.answered_through, Sequence(10));
  EXPECT_EQ(heartbeat.wall, Timestamp(11));
  EXPECT_EQ(heartbeat.lowest_checkpoint, Sequence(12));
  EXPECT_EQ(heartbeat.durable, Sequence(13));
}

TEST(WireTest, EntriesTravelAsTheJournalHasThem) {
  const std::vector<Transfer> rows(kMaxBatchSize);
  const Entry entry =
      Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                        absl::MakeConstSpan(rows)),
                  Epoch(1), Timestamp(9), {});
  Message message;
  message.from = ReplicaId(1);
  message.to = ReplicaId(2);
  message.body = Append{{}, {entry}, Sequence(0)};
  const EncodedMessage encoded = Encode(message);
  ASSERT_EQ(encoded.entries.size(), 1u);
  // Not a copy.
  EXPECT_EQ(encoded.entries[0].bytes().data(), entry.bytes().data());
  const auto decoded = Decode(Parsed(Join(encoded)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const auto& append = std::get<Append>(decoded->body);
  ASSERT_EQ(append.entries.size(), 1u);
  EXPECT_EQ(append.entries[0].bytes(), entry.bytes());
  EXPECT_EQ(append.entries[0].hash(), entry.hash());
}

// What hostile peers may send, by what is wrong with it.
TEST(WireTest, WhatIsNoMessageIsRefused) {
  const struct {
    const char* what;
    size_t kind;
    std::function<void(v1::ConnectRequest&)> spoil;
  } kCases[] = {
      {"nothing", 0, [](auto& r) { r.Clear(); }},
      {"a hello", 0, [](auto& r) { r.mutable_hello()->set_version(1); }},
      {"no body", 0, [](auto& r) { r.mutable_message()->clear_body(); }},
      {"from nobody", 0, [](auto& r) { r.mutable_message()->set_from(0); }},
      {"to nobody", 0, [](auto& r) { r.mutable_message()->set_to(0); }},
      {"an epoch out of bounds", 0,
       [](auto& r) { r.mutable_message()->set_epoch(kNumberMax + 1); }},
      {"a fork out of bounds", 0,
       [](auto& r) { r.mutable_message()->set_fork(~uint64_t{0}); }},
      {"no hash", 0,
       [](auto& r) { r.mutable_message()->mutable_append()->Clear(); }},
      {"a long hash", 0,
       [](auto& r) {
         *r.mutable_message()
              ->mutable_append()
              ->mutable_previous()
              ->mutable_hash() += 'x';
       }},
      {"a sequence out of bounds", 3,
       [](auto& r) {
         r.mutable_message()->mutable_acknowledged()->set_through(kNumberMax +
                                                                  1);
       }},
      {"an empty entry", 0, [](auto& r) { r.add_entries(); }},
      {"an entry that is none", 0,
       [](auto& r) { r.add_entries(std::string(200, 'x')); }},
      {"a huge entry", 13,
       [](auto& r) { r.add_entries(std::string(kEntryBytesMax + 1, '\0')); }},
      {"too many entries", 0,
       [](auto& r) {
         for (size_t i = 0; i <= kWireEntriesMax; ++i) r.add_entries();
       }},
      {"an entry where none belongs", 4,
       [](auto& r) {
         r.add_entries(std::string(
             Entry::Seal(Command{}, Epoch(1), Timestamp(1), {}).bytes()));
       }},
      {"a membership that is none", 11,
       [](auto& r) {
         r.mutable_message()
             ->mutable_promise()
             ->mutable_membership()
             ->set_members("members");
       }},
      {"too much damage", 11,
       [](auto& r) {
         auto& promise = *r.mutable_message()->mutable_promise();
         promise.mutable_damaged()->Resize(kWireDamagedMax + 1, 1);
       }},
  };

  for (const auto& one : kCases) {
    v1::ConnectRequest request = Sent(one.kind);
    EXPECT_TRUE(Decode(request).ok()) << one.what;
    one.spoil(request);
    EXPECT_TRUE(absl::IsInvalidArgument(Decode(request).status())) << one.what;
  }
}

// A kind of a later version: its field is unknown here.
TEST(WireTest, AKindOfALaterVersionIsRefused) {
  v1::Message message;
  message.set_from(1);
  message.set_to(2);
  constexpr char kField100[] = "\xa2\x06\x00";
  v1::ConnectRequest request;
  ASSERT_TRUE(request.mutable_message()->ParseFromString(
      message.SerializeAsString() + std::string(kField100, 3)));
  const absl::Status refused = Decode(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_NE(std::string(refused.message()).find("no kind"), std::string::npos);
}

// Whatever is left of a message that was damaged: refused, or as good as any.
TEST(WireTest, DamagedBytesAreRefusedOrAMessage) {
  const uint64_t seed = TestSeed();
  Draw draw(seed);
  size_t refused = 0;
  size_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const size_t kind = draw.Below(std::variant_size_v<Body>);
    std::string bytes = Join(Encode(draw.Envelope(draw.OfKind(kind))));
    for (uint64_t flips = 1 + draw.Below(3); flips > 0; --flips) {
      bytes[draw.Below(bytes.size())] ^= static_cast<char>(1 + draw.Below(255));
    }
    if (draw.Below(4) == 0) bytes.resize(draw.Below(bytes.size() + 1));
    v1::ConnectRequest request;
    if (!request.ParseFromString(bytes)) continue;
    const auto decoded = Decode(std::move(request));
    if (!decoded.ok()) {
      EXPECT_TRUE(absl::IsInvalidArgument(decoded.status()));
      ++refused;
      continue;
    }
    ++taken;
    EXPECT_TRUE(Decode(Parsed(Join(Encode(*decoded)))).ok())
        << "seed " << seed << " round " << i;
  }
  std::cout << refused << " refused, " << taken << " taken\n";
  EXPECT_GT(refused, 0u);
  EXPECT_GT(taken, 0u);
}

}  // namespace
}  // namespace ledgerd::replication
