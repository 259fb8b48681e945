// WatchEvents, through gRPC and back, over a store in memory.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "server/answer_budget.h"
#include "server/event_feed.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"
#include "server/responses.h"
#include "storage/state_event.h"

namespace ledgerd::server {
namespace {

using ledger::v1::WatchEventsResponse;

class WatchStreamTest : public ::testing::Test {
 protected:
  using Stream = grpc::ClientReader<WatchEventsResponse>;

  // A call of its own.
  struct Watch {
    grpc::ClientContext context;
    std::unique_ptr<Stream> stream;

    WatchEventsResponse Next() {
      WatchEventsResponse response;
      EXPECT_TRUE(stream->Read(&response)) << stream->Finish().error_message();
      return response;
    }
  };

  WatchStreamTest() { Restart({}); }

  void Restart(ServiceLimits limits) {
    harness_.emplace(limits);
    harness().replica().Apply(Sequence(0), [] {});
  }

  ServicesHarness& harness() { return *harness_; }

  std::unique_ptr<Watch> Open(uint64_t from) {
    return Open(from, harness().ledger());
  }

  static std::unique_ptr<Watch> Open(uint64_t from,
                                     ledger::v1::LedgerService::Stub& client) {
    auto watch = std::make_unique<Watch>();
    ledger::v1::WatchEventsRequest request;
    request.set_from_sequence(from);
    watch->stream = client.WatchEvents(&watch->context, request);
    return watch;
  }

  // Whose streams take 64 KiB without being read, and never more.
  std::unique_ptr<ledger::v1::LedgerService::Stub> ConnectWithSmallWindow() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return ledger::v1::LedgerService::NewStub(grpc::CreateCustomChannel(
        harness().client_port().address(), grpc::InsecureChannelCredentials(),
        arguments));
  }

  // The next entry: creates `count` accounts; their ids go on.
  void Apply(size_t count) {
    storage::StateStore& store = harness().store();
    storage::AppliedPoint point = store.applied();
    point.entry.sequence = point.entry.sequence.Next();
    const Timestamp before = point.timestamp;
    point.timestamp = Timestamp(before.value() + 10'000);
    harness().replica().Apply(point.entry.sequence, [&] {
      for (size_t i = 1; i <= count; ++i) {
        Account account;
        account.id = AccountId(++last_id_);
        account.ledger = 7;
        account.code = 8;
        account.timestamp = Timestamp(before.value() + i);
        store.view().InsertAccount(account);
        store.view().AppendEvent({.timestamp = account.timestamp,
                                  .debit = storage::EventSideOf(account)});
      }
      store.FinishEntry(point);
    });
  }

  static void ExpectIds(const WatchEventsResponse& response, uint64_t first,
                        int count) {
    ASSERT_EQ(response.events_size(), count);
    for (int i = 0; i < count; ++i) {
      const ledger::v1::Event& event = response.events(i);
      EXPECT_EQ(event.type(), ledger::v1::EVENT_TYPE_ACCOUNT_CREATED);
      EXPECT_EQ(event.debit_account().id().low(),
                first + static_cast<uint64_t>(i));
      EXPECT_EQ(event.debit_account().ledger(), 7u);
      EXPECT_FALSE(event.has_transfer());
      EXPECT_FALSE(event.has_credit_account());
    }
  }

  void WaitForWatchers(size_t count) {
    while (harness().service().feed().waiting() < count) {
      std::this_thread::yield();
    }
  }

  void WaitForReads(size_t count) {
    while (harness().replica().waiting_reads() != count) {
      std::this_thread::yield();
    }
  }

  std::optional<ServicesHarness> harness_;
  uint64_t last_id_ = 0;
};

TEST_F(WatchStreamTest, FirstThePastThenLive) {
  Apply(1);
  Apply(2);
  const auto watch = Open(0);
  WatchEventsResponse response = watch->Next();
  EXPECT_EQ(response.sequence(), 1u);
  ExpectIds(response, 1, 1);
  response = watch->Next();
  EXPECT_EQ(response.sequence(), 2u);
  ExpectIds(response, 2, 2);
  for (uint64_t sequence = 3; sequence < 20; ++sequence) {
    Apply(1);
    response = watch->Next();
    EXPECT_EQ(response.sequence(), sequence);
    ExpectIds(response, last_id_, 1);
    EXPECT_FALSE(response.more());
  }
}

TEST_F(WatchStreamTest, AFullEntryTakesSeveralMessages) {
  Apply(3);
  constexpr size_t kRest = 5;
  const size_t count = 2 * EventFeed::kEventsMax + kRest;
  Apply(count);
  Apply(1);
  const auto watch = Open(2);
  uint64_t seen = 3;
  // As many as the limit demands: all but the last are full.
  for (const size_t events :
       {EventFeed::kEventsMax, EventFeed::kEventsMax, kRest}) {
    const WatchEventsResponse response = watch->Next();
    EXPECT_EQ(response.sequence(), 2u);
    ExpectIds(response, seen + 1, static_cast<int>(events));
    seen += events;
    EXPECT_EQ(response.more(), seen < 3 + count);
  }
  EXPECT_EQ(watch->Next().sequence(), 3u);
}

TEST_F(WatchStreamTest, ManyWhoWaitCostOneRead) {
  constexpr size_t kWatchers = 50;
  Apply(1);
  std::vector<std::unique_ptr<Watch>> watches;
  for (size_t i = 0; i < kWatchers; ++i) watches.push_back(Open(2));
  WaitForWatchers(kWatchers);
  WaitForReads(1);
  // The first found out what is applied.
  EXPECT_EQ(harness().replica().reads(), 2u);
  Apply(1);
  for (const auto& watch : watches) {
    EXPECT_EQ(watch->Next().sequence(), 2u);
  }
  WaitForWatchers(kWatchers);
  WaitForReads(1);
  EXPECT_EQ(harness().replica().reads(), 3u);
}

TEST_F(WatchStreamTest, ManyWhoWaitForWhatIsFarAheadCostOneRead) {
  Apply(1);
  std::vector<std::unique_ptr<Watch>> watches;
  // Downwards: each wants an earlier one than all before it.
  for (uint64_t from = 20; from >= 2; --from) watches.push_back(Open(from));
  WaitForWatchers(watches.size());
  WaitForReads(1);
  EXPECT_EQ(harness().replica().waiting_reads(), 1u);
  for (uint64_t from = 2; from <= 20; ++from) {
    Apply(1);
    EXPECT_EQ(watches[20 - from]->Next().sequence(), from);
  }
}

// Nothing happens in the ledger meanwhile.
TEST_F(WatchStreamTest, CancelledWatchesAreLetGo) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (uint64_t i = 0; i < 32; ++i) {
    watches.push_back(Open(i % 2 == 0 ? 1 : 1 + i));
  }
  WaitForWatchers(watches.size());
  for (const auto& watch : watches) watch->context.TryCancel();
  while (harness().service().feed().waiting() > 0) std::this_thread::yield();
  // The read that waited ends, and nobody is left to begin another one for.
  WaitForReads(1);
  const uint64_t reads = harness().replica().reads();
  harness().replica().AbandonReads(MakeError(Reason::kTooStale, "10 s"));
  watches.clear();
  Apply(1);
  EXPECT_EQ(Open(1)->Next().sequence(), 1u);
  EXPECT_LE(harness().replica().reads(), reads + 2);
}

// Nobody reads at first: one of them holds a piece, the others wait for it.
TEST_F(WatchStreamTest, ManyOfOneClientTakeTheirTurns) {
  ServiceLimits limits;
  // A connection may hold one piece.
  limits.answer_bytes =
      8 * AnswerBudget::kConnections * EventFeed::kEventsMax * kEventBytes;
  Restart(limits);
  constexpr uint64_t kEntries = 40;
  for (uint64_t i = 0; i < kEntries; ++i) Apply(EventFeed::kEventsMax);
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 8; ++i) watches.push_back(Open(1));
  std::vector<std::thread> readers;
  for (const auto& watch : watches) {
    readers.emplace_back([&watch] {
      for (uint64_t sequence = 1, seen = 0; sequence <= kEntries;) {
        const WatchEventsResponse response = watch->Next();
        ASSERT_EQ(response.sequence(), sequence);
        ExpectIds(response, seen + 1, response.events_size());
        seen += static_cast<uint64_t>(response.events_size());
        if (!response.more()) ++sequence;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
}

// All that there is for pieces is held by four who read nothing: a fifth gets
// everything all the same, a few events at a time.
TEST_F(WatchStreamTest, DeafClientsKeepNobodyFromReading) {
  ServiceLimits limits;
  limits.answer_bytes =
      8 * AnswerBudget::kConnections * EventFeed::kEventsMax * kEventBytes;
  Restart(limits);
  constexpr uint64_t kEntries = 60;
  for (uint64_t i = 0; i < kEntries; ++i) Apply(EventFeed::kEventsMax);
  std::vector<std::unique_ptr<ledger::v1::LedgerService::Stub>> clients;
  std::vector<std::unique_ptr<Watch>> deaf;
  for (size_t i = 0; i < AnswerBudget::kConnections; ++i) {
    clients.push_back(ConnectWithSmallWindow());
    deaf.push_back(Open(1, *clients.back()));
  }
  const AnswerBudget& pieces = harness().service().budgets().pieces;
  while (pieces.connections() < AnswerBudget::kConnections) {
    std::this_thread::yield();
  }
  const auto watch = Open(1);
  size_t messages = 0;
  for (uint64_t sequence = 1, seen = 0; sequence <= kEntries; ++messages) {
    const WatchEventsResponse response = watch->Next();
    ASSERT_EQ(response.sequence(), sequence);
    ExpectIds(response, seen + 1, response.events_size());
    seen += static_cast<uint64_t>(response.events_size());
    EXPECT_EQ(response.more(), seen < sequence * EventFeed::kEventsMax);
    if (!response.more()) ++sequence;
  }
  EXPECT_GT(messages, 2 * kEntries) << "there was room for full pieces";
  for (const auto& one : deaf) one->context.TryCancel();
  while (pieces.connections() > 0) std::this_thread::yield();
}

TEST_F(WatchStreamTest, AClientMayHaveSoMany) {
  ServiceLimits limits;
  constexpr size_t kWatches = 10;
  limits.answer_bytes = 8 * AnswerBudget::kConnections * kWatches * kWatchBytes;
  Restart(limits);
  std::vector<std::unique_ptr<Watch>> watches;
  for (size_t i = 0; i < kWatches; ++i) watches.push_back(Open(1));
  WaitForWatchers(kWatches);
  const auto refused = Open(1);
  WatchEventsResponse response;
  EXPECT_FALSE(refused->stream->Read(&response));
  const absl::Status end = FromGrpcStatus(refused->stream->Finish());
  EXPECT_EQ(ReasonOf(end), Reason::kOverloaded);
  EXPECT_EQ(end.message(),
            "open watches of this client take 81920 of 81920 bytes, this one "
            "may take 8192; nothing was done, end some, and try again after "
            "the delay");
  // Another client may have one, and so may this one when one of its has ended.
  const auto other = ledger::v1::LedgerService::NewStub(
      ServicesHarness::Connect(harness().client_port()));
  const auto others = Open(1, *other);
  WaitForWatchers(kWatches + 1);
  watches.pop_back();
  Apply(1);
  while (!Open(1)->stream->Read(&response)) std::this_thread::yield();
}

// It reads nothing while the other one gets all.
TEST_F(WatchStreamTest, ASlowReaderHoldsNobodyBack) {
  const auto slow = Open(1);
  const auto fast = Open(1);
  constexpr uint64_t kEntries = 300;
  for (uint64_t sequence = 1; sequence <= kEntries; ++sequence) {
    Apply(200);
    const WatchEventsResponse response = fast->Next();
    ASSERT_EQ(response.sequence(), sequence);
    ExpectIds(response, 200 * (sequence - 1) + 1, 200);
  }
  for (uint64_t sequence = 1, seen = 0; sequence <= kEntries;) {
    const WatchEventsResponse response = slow->Next();
    ASSERT_EQ(response.sequence(), sequence);
    ExpectIds(response, seen + 1, response.events_size());
    seen += static_cast<uint64_t>(response.events_size());
    if (!response.more()) ++sequence;
  }
}

TEST_F(WatchStreamTest, AnEntryWithoutEventsIsASignOfProgress) {
  const auto watch = Open(1);
  Apply(0);
  const WatchEventsResponse response = watch->Next();
  EXPECT_EQ(response.sequence(), 1u);
  EXPECT_EQ(response.events_size(), 0);
  EXPECT_FALSE(response.more());
}

TEST_F(WatchStreamTest, AStopEndsThem) {
  const auto waiting = Open(1);
  WaitForWatchers(1);
  harness().service().EndStreams(MakeError(Reason::kDraining, "stopping"));
  WatchEventsResponse response;
  EXPECT_FALSE(waiting->stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(waiting->stream->Finish())),
            Reason::kDraining);
  const auto late = Open(1);
  EXPECT_FALSE(late->stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(late->stream->Finish())),
            Reason::kDraining);
  harness().replica().AbandonReads(absl::CancelledError("the end"));
}

TEST_F(WatchStreamTest, AnErrorOfTheReadEndsIt) {
  const auto watch = Open(1);
  WaitForReads(1);
  harness().replica().AbandonReads(MakeError(Reason::kNoPrimary, "halted"));
  WatchEventsResponse response;
  EXPECT_FALSE(watch->stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watch->stream->Finish())),
            Reason::kNoPrimary);
}

TEST_F(WatchStreamTest, ARefusedReadEndsIt) {
  harness().replica().RefuseNext(MakeError(Reason::kOverloaded, "full"));
  const auto watch = Open(1);
  WatchEventsResponse response;
  EXPECT_FALSE(watch->stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watch->stream->Finish())),
            Reason::kOverloaded);
}

TEST_F(WatchStreamTest, AWaitThatIsOverBeginsAgain) {
  const auto watch = Open(1);
  WaitForReads(1);
  harness().replica().AbandonReads(MakeError(Reason::kTooStale, "10 s"));
  Apply(1);
  EXPECT_EQ(watch->Next().sequence(), 1u);
}

// It is cut off, and the others may have a primary.
TEST_F(WatchStreamTest, WithoutAPrimaryAWaitThatIsOverEndsIt) {
  const auto watch = Open(1);
  WaitForReads(1);
  replication::ReplicaStatus status = harness().replica().status();
  status.role = replication::Role::kStandby;
  status.primary = ReplicaId(0);
  harness().replica().SetStatus(status);
  harness().replica().AbandonReads(MakeError(Reason::kTooStale, "2 s"));
  WatchEventsResponse response;
  EXPECT_FALSE(watch->stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watch->stream->Finish())),
            Reason::kNoPrimary);
  // What is there is told still.
  Apply(1);
  EXPECT_EQ(Open(1)->Next().sequence(), 1u);
}

TEST_F(WatchStreamTest, TheClientMayGo) {
  {
    const auto watch = Open(1);
    WaitForWatchers(1);
    watch->context.TryCancel();
    EXPECT_EQ(watch->stream->Finish().error_code(),
              grpc::StatusCode::CANCELLED);
  }
  Apply(1);
  EXPECT_EQ(Open(1)->Next().sequence(), 1u);
}

TEST_F(WatchStreamTest, WhatIsDroppedIsOutOfRange) {
  ServicesHarness dropping({}, {.events = {.age_seconds = 0, .bytes = 0}});
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    dropping.store().FinishEntry({.entry = {.sequence = Sequence(sequence)},
                                  .timestamp = Timestamp(sequence)});
    dropping.store().Freeze();
    ASSERT_TRUE(dropping.store().WriteCheckpoint().ok());
    dropping.store().FinishCheckpoint();
  }
  grpc::ClientContext info_context;
  ledger::v1::GetServerInfoResponse info;
  ASSERT_TRUE(dropping.ledger().GetServerInfo(&info_context, {}, &info).ok());
  EXPECT_EQ(info.oldest_event_sequence(), 3u);
  grpc::ClientContext context;
  ledger::v1::WatchEventsRequest request;
  request.set_from_sequence(2);
  const auto stream = dropping.ledger().WatchEvents(&context, request);
  WatchEventsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), Reason::kCompacted);
}

}  // namespace
}  // namespace ledgerd::server
