#include "tests/integration/load.h"

#include <chrono>
#include <deque>
#include <functional>
#include <utility>

#include "proto/base/check.h"
#include "tests/integration/history_checker.h"
#include "tests/integration/payments.h"

namespace ledgerd::integration {
namespace {

constexpr std::chrono::milliseconds kReconnectLimit(100);
constexpr std::chrono::seconds kSettleLimit(60);
constexpr size_t kRemembered = 200;
constexpr size_t kRefusedMax = 1'000;
constexpr uint64_t kBatchUnitsMax = 20;

void Remember(TransferId id, uint64_t draw, std::vector<TransferId>* ids) {
  if (ids->size() < kRemembered) {
    ids->push_back(id);
  } else {
    (*ids)[draw % kRemembered] = id;
  }
}

// One client: what it has yet to learn, and what it can use again.
class LoadClient {
 public:
  LoadClient(int client, uint64_t seed, bool only_pays, Ways* ways,
             History* history)
      : only_pays_(only_pays),
        ways_(*ways),
        caller_(client, ways, history),
        payments_(client, seed) {}

  // Whether everything has had its answer in the end.
  bool Run(const std::function<bool()>& may_go_on) {
    while (may_go_on()) Step();
    for (const Unit& unit : refused_) unsettled_.push_back(unit);
    refused_.clear();
    const auto limit = std::chrono::steady_clock::now() + kSettleLimit;
    while (!unsettled_.empty() || !unsettled_accounts_.empty()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      Resend();
    }
    return true;
  }

 private:
  void Step() {
    if (only_pays_) return Send(payments_.Next(), Way::kPatientShared);
    const uint64_t kind = payments_.Draw(100);
    if (kind < 25) return Resend();
    if (kind < 50) return Send(payments_.Next());
    if (kind < 75) return Send(Batch());
    if (kind < 80) return SendAgain();
    if (kind < 85) return SendImpostor();
    if (kind < 95) return Lookup();
    CreateAccount(payments_.NewAccount());
  }

  std::vector<Transfer> Batch() {
    std::vector<Transfer> batch;
    const uint64_t units = 1 + payments_.Draw(kBatchUnitsMax);
    for (uint64_t i = 0; i < units; ++i) {
      const Unit unit = payments_.Next();
      batch.insert(batch.end(), unit.begin(), unit.end());
    }
    return batch;
  }

  // Only one unit, a single transfer or a chain, can share a batch.
  Way DrawWay(const std::vector<Transfer>& transfers) {
    bool is_unit = true;
    for (size_t i = 0; i + 1 < transfers.size(); ++i) {
      is_unit &= (transfers[i].flags & transfer_flags::kLinked) != 0;
    }
    return static_cast<Way>(payments_.Draw(is_unit ? kWays : kWays - 2));
  }

  void Send(const std::vector<Transfer>& transfers) {
    Send(transfers, DrawWay(transfers));
  }

  void Send(const std::vector<Transfer>& transfers, Way way) {
    const Ending ending = caller_.Create(way, transfers);
    if (ending.outcome != Outcome::kAnswered) {
      unsettled_.push_back(transfers);
      return WaitOut();
    }
    if (ending.results.size() != transfers.size()) return;  // The checker's.
    bool is_refused = false;
    for (size_t i = 0; i < transfers.size(); ++i) {
      payments_.OnResult(transfers[i], ending.results[i]);
      Remember(transfers[i], ending.results[i]);
      is_refused |= IsKeptFailure(ending.results[i].status);
    }
    if (is_refused) Keep(transfers, ending);
  }

  void Remember(const Transfer& transfer, const TransferResult& result) {
    if (!client::IsThere(result)) return;
    integration::Remember(transfer.id, payments_.Draw(kRemembered), &there_);
    if ((transfer.flags & transfer_flags::kLinked) == 0) last_ = transfer;
  }

  // Of the units of a batch, those that were refused for good.
  void Keep(const std::vector<Transfer>& transfers, const Ending& ending) {
    for (size_t begin = 0; begin < transfers.size();) {
      const size_t end =
          client::ChainEnd<Transfer>(absl::MakeConstSpan(transfers), begin);
      bool is_refused = false;
      for (size_t i = begin; i < end; ++i) {
        is_refused |= IsKeptFailure(ending.results[i].status);
      }
      if (is_refused && refused_.size() < kRefusedMax) {
        refused_.emplace_back(transfers.begin() + begin,
                              transfers.begin() + end);
      }
      begin = end;
    }
  }

  void Resend() {
    if (!unsettled_accounts_.empty()) {
      const Account account = unsettled_accounts_.front();
      unsettled_accounts_.pop_front();
      return CreateAccount(account);
    }
    if (unsettled_.empty()) return;
    const std::vector<Transfer> transfers = std::move(unsettled_.front());
    unsettled_.pop_front();
    Send(transfers);
  }

  // Something of this client's that has had its answer already.
  void SendAgain() {
    if (refused_.empty()) return;
    Send(refused_[payments_.Draw(refused_.size())]);
  }

  void SendImpostor() {
    if (last_.id == TransferId(0)) return;
    // A chain's last member on its own is a request like any other.
    const Transfer impostor = payments_.Impostor(last_);
    caller_.Create(Way::kRaw, std::vector<Transfer>{impostor});
    caller_.Create(Way::kRaw, std::vector<Transfer>{last_});
  }

  void Lookup() {
    if (there_.empty()) return;
    const std::vector<TransferId> ids = {there_[payments_.Draw(there_.size())],
                                         there_[payments_.Draw(there_.size())]};
    const Way way = payments_.Draw(2) == 0 ? Way::kRaw : Way::kPatient;
    caller_.Lookup(way, ids);
  }

  void CreateAccount(const Account& account) {
    const Way way = static_cast<Way>(payments_.Draw(kWays - 2));
    const Ending ending = caller_.Create(way, std::vector<Account>{account});
    if (ending.outcome == Outcome::kAnswered) {
      return payments_.OnAccount(account);
    }
    unsettled_accounts_.push_back(account);
    WaitOut();
  }

  // Without this a daemon that is down would be asked in a tight loop.
  void WaitOut() { ways_.raw.WaitForConnection(kReconnectLimit); }

  const bool only_pays_;
  Ways& ways_;
  Caller caller_;
  Payments payments_;
  std::deque<std::vector<Transfer>> unsettled_;
  std::deque<Account> unsettled_accounts_;
  std::vector<Unit> refused_;
  std::vector<TransferId> there_;
  Transfer last_;
};

}  // namespace

Load::Load(LoadOptions options, History* history)
    : options_(std::move(options)),
      history_(history),
      ways_(options_.addresses) {}

Load::~Load() { Settle(); }

absl::Status Load::Prepare() {
  Caller caller(-1, &ways_, history_);
  const Ending accounts = caller.Create(Way::kPatient, ChartOfAccounts());
  if (accounts.outcome != Outcome::kAnswered) {
    return absl::UnavailableError("no accounts: " + accounts.error);
  }
  const Ending funds = caller.Create(Way::kPatient, Funding());
  if (funds.outcome != Outcome::kAnswered) {
    return absl::UnavailableError("no funds: " + funds.error);
  }
  return absl::OkStatus();
}

void Load::Start() {
  LEDGERD_CHECK(threads_.empty());
  const int all = options_.clients + options_.payers;
  {
    const MutexLock lock(mutex_);
    busy_ = static_cast<size_t>(all);
  }
  for (int client = 0; client < all; ++client) {
    const uint64_t seed = options_.seed + static_cast<uint64_t>(client);
    threads_.emplace_back([this, client, seed] {
      LoadClient load(client, seed, client >= options_.clients, &ways_,
                      history_);
      if (!load.Run([this] { return MayGoOn(); })) all_settled_ = false;
    });
  }
}

bool Load::MayGoOn() {
  const MutexLock lock(mutex_);
  --busy_;
  changed_.SignalAll();
  while (held_ && !stopping_) changed_.Wait(mutex_);
  ++busy_;
  return !stopping_;
}

void Load::Hold() {
  const MutexLock lock(mutex_);
  held_ = true;
  while (busy_ > 0) changed_.Wait(mutex_);
}

void Load::GoOn() {
  const MutexLock lock(mutex_);
  held_ = false;
  changed_.SignalAll();
}

bool Load::Settle() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return all_settled_;
}

}  // namespace ledgerd::integration
