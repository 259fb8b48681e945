// A watch over a server that breaks off, repeats and refuses.
#include "client/event_watch.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledger_client.h"

namespace ledgerd::client {
namespace {

using ::ledger::v1::WatchEventsRequest;
using ::ledger::v1::WatchEventsResponse;

// Entry n has n events; of each message at most `per_message`. A call ends with
// the next scripted end after so many messages.
class EndlessEvents final : public ::ledger::v1::LedgerService::Service {
 public:
  struct End {
    int messages = 0;
    grpc::Status status;
  };

  explicit EndlessEvents(std::deque<End> ends, uint64_t per_message = 3)
      : per_message_(per_message), ends_(std::move(ends)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::Status WatchEvents(
      grpc::ServerContext* context, const WatchEventsRequest* request,
      grpc::ServerWriter<WatchEventsResponse>* writer) override {
    End end{1 << 30, grpc::Status::OK};
    {
      const MutexLock lock(mutex_);
      if (!ends_.empty()) {
        end = ends_.front();
        ends_.pop_front();
      }
    }
    uint64_t sequence = std::max<uint64_t>(1, request->from_sequence());
    uint64_t event = 0;
    for (int i = 0; i < end.messages && !context->IsCancelled(); ++i) {
      WatchEventsResponse response;
      response.set_sequence(sequence);
      for (uint64_t n = 0; n < per_message_ && event < sequence; ++n) {
        ++event;
        auto* added = response.add_events();
        added->set_type(::ledger::v1::EVENT_TYPE_SINGLE_PHASE);
        added->set_timestamp(1000 * sequence + event);
        added->mutable_debit_account()->set_code(5);
      }
      response.set_more(event < sequence);
      if (!response.more()) {
        ++sequence;
        event = 0;
      }
      if (!writer->Write(response)) break;
    }
    return end.status;
  }

 private:
  const uint64_t per_message_;
  Mutex mutex_;
  std::deque<End> ends_ LEDGERD_GUARDED_BY(mutex_);
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::deque<EndlessEvents::End> ManyEnds() {
  std::deque<EndlessEvents::End> ends;
  for (int i = 1; i < 20; ++i) {
    ends.push_back({i % 7, MakeGrpcError(Reason::kNoPrimary, "restarting")});
    ends.push_back({i % 3, grpc::Status::OK});
  }
  return ends;
}

// Of entries 1 .. 40.
void ExpectEachEventOnce(LedgerClient& client) {
  const auto watch = client.WatchEvents(Sequence(0));
  for (uint64_t sequence = 1; sequence <= 40; ++sequence) {
    uint64_t seen = 0;
    for (bool more = true; more;) {
      const auto entry = watch->Next();
      ASSERT_TRUE(entry.ok()) << entry.status();
      ASSERT_EQ(entry->sequence, Sequence(sequence));
      for (const LedgerEvent& event : entry->events) {
        ASSERT_EQ(event.timestamp, Timestamp(1000 * sequence + ++seen));
        ASSERT_EQ(event.type, LedgerEventType::kSinglePhase);
        ASSERT_EQ(event.debit.code, 5);
      }
      more = entry->more;
    }
    ASSERT_EQ(seen, sequence);
  }
}

TEST(EventWatch, EachEventOnceOverBrokenConnections) {
  EndlessEvents server(ManyEnds());
  LedgerClient client({.addresses = {server.address()}});
  ExpectEachEventOnce(client);
}

TEST(EventWatch, EachEventOnceOverReplicasThatCutTheirMessagesDifferently) {
  EndlessEvents one(ManyEnds(), /*per_message=*/2);
  EndlessEvents two(ManyEnds(), /*per_message=*/3);
  EndlessEvents three(ManyEnds(), /*per_message=*/7);
  LedgerClient client(
      {.addresses = {one.address(), two.address(), three.address()}});
  ExpectEachEventOnce(client);
}

TEST(EventWatch, WhatOneReplicaHasDroppedAnotherMayHave) {
  const EndlessEvents::End dropped{0,
                                   MakeGrpcError(Reason::kCompacted, "gone")};
  EndlessEvents one({dropped});
  EndlessEvents two({});
  LedgerClient client({.addresses = {one.address(), two.address()}});
  const auto entry = client.WatchEvents(Sequence(3))->Next();
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->sequence, Sequence(3));
  EndlessEvents three({dropped});
  EndlessEvents four({dropped});
  LedgerClient other({.addresses = {three.address(), four.address()}});
  EXPECT_EQ(ReasonOf(other.WatchEvents(Sequence(3))->Next().status()),
            Reason::kCompacted);
}

TEST(EventWatch, WhatIsDroppedIsAnError) {
  EndlessEvents server({{0, MakeGrpcError(Reason::kCompacted, "dropped")}});
  LedgerClient client({.addresses = {server.address()}});
  const auto entry = client.WatchEvents(Sequence(3))->Next();
  EXPECT_EQ(entry.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(entry.status()), Reason::kCompacted);
}

TEST(EventWatch, GivesUpAfterItsTimeoutAndMayGoOn) {
  std::deque<EndlessEvents::End> ends(
      1, {2, MakeGrpcError(Reason::kNoPrimary, "restarting")});
  EndlessEvents server(ends);
  LedgerClient client({.addresses = {server.address()},
                       .timeout = std::chrono::milliseconds(1)});
  const auto watch = client.WatchEvents(Sequence(1));
  ASSERT_TRUE(watch->Next().ok());
  ASSERT_TRUE(watch->Next().ok());
  EXPECT_EQ(ReasonOf(watch->Next().status()), Reason::kNoPrimary);
  const auto entry = watch->Next();
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->sequence, Sequence(3));
}

TEST(EventWatch, IsCancelledWhileItWaits) {
  EndlessEvents server({});
  LedgerClient client({.addresses = {server.address()}});
  const auto watch = client.WatchEvents(Sequence(1));
  ASSERT_TRUE(watch->Next().ok());
  std::thread canceller([&] { watch->Cancel(); });
  absl::Status status;
  while (status.ok()) status = watch->Next().status();
  canceller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace ledgerd::client
