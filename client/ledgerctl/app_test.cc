// ledgerctl from its command line to its exit code, over servers in this
// process.
#include "client/ledgerctl/app.h"

#include "gtest/gtest.h"

#include "client/fake_ledger.h"
#include "client/ledgerctl/command_test_base.h"
#include "client/ledgerctl/exit_code.h"
#include "client/ledgerctl/fake_admin.h"
#include "client/ledgerctl/test_files.h"
#include "proto/entry.h"

namespace ledgerd::client {
namespace {

class AppTest : public CommandTest {
 protected:
  // Runs a command; its words are in out_ and err_.
  ExitCode Run(std::vector<std::string> arguments) {
    for (const std::string& global : {"--address=" + ledger_.address(),
                                      "--admin-address=" + admin_.address()}) {
      arguments.push_back(global);
    }
    return RunCommand(std::move(arguments));
  }

  // Accounts 1 and 2, in the ledger and in the journal.
  void CreateAccounts() {
    std::vector<Account> rows;
    for (const uint64_t id : {1, 2}) {
      rows.push_back({.id = AccountId(id), .ledger = 1, .code = 1});
      ledger_.set_account(rows.back());
    }
    admin_.Append({});
    admin_.Append(MakeCommand<Account>(EntryKind::kCreateAccounts, rows));
  }

  FakeLedger ledger_;
  FakeAdmin admin_;
};

TEST_F(AppTest, AnAccountIsCreatedAndShown) {
  EXPECT_EQ(Run({"account", "create", "--id=7", "-o", "json"}), ExitCode::kOk);
  EXPECT_TRUE(Printed(R"("id":"7","status":"created")")) << out_;
  EXPECT_EQ(Run({"account", "show", "7", "-o", "json"}), ExitCode::kOk);
  EXPECT_TRUE(Printed(R"({"id":"7","ledger":1,)")) << out_;
  EXPECT_EQ(Run({"account", "show", "7", "8"}), ExitCode::kError);
  EXPECT_TRUE(Said("no account 8")) << err_;
}

TEST_F(AppTest, APaymentAndItsRetry) {
  CreateAccounts();
  const std::vector<std::string> pay = {"transfer", "--id=9", "--debit=1",
                                        "--credit=2", "--amount=995"};
  EXPECT_EQ(Run(pay), ExitCode::kOk);
  EXPECT_TRUE(Printed("created")) << out_;
  EXPECT_EQ(Run(pay), ExitCode::kOk);
  EXPECT_TRUE(Printed("exists")) << out_;
  EXPECT_EQ(ledger_.account(AccountId(2))->credits_posted, Amount(995));
}

TEST_F(AppTest, WithoutAnIdThePaymentGetsOneThatIsSaid) {
  CreateAccounts();
  EXPECT_EQ(Run({"transfer", "--debit=1", "--credit=2", "--amount=5"}),
            ExitCode::kOk);
  const Uint128 id = ledger_.batches().front().front().id.value();
  EXPECT_TRUE(Said(ToString(id))) << err_;
}

TEST_F(AppTest, ARefusalIsAnErrorThatSaysWhy) {
  CreateAccounts();
  EXPECT_EQ(
      Run({"transfer", "--id=9", "--debit=1", "--credit=3", "--amount=995"}),
      ExitCode::kError);
  EXPECT_TRUE(Said("transfer 9 was refused: credit_account_not_found")) << err_;
}

TEST_F(AppTest, TransfersHaveTheFlagsOfTheirOptions) {
  CreateAccounts();
  Run({"transfer", "--id=9", "--debit=1", "--credit=2", "--amount=5",
       "--pending", "--expires-after=60", "--closing-debit"});
  Run({"transfer", "--id=10", "--post=9"});
  Run({"transfer", "--id=11", "--void=9"});
  const auto batches = ledger_.batches();
  ASSERT_EQ(batches.size(), 3);
  EXPECT_EQ(batches[0][0].flags,
            transfer_flags::kPending | transfer_flags::kClosingDebit);
  EXPECT_EQ(batches[0][0].timeout_seconds, 60);
  EXPECT_EQ(batches[1][0], (Transfer{.id = TransferId(10),
                                     .amount = kAmountMax,
                                     .pending_id = TransferId(9),
                                     .flags = transfer_flags::kPostPending}));
  EXPECT_EQ(batches[2][0], (Transfer{.id = TransferId(11),
                                     .pending_id = TransferId(9),
                                     .flags = transfer_flags::kVoidPending}));
}

TEST_F(AppTest, WrongCommandLinesAreUsageErrors) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {},
           {"nonsense"},
           {"account", "show", "x"},
           {"transfer", "--amount=5"},
           {"transfer", "--debit=1", "--credit=2", "--amount=9.95"},
           {"transfer", "--post=1", "--void=2"},
           {"transfer", "--post=1", "--expires-after=5"},
           {"import", "/nowhere"},
           {"verify", "--accounts"},
           {"status", "-o", "xml"},
           {"account", "show", "1", "--timeout=1h"}}) {
    EXPECT_EQ(Run(arguments), ExitCode::kUsage)
        << testing::PrintToString(arguments);
    EXPECT_FALSE(err_.empty());
  }
  EXPECT_TRUE(ledger_.batches().empty());
}

TEST_F(AppTest, HelpIsNoError) {
  EXPECT_EQ(Run({"import", "--help"}), ExitCode::kOk);
  EXPECT_TRUE(Printed("debit_account_id,credit_account_id")) << out_;
}

TEST_F(AppTest, NobodyThere) {
  // Port 1 is nobody's.
  const std::string nobody = "--address=127.0.0.1:1";
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunLedgerctl({"account", "show", "1", nobody, "--timeout=200ms"}),
            Code(ExitCode::kNoConnection));
  EXPECT_EQ(RunLedgerctl({"transfer", "--debit=1", "--credit=2", "--amount=5",
                          nobody, "--timeout=200ms"}),
            Code(ExitCode::kNoConnection))
      << "and not an unknown outcome: nothing was sent";
  EXPECT_EQ(RunLedgerctl({"status", "--admin-address=127.0.0.1:1"}),
            Code(ExitCode::kNoConnection));
  err_ = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(Said("127.0.0.1:1")) << err_;
  EXPECT_TRUE(Said("LEDGERCTL_ADDRESS")) << err_;
}

TEST_F(AppTest, AnImportThatDiffersIsCorruption) {
  const std::string folder = MakeFolder();
  WriteFile(folder, "accounts.csv", "id,ledger,code,flags\n1,1,1,\n2,1,1,\n");
  WriteFile(folder, "transfers.csv",
            "id,debit_account_id,credit_account_id,amount,ledger,code,flags\n"
            "1,1,2,10,1,1,\n");
  WriteFile(folder, "expected.csv", "account_id,net\n2,10\n");
  EXPECT_EQ(Run({"import", "--verify", folder}), ExitCode::kOk) << err_;
  WriteFile(folder, "expected.csv", "account_id,net\n2,11\n");
  EXPECT_EQ(Run({"import", folder}), ExitCode::kOk) << "not compared";
  EXPECT_EQ(Run({"import", "--verify", folder}), ExitCode::kCorruption);
  EXPECT_TRUE(Said("account 2 at the end: has 10, stated is 11")) << err_;
  WriteFile(folder, "transfers.csv",
            "id,debit_account_id,credit_account_id,amount,ledger,code,flags\n"
            "2,1,9,10,1,1,\n");
  EXPECT_EQ(Run({"import", folder}), ExitCode::kError);
}

TEST_F(AppTest, TheJournalIsDumpedAndItsChainChecked) {
  CreateAccounts();
  EXPECT_EQ(Run({"journal", "dump", "--events"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed("create_accounts")) << out_;
  EXPECT_TRUE(Printed("id=2 ledger=1 code=1")) << out_;
  EXPECT_TRUE(Said("2 entries; their hash chain holds")) << err_;
  admin_.Damage(1);
  EXPECT_EQ(Run({"journal", "dump"}), ExitCode::kCorruption);
  EXPECT_TRUE(Said("journal entry 2")) << err_;
}

TEST_F(AppTest, TheBooksOfBalancedAccounts) {
  CreateAccounts();
  Run({"transfer", "--id=9", "--debit=1", "--credit=2", "--amount=995"});
  EXPECT_EQ(Run({"verify", "--books"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(Printed("995")) << out_;
  ledger_.set_account({.id = AccountId(2), .ledger = 1, .code = 1});
  EXPECT_EQ(Run({"verify", "--books"}), ExitCode::kCorruption);
  EXPECT_TRUE(Said("debits_posted sum to 995, credits_posted to 0")) << err_;
}

TEST_F(AppTest, TheBooksSayFromWhereOnTheJournalIsKept) {
  CreateAccounts();
  admin_.Change([](auto& status) { status.set_journal_first_sequence(2); });
  EXPECT_EQ(Run({"verify", "--books", "-o", "json"}), ExitCode::kOk) << err_;
  EXPECT_TRUE(
      Said("2 accounts as of sequence 0: the books balance; the "
           "journal's hash chain holds from sequence 2 (the first that "
           "is kept) to 2."))
      << err_;
  EXPECT_TRUE(Printed(R"("journal_first":2,"journal_last":2)")) << out_;
  admin_.Damage(1);
  EXPECT_EQ(Run({"verify", "--books"}), ExitCode::kCorruption);
}

TEST_F(AppTest, StatusTellsAHealthyReplicaFromOneThatIsNot) {
  EXPECT_EQ(Run({"status", "-o", "json"}), ExitCode::kOk);
  EXPECT_TRUE(Printed(R"("role":"primary")")) << out_;
  admin_.Change(
      [](auto& status) { status.set_role(::admin::v1::ROLE_HALTED); });
  EXPECT_EQ(Run({"status"}), ExitCode::kUnhealthy);
  EXPECT_TRUE(Printed("halted")) << out_;
}

}  // namespace
}  // namespace ledgerd::client
