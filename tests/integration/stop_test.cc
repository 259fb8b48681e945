// SIGTERM while calls and streams come in, and go on coming: each ends in its
// answer, DRAINING (nothing was done), OUTCOME_UNKNOWN, or meets a connection
// that is gone, and then nothing was done either; the daemon ends with 0 in
// time; and the next one has what was answered, and no more than may be there.
//
// LEDGERD_STOPS sets how often (10 by default; tests/long.sh: 300).
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "proto/base/test_seed.h"
#include "proto/base/uint128.h"
#include "proto/system_limits.h"
#include "tests/crash/injection.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(60'000);
constexpr milliseconds kStopTimeout(10'000);
constexpr int kCallers = 3;
constexpr int kStreamers = 3;
constexpr uint64_t kBatchMax = 50;
constexpr uint64_t kStreamedMax = 300;

constexpr char kAnswered[] = "";
constexpr char kDraining[] = "UNAVAILABLE DRAINING";
constexpr char kGone[] = "UNAVAILABLE ";
constexpr char kUnknown[] = "UNAVAILABLE OUTCOME_UNKNOWN";

int Stops() {
  const char* stops = std::getenv("LEDGERD_STOPS");
  return stops == nullptr ? 10 : std::atoi(stops);
}

// A call or a stream: transfers from `first_id` on. A stream sends each in a
// request of its own.
struct Call {
  bool is_stream = false;
  uint64_t first_id = 0;
  uint64_t count = 0;
  // The first of them.
  uint64_t answered = 0;
  std::string end;
};

class StopTest : public testing::Test {
 protected:
  explicit StopTest(std::vector<std::string> flags = SmallLimits())
      : ledger_(std::move(flags)) {}

  void SetUp() override {
    RawClient raw(ledger_.address());
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw));
  }

  // Calls until the daemon is gone.
  void CallOn(uint64_t seed) {
    std::mt19937_64 random(seed);
    RawClient client(ledger_.address());
    client.WaitForConnection(kTimeout);
    Call call;
    do {
      call = {.count = 1 + random() % kBatchMax};
      call.first_id = ids_.fetch_add(call.count) + 1;
      std::vector<Transfer> batch;
      for (uint64_t i = 0; i < call.count; ++i) {
        batch.push_back(PayOne(call.first_id + i));
      }
      const Ending ending = client.CreateTransfers(batch, kTimeout);
      if (ending.outcome == Outcome::kAnswered) call.answered = call.count;
      call.end = ending.error;
    } while (Note(call));
  }

  void StreamOn() {
    RawClient client(ledger_.address());
    client.WaitForConnection(kTimeout);
    while (Note(Stream(client.stub()))) {
    }
  }

  // One stream, until it has written all or is ended.
  Call Stream(v1::LedgerService::Stub& stub) {
    Call call = {.is_stream = true,
                 .first_id = ids_.fetch_add(kStreamedMax) + 1,
                 .count = kStreamedMax};
    grpc::ClientContext context;
    const auto stream = stub.StreamTransfers(&context);
    std::thread writer([&stream, first_id = call.first_id] {
      for (uint64_t i = 0; i < kStreamedMax; ++i) {
        v1::StreamTransfersRequest request;
        request.set_request_id(i + 1);
        ToProto(PayOne(first_id + i), request.add_transfers());
        if (!stream->Write(request)) return;
      }
      stream->WritesDone();
    });
    v1::StreamTransfersResponse response;
    while (stream->Read(&response)) {
      EXPECT_EQ(response.request_id(), ++call.answered);
      ++answers_;
    }
    writer.join();
    const grpc::Status status = stream->Finish();
    if (!status.ok()) call.end = Text(ReadError(status));
    return call;
  }

  // Whether to go on.
  bool Note(const Call& call) {
    ++answers_;
    const MutexLock lock(mutex_);
    calls_.push_back(call);
    return call.end == kAnswered || call.end == kDraining ||
           call.end == kUnknown;
  }

  // SIGTERM at a random moment, `moment` after some answers at most; the daemon
  // is gone before `limit`, and all have noticed.
  void StopUnderLoad(milliseconds limit, milliseconds moment) {
    const uint64_t first_id = ids_ + 1;
    std::vector<std::thread> threads;
    for (int i = 0; i < kCallers; ++i) {
      threads.emplace_back([this, seed = random_()] { CallOn(seed); });
    }
    for (int i = 0; i < kStreamers; ++i) {
      threads.emplace_back([this] { StreamOn(); });
    }
    const uint64_t enough = answers_ + 1 + random_() % 1'000;
    EXPECT_TRUE(WaitUntil(kTimeout, [&] { return answers_ >= enough; }));
    Subprocess& process = ledger_.daemon().process();
    process.WaitFor(microseconds(random_() % (1'000 * moment.count())));
    process.Signal(SIGTERM);
    const std::optional<int> exit_code = process.WaitFor(limit);
    EXPECT_EQ(exit_code, 0) << ledger_.daemon().Log();
    if (!exit_code.has_value()) process.Signal(SIGKILL);
    for (std::thread& thread : threads) thread.join();
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_NO_FATAL_FAILURE(CheckCalls(FindAll(first_id, ids_)));
  }

  std::set<uint64_t> FindAll(uint64_t first_id, uint64_t last_id) {
    RawClient client(ledger_.address());
    std::set<uint64_t> there;
    for (uint64_t id = first_id; id <= last_id;) {
      std::vector<TransferId> ids;
      while (id <= last_id && ids.size() < kMaxBatchSize)
        ids.emplace_back(id++);
      const Ending found = client.LookupTransfers(ids, kTimeout);
      EXPECT_EQ(found.outcome, Outcome::kAnswered) << found.error;
      for (const Transfer& transfer : found.found) {
        there.insert(Low(transfer.id.value()));
      }
    }
    return there;
  }

  void CheckCalls(const std::set<uint64_t>& there) {
    const MutexLock lock(mutex_);
    for (const Call& call : calls_) {
      SCOPED_TRACE((call.is_stream ? "stream " : "call ") +
                   std::to_string(call.first_id) + " + " +
                   std::to_string(call.count) + ": " + call.end);
      uint64_t done = 0;
      while (done < call.count && there.contains(call.first_id + done)) ++done;
      for (uint64_t i = done; i < call.count; ++i) {
        ASSERT_FALSE(there.contains(call.first_id + i)) << "one was passed by";
      }
      if (call.end != kUnknown) {
        ASSERT_EQ(done, call.answered);
      } else if (call.is_stream) {
        ASSERT_GE(done, call.answered);
      } else {
        ASSERT_TRUE(done == 0 || done == call.count) << "half a batch";
      }
      ++ends_[(call.is_stream ? "stream: " : "call: ") + call.end];
    }
    calls_.clear();
  }

  bool Saw(const std::string& end) const {
    return ends_.contains("call: " + end) && ends_.contains("stream: " + end);
  }

  void ExpectEndsAre(const std::set<std::string>& ends) {
    for (const auto& [end, count] : ends_) {
      std::cout << count << " x " << end << "\n";
      EXPECT_TRUE(ends.contains(end.substr(end.find(": ") + 2))) << end;
    }
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  LiveLedger ledger_;
  std::atomic<uint64_t> ids_ = 0;
  std::atomic<uint64_t> answers_ = 0;
  Mutex mutex_;
  std::vector<Call> calls_ LEDGERD_GUARDED_BY(mutex_);
  std::map<std::string, int> ends_;
};

TEST_F(StopTest, EachCallEndsInWhatBecameOfIt) {
  for (int stop = 0; stop < Stops() && !HasFailure(); ++stop) {
    ASSERT_NO_FATAL_FAILURE(StopUnderLoad(kStopTimeout, milliseconds(5)));
  }
  ExpectEndsAre({kAnswered, kDraining, kGone});
  EXPECT_TRUE(Saw(kDraining));
  EXPECT_TRUE(Saw(kGone));
}

// A disk so slow that what was taken cannot be answered in time.
class SlowStopTest : public StopTest {
 protected:
  SlowStopTest() : StopTest({"--stop-timeout-ms=100"}) {}
};

TEST_F(SlowStopTest, WhatIsNotAnsweredInTimeIsUnknown) {
  constexpr int kStopsMax = 20;
  const crash::Injection slow({.calls = "fdatasync",
                               .what = "delay_enter=300000",
                               .when = 1,
                               .last = 60'000});
  for (int stop = 0; stop < kStopsMax && !Saw(kUnknown); ++stop) {
    ASSERT_EQ(ledger_.daemon().Terminate(), 0);
    ledger_.RunUnder(slow.Command());
    const absl::Status started = ledger_.Start();
    ASSERT_TRUE(started.ok()) << started;
    ledger_.RunUnder({});
    ASSERT_NO_FATAL_FAILURE(StopUnderLoad(kTimeout, milliseconds(600)));
  }
  ExpectEndsAre({kAnswered, kDraining, kUnknown, kGone});
  EXPECT_TRUE(Saw(kUnknown));
}

}  // namespace
}  // namespace ledgerd::integration
