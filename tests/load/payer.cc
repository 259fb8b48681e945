// payer makes many payments and writes down which were acknowledged; later it
// looks whether all of those are there, once each. deploy/quickstart.sh kills
// the daemon in between.
//
//   payer pay   --address=127.0.0.1:7300 --payments=50000 --acknowledged=FILE
//   payer check --address=127.0.0.1:7300 --acknowledged=FILE [--complete]
//
// Shape   Payment n has id kFirstId + n and an amount and accounts that follow
//         from n, so `check` needs nothing but the ids in FILE, one a line. A
//         line is written after the answer is here, and not before.
// Errors  Whatever fails is asked again with the same id, without end: the
//         script that started payer ends it when the daemon does not come back.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/ledger_client.h"
#include "proto/base/mutex.h"
#include "proto/base/uint128.h"

namespace ledgerd {
namespace {

using client::LedgerClient;

constexpr uint64_t kFirstId = 1'000'000;
constexpr uint64_t kFirstAccount = 9'000;
constexpr uint64_t kAccounts = 16;
constexpr uint32_t kLedger = 9;

struct Options {
  std::string address = "127.0.0.1:7300";
  std::string acknowledged;
  uint64_t payments = 50'000;
  uint64_t threads = 64;
  bool complete = false;
};

uint64_t AmountOf(uint64_t n) { return 1 + n % 97; }

Transfer Payment(uint64_t n) {
  return {
      .id = TransferId(kFirstId + n),
      .debit_account_id = AccountId(kFirstAccount),
      .credit_account_id = AccountId(kFirstAccount + 1 + n % (kAccounts - 1)),
      .amount = Amount(AmountOf(n)),
      .ledger = kLedger,
      .code = 1};
}

// Whether a transfer that was found is the one that was sent.
bool IsPayment(const Transfer& found, uint64_t n) {
  Transfer expected = Payment(n);
  expected.timestamp = found.timestamp;
  return found == expected;
}

std::vector<AccountId> AccountIds() {
  std::vector<AccountId> ids;
  for (uint64_t i = 0; i < kAccounts; ++i) ids.emplace_back(kFirstAccount + i);
  return ids;
}

bool CreateAccounts(LedgerClient& ledger) {
  std::vector<Account> accounts;
  for (const AccountId id : AccountIds()) {
    accounts.push_back({.id = id, .ledger = kLedger, .code = 1});
  }
  const auto created = ledger.CreateAccounts(accounts);
  if (!created.ok()) std::cerr << "payer: " << created.status() << "\n";
  return created.ok();
}

// What all paying threads share.
class Payer {
 public:
  explicit Payer(const Options& options)
      : options_(options),
        ledger_({.addresses = {options.address}}),
        file_(options.acknowledged, std::ios::app) {}

  int Run() {
    if (!CanWrite() || !CreateAccounts(ledger_)) return 1;
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < options_.threads; ++i) {
      threads.emplace_back([this] { PayOneByOne(); });
    }
    for (std::thread& thread : threads) thread.join();
    std::cout << "acknowledged=" << next_.load() - refused_.load()
              << " asked_again=" << asked_again_ << " refused=" << refused_
              << "\n";
    return refused_ == 0 ? 0 : 1;
  }

 private:
  bool CanWrite() {
    const MutexLock lock(mutex_);
    if (!file_) std::cerr << "payer: cannot write the file\n";
    return static_cast<bool>(file_);
  }

  void PayOneByOne() {
    for (;;) {
      const uint64_t n = next_.fetch_add(1);
      if (n >= options_.payments) {
        next_.fetch_sub(1);
        return;
      }
      Pay(n);
    }
  }

  void Pay(uint64_t n) {
    for (;;) {
      const auto paid = ledger_.CreateTransfer(Payment(n));
      if (paid.ok()) {
        Note(n, client::IsThere(*paid));
        return;
      }
      ++asked_again_;
    }
  }

  void Note(uint64_t n, bool is_there) {
    if (!is_there) {
      ++refused_;
      return;
    }
    const MutexLock lock(mutex_);
    file_ << n << std::endl;  // Flushed: the script counts lines.
  }

  const Options& options_;
  LedgerClient ledger_;
  Mutex mutex_;
  std::ofstream file_ LEDGERD_GUARDED_BY(mutex_);
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> asked_again_{0};
  std::atomic<uint64_t> refused_{0};
};

// What the file says, against what the ledger has.
class Checker {
 public:
  explicit Checker(const Options& options)
      : options_(options), ledger_({.addresses = {options.address}}) {}

  int Run() {
    const std::vector<uint64_t> numbers = ReadNumbers();
    for (size_t at = 0; at < numbers.size(); at += kMaxBatchSize) {
      const size_t end = std::min(numbers.size(), at + kMaxBatchSize);
      if (!LookUp({numbers.begin() + at, numbers.begin() + end})) return 1;
    }
    std::cout << "acknowledged=" << numbers.size() << " found=" << found_
              << " different=" << different_
              << " missing=" << numbers.size() - found_ - different_;
    const bool kept = found_ == numbers.size();
    if (!options_.complete) {
      std::cout << "\n";
      return kept ? 0 : 1;
    }
    return CompareBalances() && kept ? 0 : 1;
  }

 private:
  std::vector<uint64_t> ReadNumbers() const {
    std::vector<uint64_t> numbers;
    std::ifstream file(options_.acknowledged);
    for (uint64_t n = 0; file >> n;) numbers.push_back(n);
    return numbers;
  }

  bool LookUp(const std::vector<uint64_t>& numbers) {
    std::vector<TransferId> ids;
    ids.reserve(numbers.size());
    for (const uint64_t n : numbers) ids.emplace_back(kFirstId + n);
    const auto answer = ledger_.LookupTransfers(ids);
    if (!answer.ok()) {
      std::cerr << "payer: " << answer.status() << "\n";
      return false;
    }
    for (const Transfer& transfer : answer->transfers) {
      const uint64_t n = Low(transfer.id.value()) - kFirstId;
      ++(IsPayment(transfer, n) ? found_ : different_);
      money_ += AmountOf(n);
    }
    return true;
  }

  // With every payment acknowledged, the balances are their sum and no more:
  // one that was executed twice would show.
  bool CompareBalances() {
    const auto answer = ledger_.LookupAccounts(AccountIds());
    if (!answer.ok()) {
      std::cerr << "payer: " << answer.status() << "\n";
      return false;
    }
    Uint128 debited = 0;
    Uint128 credited = 0;
    for (const Account& account : answer->accounts) {
      debited += account.debits_posted.value();
      credited += account.credits_posted.value();
    }
    std::cout << " money=" << money_ << " debited=" << ToString(debited)
              << " credited=" << ToString(credited) << "\n";
    return debited == money_ && credited == money_;
  }

  const Options& options_;
  LedgerClient ledger_;
  uint64_t found_ = 0;
  uint64_t different_ = 0;
  uint64_t money_ = 0;
};

int Main(int argc, char** argv) {
  CLI::App app("Makes many payments, and checks those acknowledged.");
  Options options;
  app.fallthrough();
  app.require_subcommand(1);
  app.add_option("--address", options.address, "Of ledgerd");
  app.add_option("--acknowledged", options.acknowledged,
                 "The file of those acknowledged")
      ->required();
  CLI::App* pay = app.add_subcommand("pay", "Make payments");
  pay->add_option("--payments", options.payments, "How many");
  pay->add_option("--threads", options.threads, "How many at a time");
  CLI::App* check = app.add_subcommand("check", "Look for them");
  check->add_flag("--complete", options.complete,
                  "Nothing but these was ever sent: compare balances too");
  CLI11_PARSE(app, argc, argv);
  return *pay ? Payer(options).Run() : Checker(options).Run();
}

}  // namespace
}  // namespace ledgerd

int main(int argc, char** argv) { return ledgerd::Main(argc, argv); }
