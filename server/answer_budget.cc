#include "server/answer_budget.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"

namespace ledgerd::server {

absl::StatusOr<AnswerBudget::Share> AnswerBudget::Take(
    absl::string_view connection, size_t bytes) {
  const MutexLock lock(mutex_);
  if (!HasRoom(connection, bytes)) return Overloaded(connection, bytes);
  return TakeLocked(connection, bytes);
}

absl::StatusOr<std::optional<AnswerBudget::Share>> AnswerBudget::TakeOrWait(
    absl::string_view connection, size_t bytes, const void* waiter,
    Granted granted) {
  const MutexLock lock(mutex_);
  for (const size_t some : {bytes, std::min(bytes, reserve_)}) {
    if (some > 0 && HasRoom(connection, some)) {
      return std::optional(TakeLocked(connection, some));
    }
  }
  if (bytes > bytes_max_ / kConnections) return Overloaded(connection, bytes);
  waiting_[std::string(connection)].push_back(
      {waiter, bytes, std::move(granted)});
  return std::optional<Share>();
}

void AnswerBudget::Leave(absl::string_view connection, const void* waiter) {
  std::list<Waiting> left;  // What they hold goes once the mutex is free.
  const MutexLock lock(mutex_);
  const auto found = waiting_.find(connection);
  if (found == waiting_.end()) return;
  std::list<Waiting>& waiting = found->second;
  for (auto it = waiting.begin(); it != waiting.end();) {
    const auto next = std::next(it);
    if (it->waiter == waiter) left.splice(left.end(), waiting, it);
    it = next;
  }
  if (waiting.empty()) waiting_.erase(found);
}

size_t AnswerBudget::TakenBy(absl::string_view connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? 0 : found->second;
}

bool AnswerBudget::HasRoom(absl::string_view connection, size_t bytes) const {
  const size_t own = TakenBy(connection) + bytes;
  return own <= reserve_ ||
         (taken_ + bytes <= bytes_max_ && own <= bytes_max_ / kConnections);
}

AnswerBudget::Share AnswerBudget::TakeLocked(absl::string_view connection,
                                             size_t bytes) {
  by_connection_[connection] += bytes;
  taken_ += bytes;
  return Share(this, connection, bytes);
}

absl::Status AnswerBudget::Overloaded(absl::string_view connection,
                                      size_t bytes) const {
  const bool all = taken_ + bytes > bytes_max_;
  return MakeError(
      Reason::kOverloaded,
      absl::StrCat(words_.what, all ? " all clients" : " this client", " take ",
                   all ? taken_ : TakenBy(connection), " of ",
                   all ? bytes_max_ : bytes_max_ / kConnections,
                   " bytes, this one may take ", bytes, "; nothing was done, ",
                   words_.remedy, ", and try again after the delay"));
}

void AnswerBudget::GiveBack(const std::string& connection, size_t bytes) {
  Grants grants;
  {
    const MutexLock lock(mutex_);
    taken_ -= bytes;
    const auto found = by_connection_.find(connection);
    found->second -= bytes;
    if (found->second == 0) by_connection_.erase(found);
    GrantInTurn(grants);
    GrantReserve(connection, grants);
  }
  for (auto& [call, share] : grants) call(std::move(share));
}

void AnswerBudget::GrantInTurn(Grants& grants) {
  auto turn = waiting_.upper_bound(last_granted_);
  for (size_t passed_over = 0; passed_over < waiting_.size();) {
    if (turn == waiting_.end()) turn = waiting_.begin();
    const size_t bytes = turn->second.front().bytes;
    // Hardly anybody needs less than another: no more of them are tried.
    if (taken_ + bytes > bytes_max_) return;
    if (HasRoom(turn->first, bytes)) {
      passed_over = 0;
      last_granted_ = turn->first;
      turn = Grant(turn, bytes, grants);
    } else {
      ++passed_over;
      ++turn;
    }
  }
}

void AnswerBudget::GrantReserve(const std::string& connection, Grants& grants) {
  const auto found = waiting_.find(connection);
  if (found == waiting_.end() || TakenBy(connection) > 0 || reserve_ == 0) {
    return;
  }
  Grant(found, std::min(reserve_, found->second.front().bytes), grants);
}

AnswerBudget::AllWaiting::iterator AnswerBudget::Grant(
    AllWaiting::iterator connection, size_t bytes, Grants& grants) {
  std::list<Waiting>& waiting = connection->second;
  grants.emplace_back(std::move(waiting.front().granted),
                      TakeLocked(connection->first, bytes));
  waiting.pop_front();
  return waiting.empty() ? waiting_.erase(connection) : std::next(connection);
}

}  // namespace ledgerd::server
