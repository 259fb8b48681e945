// The state's disk is full, the journal's is not: a checkpoint finds no room
// for its tables. Payments are refused as DISK_FULL, reads go on, an alarm says
// so; with space again all goes on by itself, and no kill takes anything.
//
// Two ways: no bytes are left, which is seen before a checkpoint begins; and
// names run out, so that a table in the middle of it meets ENOSPC itself.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/books.h"
#include "tests/integration/final_state.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/small_disk.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::milliseconds kTimeout(20'000);
// Half of what is due for a checkpoint.
constexpr size_t kBatch = 500;
constexpr int kUnhealthy = 5;
// More than a checkpoint of this test wants.
constexpr char kDisk[] = "size=256m,nr_inodes=400";
constexpr uint64_t kPlenty = uint64_t{64} << 20;
// A checkpoint makes more tables than that.
constexpr int kNamesLeft = 3;

// A way of having no room.
struct Shortage {
  std::string name;
  std::function<void(const SmallDisk&)> bring;
  bool has_bytes = false;
};

class StateFullTest : public testing::TestWithParam<Shortage> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(FormatDataDirectory(data(), SmallLimits()).ok());
    disk_ = std::make_unique<SmallDisk>(data() + "/state", kDisk);
    const absl::Status started = ledger_.StartOn(data());
    ASSERT_TRUE(started.ok()) << started;
    const Ending ending =
        raw_.CreateAccounts({{.id = AccountId(1), .ledger = 1, .code = 1},
                             {.id = AccountId(2), .ledger = 1, .code = 1}},
                            kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(Pay(NextBatch()));
  }

  // The daemon ends before its disk, and that before its directory.
  void TearDown() override {
    ledger_.daemon().Kill9().IgnoreError();
    disk_ = nullptr;
  }

  std::string data() const { return ledger_.data_directory(); }

  std::vector<Transfer> NextBatch() {
    std::vector<Transfer> batch;
    for (size_t i = 0; i < kBatch; ++i) batch.push_back(PayOne(++ids_));
    return batch;
  }

  bool Pay(const std::vector<Transfer>& batch) {
    const Ending ending = raw_.CreateTransfers(batch, kTimeout);
    error_ = ending.error;
    if (ending.outcome != Outcome::kAnswered) return false;
    for (const Transfer& transfer : batch) paid_.push_back(transfer.id);
    return true;
  }

  // Fills the disk and pays until that is met, and told; what was refused. A
  // merge may give room back: that is taken too.
  std::vector<Transfer> MeetTheShortage() {
    std::vector<Transfer> batch = NextBatch();
    EXPECT_TRUE(WaitUntil(kTimeout, [&] {
      GetParam().bring(*disk_);
      if (Pay(batch)) {
        batch = NextBatch();
        return false;
      }
      EXPECT_EQ(error_, "RESOURCE_EXHAUSTED DISK_FULL");
      const Finished status = Status();
      return status.exit_code == kUnhealthy &&
             absl::StrContains(status.output, "DISK_FULL") &&
             absl::StrContains(status.output, "of the state");
    })) << Status().output;
    const uint64_t available = std::filesystem::space(disk_->path()).available;
    EXPECT_EQ(available > kPlenty, GetParam().has_bytes) << available;
    return batch;
  }

  void MakeSpaceAndPay(const std::vector<Transfer>& refused) {
    disk_->MakeSpace();
    EXPECT_TRUE(WaitUntil(kTimeout, [&] { return Pay(refused); }))
        << error_ << "\n"
        << ledger_.daemon().Log();
    // Two checkpoints more, and all is well.
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(Pay(NextBatch())) << error_;
    EXPECT_FALSE(HasAlarm());
  }

  Finished Status() {
    return Ledgerctl(
        {"status", "--admin-address=" + ledger_.daemon().admin_address()});
  }

  bool HasAlarm() { return absl::StrContains(Status().output, "DISK_FULL"); }

  // All that was answered is there, and the balances are what it makes.
  void ExpectBalanced() {
    client::LedgerClient client({.addresses = {ledger_.address()}});
    const auto state = ReadState(client, paid_, {AccountId(1), AccountId(2)});
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->transfers.size(), paid_.size());
    for (const std::string& violation : CheckBooks(*state)) {
      ADD_FAILURE() << violation;
    }
  }

  void KillAndStart() {
    ASSERT_TRUE(ledger_.daemon().Kill9().ok());
    const absl::Status started = ledger_.StartOn(data());
    ASSERT_TRUE(started.ok()) << started;
  }

  void StopAndVerify() {
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
    auto offline = OfflineLedger::Open(data());
    ASSERT_TRUE(offline.ok()) << offline.status();
    const absl::Status verified = (*offline)->VerifyAll();
    EXPECT_TRUE(verified.ok()) << verified;
  }

  LiveLedger ledger_{SmallLimits()};
  std::unique_ptr<SmallDisk> disk_;
  RawClient raw_{ledger_.address()};
  std::vector<TransferId> paid_;
  std::string error_;
  uint64_t ids_ = 0;
};

TEST_P(StateFullTest, RefusesPaymentsReadsGoOnAndSpaceCures) {
  const std::vector<Transfer> refused = MeetTheShortage();
  ExpectBalanced();
  MakeSpaceAndPay(refused);
  ExpectBalanced();
  ASSERT_NO_FATAL_FAILURE(KillAndStart());
  ExpectBalanced();
  StopAndVerify();
}

TEST_P(StateFullTest, AKillWhileItIsFullLosesNothing) {
  const std::vector<Transfer> refused = MeetTheShortage();
  ASSERT_TRUE(ledger_.daemon().Kill9().ok());
  disk_->MakeSpace();
  const absl::Status started = ledger_.StartOn(data());
  ASSERT_TRUE(started.ok()) << started;
  ExpectBalanced();
  MakeSpaceAndPay(refused);
  ExpectBalanced();
  StopAndVerify();
}

INSTANTIATE_TEST_SUITE_P(Shortages, StateFullTest,
                         testing::Values(Shortage{"OfBytes",
                                                  [](const SmallDisk& disk) {
                                                    disk.FillUp();
                                                  }},
                                         Shortage{"OfNames",
                                                  [](const SmallDisk& disk) {
                                                    disk.TakeNames(kNamesLeft);
                                                  },
                                                  /*has_bytes=*/true}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace ledgerd::integration
