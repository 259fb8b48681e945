// payer makes payments at an even pace, until it is told to end by SIGTERM, and
// writes down which were acknowledged, and when; later it looks whether all of
// those are there, once each. deploy/quickstart.sh kills daemons in between.
//
//   payer pay   --address=A,B,C --acknowledged=FILE [--rate=2000]
//   payer check --address=A,B,C --acknowledged=FILE [--complete]
//
// Shape   Payment n has id kFirstId + n and an amount and accounts that follow
//         from n, so `check` needs nothing but FILE: a line for each payment
//         that was acknowledged, with n and the wall clock's milliseconds,
//         written after the answer is here and not before.
// Pace    A request goes out every 5 ms, whatever became of those before it. So
//         a pause is felt by all that it holds up, and a primary that nobody
//         follows any more is still given payments.
// Errors  Whatever fails is asked again with the same ids, without end. After
//         SIGTERM nothing new is paid, and it ends once all is answered: the
//         script kills it when no daemon comes back.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "CLI/CLI.hpp"
#include "client/ledger_client.h"
#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/base/uint128.h"

namespace ledgerd {
namespace {

using client::CreatedTransfers;
using client::LedgerClient;
using std::chrono::steady_clock;

constexpr uint64_t kFirstId = 1'000'000;
constexpr uint64_t kFirstAccount = 9'000;
constexpr uint64_t kAccounts = 16;
constexpr uint32_t kLedger = 9;
constexpr std::chrono::milliseconds kPeriod{5};
constexpr uint64_t kPeriodsASecond = 200;

struct Options {
  std::vector<std::string> addresses = {"127.0.0.1:7300"};
  std::string acknowledged;
  uint64_t rate = 2'000;
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

// SIGTERM, for whoever looks here alone.
class StopSignal {
 public:
  // Called before other threads are started: they must not take it either.
  StopSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    LEDGERD_CHECK(pthread_sigmask(SIG_BLOCK, &signals_, nullptr) == 0);
  }

  // Waits until then, or until it comes.
  bool ComesBefore(steady_clock::time_point time) const {
    const auto left = std::max<std::chrono::nanoseconds>(
        time - steady_clock::now(), std::chrono::nanoseconds(0));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timespec wait{};
    wait.tv_sec = seconds.count();
    wait.tv_nsec = (left - seconds).count();
    return sigtimedwait(&signals_, nullptr, &wait) == SIGTERM;
  }

 private:
  sigset_t signals_{};
};

int64_t WallMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Payer {
 public:
  explicit Payer(const Options& options)
      : batch_(std::max<uint64_t>(1, options.rate / kPeriodsASecond)),
        file_(options.acknowledged, std::ios::app),
        ledger_({.addresses = options.addresses}) {}

  int Run() {
    if (!CanWrite() || !CreateAccounts(ledger_)) return 1;
    uint64_t next = 0;
    bool ending = false;
    for (auto due = steady_clock::now(); !ending || IsAnyOpen();
         due += kPeriod) {
      ending = stop_.ComesBefore(due) || ending;
      for (const uint64_t first : TakeUnanswered()) Send(first);
      if (!ending) Send(std::exchange(next, next + batch_));
    }
    const MutexLock lock(mutex_);
    std::cout << "acknowledged=" << next - refused_
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

  bool IsAnyOpen() {
    const MutexLock lock(mutex_);
    return on_their_way_ > 0 || !unanswered_.empty();
  }

  std::vector<uint64_t> TakeUnanswered() {
    const MutexLock lock(mutex_);
    asked_again_ += batch_ * unanswered_.size();
    return std::exchange(unanswered_, {});
  }

  // The request that begins with this payment.
  void Send(uint64_t first) {
    std::vector<Transfer> payments;
    for (uint64_t i = 0; i < batch_; ++i) {
      payments.push_back(Payment(first + i));
    }
    {
      const MutexLock lock(mutex_);
      ++on_their_way_;
    }
    ledger_.CreateTransfers(
        std::move(payments),
        [this, first](const absl::StatusOr<CreatedTransfers>& created) {
          OnAnswer(first, created);
        });
  }

  void OnAnswer(uint64_t first,
                const absl::StatusOr<CreatedTransfers>& created) {
    const MutexLock lock(mutex_);
    --on_their_way_;
    if (!created.ok()) {
      unanswered_.push_back(first);
      return;
    }
    const int64_t now = WallMilliseconds();
    for (uint64_t i = 0; i < batch_; ++i) {
      if (client::IsThere(created->results[i])) {
        file_ << first + i << " " << now << "\n";
      } else {
        ++refused_;
      }
    }
    file_.flush();  // The script counts lines.
  }

  const StopSignal stop_;
  // Payments in a request.
  const uint64_t batch_;
  Mutex mutex_;
  std::ofstream file_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t on_their_way_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // By their first payments.
  std::vector<uint64_t> unanswered_ LEDGERD_GUARDED_BY(mutex_);
  uint64_t asked_again_ LEDGERD_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // Ends first: until then it answers.
  LedgerClient ledger_;
};

// What the file says, against what the ledger has.
class Checker {
 public:
  explicit Checker(const Options& options)
      : options_(options), ledger_({.addresses = options.addresses}) {}

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
    int64_t when = 0;
    for (uint64_t n = 0; file >> n >> when;) numbers.push_back(n);
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
  app.add_option("--address", options.addresses, "Of the replicas")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--acknowledged", options.acknowledged,
                 "The file of those acknowledged")
      ->required();
  CLI::App* pay = app.add_subcommand("pay", "Make payments");
  pay->add_option("--rate", options.rate, "Payments a second")
      ->capture_default_str();
  CLI::App* check = app.add_subcommand("check", "Look for them");
  check->add_flag("--complete", options.complete,
                  "Nothing but these was ever sent: compare balances too");
  CLI11_PARSE(app, argc, argv);
  return *pay ? Payer(options).Run() : Checker(options).Run();
}

}  // namespace
}  // namespace ledgerd

int main(int argc, char** argv) { return ledgerd::Main(argc, argv); }
