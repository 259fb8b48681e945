#include "server/peer_queue.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"

#include "proto/entry.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

using replication::Append;
using replication::Heartbeat;
using replication::Message;
using replication::ReadId;
using replication::ReadIndex;
using replication::Round;

Message Of(replication::Body body) {
  Message message;
  message.body = std::move(body);
  return message;
}

// With one entry of the largest size.
Message LargeAppend(uint64_t commit) {
  const std::vector<Transfer> rows(kMaxBatchSize);
  const Entry entry =
      Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                        absl::MakeConstSpan(rows)),
                  Epoch(1), Timestamp(1), {});
  return Of(Append{{}, {entry}, Sequence(commit)});
}

uint64_t CommitOf(const Message& message) {
  return std::get<Append>(message.body).commit.value();
}

TEST(PeerQueueTest, HeartbeatsGoBeforeEntries) {
  PeerQueue queue;
  queue.Push(LargeAppend(1));
  queue.Push(LargeAppend(2));
  const size_t bytes = queue.next_entry_bytes();
  EXPECT_GT(bytes, kMaxBatchSize * kRowBytes);
  queue.Push(Of(Heartbeat{.round = Round(7)}));
  EXPECT_EQ(queue.next_entry_bytes(), 0u);
  EXPECT_TRUE(std::holds_alternative<Heartbeat>(queue.Pop()->body));
  EXPECT_EQ(queue.next_entry_bytes(), bytes);
  EXPECT_EQ(CommitOf(*queue.Pop()), 1u);
  EXPECT_EQ(CommitOf(*queue.Pop()), 2u);
  EXPECT_EQ(queue.next_entry_bytes(), 0u);
  EXPECT_FALSE(queue.Pop().has_value());
  EXPECT_TRUE(queue.empty());
}

TEST(PeerQueueTest, OfHeartbeatsTheNewestWaits) {
  PeerQueue queue;
  queue.Push(Of(Heartbeat{.round = Round(1)}));
  queue.Push(Of(ReadIndex{ReadId(5)}));
  queue.Push(Of(Heartbeat{.round = Round(2)}));
  EXPECT_TRUE(std::holds_alternative<ReadIndex>(queue.Pop()->body));
  EXPECT_EQ(std::get<Heartbeat>(queue.Pop()->body).round, Round(2));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.dropped(), 0u);
}

TEST(PeerQueueTest, BeyondItsBytesTheNewestIsDropped) {
  PeerQueue queue;
  uint64_t pushed = 0;
  while (queue.dropped() == 0) queue.Push(LargeAppend(++pushed));
  EXPECT_GT(pushed * kEntryBytesMax, PeerQueue::kEntryBytesMax);
  for (uint64_t i = 1; i < pushed; ++i) EXPECT_EQ(CommitOf(*queue.Pop()), i);
  EXPECT_TRUE(queue.empty());
  // There is room again.
  queue.Push(LargeAppend(99));
  EXPECT_EQ(CommitOf(*queue.Pop()), 99u);
  EXPECT_EQ(queue.dropped(), 1u);
}

TEST(PeerQueueTest, BeyondTheirNumberTheOldestOfTheOthersGoes) {
  PeerQueue queue;
  for (uint64_t i = 0; i <= PeerQueue::kOthersMax; ++i) {
    queue.Push(Of(ReadIndex{ReadId(i)}));
  }
  EXPECT_EQ(queue.dropped(), 1u);
  EXPECT_EQ(std::get<ReadIndex>(queue.Pop()->body).read, ReadId(1));
}

TEST(PeerQueueTest, ClearForgetsAll) {
  PeerQueue queue;
  queue.Push(LargeAppend(1));
  queue.Push(Of(ReadIndex{ReadId(1)}));
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.Pop().has_value());
}

}  // namespace
}  // namespace ledgerd::server
