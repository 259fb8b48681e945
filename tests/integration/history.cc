#include "tests/integration/history.h"

#include <chrono>
#include <ostream>
#include <utility>

#include "proto/base/uint128.h"

namespace ledgerd::integration {
namespace {

int64_t Now() {
  return std::chrono::nanoseconds(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

absl::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOpen:
      return "open";
    case Outcome::kAnswered:
      return "answered";
    case Outcome::kNothingDone:
      return "nothing_done";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "";
}

void Write(std::ostream& out, const Transfer& transfer) {
  out << " transfer(" << ToString(transfer.id.value()) << " "
      << ToString(transfer.debit_account_id.value()) << "->"
      << ToString(transfer.credit_account_id.value()) << " "
      << ToString(transfer.amount.value()) << " pending "
      << ToString(transfer.pending_id.value()) << " flags " << transfer.flags
      << " timeout " << transfer.timeout_seconds << ")";
}

void WriteBegin(std::ostream& out, size_t number, const Exchange& exchange) {
  out << exchange.begin << " begin " << number << " client " << exchange.client;
  for (const Transfer& transfer : exchange.transfers) Write(out, transfer);
  for (const Account& account : exchange.accounts) {
    out << " account(" << ToString(account.id.value()) << ")";
  }
  for (const TransferId id : exchange.asked) {
    out << " lookup(" << ToString(id.value()) << ")";
  }
  out << "\n";
}

void WriteEnd(std::ostream& out, size_t number, const Exchange& exchange) {
  const Ending& ending = exchange.ending;
  out << exchange.end << " end " << number << " " << Name(ending.outcome) << " "
      << ending.error << " sequence " << ending.sequence;
  for (const TransferResult& result : ending.results) {
    out << " " << Name(result.status) << "@" << result.timestamp;
  }
  for (const AccountResult& result : ending.account_results) {
    out << " " << Name(result.status) << "@" << result.timestamp;
  }
  for (const Transfer& transfer : ending.found) Write(out, transfer);
  for (const TransferId id : ending.missing) {
    out << " missing(" << ToString(id.value()) << ")";
  }
  out << "\n";
}

}  // namespace

History::History(const std::string& path) : path_(path), file_(path) {}

size_t History::Begin(Exchange exchange) {
  const MutexLock lock(mutex_);
  const size_t number = exchanges_.size();
  exchange.begin = Now();
  WriteBegin(file_, number, exchange);
  exchanges_.push_back(std::move(exchange));
  ++waiting_;
  return number;
}

void History::End(size_t number, Ending ending) {
  const int64_t now = Now();
  const MutexLock lock(mutex_);
  Exchange& exchange = exchanges_[number];
  exchange.end = now;
  exchange.ending = std::move(ending);
  WriteEnd(file_, number, exchange);
  --waiting_;
  if (!exchange.answered()) return;
  ++answers_;
  answered_.SignalAll();
}

size_t History::answers() const {
  const MutexLock lock(mutex_);
  return answers_;
}

size_t History::waiting() const {
  const MutexLock lock(mutex_);
  return waiting_;
}

bool History::WaitForAnswers(size_t answers,
                             std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  const MutexLock lock(mutex_);
  while (answers_ < answers) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left.count() <= 0) return false;
    answered_.WaitFor(mutex_, left);
  }
  return true;
}

}  // namespace ledgerd::integration
