// What replicas ask of each other beside the protocol, over real transports on
// the loopback.
#include "server/grpc/peer_questions.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/base/uint128.h"
#include "proto/entry.h"
#include "server/grpc/grpc_transport.h"
#include "server/logging.h"
#include "server/served_group.h"

namespace ledgerd::server {
namespace {

using replication::StateMark;

constexpr std::chrono::seconds kLimit(60);

struct Asked {
  ReplicaId replica;
  Sequence from;
  Sequence through;

  friend bool operator==(const Asked&, const Asked&) = default;
};

// A replica that answers as it is told to.
class TestReplica {
 public:
  explicit TestReplica(uint64_t id,
                       std::map<ReplicaId, std::string> others = {}) {
    GrpcTransportOptions options;
    options.self = {ClusterId(77), ReplicaId(id), Incarnation(1)};
    options.listener.address = "127.0.0.1:0";
    options.addresses = std::move(others);
    transport_.emplace(std::move(options), addresses_, logger_);
    TransportEnds ends;
    ends.deliver = [](const replication::Event&) {};
    ends.state_at = [this](Sequence sequence) { return StateAt(sequence); };
    ends.entries = [this](
                       ReplicaId asker, Sequence from,
                       Sequence through) -> absl::StatusOr<std::vector<Entry>> {
      const MutexLock lock(mutex_);
      asked_.push_back({asker, from, through});
      if (entries_.empty()) return absl::DataLossError("damaged here, too");
      return entries_;
    };
    LEDGERD_CHECK_OK(transport_->Start(std::move(ends)));
  }

  ~TestReplica() { transport_->Stop(); }

  GrpcTransport& transport() { return *transport_; }

  // As if it had applied the entries up to there.
  void Apply(Sequence sequence) {
    const MutexLock lock(mutex_);
    applied_ = sequence;
  }

  // Until that entry was looked for so often in vain.
  void WaitForLooks(Sequence sequence, int count) {
    const MutexLock lock(mutex_);
    while (looks_[sequence] < count) changed_.Wait(mutex_);
  }

  // What it has for those who have it damaged.
  void Have(std::vector<Entry> entries) {
    const MutexLock lock(mutex_);
    entries_ = std::move(entries);
  }

  // Who has asked for what.
  std::vector<Asked> asked() {
    const MutexLock lock(mutex_);
    return asked_;
  }

 private:
  absl::StatusOr<StateMark> StateAt(Sequence sequence) {
    const MutexLock lock(mutex_);
    if (sequence > applied_) {
      ++looks_[sequence];
      changed_.SignalAll();
      return absl::UnavailableError("not yet");
    }
    return StateMark{.entry = {Epoch(1), sequence, {}},
                     .state_hash = Uint128{1000} + sequence.value()};
  }

  Logger logger_{LogLevel::kError, LogFormat::kText, [](absl::string_view) {}};
  SharedAddresses addresses_;
  Mutex mutex_;
  CondVar changed_;
  Sequence applied_ LEDGERD_GUARDED_BY(mutex_);
  std::map<Sequence, int> looks_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<Entry> entries_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<Asked> asked_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<GrpcTransport> transport_;
};

class PeerQuestionsTest : public testing::Test {
 protected:
  absl::StatusOr<StateMark> StateOf(uint64_t replica, uint64_t sequence,
                                    std::chrono::milliseconds patience) {
    return two_.transport().StateOf(
        ReplicaId(replica), Sequence(sequence),
        std::chrono::steady_clock::now() + patience);
  }

  absl::StatusOr<std::vector<Entry>> EntriesOf(uint64_t from,
                                               uint64_t through) {
    return two_.transport().EntriesOf(
        ReplicaId(1), Sequence(from), Sequence(through),
        std::chrono::steady_clock::now() + kLimit);
  }

  TestReplica one_{1};
  TestReplica two_{2, {{ReplicaId(1), one_.transport().address()}}};
};

TEST_F(PeerQuestionsTest, AStateIsWaitedForUntilItsEntryIsApplied) {
  one_.Apply(Sequence(6));
  EXPECT_EQ(StateOf(1, 6, kLimit)->entry.sequence, Sequence(6));
  std::thread applies([this] {
    one_.WaitForLooks(Sequence(8), 3);
    one_.Apply(Sequence(8));
  });
  const auto mark = StateOf(1, 8, kLimit);
  applies.join();
  ASSERT_TRUE(mark.ok()) << mark.status();
  EXPECT_TRUE(mark->state_hash == Uint128{1008});
}

TEST_F(PeerQuestionsTest, WhatDoesNotComeIsGivenUp) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      StateOf(1, 9, std::chrono::milliseconds(200)).status()));
  EXPECT_TRUE(absl::IsUnavailable(StateOf(3, 9, kLimit).status()))
      << "nobody knows where that is";
}

TEST_F(PeerQuestionsTest, EntriesAreGivenToWhoHasThemDamaged) {
  EXPECT_TRUE(absl::IsDataLoss(EntriesOf(1, 2).status()));
  EXPECT_EQ(one_.asked().front(),
            (Asked{ReplicaId(2), Sequence(1), Sequence(2)}));
  const Entry first = Entry::Seal(Command{}, Epoch(1), Timestamp(5), EntryId());
  const Entry second =
      Entry::Seal(Command{}, Epoch(1), Timestamp(6), first.id());
  one_.Have({first, second});
  const auto entries = EntriesOf(1, 2);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[1].bytes(), second.bytes());
  EXPECT_EQ(EntriesOf(1, 1)->size(), 1u);
  EXPECT_TRUE(absl::IsInternal(EntriesOf(2, 2).status()))
      << "an answer to something else";
  EXPECT_TRUE(absl::IsInvalidArgument(EntriesOf(2, 1).status()));
}

}  // namespace
}  // namespace ledgerd::server
