// Reads of a group, asked of each replica itself: linearizable ones, while
// primaries are killed, see all that was answered before, or are refused; with
// at_least_sequence a standby waits for it; with max_staleness_ms it answers
// while it is near the primary; and one that is cut off says so.
//
// LEDGERD_KILLS sets how often the primary is killed (3 by default).
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/caller.h"
#include "tests/integration/consistencies.h"
#include "tests/integration/cuttable_network.h"
#include "tests/integration/group_under_load.h"
#include "tests/integration/payments.h"
#include "tests/integration/raw_client.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;

using std::chrono::milliseconds;

constexpr size_t kReplicas = 3;
// Beyond those of the load.
constexpr int kFirstReader = 100;
constexpr milliseconds kReadTimeout(2'000);
// Of each replica, before anything happens to the group.
constexpr uint64_t kReadsWanted = 50;

// Pays, and then asks every replica for what was paid.
class Reader {
 public:
  Reader(int number, uint64_t seed, const std::vector<std::string>& addresses,
         History* history)
      : client_(kFirstReader + number),
        history_(*history),
        ways_(addresses),
        caller_(client_, &ways_, history),
        payments_(client_, seed) {
    for (const std::string& address : addresses)
      replicas_.emplace_back(address);
  }

  void Run(const std::atomic<bool>& stopping) {
    while (!stopping) {
      const Unit unit = payments_.Next();
      const Ending paid = caller_.Create(Way::kPatientShared, unit);
      if (!AllAreThere(paid)) continue;
      std::vector<TransferId> ids;
      for (const Transfer& transfer : unit) ids.push_back(transfer.id);
      for (size_t i = 0; i < replicas_.size(); ++i) Read(i, ids);
    }
  }

  uint64_t answered(size_t replica) const { return answered_[replica]; }

 private:
  static bool AllAreThere(const Ending& ending) {
    for (const TransferResult& result : ending.results) {
      if (!client::IsThere(result)) return false;
    }
    return ending.outcome == Outcome::kAnswered;
  }

  // That it sees them is the history's rule 7.
  void Read(size_t replica, const std::vector<TransferId>& ids) {
    const size_t number = history_.Begin({.client = client_, .asked = ids});
    const Ending ending = replicas_[replica].LookupTransfers(ids, kReadTimeout);
    history_.End(number, ending);
    if (ending.outcome == Outcome::kAnswered) ++answered_[replica];
  }

  const int client_;
  History& history_;
  Ways ways_;
  Caller caller_;
  Payments payments_;
  std::deque<RawClient> replicas_;
  std::array<std::atomic<uint64_t>, kReplicas> answered_{};
};

class GroupReadsTest : public GroupUnderLoad {
 protected:
  static constexpr int kReaders = 3;

  explicit GroupReadsTest(std::unique_ptr<GroupNetwork> network = nullptr)
      : GroupUnderLoad(kReplicas, /*last_is_witness=*/false, {},
                       std::move(network)) {}

  void SetUp() override {
    Start();
    ASSERT_FALSE(HasFatalFailure());
    load_.Start();
  }

  void StartReaders() {
    for (int i = 0; i < kReaders; ++i) {
      readers_.emplace_back(i, seed_ + 1'000 + static_cast<uint64_t>(i),
                            group_.addresses(), &history_);
      threads_.emplace_back(
          [this, reader = &readers_.back()] { reader->Run(stopping_); });
    }
  }

  void StopReaders() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  uint64_t Answered(size_t replica) const {
    uint64_t answered = 0;
    for (const Reader& reader : readers_) answered += reader.answered(replica);
    return answered;
  }

  // Until each has answered so many more reads.
  void WaitForReadsOfAll(uint64_t reads) {
    std::vector<uint64_t> goals;
    for (size_t i = 0; i < kReplicas; ++i) goals.push_back(Answered(i) + reads);
    for (size_t i = 0; i < kReplicas; ++i) {
      ASSERT_TRUE(
          WaitUntil(kProgressLimit, [&] { return Answered(i) >= goals[i]; }))
          << "replica " << i + 1 << " has answered " << Answered(i)
          << " reads\n"
          << group_.Logs();
    }
  }

  void TearDown() override {
    StopReaders();
    GroupUnderLoad::TearDown();
  }

  std::deque<Reader> readers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
};

TEST_F(GroupReadsTest, ALinearizableReadOfAnyReplicaSeesWhatWasAnswered) {
  StartReaders();
  const auto primary = group_.WaitForPrimary();
  ASSERT_TRUE(primary.has_value()) << group_.Logs();
  // So by standbys, too.
  ASSERT_NO_FATAL_FAILURE(WaitForReadsOfAll(kReadsWanted));
  const int kills = NumberFromEnvironment("LEDGERD_KILLS", 3);
  for (int kill = 0; kill < kills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(Progress(100 + Draw(300)));
    ASSERT_NO_FATAL_FAILURE(ReplacePrimary());
  }
  ASSERT_NO_FATAL_FAILURE(WaitForReadsOfAll(kReadsWanted));
  StopReaders();
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  for (size_t i = 0; i < kReplicas; ++i) {
    std::cout << Answered(i) << " reads answered by replica " << i + 1 << "\n";
  }
  ASSERT_NO_FATAL_FAILURE(CompareStates(kReplicas));
}

// ---- what may be older

// An answer to a read of a replica, and as of which sequence it is.
struct Seen {
  // "UNAVAILABLE TOO_STALE"; empty: it was answered.
  std::string error;
  uint64_t sequence = 0;
};

class GroupFreshnessTest : public GroupReadsTest {
 protected:
  // In which no test ends.
  static constexpr milliseconds kAges{3'600'000};

  GroupFreshnessTest() : GroupReadsTest(MakeCuttableNetwork(kReplicas)) {}

  void SetUp() override {
    GroupReadsTest::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    const auto primary = group_.WaitForPrimary();
    ASSERT_TRUE(primary.has_value()) << group_.Logs();
    standby_ = (*primary + 1) % kReplicas;
    standby_client_ = std::make_unique<RawClient>(group_.addresses()[standby_]);
  }

  // Of the standby.
  Seen Ask(const v1::ReadConsistency& consistency,
           milliseconds timeout = kReadTimeout) {
    v1::LookupAccountsRequest request;
    request.add_ids()->set_low(1);
    *request.mutable_consistency() = consistency;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    v1::LookupAccountsResponse response;
    const grpc::Status status =
        standby_client_->stub().LookupAccounts(&context, request, &response);
    if (!status.ok()) return {.error = Text(ReadError(status))};
    return {.sequence = response.sequence()};
  }

  // Until that is what it says.
  void ExpectError(const v1::ReadConsistency& consistency,
                   const std::string& error) {
    Seen seen;
    EXPECT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            seen = Ask(consistency);
                            return seen.error == error;
                          }))
        << seen.error << " instead of " << error << "\n"
        << group_.Logs();
  }

  void ExpectAnswer(const v1::ReadConsistency& consistency, uint64_t sequence) {
    Seen seen;
    EXPECT_TRUE(WaitUntil(kProgressLimit,
                          [&] {
                            seen = Ask(consistency);
                            return seen.error.empty();
                          }))
        << seen.error << "\n"
        << group_.Logs();
    EXPECT_GE(seen.sequence, sequence);
  }

  // What the primary has committed now.
  uint64_t Committed() {
    const auto primary = group_.WaitForPrimary();
    EXPECT_TRUE(primary.has_value()) << group_.Logs();
    return group_.WaitForStatus(primary.value_or(0)).commit_sequence();
  }

  void CutOff(bool cut) {
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == standby_) continue;
      group_.network().Cut(standby_, i, cut);
      group_.network().Cut(i, standby_, cut);
    }
  }

  size_t standby_ = 0;
  std::unique_ptr<RawClient> standby_client_;
};

TEST_F(GroupFreshnessTest, AStandbyThatIsCutOffIsOldAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const uint64_t before = Committed();
  ExpectAnswer(AtLeast(before), before);
  ExpectAnswer(MaxStaleness(kAges), 0);
  ExpectAnswer(MaxStaleness(milliseconds(1'000)), 0);
  ExpectAnswer(Linearizable(), before);

  CutOff(true);
  // What comes now it does not have.
  ASSERT_NO_FATAL_FAILURE(Progress(200));
  const uint64_t after = Committed();
  ExpectError(Linearizable(), "UNAVAILABLE NO_PRIMARY");
  ExpectError(AtLeast(after), "UNAVAILABLE TOO_STALE");
  ExpectError(MaxStaleness(milliseconds(100)), "UNAVAILABLE TOO_STALE");
  ExpectAnswer(AtLeast(before), before);

  // It comes while the read waits.
  Seen waited;
  std::thread reader([&] { waited = Ask(AtLeast(after), kProgressLimit); });
  CutOff(false);
  reader.join();
  EXPECT_EQ(waited.error, "") << group_.Logs();
  EXPECT_GE(waited.sequence, after);
  ExpectAnswer(MaxStaleness(milliseconds(1'000)), after);
  ExpectAnswer(Linearizable(), after);
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(kReplicas));
}

}  // namespace
}  // namespace ledgerd::integration
