// StreamTransfers beyond what can be served: the first request that there is no
// room for ends its stream as OVERLOADED, before it is parsed; all before it is
// answered, and nothing after it is executed.
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(120'000);
// Of a stream; the inbox holds 16 of all of them.
constexpr uint64_t kRequests = 300;
constexpr uint64_t kRefusedEnough = 10;
constexpr int kStreams = 3;

constexpr char kOverloaded[] = "RESOURCE_EXHAUSTED OVERLOADED";

// How a stream of kRequests ended: these were answered, in their order.
struct Pushed {
  uint64_t first_id = 0;
  uint64_t answered = 0;
  WireError end;
};

// Writes without waiting for answers. Request i + 1 pays with id first_id + i.
Pushed Push(v1::LedgerService::Stub& stub, uint64_t first_id) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  const auto stream = stub.StreamTransfers(&context);
  std::thread writer([&stream, first_id] {
    for (uint64_t i = 0; i < kRequests; ++i) {
      v1::StreamTransfersRequest request;
      request.set_request_id(i + 1);
      ToProto(PayOne(first_id + i), request.add_transfers());
      if (!stream->Write(request)) return;
    }
    stream->WritesDone();
  });
  Pushed pushed{.first_id = first_id};
  v1::StreamTransfersResponse response;
  while (stream->Read(&response)) {
    EXPECT_EQ(response.request_id(), ++pushed.answered);
  }
  writer.join();
  pushed.end = ReadError(stream->Finish());
  return pushed;
}

class StreamOverloadTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
  }

  void TearDown() override {
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  }

  // One stream after the other, each on a connection of its own.
  void Flood() {
    RawClient client(ledger_.address());
    while (!stopping_) {
      const Pushed pushed = Push(client.stub(), ids_.fetch_add(kRequests) + 1);
      const MutexLock lock(mutex_);
      refused_ += pushed.end.code != grpc::StatusCode::OK;
      cut_short_ += pushed.answered > 0 && pushed.answered < kRequests;
      pushed_.push_back(pushed);
    }
  }

  // As long as `condition` does not hold.
  template <typename Condition>
  void FloodUntil(Condition condition) {
    std::vector<std::thread> floods;
    for (int i = 0; i < kStreams; ++i) {
      floods.emplace_back([this] { Flood(); });
    }
    EXPECT_TRUE(WaitUntil(kTimeout, condition));
    stopping_ = true;
    for (std::thread& flood : floods) flood.join();
  }

  // Those that were answered are there, and no other.
  void ExpectAnsweredAlone(const Pushed& pushed) {
    std::vector<TransferId> ids;
    for (uint64_t i = 0; i < kRequests; ++i) {
      ids.emplace_back(pushed.first_id + i);
    }
    const Ending found = raw_.LookupTransfers(ids, kTimeout);
    ASSERT_EQ(found.outcome, Outcome::kAnswered) << found.error;
    ASSERT_EQ(found.found.size(), pushed.answered);
    for (uint64_t i = 0; i < pushed.answered; ++i) {
      EXPECT_EQ(found.found[i].id, ids[i]);
    }
  }

  LiveLedger ledger_{{"--requests-inbox-requests=16"}};
  RawClient raw_{ledger_.address()};
  std::atomic<uint64_t> ids_ = 0;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  std::vector<Pushed> pushed_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t refused_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // In the middle: some were answered before.
  uint64_t cut_short_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

TEST_F(StreamOverloadTest, NothingAfterTheRefusedRequestIsExecuted) {
  FloodUntil([this] {
    const MutexLock lock(mutex_);
    return refused_ >= kRefusedEnough && cut_short_ > 0;
  });
  const MutexLock lock(mutex_);
  for (const Pushed& pushed : pushed_) {
    if (pushed.end.code == grpc::StatusCode::OK) {
      EXPECT_EQ(pushed.answered, kRequests);
    } else {
      EXPECT_EQ(Text(pushed.end), kOverloaded) << pushed.end.message;
      EXPECT_EQ(pushed.end.message,
                "16 requests wait already; nothing was done, try again after "
                "the delay");
      EXPECT_TRUE(pushed.end.has_retry_info);
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAnsweredAlone(pushed));
  }
  std::cout << pushed_.size() << " streams, " << refused_ << " refused, "
            << cut_short_ << " in the middle\n";
}

// A request that no parse would let pass: when it ends as OVERLOADED all the
// same, there was none.
TEST_F(StreamOverloadTest, WhatThereIsNoRoomForIsNotParsed) {
  int parsed = 0;
  FloodUntil([&] {
    grpc::ClientContext context;
    const auto stream = raw_.stub().StreamTransfers(&context);
    v1::StreamTransfersRequest request;
    request.set_request_id(1);
    request.add_transfers()->set_code(70'000);
    stream->Write(request);
    v1::StreamTransfersResponse response;
    EXPECT_FALSE(stream->Read(&response));
    const WireError end = ReadError(stream->Finish());
    if (Text(end) == kOverloaded) return true;
    EXPECT_EQ(Text(end), "INVALID_ARGUMENT INVALID_FIELD") << end.message;
    ++parsed;
    return HasFailure();
  });
  std::cout << parsed << " were parsed before one was refused\n";
}

}  // namespace
}  // namespace ledgerd::integration
