#include "client/ledgerctl/importer.h"

#include <chrono>
#include <memory>

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/test_files.h"

namespace ledgerd::client {
namespace {

constexpr char kAccounts[] =
    "id,ledger,code,flags,name\n"
    "1,1,1,,bank\n"
    "2,1,1,debits_must_not_exceed_credits,\"Smith, J.\"\n"
    "3,1,1,,shop\n";

// 2 gets 100, pays 30; 4 and 5 are a chain; 6 is refused.
constexpr char kTransfers[] =
    "id,debit_account_id,credit_account_id,amount,ledger,code,flags,date,"
    "expect,note\n"
    "1,1,2,100,1,1,,20260101,created,\n"
    "2,2,3,30,1,1,,20260102,created,\n"
    "4,2,3,5,1,1,linked,20260103,created,\n"
    "5,2,3,6,1,1,,20260103,created,\n"
    "6,2,3,1000,1,1,,20260104,exceeds_credits,\n";

constexpr char kExpected[] = "account_id,net,stated_by\n1,-100,x\n2,59,x\n";

constexpr char kCheckpoints[] =
    "after_transfer_id,account_id,net\n1,2,100\n2,2,70\n2,3,30\n5,2,59\n";

class ImporterTest : public testing::Test {
 protected:
  ImporterTest()
      : client_({.addresses = {fake_.address()},
                 .timeout = std::chrono::milliseconds(30'000)}),
        folder_(MakeFolder()) {
    WriteFile(folder_, "accounts.csv", kAccounts);
    WriteGzip(folder_, "transfers.csv.gz", kTransfers);
    WriteFile(folder_, "expected.csv", kExpected);
    WriteGzip(folder_, "checkpoints.csv.gz", kCheckpoints);
    WriteFile(folder_, "ledgers.csv", "ledger,commodity\n1,EUR\n");
  }

  absl::StatusOr<ImportSummary> Import(Importer::Options options) {
    notes_.clear();
    const auto set = FindDataSet({folder_});
    if (!set.ok()) return set.status();
    Importer importer(
        client_, options,
        [this](const std::string& note) { notes_.push_back(note); },
        [](absl::string_view, double, size_t) {});
    return importer.Run(*set);
  }

  std::string Net(uint64_t account) {
    return NetText(NetOf(*fake_.account(AccountId(account))));
  }

  FakeLedger fake_;
  LedgerClient client_;
  const std::string folder_;
  std::vector<std::string> notes_;
};

TEST_F(ImporterTest, EverythingAsStated) {
  const auto summary = Import({.verify = true});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(notes_, std::vector<std::string>());
  EXPECT_EQ(summary->accounts_created, 3);
  EXPECT_EQ(summary->transfers_created, 4);
  EXPECT_EQ(summary->transfers_refused, 1);
  EXPECT_EQ(summary->unexpected_statuses, 0);
  EXPECT_EQ(summary->balances_on_the_way, 4);
  EXPECT_EQ(summary->final_balances, 2);
  EXPECT_EQ(summary->balances_differ, 0);
  EXPECT_EQ(Net(2), "59");
  // Account 2 moves after 1 and after 2.
  EXPECT_EQ(fake_.batches().size(), 4);
}

TEST_F(ImporterTest, WithoutVerifyAsFewBatchesAsPossible) {
  const auto summary = Import({});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(fake_.batches().size(), 1);
  EXPECT_EQ(fake_.lookups(), 0);
}

TEST_F(ImporterTest, AgainAndNothingIsDoubled) {
  ASSERT_TRUE(Import({}).ok());
  const auto summary = Import({.verify = true});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->accounts_there, 3);
  EXPECT_EQ(summary->transfers_there, 4) << "the chain's members too";
  EXPECT_EQ(summary->transfers_created, 0);
  EXPECT_EQ(summary->unexpected_statuses, 0);
  EXPECT_EQ(summary->balances_passed_by, 4);
  EXPECT_EQ(summary->balances_differ, 0);
  EXPECT_EQ(Net(2), "59");
}

TEST_F(ImporterTest, AnImportThatStoppedHalfwayIsResumed) {
  // Two batches of accounts and one of transfers, then a final error.
  const FakeLedger::Fault works{.status = grpc::Status::OK, .executed = true};
  fake_.Script({works, works, works, FakeLedger::Fails(Reason::kInvalidField)});
  ASSERT_FALSE(Import({.batch_max = 2}).ok());
  ASSERT_EQ(fake_.transfer_count(), 2);
  const auto summary = Import({.verify = true});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->transfers_there, 2);
  EXPECT_EQ(summary->transfers_created, 2);
  EXPECT_EQ(summary->balances_passed_by, 3);
  EXPECT_EQ(summary->balances_on_the_way, 1);
  EXPECT_EQ(summary->balances_differ, 0);
  EXPECT_EQ(summary->unexpected_statuses, 0);
}

TEST_F(ImporterTest, LostAnswersChangeNothing) {
  const FakeLedger::Fault lost{
      .status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset"),
      .executed = true};
  fake_.Script({lost, lost, FakeLedger::Fails(Reason::kNoPrimary)});
  const auto summary = Import({});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->unexpected_statuses, 0);
  EXPECT_EQ(Net(2), "59");
  EXPECT_EQ(fake_.transfer_count(), 4);
}

TEST_F(ImporterTest, AnUnexpectedStatusNamesItsLine) {
  std::string text = kTransfers;
  text.replace(text.find("exceeds_credits"), 15, "created");
  WriteGzip(folder_, "transfers.csv.gz", text);
  const auto summary = Import({});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->unexpected_statuses, 1);
  ASSERT_EQ(notes_.size(), 1);
  EXPECT_NE(notes_[0].find("transfers.csv.gz:6: transfer 6: exceeds_credits"),
            std::string::npos)
      << notes_[0];
}

TEST_F(ImporterTest, AWrongBalanceOnTheWayIsFound) {
  WriteGzip(folder_, "checkpoints.csv.gz",
            "after_transfer_id,account_id,net\n2,2,71\n");
  const auto summary = Import({.verify = true});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->balances_differ, 1);
  EXPECT_EQ(notes_, std::vector<std::string>(
                        {"account 2 after transfer 2: has 70, stated is 71"}));
}

TEST_F(ImporterTest, AWrongOrMissingFinalBalanceIsFound) {
  WriteFile(folder_, "expected.csv", "account_id,net\n1,100\n9,0\n");
  const auto summary = Import({.verify = true});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->balances_differ, 2);
  EXPECT_EQ(notes_[0], "account 1 at the end: has -100, stated is 100");
  EXPECT_EQ(notes_[1], "account 9 at the end: has no account, stated is 0");
}

TEST_F(ImporterTest, BadValuesAreNamedByFileLineAndColumn) {
  WriteFile(folder_, "accounts.csv", "id,ledger,code,flags\n1,1,70000,\n");
  const auto summary = Import({});
  ASSERT_FALSE(summary.ok());
  EXPECT_NE(summary.status().message().find(
                "accounts.csv:2: code: '70000' is no number from 0 to 65535"),
            absl::string_view::npos)
      << summary.status();
}

TEST_F(ImporterTest, AChainThatTheFileLeavesOpenIsRefused) {
  std::string text = kTransfers;
  text += "7,2,3,1,1,1,linked,20260105,created,\n";
  WriteGzip(folder_, "transfers.csv.gz", text);
  const auto summary = Import({});
  ASSERT_FALSE(summary.ok());
  EXPECT_NE(summary.status().message().find("transfers.csv.gz:7:"),
            absl::string_view::npos)
      << summary.status();
}

TEST(DataSetTest, FilesAreKnownByTheirNames) {
  const std::string folder = MakeFolder();
  const auto set = FindDataSet({WriteFile(folder, "transfers-2.csv", "id\n"),
                                WriteFile(folder, "accounts.csv", "id\n")});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->transfers, folder + "/transfers-2.csv");
  EXPECT_TRUE(set->expected.empty());
  EXPECT_FALSE(FindDataSet({WriteFile(folder, "other.csv", "id\n")}).ok());
  WriteFile(folder, "accounts.csv.gz", "id\n");
  EXPECT_FALSE(FindDataSet({folder}).ok()) << "two of a kind";
  EXPECT_FALSE(FindDataSet({MakeFolder()}).ok()) << "nothing there";
}

}  // namespace
}  // namespace ledgerd::client
