// Makes a data directory that has something of everything, and the text of what
// it holds: `make_format_fixture.sh` calls it, once for each format.
//
//   make_format_fixture DIRECTORY     writes DIRECTORY/data, DIRECTORY/text
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/ledger_client.h"
#include "proto/base/check.h"
#include "proto/types.h"
#include "tests/integration/format_versions.h"
#include "tests/integration/ledger_text.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/offline_ledger.h"

namespace ledgerd::integration {
namespace {

using client::LedgerClient;

constexpr uint32_t kLedger = 978;
constexpr uint16_t kCode = 7;
constexpr uint32_t kYears = 3'000'000'000;  // Seconds: does not expire.
constexpr std::chrono::seconds kExpiryLimit(30);
// Three of these and a checkpoint is due: `--state-replay-events=1000`.
constexpr uint64_t kBulk = 350;

// Draws no number: the same story each time, but for the clock's timestamps.
class Story {
 public:
  explicit Story(LedgerClient& client) : client_(client) {}

  void Tell() {
    CreateAccounts();
    CreateImported();
    for (int i = 0; i < 3; ++i) CreateBulk();
    CreateOfEveryKind(/*base=*/100'000);
    CreateFailures(/*base=*/200'000);
    for (int i = 0; i < 3; ++i) CreateBulk();
    CreateChain(/*base=*/300'000);
    // After the last checkpoint.
    CreateOfEveryKind(/*base=*/400'000);
    CreateFailures(/*base=*/500'000);
    CloseAnAccount(/*base=*/600'000);
    WaitForExpiries();
  }

  const std::vector<AccountId>& accounts() const { return accounts_; }

  const std::vector<TransferId>& transfers() const { return transfers_; }

  const std::vector<TransferId>& failed() const { return failed_; }

 private:
  static Account MakeAccount(uint64_t id, uint16_t flags = 0) {
    return {.id = AccountId(id),
            .user_data_128 = MakeUint128(id, ~id),
            .user_data_64 = id * 1'000'003,
            .user_data_32 = static_cast<uint32_t>(id * 7),
            .ledger = kLedger,
            .code = kCode,
            .flags = flags};
  }

  static Transfer Pay(uint64_t id, uint64_t amount, uint16_t flags = 0) {
    return {.id = TransferId(id),
            .debit_account_id = AccountId(1),
            .credit_account_id = AccountId(2),
            .amount = Amount(amount),
            .user_data_128 = MakeUint128(id, 1),
            .user_data_64 = id / 10,
            .user_data_32 = static_cast<uint32_t>(id % 10),
            .ledger = kLedger,
            .code = static_cast<uint16_t>(1 + id % 3),
            .flags = flags};
  }

  static Transfer Hold(uint64_t id, uint64_t amount, uint32_t timeout) {
    Transfer hold = Pay(id, amount, transfer_flags::kPending);
    hold.timeout_seconds = timeout;
    return hold;
  }

  static Transfer Resolve(uint64_t id, uint64_t pending, Amount amount,
                          uint16_t flag) {
    Transfer resolve = Pay(id, 0, flag);
    resolve.pending_id = TransferId(pending);
    resolve.amount = amount;
    resolve.code = 0;  // As the pending one's.
    return resolve;
  }

  void Create(std::vector<Account> accounts) {
    for (const Account& account : accounts) accounts_.push_back(account.id);
    const auto created = client_.CreateAccounts(std::move(accounts));
    LEDGERD_CHECK_OK(created.status());
    for (const auto& result : created->results) {
      LEDGERD_CHECK(result.status == AccountStatus::kCreated)
          << Name(result.status);
    }
  }

  void Create(std::vector<Transfer> transfers) {
    for (const Transfer& transfer : transfers) {
      transfers_.push_back(transfer.id);
    }
    const auto created = client_.CreateTransfers(std::move(transfers));
    LEDGERD_CHECK_OK(created.status());
    for (const auto& result : created->results) {
      LEDGERD_CHECK(result.status == TransferStatus::kCreated)
          << Name(result.status);
    }
  }

  void CreateAccounts() {
    Account old = MakeAccount(90, account_flags::kImported);
    old.timestamp = Timestamp(1'000'000'000);
    Account older = MakeAccount(91, account_flags::kImported);
    older.timestamp = Timestamp(1'000'000'007);
    Create(std::vector<Account>{old, older});
    Create(std::vector<Account>{
        MakeAccount(1),
        MakeAccount(2),
        MakeAccount(3, account_flags::kDebitsMustNotExceedCredits),
        MakeAccount(4, account_flags::kCreditsMustNotExceedDebits),
        MakeAccount(5, account_flags::kHistory),
        MakeAccount(6),
        {.id = AccountId(kUint128Max - 1), .ledger = 1, .code = 1}});
  }

  void CreateImported() {
    Transfer old = Pay(90'001, 12'345, transfer_flags::kImported);
    old.debit_account_id = AccountId(90);
    old.credit_account_id = AccountId(91);
    old.timestamp = Timestamp(2'000'000'000);
    Create(std::vector<Transfer>{old});
  }

  void CreateBulk() {
    std::vector<Transfer> bulk;
    for (uint64_t i = 0; i < kBulk; ++i) {
      // To 2, or to the one with history.
      bulk.push_back({.id = TransferId(++bulk_),
                      .debit_account_id = AccountId(1),
                      .credit_account_id = AccountId(2 + i % 2 * 3),
                      .amount = Amount(1 + i),
                      .ledger = kLedger,
                      .code = kCode});
    }
    Create(std::move(bulk));
  }

  void CreateOfEveryKind(uint64_t base) {
    Create(std::vector<Transfer>{
        Pay(base + 1, 1'000'000), Hold(base + 2, 100, 0),
        Hold(base + 3, 200, kYears), Hold(base + 4, 300, 0),
        Hold(base + 5, 400, kYears), Hold(base + 6, 500, 0),
        Hold(base + 7, 600, /*timeout=*/1),
        Hold(base + 8, 700, /*timeout=*/2)});
    Transfer fund = Pay(base + 9, 50);
    fund.credit_account_id = AccountId(3);
    Transfer balancing = Pay(base + 10, 1'000, transfer_flags::kBalancingDebit);
    balancing.debit_account_id = AccountId(3);
    Create(std::vector<Transfer>{
        Resolve(base + 11, base + 4, kAmountMax, transfer_flags::kPostPending),
        Resolve(base + 12, base + 5, Amount(399), transfer_flags::kPostPending),
        Resolve(base + 13, base + 6, Amount(0), transfer_flags::kVoidPending),
        fund, balancing});
    last_expiring_ = TransferId(base + 8);
  }

  // Ids that are kept as failed for ever.
  void CreateFailures(uint64_t base) {
    Transfer nobody = Pay(base + 1, 1);
    nobody.debit_account_id = AccountId(404);
    Transfer too_much = Pay(base + 2, 1'000'000);
    too_much.debit_account_id = AccountId(3);
    const auto created =
        client_.CreateTransfers(std::vector<Transfer>{nobody, too_much});
    LEDGERD_CHECK_OK(created.status());
    for (const auto& result : created->results) {
      LEDGERD_CHECK(result.status != TransferStatus::kCreated);
    }
    failed_.emplace_back(base + 1);
    failed_.emplace_back(base + 2);
  }

  void CreateChain(uint64_t base) {
    Create(std::vector<Transfer>{Pay(base + 1, 10, transfer_flags::kLinked),
                                 Pay(base + 2, 20, transfer_flags::kLinked),
                                 Pay(base + 3, 30)});
  }

  void CloseAnAccount(uint64_t base) {
    Transfer closing = Hold(base + 1, 0, 0);
    closing.flags |= transfer_flags::kClosingDebit;
    closing.debit_account_id = AccountId(6);
    Create(std::vector<Transfer>{closing});
  }

  void WaitForExpiries() {
    LEDGERD_CHECK(WaitUntil(kExpiryLimit, [&] {
      const auto found = client_.LookupTransfers({last_expiring_});
      LEDGERD_CHECK_OK(found.status());
      return found->pending_states[0] == PendingState::kExpired;
    }));
  }

  LedgerClient& client_;
  std::vector<AccountId> accounts_;
  std::vector<TransferId> transfers_;
  std::vector<TransferId> failed_;
  uint64_t bulk_ = 0;
  TransferId last_expiring_;
};

size_t IncidentEntries(OfflineLedger& ledger) {
  const auto found = ledger.store().ReadIncidents(Sequence(0))->Finish();
  LEDGERD_CHECK_OK(found.status());
  LEDGERD_CHECK(!found->rows.empty()) << "no incident";
  return found->rows.size();
}

// What the text says beside accounts and transfers.
std::string Heading(const std::string& data, const Story& story) {
  auto ledger = OfflineLedger::Open(data);
  LEDGERD_CHECK_OK(ledger.status());
  LEDGERD_CHECK((*ledger)->opened_at() > Sequence(0)) << "no checkpoint";
  LEDGERD_CHECK((*ledger)->opened_at() < (*ledger)->last().sequence)
      << "nothing after the checkpoint";
  std::string text;
  for (const FormatVersion& format : FormatVersions()) {
    absl::StrAppend(&text, format.name, " ", format.version, "\n");
  }
  absl::StrAppend(&text, "checkpoint ", (*ledger)->opened_at().value(),
                  "\nlast ", (*ledger)->last().sequence.value(),
                  "\nstate_hash ", ToString((*ledger)->state_hash()),
                  "\nincidents ", IncidentEntries(**ledger), "\n");
  for (const TransferId id : story.failed()) {
    const auto status = (*ledger)->FailedStatus(id);
    LEDGERD_CHECK_OK(status.status());
    absl::StrAppend(&text, "failed ", ToString(id.value()), " ", Name(*status),
                    "\n");
  }
  return text;
}

void Make(const std::string& directory) {
  const std::string data = directory + "/data";
  std::vector<std::string> flags = SmallLimits();
  flags.push_back("--state-cache-bytes=1MiB");
  LiveLedger ledger(flags);
  LEDGERD_CHECK_OK(ledger.StartOn(data));
  // Which is an incident, and in the journal soon after the next start.
  LEDGERD_CHECK_OK(ledger.daemon().Kill9());
  LEDGERD_CHECK_OK(ledger.StartOn(data));
  LedgerClient client({.addresses = {ledger.address()}});
  Story story(client);
  story.Tell();
  const auto state = ReadState(client, story.transfers(), story.accounts());
  LEDGERD_CHECK_OK(state.status());
  LEDGERD_CHECK_OK(ledger.daemon().Kill9());
  // The heading is read from a copy: nothing but the build made the fixture.
  const std::string copy = directory + "/copy";
  std::filesystem::copy(data, copy, std::filesystem::copy_options::recursive);
  WriteFile(directory + "/text", Heading(copy, story) + LedgerText(*state));
  std::filesystem::remove_all(copy);
}

}  // namespace
}  // namespace ledgerd::integration

int main(int argc, char** argv) {
  LEDGERD_CHECK(argc == 2) << "usage: make_format_fixture DIRECTORY";
  ledgerd::integration::Make(argv[1]);
  return 0;
}
