// Transports of several replicas in one process, on the loopback.
#include "server/grpc/grpc_transport.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/base/sha256.h"
#include "proto/entry.h"
#include "proto/incident.h"
#include "proto/system_limits.h"
#include "replication/v1/replication.grpc.pb.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

using replication::Acknowledged;
using replication::Append;
using replication::CheckpointReceived;
using replication::CheckpointSent;
using replication::ConnectionBroken;
using replication::Event;
using replication::Message;
using replication::Received;

constexpr std::chrono::seconds kLimit(60);
const ClusterId kCluster(77);

// A checkpoint in memory.
class TestCheckpoint final : public storage::ExportedCheckpoint {
 public:
  TestCheckpoint() {
    manifest_.cluster = kCluster;
    manifest_.format_version = 3;
    manifest_.applied = {{Epoch(2), Sequence(40), Sha256("entry")},
                         Timestamp(99)};
    manifest_.state_hash = 12345;
    for (const size_t bytes : {size_t{10}, size_t{2'500'000}, size_t{1}}) {
      contents_.emplace_back(bytes, static_cast<char>('a' + contents_.size()));
      manifest_.files.push_back(
          {"file" + std::to_string(bytes), bytes, Sha256(contents_.back())});
    }
  }

  const storage::CheckpointManifest& manifest() const override {
    return manifest_;
  }

  absl::StatusOr<std::string> Read(const storage::CheckpointPosition& from,
                                   size_t bytes_max) const override {
    ++reads_;
    return contents_[from.file].substr(from.offset, bytes_max);
  }

  int reads() const { return reads_; }

  const std::vector<std::string>& contents() const { return contents_; }

 private:
  storage::CheckpointManifest manifest_;
  std::vector<std::string> contents_;
  mutable std::atomic<int> reads_ = 0;
};

// Keeps what it was given, and fails once in the middle if it is told so.
class TestReceiver final : public storage::CheckpointReceiver {
 public:
  absl::StatusOr<storage::CheckpointPosition> Begin(
      const storage::CheckpointManifest& manifest) override {
    if (manifest != manifest_) {
      manifest_ = manifest;
      contents_.assign(manifest.files.size(), "");
      next_ = {};
    }
    return next_;
  }

  absl::StatusOr<storage::CheckpointPosition> Add(
      const storage::CheckpointPosition& at, absl::string_view chunk,
      const Hash256& hash) override {
    if (!(at == next_) || Sha256(chunk) != hash) {
      return absl::InvalidArgumentError("not the next chunk");
    }
    if (fail_at_ == at) {
      fail_at_.reset();
      return absl::ResourceExhaustedError("no space");
    }
    std::string& file = contents_[at.file];
    file += std::string(chunk);
    next_ = file.size() < manifest_.files[at.file].bytes
                ? storage::CheckpointPosition{at.file, file.size()}
                : storage::CheckpointPosition{at.file + 1, 0};
    return next_;
  }

  absl::Status Finish() override { return absl::OkStatus(); }

  void FailAt(storage::CheckpointPosition at) { fail_at_ = at; }

  const std::vector<std::string>& contents() const { return contents_; }

 private:
  storage::CheckpointManifest manifest_;
  std::vector<std::string> contents_;
  storage::CheckpointPosition next_;
  std::optional<storage::CheckpointPosition> fail_at_;
};

// A replica's end: what comes in is kept, in its order.
class TestReplica {
 public:
  explicit TestReplica(uint64_t id,
                       std::map<ReplicaId, std::string> others = {},
                       ClusterId cluster = kCluster,
                       std::string listen = "127.0.0.1:0")
      : id_(id) {
    addresses_.Set({.client = "client" + std::to_string(id), .admin = "admin"});
    GrpcTransportOptions options;
    options.self = {cluster, ReplicaId(id), Incarnation(1)};
    options.listener.address = std::move(listen);
    options.addresses = std::move(others);
    transport_.emplace(std::move(options), addresses_, logger_);
    TransportEnds ends;
    ends.deliver = [this](Event event) {
      const MutexLock lock(mutex_);
      events_.push_back(std::move(event));
      changed_.SignalAll();
    };
    ends.newest_checkpoint = [this]() -> absl::StatusOr<CheckpointToSend> {
      Membership membership;
      membership.members = {{ReplicaId(id_), Incarnation(1)}};
      return CheckpointToSend{membership, checkpoint_};
    };
    ends.journal_incidents = [this](const std::vector<Incident>& incidents) {
      const MutexLock lock(mutex_);
      incidents_.insert(incidents_.end(), incidents.begin(), incidents.end());
      return journalled_;
    };
    ends.checkpoint = [this](Sequence at_least)
        -> absl::StatusOr<std::shared_ptr<const storage::ExportedCheckpoint>> {
      const Sequence at = checkpoint_->manifest().applied.entry.sequence;
      if (at >= at_least || sends_older_) return checkpoint_;
      const MutexLock lock(mutex_);
      asked_too_much_ = true;
      changed_.SignalAll();
      return absl::UnavailableError("not yet");
    };
    ends.receiver = &receiver_;
    LEDGERD_CHECK_OK(transport_->Start(std::move(ends)));
  }

  ~TestReplica() { transport_->Stop(); }

  GrpcTransport& transport() { return *transport_; }

  std::string address() const { return transport_->address(); }

  SharedAddresses& addresses() { return addresses_; }

  TestReceiver& receiver() { return receiver_; }

  // A checkpoint was asked for that there is not.
  void WaitUntilAskedTooMuch() {
    const MutexLock lock(mutex_);
    while (!asked_too_much_) changed_.Wait(mutex_);
  }

  // Its checkpoint is for whoever asks, whatever that one wants.
  void SendOlder() { sends_older_ = true; }

  const TestCheckpoint& checkpoint() const { return *checkpoint_; }

  Message To(uint64_t other, replication::Body body) const {
    Message message;
    message.from = ReplicaId(id_);
    message.from_incarnation = Incarnation(1);
    message.to = ReplicaId(other);
    message.to_incarnation = Incarnation(1);
    message.body = std::move(body);
    return message;
  }

  // Whether `happens` becomes true of what came in, or is in the log.
  bool WaitFor(const std::function<bool(const std::deque<Event>&)>& happens) {
    const MutexLock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + kLimit;
    while (!happens(events_)) {
      if (std::chrono::steady_clock::now() > until) return false;
      changed_.WaitFor(mutex_, std::chrono::milliseconds(20));
    }
    return true;
  }

  template <typename Kind>
  bool WaitForA() {
    return WaitFor([](const std::deque<Event>& events) {
      return std::any_of(events.begin(), events.end(), [](const Event& event) {
        return std::holds_alternative<Kind>(event);
      });
    });
  }

  // Sends again and again, as the protocol does, until the other has heard.
  bool Reaches(TestReplica& other) {
    return other.WaitFor([&](const std::deque<Event>& events) {
      const bool heard =
          std::any_of(events.begin(), events.end(), [&](const Event& event) {
            const auto* received = std::get_if<Received>(&event);
            return received != nullptr &&
                   received->message.from == ReplicaId(id_);
          });
      if (!heard) {
        transport_->Send(To(other.id_, replication::Recall{}));
      }
      return heard;
    });
  }

  bool WaitForLog(const std::string& words) {
    return WaitFor([&](const std::deque<Event>&) { return Logged(words) > 0; });
  }

  size_t Logged(const std::string& words) const {
    const MutexLock lock(log_mutex_);
    return static_cast<size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) {
          return line.find(words) != std::string::npos;
        }));
  }

  // What becomes of incidents that are brought here.
  void Journalled(absl::Status status) {
    const MutexLock lock(mutex_);
    journalled_ = std::move(status);
  }

  std::vector<Incident> incidents() const {
    const MutexLock lock(mutex_);
    return incidents_;
  }

  template <typename Kind>
  std::vector<Kind> All() const {
    const MutexLock lock(mutex_);
    std::vector<Kind> all;
    for (const Event& event : events_) {
      if (const auto* one = std::get_if<Kind>(&event)) all.push_back(*one);
    }
    return all;
  }

 private:
  const uint64_t id_;
  mutable Mutex log_mutex_;
  std::vector<std::string> lines_ LEDGERD_GUARDED_BY(log_mutex_);
  Logger logger_{LogLevel::kInfo, LogFormat::kText,
                 [this](absl::string_view line) {
                   const MutexLock lock(log_mutex_);
                   lines_.emplace_back(line);
                 }};
  SharedAddresses addresses_;
  bool asked_too_much_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::atomic<bool> sends_older_ = false;
  TestReceiver receiver_;
  const std::shared_ptr<const TestCheckpoint> checkpoint_ =
      std::make_shared<TestCheckpoint>();
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Event> events_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status journalled_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<Incident> incidents_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<GrpcTransport> transport_;
};

std::map<ReplicaId, std::string> At(uint64_t id, const std::string& address) {
  return {{ReplicaId(id), address}};
}

Entry EntryOf(size_t transfers, uint64_t sequence) {
  const std::vector<Transfer> rows(transfers);
  return Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                           absl::MakeConstSpan(rows)),
                     Epoch(1), Timestamp(sequence),
                     {Epoch(1), Sequence(sequence - 1), {}});
}

Entry LargeEntry(uint64_t sequence) { return EntryOf(kMaxBatchSize, sequence); }

Entry SmallEntry(uint64_t sequence) { return EntryOf(1, sequence); }

TEST(GrpcTransportTest, TwoSpeakWithEachOtherInOrder) {
  TestReplica one(1);
  // Replica 1 learns where 2 is from 2's hello.
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.Reaches(one));
  ASSERT_TRUE(one.Reaches(two));
  EXPECT_EQ(one.addresses().Of(ReplicaId(2)).client, "client2");
  EXPECT_EQ(one.addresses().Of(ReplicaId(2)).incarnation, Incarnation(1));
  EXPECT_EQ(two.addresses().Of(ReplicaId(1)).client, "client1");

  constexpr uint64_t kAppends = 300;
  const Entry entry = LargeEntry(7);
  // Small ones are written by this thread, large ones by another.
  const Entry small = SmallEntry(7);
  for (uint64_t i = 1; i <= kAppends; ++i) {
    std::vector<Entry> entries(i % 3, small);
    if (i % 50 == 0) entries.push_back(entry);
    one.transport().Send(one.To(2, Append{{}, entries, Sequence(i)}));
  }
  one.transport().Send(one.To(2, Append{{}, {entry}, Sequence(kAppends + 1)}));
  ASSERT_TRUE(two.WaitFor([](const std::deque<Event>& events) {
    const auto* last = std::get_if<Received>(&events.back());
    const auto* append =
        last == nullptr ? nullptr : std::get_if<Append>(&last->message.body);
    return append != nullptr && append->commit == Sequence(kAppends + 1);
  }));
  uint64_t next = 1;
  for (const Received& received : two.All<Received>()) {
    const auto* append = std::get_if<Append>(&received.message.body);
    if (append == nullptr) continue;
    EXPECT_EQ(append->commit, Sequence(next++));
    for (const Entry& received_entry : append->entries) {
      const bool is_small = received_entry.event_count() == 1;
      const Entry& sent = is_small ? small : entry;
      EXPECT_EQ(received_entry.bytes(), sent.bytes());
      EXPECT_EQ(received_entry.hash(), sent.hash());
    }
  }
  EXPECT_EQ(next, kAppends + 2);
}

TEST(GrpcTransportTest, AProcessThatIsGoneIsToldOnceAndFoundAgain) {
  auto one = std::make_unique<TestReplica>(1);
  const std::string address = one->address();
  TestReplica two(2, At(1, address));
  ASSERT_TRUE(two.Reaches(*one));
  EXPECT_TRUE(two.All<ConnectionBroken>().empty());
  one.reset();
  ASSERT_TRUE(two.WaitForA<ConnectionBroken>());
  EXPECT_EQ(two.All<ConnectionBroken>()[0].peer, ReplicaId(1));
  // At the same address: found again, and nothing more is told of the end.
  TestReplica again(1, {}, kCluster, address);
  ASSERT_TRUE(two.Reaches(again));
  ASSERT_TRUE(again.Reaches(two));
  EXPECT_EQ(two.All<ConnectionBroken>().size(), 1u);
}

TEST(GrpcTransportTest, AnotherClusterIsRefusedAndLoggedOnce) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()), ClusterId(78));
  ASSERT_TRUE(two.WaitForLog("is of cluster"));
  ASSERT_TRUE(one.WaitForLog("is of cluster"));
  // It tries again each second: each side says it once.
  TestReplica three(3, At(1, one.address()));
  ASSERT_TRUE(three.Reaches(one));
  EXPECT_EQ(one.Logged("is of cluster"), 1u);
  EXPECT_EQ(two.Logged("is of cluster"), 1u);
  EXPECT_EQ(one.All<Received>()[0].message.from, ReplicaId(3));
}

TEST(GrpcTransportTest, TwoProcessesOfOneIdAreNoticed) {
  TestReplica two(2);
  TestReplica one(1, At(2, two.address()));
  ASSERT_TRUE(one.Reaches(two));
  const TestReplica copy(2, At(1, one.address()));
  ASSERT_TRUE(one.WaitForLog("a replica says that it is elsewhere"));
  EXPECT_EQ(one.Logged("it_says=" + copy.address()), 1u);
  EXPECT_EQ(one.Logged("members=" + two.address()), 1u);
}

TEST(GrpcTransportTest, APrimaryRefusesWhoIsNoMemberUntilItIsOne) {
  TestReplica one(1);
  Membership membership;
  membership.members = {{ReplicaId(1), Incarnation(1)}};
  one.transport().Follow(membership, /*is_primary=*/true);
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.WaitForLog("is no member of this group"));
  ASSERT_TRUE(one.WaitForLog("is no member of this group"));
  // But it is known where it is, for who adds it.
  EXPECT_EQ(one.addresses().Of(ReplicaId(2)).replication, two.address());

  membership.members.push_back({ReplicaId(2), Incarnation(1)});
  one.transport().Follow(membership, /*is_primary=*/true);
  ASSERT_TRUE(one.Reaches(two));
  ASSERT_TRUE(two.Reaches(one));
  EXPECT_EQ(one.Logged("is no member"), 1u);
}

TEST(GrpcTransportTest, AnotherDiskThanTheMembersIsRefused) {
  TestReplica one(1);
  Membership membership;
  membership.members = {{ReplicaId(1), Incarnation(1)},
                        {ReplicaId(2), Incarnation(5)}};
  one.transport().Follow(membership, /*is_primary=*/true);
  TestReplica two(2, At(1, one.address()));
  EXPECT_TRUE(two.WaitForLog("its disk is another one"));
}

// Whoever takes nothing of what it is sent holds nobody up.
TEST(GrpcTransportTest, SendNeverWaits) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.Reaches(one));
  const Entry entry = LargeEntry(1);
  for (int i = 0; i < 2'000; ++i) {
    two.transport().Send(two.To(1, Append{{}, {entry}, Sequence(1)}));
    two.transport().Send(two.To(9, Append{{}, {entry}, Sequence(1)}));
  }
  two.transport().Send(two.To(1, Acknowledged{Sequence(5)}));
  EXPECT_TRUE(one.WaitFor([](const std::deque<Event>& events) {
    return std::any_of(events.begin(), events.end(), [](const Event& event) {
      const auto* received = std::get_if<Received>(&event);
      return received != nullptr &&
             std::holds_alternative<Acknowledged>(received->message.body);
    });
  }));
}

TEST(GrpcTransportTest, ACheckpointThatWasCutShortGoesOn) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.Reaches(one));
  ASSERT_TRUE(one.Reaches(two));
  two.receiver().FailAt({1, storage::kCheckpointChunkBytes});
  one.transport().SendCheckpoint({ReplicaId(2), Epoch(6)});
  ASSERT_TRUE(one.WaitForA<CheckpointSent>());
  EXPECT_TRUE(two.All<CheckpointReceived>().empty());
  EXPECT_TRUE(one.WaitForLog("no space"));

  const int reads_before = one.checkpoint().reads();
  one.transport().SendCheckpoint({ReplicaId(2), Epoch(7)});
  ASSERT_TRUE(two.WaitForA<CheckpointReceived>());
  ASSERT_TRUE(one.WaitFor([](const std::deque<Event>& events) {
    return std::count_if(events.begin(), events.end(), [](const Event& event) {
             return std::holds_alternative<CheckpointSent>(event);
           }) == 2;
  }));
  // The rest of the second file, and the third.
  EXPECT_EQ(one.checkpoint().reads() - reads_before, 3);
  EXPECT_EQ(two.receiver().contents(), one.checkpoint().contents());
  const CheckpointReceived received = two.All<CheckpointReceived>()[0];
  EXPECT_EQ(received.from, ReplicaId(1));
  EXPECT_EQ(received.epoch, Epoch(7));
  EXPECT_EQ(received.checkpoint, one.checkpoint().manifest().applied.entry);
  EXPECT_EQ(received.timestamp, Timestamp(99));
  EXPECT_EQ(received.membership.members.size(), 1u);
}

// For a repair: who receives it asks.
TEST(GrpcTransportTest, ACheckpointIsFetchedAndGoesOn) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.Reaches(one));
  const std::stop_source stop;
  const auto fetch = [&] {
    return two.transport().CheckpointOf(ReplicaId(1), Sequence(40),
                                        two.receiver(), stop.get_token());
  };
  two.receiver().FailAt({1, storage::kCheckpointChunkBytes});
  const auto cut_short = fetch();
  EXPECT_TRUE(absl::IsResourceExhausted(cut_short.status()))
      << cut_short.status();
  const auto fetched = fetch();
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(*fetched, one.checkpoint().manifest().applied.entry);
  EXPECT_EQ(two.receiver().contents(), one.checkpoint().contents());
  // All of it is there.
  const int reads_before = one.checkpoint().reads();
  EXPECT_TRUE(fetch().ok());
  EXPECT_EQ(one.checkpoint().reads(), reads_before);
}

TEST(GrpcTransportTest, AFetchThatWaitsIsStopped) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()));
  ASSERT_TRUE(two.Reaches(one));
  std::stop_source stop;
  std::thread stopping([&] {
    one.WaitUntilAskedTooMuch();
    stop.request_stop();
  });
  const auto fetched = two.transport().CheckpointOf(
      ReplicaId(1), Sequence(41), two.receiver(), stop.get_token());
  stopping.join();
  EXPECT_TRUE(absl::IsCancelled(fetched.status())) << fetched.status();
}

TEST(GrpcTransportTest, ACheckpointBelowWhatWasAskedForIsNotTaken) {
  TestReplica one(1);
  one.SendOlder();
  TestReplica two(2, At(1, one.address()));
  const auto fetched = two.transport().CheckpointOf(
      ReplicaId(1), Sequence(41), two.receiver(), std::stop_token());
  EXPECT_TRUE(absl::IsFailedPrecondition(fetched.status())) << fetched.status();
  EXPECT_TRUE(two.receiver().contents().empty());
}

// ---- incidents

TEST(GrpcTransportTest, IncidentsAreBroughtToWhoeverIsNamed) {
  TestReplica one(1);
  TestReplica two(2, At(1, one.address()));
  Incident incident;
  incident.id = {ReplicaId(2), Timestamp(7), 1};
  incident.cause = "a cause";
  EXPECT_TRUE(absl::IsUnavailable(
      two.transport().BringIncidents(ReplicaId(3), {incident})))
      << "nobody knows where that is";
  one.Journalled(absl::UnavailableError("not the primary"));
  EXPECT_TRUE(absl::IsUnavailable(
      two.transport().BringIncidents(ReplicaId(1), {incident})));
  one.Journalled(absl::OkStatus());
  const absl::Status brought =
      two.transport().BringIncidents(ReplicaId(1), {incident});
  EXPECT_TRUE(brought.ok()) << brought;
  EXPECT_EQ(one.incidents(), std::vector<Incident>({incident, incident}));
  // Of its own alone.
  incident.id.replica = ReplicaId(3);
  EXPECT_TRUE(absl::IsInvalidArgument(
      two.transport().BringIncidents(ReplicaId(1), {incident})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      two.transport().BringIncidents(ReplicaId(1), {})));
  EXPECT_EQ(one.incidents().size(), 2u);
}

// ---- what somebody else may say

class HostilePeerTest : public testing::Test {
 protected:
  v1::Hello Hello() const {
    return MakeHello({kCluster, ReplicaId(2), Incarnation(1)}, {},
                     ReplicaId(1));
  }

  // How the stream ends that says this.
  grpc::Status Says(const std::vector<v1::ConnectRequest>& requests) {
    const auto stub = v1::ReplicationService::NewStub(grpc::CreateChannel(
        replica_.address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    const auto stream = stub->Connect(&context);
    for (const v1::ConnectRequest& request : requests) stream->Write(request);
    v1::ConnectResponse response;
    while (stream->Read(&response)) {
    }
    return stream->Finish();
  }

  static v1::ConnectRequest Requested(const v1::Hello& hello) {
    v1::ConnectRequest request;
    *request.mutable_hello() = hello;
    return request;
  }

  TestReplica replica_{1};
};

TEST_F(HostilePeerTest, AnotherVersionIsRefused) {
  v1::Hello hello = Hello();
  hello.set_version(99);
  const grpc::Status status = Says({Requested(hello)});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(status.error_message().find("version 99"), std::string::npos);
}

TEST_F(HostilePeerTest, WhatIsNoMessageEndsTheStream) {
  v1::ConnectRequest nothing;
  EXPECT_EQ(Says({nothing}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Says({Requested(Hello()), nothing}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  // In another's name.
  v1::ConnectRequest request;
  request.mutable_message()->set_from(3);
  request.mutable_message()->set_from_incarnation(1);
  request.mutable_message()->set_to(1);
  request.mutable_message()->mutable_recall();
  EXPECT_EQ(Says({Requested(Hello()), request}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(replica_.All<Received>().empty());
}

}  // namespace
}  // namespace ledgerd::server
