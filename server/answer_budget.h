// An AnswerBudget bounds what answers take in memory until their clients have
// taken them: a client that asks and never reads cannot make it grow.
//
//   auto share = budget.Take(context->peer(), bytes);
//   if (!share.ok()) return share.status();   // OVERLOADED; nothing was done
//   call->Hold(*std::move(share));            // until the answer has left
//
// Limits   One connection may have a quarter of it, so that no client takes all
//          from the others; and a reserve, if there is one, whatever they have:
//          beyond the budget, so that four cannot keep a fifth from its own.
// Waiting  TakeOrWait gives the share later, when there is no room now: to the
//          connections in turn, and to the waiters of one in their order.
// Threads  Any. Call-backs run on the thread of who gives back: they must be
//          quick, and call nothing here. Outlives its shares.
#ifndef LEDGERD_SERVER_ANSWER_BUDGET_H_
#define LEDGERD_SERVER_ANSWER_BUDGET_H_

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/mutex.h"
#include "server/responses.h"

namespace ledgerd::server {

class AnswerBudget {
 public:
  static constexpr size_t kConnections = 4;

  // Gives its bytes back when it goes.
  class Share {
   public:
    Share() = default;

    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          connection_(std::move(other.connection_)),
          bytes_(std::exchange(other.bytes_, 0)) {}

    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(connection_, other.connection_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }

    ~Share() {
      if (budget_ != nullptr) budget_->GiveBack(connection_, bytes_);
    }

    size_t bytes() const { return bytes_; }

   private:
    friend class AnswerBudget;

    Share(AnswerBudget* budget, absl::string_view connection, size_t bytes)
        : budget_(budget), connection_(connection), bytes_(bytes) {}

    AnswerBudget* budget_ = nullptr;
    std::string connection_;
    size_t bytes_ = 0;
  };

  using Granted = std::function<void(Share)>;

  // How a refusal speaks of what it is for, and of what helps.
  struct Words {
    absl::string_view what = "answers to";
    absl::string_view remedy = "read them";
  };

  explicit AnswerBudget(size_t bytes) : AnswerBudget(bytes, 0, {}) {}

  AnswerBudget(size_t bytes, size_t reserve, Words words)
      : bytes_max_(bytes), reserve_(reserve), words_(words) {}

  // For an answer of `bytes` to the connection of that name.
  absl::StatusOr<Share> Take(absl::string_view connection, size_t bytes)
      LEDGERD_EXCLUDES(mutex_);

  // `bytes`, or the reserve when there is no more and the connection has
  // nothing; else nothing now, and `granted` is called once with either, unless
  // `waiter` leaves before.
  // Errors: OVERLOADED when it is more than a connection may ever have.
  absl::StatusOr<std::optional<Share>> TakeOrWait(absl::string_view connection,
                                                  size_t bytes,
                                                  const void* waiter,
                                                  Granted granted)
      LEDGERD_EXCLUDES(mutex_);

  // Its call-back may be running, or about to, if it does not wait any more.
  void Leave(absl::string_view connection, const void* waiter)
      LEDGERD_EXCLUDES(mutex_);

  // That have shares. For tests.
  size_t connections() const LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return by_connection_.size();
  }

 private:
  struct Waiting {
    const void* waiter = nullptr;
    size_t bytes = 0;
    Granted granted;
  };

  using Grants = std::vector<std::pair<Granted, Share>>;
  // By connection; none without anybody.
  using AllWaiting = std::map<std::string, std::list<Waiting>, std::less<>>;

  size_t TakenBy(absl::string_view connection) const LEDGERD_REQUIRES(mutex_);
  bool HasRoom(absl::string_view connection, size_t bytes) const
      LEDGERD_REQUIRES(mutex_);
  Share TakeLocked(absl::string_view connection, size_t bytes)
      LEDGERD_REQUIRES(mutex_);
  absl::Status Overloaded(absl::string_view connection, size_t bytes) const
      LEDGERD_REQUIRES(mutex_);
  void GiveBack(const std::string& connection, size_t bytes)
      LEDGERD_EXCLUDES(mutex_);
  // To those who wait and whom there is room for.
  void GrantInTurn(Grants& grants) LEDGERD_REQUIRES(mutex_);
  // To who waits for a connection that may have nothing.
  void GrantReserve(const std::string& connection, Grants& grants)
      LEDGERD_REQUIRES(mutex_);
  // To its first waiter; what comes after it in `waiting_`.
  AllWaiting::iterator Grant(AllWaiting::iterator connection, size_t bytes,
                             Grants& grants) LEDGERD_REQUIRES(mutex_);

  const size_t bytes_max_;
  const size_t reserve_;
  const Words words_;
  mutable Mutex mutex_;
  size_t taken_ LEDGERD_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, size_t> by_connection_
      LEDGERD_GUARDED_BY(mutex_);
  AllWaiting waiting_ LEDGERD_GUARDED_BY(mutex_);
  // Whose turn was last.
  std::string last_granted_ LEDGERD_GUARDED_BY(mutex_);
};

// The memory for answers, by what they are for. Watches are apart, since those
// that nobody reads stay: they take nothing from calls, nor pieces from what
// holds them. Each connection may have one watch, and a few events for it.
struct AnswerBudgets {
  static constexpr size_t kEventsReserved = 8;

  explicit AnswerBudgets(size_t bytes)
      : calls(bytes - bytes / 4),
        watches(bytes / 8, kWatchBytes, {"open watches of", "end some"}),
        pieces(bytes / 8, kEventsReserved * kEventBytes,
               {"events for", "read them"}) {}

  AnswerBudget calls;
  AnswerBudget watches;
  AnswerBudget pieces;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_ANSWER_BUDGET_H_
