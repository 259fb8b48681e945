// More load than can be served: what is beyond is refused at once, with nothing
// of it done; what was taken is answered; memory stays within its limits.
#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "proto/base/mutex.h"
#include "proto/system_limits.h"
#include "tests/integration/counted_incidents.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/process_usage.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(120'000);
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr size_t kBatch = 2'000;
constexpr uint64_t kEnough = 200;

std::vector<std::string> SmallInbox() {
  return {"--requests-inbox-bytes=4MiB"};
}

// What came of all calls.
struct Tally {
  std::atomic<uint64_t> ids = 0;
  std::atomic<bool> stopping = false;
  Mutex mutex;
  std::set<uint64_t> answered LEDGERD_GUARDED_BY(mutex);  // Their first ids.
  std::set<uint64_t> refused LEDGERD_GUARDED_BY(mutex);
  std::vector<std::string> others LEDGERD_GUARDED_BY(mutex);
};

// One batch after the other, each as soon as the one before has its answer,
// whatever that was: a client that knows no mercy.
class Flow {
 public:
  Flow(v1::LedgerService::Stub& stub, Tally& tally)
      : stub_(stub), tally_(tally) {
    Next();
  }

  bool ended() const { return ended_; }

 private:
  void Next() {
    if (tally_.stopping) {
      ended_ = true;
      return;
    }
    first_id_ = tally_.ids.fetch_add(kBatch) + 1;
    request_.clear_transfers();
    for (size_t i = 0; i < kBatch; ++i) {
      ToProto(PayOne(first_id_ + i), request_.add_transfers());
    }
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() + kTimeout);
    stub_.async()->CreateTransfers(
        context_.get(), &request_, &response_,
        [this](const grpc::Status& status) { OnEnd(status); });
  }

  void OnEnd(const grpc::Status& status) {
    {
      const MutexLock lock(tally_.mutex);
      const WireError error = ReadError(status);
      if (status.ok()) {
        tally_.answered.insert(first_id_);
      } else if (Text(error) == "RESOURCE_EXHAUSTED OVERLOADED" &&
                 error.has_retry_info) {
        tally_.refused.insert(first_id_);
      } else {
        tally_.others.push_back(Text(error) + ": " + error.message);
      }
    }
    Next();
  }

  v1::LedgerService::Stub& stub_;
  Tally& tally_;
  uint64_t first_id_ = 0;
  v1::CreateTransfersRequest request_;
  v1::CreateTransfersResponse response_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::atomic<bool> ended_ = false;
};

class OverloadTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
  }

  void TearDown() override {
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
  }

  uint64_t Memory() { return MemoryOf(ledger_.daemon().process().pid()); }

  // Whether the first transfers of the batches are there.
  size_t CountThere(const std::set<uint64_t>& batches) {
    size_t there = 0;
    std::vector<TransferId> ids;
    for (const uint64_t id : batches) {
      ids.emplace_back(id);
      if (ids.size() < kMaxBatchSize && id != *batches.rbegin()) continue;
      const Ending found = raw_.LookupTransfers(ids, kTimeout);
      EXPECT_EQ(found.outcome, Outcome::kAnswered) << found.error;
      there += found.found.size();
      ids.clear();
    }
    return there;
  }

  LiveLedger ledger_{SmallInbox()};
  RawClient raw_{ledger_.address()};
};

TEST_F(OverloadTest, WhatIsBeyondIsRefusedAndTheRestIsServed) {
  constexpr int kClients = 4;
  constexpr int kFlows = 32;
  const uint64_t before = Memory();
  uint64_t most = before;
  Tally tally;
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<std::unique_ptr<Flow>> flows;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<RawClient>(ledger_.address()));
    clients.back()->WaitForConnection(kTimeout);
    for (int j = 0; j < kFlows; ++j) {
      flows.push_back(std::make_unique<Flow>(clients[i]->stub(), tally));
    }
  }
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    most = std::max(most, Memory());
    const MutexLock lock(tally.mutex);
    return tally.answered.size() >= kEnough && tally.refused.size() >= kEnough;
  }));
  tally.stopping = true;
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return std::all_of(flows.begin(), flows.end(),
                       [](const auto& flow) { return flow->ended(); });
  })) << "a call was neither answered nor refused";

  const MutexLock lock(tally.mutex);
  std::cout << tally.answered.size() << " batches answered, "
            << tally.refused.size() << " refused; memory grew by "
            << (most - before) / kMiB << " MiB\n";
  for (const std::string& other : tally.others) ADD_FAILURE() << other;
  EXPECT_EQ(CountThere(tally.answered), tally.answered.size());
  EXPECT_EQ(CountThere(tally.refused), 0u) << "refused means nothing was done";
  // Three deltas of 53 MiB, and what waits.
  EXPECT_LT(most - before, 400 * kMiB);
  EXPECT_EQ(raw_.CreateTransfers({PayOne(1'000'000'000)}, kTimeout).outcome,
            Outcome::kAnswered);
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return HasIncident(ledger_.daemon(), "overload", "success");
  })) << IncidentsOf(ledger_.daemon(), "overload");
}

}  // namespace
}  // namespace ledgerd::integration
