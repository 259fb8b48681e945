#include "client/ledgerctl/book_audit.h"

#include <chrono>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"

#include "proto/base/mutex.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {

namespace {

// Cancels a watch on which nothing is told for a while.
class SilenceLimit {
 public:
  SilenceLimit(EventWatch& watch, std::chrono::milliseconds limit)
      : watch_(watch), limit_(limit), thread_([this] { Run(); }) {}

  SilenceLimit(const SilenceLimit&) = delete;
  SilenceLimit& operator=(const SilenceLimit&) = delete;

  ~SilenceLimit() {
    {
      const MutexLock lock(mutex_);
      over_ = true;
    }
    changed_.SignalAll();
    thread_.join();
  }

  void Heard() LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    until_ = Clock::now() + limit_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Run() LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (!over_) {
      const auto left = until_ - Clock::now();
      if (left <= left.zero()) return watch_.Cancel();
      changed_.WaitFor(mutex_, left);
    }
  }

  EventWatch& watch_;
  const std::chrono::milliseconds limit_;
  Mutex mutex_;
  CondVar changed_;
  bool over_ LEDGERD_GUARDED_BY(mutex_) = false;
  Clock::time_point until_ LEDGERD_GUARDED_BY(mutex_) = Clock::now() + limit_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<BookAudit::Result> BookAudit::Run() {
  for (int round = 0; round < options_.rounds_max; ++round) {
    LEDGERD_RETURN_IF_ERROR(ReadPages());
    LEDGERD_ASSIGN_OR_RETURN(const bool whole, ReadEvents());
    if (!whole) continue;
    Result result;
    result.sequence = last_;
    result.accounts = accounts_.size();
    for (const auto& [id, account] : accounts_) result.books.Add(account);
    return result;
  }
  return absl::AbortedError(absl::StrCat(
      "the server did not tell its events through sequence ", last_.value(),
      " within ", options_.silence.count(), " ms, ", options_.rounds_max,
      " times; try again when it is less busy"));
}

absl::Status BookAudit::ReadPages() {
  QueryFilter filter;
  filter.limit = static_cast<uint32_t>(options_.batch_max);
  for (bool first = true;; first = false) {
    LEDGERD_ASSIGN_OR_RETURN(const FoundAccounts page,
                             client_.QueryAccounts(filter));
    if (first) first_ = page.sequence;
    last_ = page.sequence;
    for (const Account& account : page.accounts) {
      accounts_[account.id] = account;
    }
    if (page.accounts.size() < options_.batch_max) return absl::OkStatus();
    filter.timestamp_min =
        Timestamp(page.accounts.back().timestamp.value() + 1);
  }
}

absl::StatusOr<bool> BookAudit::ReadEvents() {
  if (first_ == last_) return true;
  const std::unique_ptr<EventWatch> watch = client_.WatchEvents(first_.Next());
  SilenceLimit silence(*watch, options_.silence);
  for (;;) {
    const absl::StatusOr<LedgerEvents> entry = watch->Next();
    if (absl::IsCancelled(entry.status())) return false;
    if (!entry.ok()) return entry.status();
    silence.Heard();
    if (entry->sequence > last_) return true;
    Take(*entry);
    if (entry->sequence == last_ && !entry->more) return true;
  }
}

void BookAudit::Take(const LedgerEvents& entry) {
  for (const LedgerEvent& event : entry.events) {
    accounts_[event.debit.id] = event.debit;
    // That is the account created, and there is no other.
    if (event.type == LedgerEventType::kAccountCreated) continue;
    accounts_[event.credit.id] = event.credit;
  }
}

}  // namespace ledgerd::client
