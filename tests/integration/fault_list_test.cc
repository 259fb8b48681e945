// A known list of faults, done to a group of real daemons one after the other
// while clients pay, and what the recovery counters say of it: R, E, T and C
// kind by kind, and what was lost, rolled back and compared; of each replica
// and of the group, the same on all, exactly as the list has it. In the end
// nothing that was acknowledged is lost.
//
// A fault begins when the group has come to rest and the counters are as the
// list says; so what it causes is its own. Which replica it hits, and in which
// order, follows from a seed and who is the primary by then.
//
// LEDGERD_ROUNDS sets how often the whole list is gone through (1 by default).
#include "tests/integration/fault_list.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "admin/v1/admin.pb.h"
#include "proto/types.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/journal_places.h"
#include "tests/integration/listed_group.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::admin::v1;

using std::chrono::milliseconds;

constexpr int kStorageFault = 7;
// Accounts of this test's own, beside those of payments.h.
constexpr uint64_t kDebit = 66'000'001;
constexpr uint64_t kCredit = 66'000'002;
constexpr uint64_t kIds = 66'000'000'000;
constexpr uint32_t kLedger = 66;
constexpr size_t kBulk = 8'000;
constexpr size_t kBulksMax = 200;
constexpr size_t kSegmentBytes = size_t{8} << 20;
constexpr size_t kLongEntry = 300;

std::vector<std::string> Flags() {
  return {
      "--replication-heartbeat-ms=50",
      // A primary that is silent is replaced after more than the 3 s for which
      // a fault may hold writes up; one whose process is gone, at once.
      "--replication-timeout-ms=3200",
      "--journal-slow-write-ms=2000",
      "--journal-segment-bytes=8MiB",
      "--journal-retention-bytes=16MiB",
      "--state-replay-events=20000",
      "--requests-inbox-requests=16",
      "--scrub-interval-seconds=1",
      "--scrub-bytes-per-second=1GiB",
  };
}

class FaultListTest : public ListedGroup {
 protected:
  FaultListTest() : ListedGroup(Flags()) {}

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartAndSettle());
    const std::vector<Account> accounts = {
        {.id = AccountId(kDebit), .ledger = kLedger, .code = 1},
        {.id = AccountId(kCredit), .ledger = kLedger, .code = 1}};
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return raw_.CreateAccounts(accounts, kPatience).outcome ==
             Outcome::kAnswered;
    }));
  }

  // Clients wait, and the group is at rest: does it to the group, and compares.
  void Do(const std::string& what, void (FaultListTest::*fault)()) {
    const auto begin = Clock::now();
    ASSERT_NO_FATAL_FAILURE((this->*fault)()) << what << "\n" << group_.Logs();
    load_.GoOn();
    ASSERT_NO_FATAL_FAILURE(Progress(10)) << what;
    load_.Hold();
    ASSERT_TRUE(group_.WaitUntilEqual()) << what << "\n" << group_.Logs();
    ASSERT_NO_FATAL_FAILURE(AddWhatWasCut()) << what;
    ASSERT_NO_FATAL_FAILURE(Settle()) << what;
    ++done_[what];
    std::cout << what << ": "
              << std::chrono::duration_cast<milliseconds>(Clock::now() - begin)
                     .count()
              << " ms" << std::endl;
  }

  // A primary that is lost may have journalled one entry more, of an incident
  // or a note: what was cut off its journal then is listed on its disk.
  void AddWhatWasCut() {
    for (size_t i = 0; i < kReplicas; ++i) {
      const Finished listed =
          Ledgerctl({"rolled-back", "-o", "json",
                     "--admin-address=" + group_.daemon(i).admin_address()});
      ASSERT_EQ(listed.exit_code, 0) << listed.errors;
      const uint64_t cut = CountOf("\"rolled_back\":", listed.output);
      if (cut <= list_.rolled_back(i)) continue;
      ASSERT_EQ(cut, list_.rolled_back(i) + 1) << listed.output;
      list_.AddRolledBack(i, 1);
      Succeeded(i, v1::INCIDENT_KIND_ROLLBACK);
    }
  }

  static uint64_t CountOf(const std::string& word, const std::string& text) {
    uint64_t times = 0;
    for (size_t at = text.find(word); at != std::string::npos;
         at = text.find(word, at + 1)) {
      ++times;
    }
    return times;
  }

  static Transfer Payment(uint64_t id) {
    return {.id = TransferId(kIds + id),
            .debit_account_id = AccountId(kDebit),
            .credit_account_id = AccountId(kCredit),
            .amount = Amount(1),
            .ledger = kLedger,
            .code = 1};
  }

  // Of one replica alone, in that many calls at once; how many calls ended with
  // `error` by now is in `refused`.
  class Flood {
   public:
    Flood(const std::string& address, int calls, const std::string& error)
        : raw_(address) {
      for (int i = 0; i < calls; ++i) {
        threads_.emplace_back([this, i, error] {
          const Ending ending = raw_.CreateTransfers(
              {Payment(1'000'000 + static_cast<uint64_t>(i))}, kPatience);
          if (ending.error == error) ++refused_;
        });
      }
    }

    ~Flood() {
      for (std::thread& thread : threads_) thread.join();
    }

    int refused() const { return refused_; }

   private:
    RawClient raw_;
    std::atomic<int> refused_ = 0;
    std::vector<std::thread> threads_;
  };

  // Pays by the thousand as long as it is there: who has no space left for more
  // notices.
  class Bulk {
   public:
    explicit Bulk(const std::vector<std::string>& addresses)
        : raw_(addresses), thread_([this] { Pay(); }) {}

    ~Bulk() {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
      }
      ending_.notify_all();
      thread_.join();
    }

   private:
    void Pay() {
      const std::vector<Transfer> batch = BulkOfPayments();
      // Some are refused meanwhile.
      milliseconds pause(0);
      while (!IsToEnd(pause)) {
        const Ending ending = raw_.CreateTransfers(batch, kPatience);
        pause = milliseconds(ending.outcome == Outcome::kAnswered ? 0 : 20);
      }
    }

    // It is, within that time.
    bool IsToEnd(milliseconds time) {
      std::unique_lock<std::mutex> lock(mutex_);
      return ending_.wait_for(lock, time, [this] { return ended_; });
    }

    RawClient raw_;
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ended_ = false;
    std::thread thread_;
  };

  // The same again and again: it takes the journal as much.
  static std::vector<Transfer> BulkOfPayments() {
    std::vector<Transfer> batch;
    for (size_t i = 0; i < kBulk; ++i) batch.push_back(Payment(i));
    return batch;
  }

  // ---- the faults
  //
  // A primary that stays up must have followed another one since its start:
  // else it may have to catch up afterwards, or not, as the first word of the
  // next one says.

  void StandbyIsKilled() {
    const size_t standby = OneStandby();
    WillBeMissed(standby);
    ASSERT_TRUE(group_.Kill(standby).ok());
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    IsMissedNoMore();
  }

  void StandbyIsStopped() {
    const size_t standby = OtherStandby();
    WillBeMissed(standby);
    ASSERT_EQ(group_.Terminate(standby), 0);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/false));
    IsMissedNoMore();
  }

  void PrimaryIsKilled() {
    PrimaryWillBeLost();
    const size_t old = primary_;
    NoteFault();
    ASSERT_TRUE(group_.Kill(old).ok());
    load_.GoOn();
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(v1::INCIDENT_OUTCOME_SUCCESS));
    ASSERT_NO_FATAL_FAILURE(ComesBack(old, /*crashed=*/true));
  }

  // As if at once: who misses another would write that down. Two are a
  // majority, and the third has something to catch up with.
  void AllAreKilled() {
    for (size_t i = 0; i < kReplicas; ++i) Signal(i, SIGSTOP);
    for (size_t i = 0; i < kReplicas; ++i) {
      ASSERT_TRUE(group_.Kill(i).ok());
      Succeeded(i, v1::INCIDENT_KIND_CRASH_REPLAY);
    }
    has_followed_.clear();
    const size_t last = OneStandby();
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == last) continue;
      ASSERT_TRUE(group_.Launch(i).ok());
    }
    const auto next = group_.WaitForPrimary({last});
    ASSERT_TRUE(next.has_value());
    primary_ = *next;
    Succeeded(primary_, v1::INCIDENT_KIND_PROMOTION);
    for (size_t i = 0; i < kReplicas; ++i) {
      if (i == last) continue;
      ASSERT_TRUE(group_.daemon(i).WaitUntilReady().ok());
    }
    ASSERT_NO_FATAL_FAILURE(ComesBack(last, /*crashed=*/false));
  }

  void StandbyStandsStill() {
    const size_t standby = OneStandby();
    WillBeMissed(standby);
    Signal(standby, SIGSTOP);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    Signal(standby, SIGCONT);
    IsMissedNoMore();
  }

  // Clients wait for it meanwhile: it would take what they ask of it as soon as
  // it goes on, before it knows of another.
  void PrimaryStandsStill() {
    ASSERT_TRUE(has_followed_.contains(primary_));
    PrimaryWillBeLost();
    const size_t old = primary_;
    Signal(old, SIGSTOP);
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(v1::INCIDENT_OUTCOME_FAILED));
    Signal(old, SIGCONT);
    ASSERT_NO_FATAL_FAILURE(WaitForRole(old, v1::ROLE_STANDBY));
  }

  void StandbyIsCutOff() {
    const size_t standby = OtherStandby();
    WillBeMissed(standby);
    CutOff(standby, true);
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    CutOff(standby, false);
    IsMissedNoMore();
  }

  // What only it has is cut off its journal: nobody was told that it is done.
  void PrimaryIsCutOffWithPayments() {
    ASSERT_TRUE(has_followed_.contains(primary_));
    PrimaryWillBeLost();
    const size_t old = primary_;
    NoteFault();
    CutOff(old, true);
    const Flood flood(group_.daemon(old).client_address(), /*calls=*/3, "");
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      const auto status = group_.WaitForStatus(old);
      return status.journal_last_sequence() > status.commit_sequence();
    }));
    ASSERT_NO_FATAL_FAILURE(AnotherTakesOver(v1::INCIDENT_OUTCOME_FAILED));
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return group_.WaitForStatus(old).role() != v1::ROLE_PRIMARY;
    }));
    const auto status = group_.WaitForStatus(old);
    load_.GoOn();
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return group_.WaitForStatus(primary_).commit_sequence() >
             status.journal_last_sequence();
    }));
    CutOff(old, false);
    Succeeded(old, v1::INCIDENT_KIND_ROLLBACK);
    list_.AddRolledBack(
        old, status.journal_last_sequence() - status.commit_sequence());
  }

  void OperatorSwitchesOver() {
    load_.GoOn();
    const size_t target = OneStandby();
    const auto moved = group_.Switchover(primary_, target);
    ASSERT_TRUE(moved.ok()) << moved.status();
    primary_ = target;
    Succeeded(target, v1::INCIDENT_KIND_SWITCHOVER);
  }

  // Under load: each has applied something since its start.
  void OperatorComparesReplicas() {
    load_.GoOn();
    Finished compared;
    ASSERT_TRUE(WaitUntil(
        kLimit,
        [&] {
          compared = Ledgerctl(
              {"verify",
               "--admin-address=" + group_.daemon(primary_).admin_address()});
          return compared.exit_code == 0;
        }))
        << compared.output << compared.errors;
    list_.AddComparison(primary_);
  }

  void RunsOutOfSpace(size_t standby) {
    Begins(standby, v1::INCIDENT_KIND_DISK_FULL);
    MachineOf(standby).disk_full = true;
    const Bulk bulk(group_.addresses());
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
  }

  void StandbysDiskIsFull() {
    const size_t standby = OneStandby();
    ASSERT_NO_FATAL_FAILURE(RunsOutOfSpace(standby));
    MachineOf(standby).disk_full = false;
    Succeeds(standby, v1::INCIDENT_KIND_DISK_FULL);
  }

  // Whether it can tell the group before there is space again depends on what
  // had no space first.
  void PrimarysDiskIsFull() {
    Begins(primary_, v1::INCIDENT_KIND_DISK_FULL);
    const size_t seen = TimesSeen(primary_, "disk_full");
    MachineOf(primary_).disk_full = true;
    load_.GoOn();
    const Bulk bulk(group_.addresses());
    const bool noticed = WaitUntil(
        kLimit, [&] { return TimesSeen(primary_, "disk_full") > seen; });
    MachineOf(primary_).disk_full = false;
    ASSERT_TRUE(noticed);
    Succeeds(primary_, v1::INCIDENT_KIND_DISK_FULL);
  }

  void StopsWhileItsDiskIsFull() {
    const size_t standby = OtherStandby();
    ASSERT_NO_FATAL_FAILURE(RunsOutOfSpace(standby));
    WillBeMissed(standby);
    ASSERT_EQ(group_.Terminate(standby), 0);
    MachineOf(standby).disk_full = false;
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/false));
    list_.End(standby, v1::INCIDENT_KIND_DISK_FULL,
              v1::INCIDENT_OUTCOME_ABORTED);
    IsMissedNoMore();
  }

  void StandbysDiskFails() {
    const size_t standby = OneStandby();
    WillBeMissed(standby);
    const size_t seen = TimesSeen(primary_, "peer_lost");
    MachineOf(standby).disk_fails = true;
    load_.GoOn();
    ASSERT_EQ(group_.daemon(standby).process().WaitFor(kLimit), kStorageFault);
    ASSERT_EQ(group_.Terminate(standby), kStorageFault);
    MachineOf(standby).disk_fails = false;
    ASSERT_TRUE(WaitUntil(
        kLimit, [&] { return TimesSeen(primary_, "peer_lost") > seen; }));
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    Succeeded(standby, v1::INCIDENT_KIND_DISK_ERROR);
    IsMissedNoMore();
  }

  void StandbysDiskHangs() {
    const size_t standby = OtherStandby();
    Begins(standby, v1::INCIDENT_KIND_STALL);
    MachineOf(standby).disk_hangs = true;
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    MachineOf(standby).disk_hangs = false;
    Succeeds(standby, v1::INCIDENT_KIND_STALL);
  }

  void KilledWhileItsDiskHangs() {
    const size_t standby = OneStandby();
    Begins(standby, v1::INCIDENT_KIND_STALL);
    MachineOf(standby).disk_hangs = true;
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    WillBeMissed(standby);
    ASSERT_TRUE(group_.Kill(standby).ok());
    MachineOf(standby).disk_hangs = false;
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    list_.End(standby, v1::INCIDENT_KIND_STALL, v1::INCIDENT_OUTCOME_FAILED);
    IsMissedNoMore();
  }

  // Of the newest payments that all have.
  void BitRots() {
    const size_t standby = OneStandby();
    const auto places =
        EntriesIn(group_.data_directory(standby), kSegmentBytes);
    auto newest = places.rbegin();
    // What is written next lies far enough from it.
    for (int i = 0; i < 3 && newest != places.rend(); ++i) ++newest;
    while (newest != places.rend() && newest->second.entry_bytes < kLongEntry) {
      ++newest;
    }
    ASSERT_TRUE(newest != places.rend());
    const JournalPlace& place = newest->second;
    const char before = ByteAt(place);
    FlipBit(place);
    load_.GoOn();
    ASSERT_TRUE(WaitUntil(kLimit, [&] { return ByteAt(place) == before; }));
    Succeeded(standby, v1::INCIDENT_KIND_CORRUPTION);
    Succeeded(standby, v1::INCIDENT_KIND_REPAIR);
  }

  void PrimaryIsOverloaded() {
    Begins(primary_, v1::INCIDENT_KIND_OVERLOAD);
    MachineOf(primary_).disk_hangs = true;
    const Flood flood(group_.daemon(primary_).client_address(), /*calls=*/60,
                      "RESOURCE_EXHAUSTED OVERLOADED");
    const bool refused = WaitUntil(kLimit, [&] { return flood.refused() > 0; });
    MachineOf(primary_).disk_hangs = false;
    ASSERT_TRUE(refused);
    Succeeds(primary_, v1::INCIDENT_KIND_OVERLOAD);
  }

  // It takes seconds to be sure of that: other faults come meanwhile.
  void ClockIsSetBack() {
    skewed_ = OtherStandby();
    Begins(skewed_, v1::INCIDENT_KIND_CLOCK_SKEW, primary_);
    MachineOf(skewed_).clock_ahead_ms = -2'000;
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
  }

  void ClockIsRightAgain() {
    MachineOf(skewed_).clock_ahead_ms = 0;
    Succeeds(skewed_, v1::INCIDENT_KIND_CLOCK_SKEW);
  }

  void StandbyIsLeftBehind() {
    const size_t standby = OneStandby();
    WillBeMissed(standby);
    const uint64_t last = group_.WaitForStatus(standby).journal_last_sequence();
    ASSERT_TRUE(group_.Kill(standby).ok());
    ASSERT_NO_FATAL_FAILURE(IsGoingOn());
    const std::vector<Transfer> batch = BulkOfPayments();
    for (size_t i = 0; i < kBulksMax; ++i) {
      ASSERT_TRUE(WaitUntil(kLimit, [&] {
        return raw_.CreateTransfers(batch, kPatience).outcome ==
               Outcome::kAnswered;
      }));
      if (group_.WaitForStatus(primary_).journal_first_sequence() > last + 1) {
        break;
      }
    }
    ASSERT_GT(group_.WaitForStatus(primary_).journal_first_sequence(),
              last + 1);
    ASSERT_NO_FATAL_FAILURE(ComesBack(standby, /*crashed=*/true));
    Succeeded(standby, v1::INCIDENT_KIND_RESYNC);
    IsMissedNoMore();
  }

  // ---- a round

  struct Fault {
    const char* what;
    void (FaultListTest::*fault)();
  };

  // In an order in which who takes over has followed before, and who misses
  // another seldom has just done so.
  static constexpr std::array<Fault, 22> kRound = {{
      {"the primary is killed", &FaultListTest::PrimaryIsKilled},
      {"a standby's disk is full", &FaultListTest::StandbysDiskIsFull},
      {"a standby is killed", &FaultListTest::StandbyIsKilled},
      {"the primary is cut off, with payments that only it has",
       &FaultListTest::PrimaryIsCutOffWithPayments},
      {"a bit rots on a standby's disk", &FaultListTest::BitRots},
      {"a standby is stopped", &FaultListTest::StandbyIsStopped},
      {"the primary is overloaded", &FaultListTest::PrimaryIsOverloaded},
      {"a standby's clock is set back", &FaultListTest::ClockIsSetBack},
      {"a standby stands still", &FaultListTest::StandbyStandsStill},
      {"the primary's disk is full", &FaultListTest::PrimarysDiskIsFull},
      {"the clock is right again", &FaultListTest::ClockIsRightAgain},
      {"the primary stands still", &FaultListTest::PrimaryStandsStill},
      {"a standby's disk fails", &FaultListTest::StandbysDiskFails},
      {"a standby's disk hangs", &FaultListTest::StandbysDiskHangs},
      {"an operator compares the replicas",
       &FaultListTest::OperatorComparesReplicas},
      {"a standby is cut off", &FaultListTest::StandbyIsCutOff},
      {"all are killed", &FaultListTest::AllAreKilled},
      {"an operator switches over", &FaultListTest::OperatorSwitchesOver},
      {"a standby is left behind", &FaultListTest::StandbyIsLeftBehind},
      {"a standby is stopped while its disk is full",
       &FaultListTest::StopsWhileItsDiskIsFull},
      {"a standby is killed while its disk hangs",
       &FaultListTest::KilledWhileItsDiskHangs},
      {"an operator switches over", &FaultListTest::OperatorSwitchesOver},
  }};

  // As an operator sees it.
  void Show(const std::string& command) {
    const std::string address = group_.daemon(primary_).admin_address();
    std::vector<std::string> words = {command};
    if (command == "counters") words.emplace_back("--planned");
    words.push_back("--admin-address=" + address);
    std::cout << "\n$ ledgerctl";
    for (const std::string& word : words) std::cout << " " << word;
    const Finished shown = Ledgerctl(words);
    EXPECT_EQ(shown.exit_code, 0) << shown.errors;
    std::cout << "\n" << shown.output;
  }

  size_t skewed_ = 0;
  std::map<std::string, int> done_;
  RawClient raw_{group_.addresses()};
};

TEST_F(FaultListTest, IsCountedKindByKind) {
  const int rounds = NumberFromEnvironment("LEDGERD_ROUNDS", 1);
  for (int round = 0; round < rounds; ++round) {
    for (const Fault& fault : kRound) {
      ASSERT_NO_FATAL_FAILURE(Do(fault.what, fault.fault));
    }
    turn_ = 1 - turn_;
  }
  for (const auto& [what, times] : done_) {
    std::cout << times << " times: " << what << "\n";
  }
  Show("status");
  Show("counters");
  load_.GoOn();
  ASSERT_NO_FATAL_FAILURE(SettleAndCheck());
  ASSERT_NO_FATAL_FAILURE(CompareStates(kReplicas));
}

}  // namespace
}  // namespace ledgerd::integration
