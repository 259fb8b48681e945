// Payments of others, imported by ledgerctl: every status and every balance
// must be the one that they state, on the way and at the end, also when ledgerd
// or ledgerctl is killed in the middle and the import is run again.
//
// The data is not part of this project. Where it is not on this machine there
// is nothing to check, and the tests are skipped; where it is said to be and is
// not, they fail.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "gtest/gtest.h"

#include "client/ledger_client.h"
#include "tests/integration/books.h"
#include "tests/integration/final_state.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/payment_set.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::minutes kImportLimit(5);
// ledgerctl's exit codes.
constexpr int kStatusDiffers = 1;
constexpr int kBalanceDiffers = 6;
constexpr char kKilledSet[] = "berka";

std::string NameOf(const std::string& folder) {
  return std::filesystem::path(folder).filename().string();
}

// One ledger for one set.
class Import {
 public:
  explicit Import(std::string folder)
      : folder_(std::move(folder)), set_(ReadPaymentSet(folder_)) {
    const absl::Status started = ledger_.Start();
    EXPECT_TRUE(started.ok()) << started;
  }

  std::vector<std::string> Command() const {
    return {LedgerctlPath(), "--address=" + ledger_.address(),
            "--timeout=60s", "--output=json",
            "import",        "--verify",
            folder_};
  }

  Finished Run() { return RunToEnd(Command()); }

  std::unique_ptr<Subprocess> Launch() {
    auto process = Subprocess::Start({.command = Command()});
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : nullptr;
  }

  // Waits until a tenth of the payments is there.
  void WaitUntilUnderway() {
    const TransferId one = set_.transfers[set_.transfers.size() / 10].id;
    EXPECT_TRUE(WaitUntil(kImportLimit, [&] { return IsThere(one); }));
    EXPECT_FALSE(IsThere(set_.transfers.back().id)) << "it is over already";
  }

  bool IsThere(TransferId id) {
    const auto found = client_.LookupTransfers({id});
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && found->transfers.size() == 1;
  }

  FinalState Read() {
    std::vector<TransferId> ids;
    for (const Transfer& transfer : set_.transfers) ids.push_back(transfer.id);
    auto state = ReadState(client_, ids, set_.accounts);
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *std::move(state) : FinalState();
  }

  void ExpectAllAsStated() {
    const FinalState state = Read();
    ExpectTransfers(state);
    ExpectBalances(state);
    for (const std::string& violation : CheckBooks(state)) {
      ADD_FAILURE() << violation;
    }
    const Finished books =
        Ledgerctl({"--address=" + ledger_.address(),
                   "--admin-address=" + ledger_.daemon().admin_address(),
                   "verify", "--books"});
    EXPECT_EQ(books.exit_code, 0) << books.output << books.errors;
  }

  LiveLedger& ledger() { return ledger_; }

  const PaymentSet& set() const { return set_; }

 private:
  void ExpectTransfers(const FinalState& state) {
    ASSERT_EQ(state.transfers.size(), set_.transfers.size());
    for (size_t i = 0; i < state.transfers.size(); ++i) {
      Transfer stored = state.transfers[i].transfer;
      stored.timestamp = Timestamp(0);
      ASSERT_EQ(stored, set_.transfers[i]) << "transfer " << stored.id;
    }
  }

  void ExpectBalances(const FinalState& state) {
    ASSERT_EQ(state.accounts.size(), set_.accounts.size());
    size_t compared = 0;
    for (const Account& account : state.accounts) {
      const auto stated = set_.expected.find(account.id);
      if (stated == set_.expected.end()) continue;
      ++compared;
      const auto net = static_cast<__int128>(account.credits_posted.value()) -
                       static_cast<__int128>(account.debits_posted.value());
      EXPECT_TRUE(net == stated->second) << "account " << account.id;
    }
    EXPECT_EQ(compared, set_.expected.size());
  }

  const std::string folder_;
  const PaymentSet set_;
  LiveLedger ledger_;
  client::LedgerClient client_{
      {.addresses = {ledger_.address()}, .timeout = std::chrono::seconds(60)}};
};

// The folder of the set that is killed in the middle; empty without it.
std::string FolderToKill() {
  for (const std::string& folder : PaymentSetFolders()) {
    if (NameOf(folder) == kKilledSet) return folder;
  }
  return "";
}

// Of tests that find no data.
void FailOrSkip() {
  const char* said = std::getenv("LEDGERD_DATA_DIR_SHARED");
  if (said != nullptr) {
    FAIL() << "LEDGERD_DATA_DIR_SHARED is " << said
           << ", and the payments are not there";
  }
  GTEST_SKIP() << "nothing to check: the data is not on this machine";
}

// What ledgerctl says that it has counted.
void ExpectCount(const Finished& finished, const std::string& name,
                 size_t count) {
  const std::string said = "\"" + name + "\":" + std::to_string(count) + ",";
  EXPECT_NE(finished.output.find(said), std::string::npos)
      << said << " is not in " << finished.output;
}

TEST(ImportDataTest, EverySetIsAsItsAuthorsState) {
  const auto folders = PaymentSetFolders();
  if (folders.empty()) return FailOrSkip();
  for (const std::string& folder : folders) {
    SCOPED_TRACE(folder);
    Import import(folder);
    const Finished first = import.Run();
    ASSERT_EQ(first.exit_code, 0) << first.output << first.errors;
    std::cout << NameOf(folder) << ": " << first.output;
    ExpectCount(first, "balances_on_the_way", import.set().checkpoints);
    ExpectCount(first, "final_balances", import.set().expected.size());
    ExpectCount(first, "transfers_created", import.set().transfers.size());
    import.ExpectAllAsStated();

    const FinalState before = import.Read();
    const Finished second = import.Run();
    ASSERT_EQ(second.exit_code, 0) << second.output << second.errors;
    std::cout << NameOf(folder) << ", again: " << second.output;
    ExpectCount(second, "transfers_created", 0);
    ExpectCount(second, "transfers_there", import.set().transfers.size());
    EXPECT_EQ(import.Read().accounts, before.accounts) << "something doubled";
  }
}

TEST(ImportDataTest, LedgerdIsKilledInTheMiddle) {
  const std::string folder = FolderToKill();
  if (folder.empty()) return FailOrSkip();
  Import import(folder);
  const auto ledgerctl = import.Launch();
  ASSERT_NE(ledgerctl, nullptr);
  import.WaitUntilUnderway();
  ASSERT_TRUE(import.ledger().daemon().Kill9().ok());
  const absl::Status started = import.ledger().Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(ledgerctl->Wait(), 0) << ledgerctl->Output() << ledgerctl->Errors();
  import.ExpectAllAsStated();
}

TEST(ImportDataTest, LedgerctlIsKilledInTheMiddleAndRunAgain) {
  const std::string folder = FolderToKill();
  if (folder.empty()) return FailOrSkip();
  Import import(folder);
  const auto ledgerctl = import.Launch();
  ASSERT_NE(ledgerctl, nullptr);
  import.WaitUntilUnderway();
  ledgerctl->Signal(SIGKILL);
  ASSERT_EQ(ledgerctl->Wait(), kKilled) << "it ended before";
  const Finished again = import.Run();
  EXPECT_EQ(again.exit_code, 0) << again.output << again.errors;
  std::cout << again.output;
  import.ExpectAllAsStated();
}

// A small set with everything that is compared.
class StatedSet {
 public:
  StatedSet() {
    Write("accounts.csv", "id,ledger,code,flags,name\n1,1,1,,a\n2,1,1,,b\n");
    Write("transfers.csv",
          "id,debit_account_id,credit_account_id,amount,ledger,code,flags,date,"
          "expect,note\n"
          "1,1,2,100,1,1,,20200101,created,\n"
          "2,2,1,30,1,1,,20200102,created,\n"
          "3,1,2,5,1,1,,20200103,created,\n");
    Write("expected.csv", "account_id,net,stated_by\n1,-75,us\n2,75,us\n");
    Write("checkpoints.csv",
          "after_transfer_id,account_id,net\n1,2,100\n2,2,70\n");
  }

  void Write(const std::string& name, const std::string& text) {
    WriteFile(directory_.Path(name), text);
  }

  Finished Import() {
    LiveLedger ledger;
    const absl::Status started = ledger.Start();
    EXPECT_TRUE(started.ok()) << started;
    return Ledgerctl({"--address=" + ledger.address(), "import", "--verify",
                      directory_.path()});
  }

 private:
  const TestDirectory directory_{"set"};
};

void ExpectNoticed(StatedSet& set, int exit_code, const std::string& words) {
  const Finished finished = set.Import();
  EXPECT_EQ(finished.exit_code, exit_code)
      << finished.output << finished.errors;
  EXPECT_NE(finished.errors.find(words), std::string::npos) << finished.errors;
}

TEST(ImportDataTest, ASmallSetPasses) {
  StatedSet set;
  const Finished finished = set.Import();
  EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.errors;
}

TEST(ImportDataTest, AWrongBalanceOnTheWayIsNoticed) {
  StatedSet set;
  set.Write("checkpoints.csv",
            "after_transfer_id,account_id,net\n1,2,101\n2,2,70\n");
  ExpectNoticed(set, kBalanceDiffers, "101");
}

TEST(ImportDataTest, AWrongFinalBalanceIsNoticed) {
  StatedSet set;
  set.Write("expected.csv", "account_id,net,stated_by\n1,-76,us\n2,75,us\n");
  ExpectNoticed(set, kBalanceDiffers, "-76");
}

TEST(ImportDataTest, AnotherStatusIsNoticed) {
  StatedSet set;
  set.Write("transfers.csv",
            "id,debit_account_id,credit_account_id,amount,ledger,code,flags,"
            "date,expect,note\n"
            "1,1,2,100,1,1,,20200101,created,\n"
            "2,2,1,30,1,1,,20200102,exceeds_credits,\n"
            "3,1,2,5,1,1,,20200103,created,\n");
  ExpectNoticed(set, kStatusDiffers, "exceeds_credits");
}

}  // namespace
}  // namespace ledgerd::integration
