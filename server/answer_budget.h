// An AnswerBudget bounds what answers take in memory until their clients have
// taken them: a client that asks and never reads cannot make it grow.
//
//   auto share = budget.Take(context->peer(), bytes);
//   if (!share.ok()) return share.status();   // OVERLOADED; nothing was done
//   call->Hold(*std::move(share));            // until the answer has left
//
// Limits   One connection may have a quarter of it, so that no client takes all
//          from the others.
// Threads  Any. Outlives its shares.
#ifndef LEDGERD_SERVER_ANSWER_BUDGET_H_
#define LEDGERD_SERVER_ANSWER_BUDGET_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "proto/base/mutex.h"
#include "proto/errors.h"

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
          bytes_(other.bytes_) {}

    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(connection_, other.connection_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }

    ~Share() {
      if (budget_ != nullptr) budget_->GiveBack(connection_, bytes_);
    }

   private:
    friend class AnswerBudget;

    Share(AnswerBudget* budget, absl::string_view connection, size_t bytes)
        : budget_(budget), connection_(connection), bytes_(bytes) {}

    AnswerBudget* budget_ = nullptr;
    std::string connection_;
    size_t bytes_ = 0;
  };

  explicit AnswerBudget(size_t bytes) : bytes_max_(bytes) {}

  // For an answer of `bytes` to the connection of that name.
  absl::StatusOr<Share> Take(absl::string_view connection, size_t bytes)
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (taken_ + bytes > bytes_max_) {
      return Overloaded("all clients", taken_, bytes_max_, bytes);
    }
    const auto found = by_connection_.find(connection);
    const size_t taken = found == by_connection_.end() ? 0 : found->second;
    if (taken + bytes > bytes_max_ / kConnections) {
      return Overloaded("this client", taken, bytes_max_ / kConnections, bytes);
    }
    by_connection_[connection] += bytes;
    taken_ += bytes;
    return Share(this, connection, bytes);
  }

  // That have shares. For tests.
  size_t connections() const LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return by_connection_.size();
  }

 private:
  static absl::Status Overloaded(absl::string_view whose, size_t taken,
                                 size_t limit, size_t bytes) {
    return MakeError(Reason::kOverloaded,
                     absl::StrCat("answers to ", whose, " take ", taken, " of ",
                                  limit, " bytes, this one may take ", bytes,
                                  "; nothing was done, read them, and try "
                                  "again after the delay"));
  }

  void GiveBack(const std::string& connection, size_t bytes)
      LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    taken_ -= bytes;
    const auto found = by_connection_.find(connection);
    found->second -= bytes;
    if (found->second == 0) by_connection_.erase(found);
  }

  const size_t bytes_max_;
  mutable Mutex mutex_;
  size_t taken_ LEDGERD_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, size_t> by_connection_
      LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_ANSWER_BUDGET_H_
