#include "tests/integration/history_checker.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "proto/base/uint128.h"
#include "tests/integration/books.h"
#include "tests/integration/real_time_order.h"

namespace ledgerd::integration {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

bool Has(const Transfer& transfer, uint16_t flag) {
  return (transfer.flags & flag) != 0;
}

bool IsThere(TransferStatus status) {
  return status == TransferStatus::kCreated ||
         status == TransferStatus::kExists;
}

bool ExistsWithAnotherBody(TransferStatus status) {
  return status >= TransferStatus::kExistsWithDifferentFlags &&
         status <= TransferStatus::kExistsWithDifferentCode;
}

// All that was said about one transfer's id.
struct Facts {
  Transfer sent;
  int created = 0;
  int existed = 0;
  int kept_failures = 0;
  TransferStatus kept = TransferStatus::kUnspecified;
  // Some request of it has, or may have, more attempts than answers.
  bool may_have_more_attempts = false;
  // When the client first knew that it is there, that it is kept as failed.
  int64_t there_since = kNever;
  int64_t kept_since = kNever;
  Timestamp timestamp;
  std::optional<Amount> amount;
};

// The amount that a CREATED or EXISTS answer says was moved.
Amount AmountOf(const Transfer& sent, const TransferResult& result) {
  return result.amount_differs ? result.amount : sent.amount;
}

class HistoryChecker {
 public:
  HistoryChecker(const std::deque<Exchange>& exchanges, const FinalState& state)
      : exchanges_(exchanges) {
    for (const FoundTransfer& found : state.transfers) {
      found_.emplace(found.transfer.id, found.transfer);
    }
    for (const Account& account : state.accounts) {
      accounts_.emplace(account.id, account);
    }
  }

  std::vector<std::string> Check() {
    for (const Exchange& exchange : exchanges_) Gather(exchange);
    for (const Exchange& exchange : exchanges_) {
      CheckAnswers(exchange);
      CheckChains(exchange);
      CheckRead(exchange);
      CheckAccounts(exchange);
    }
    for (const auto& [id, facts] : facts_) CheckId(id, facts);
    return violations_;
  }

 private:
  void Gather(const Exchange& exchange) {
    for (size_t i = 0; i < exchange.transfers.size(); ++i) {
      const Transfer& sent = exchange.transfers[i];
      Facts& facts =
          facts_.try_emplace(sent.id, Facts{.sent = sent}).first->second;
      facts.may_have_more_attempts |=
          exchange.retried_inside ||
          exchange.ending.outcome == Outcome::kUnknown ||
          exchange.ending.outcome == Outcome::kOpen;
      if (!exchange.answered() || sent != facts.sent) continue;
      GatherAnswer(exchange, exchange.ending.results[i], &facts);
    }
    if (!exchange.answered()) return;
    for (const Transfer& found : exchange.ending.found) {
      const auto at = facts_.find(found.id);
      if (at == facts_.end()) continue;
      Facts& facts = at->second;
      facts.there_since = std::min(facts.there_since, exchange.end);
    }
  }

  void GatherAnswer(const Exchange& exchange, const TransferResult& result,
                    Facts* facts) {
    facts->created += result.status == TransferStatus::kCreated;
    facts->existed += result.status == TransferStatus::kExists;
    if (IsThere(result.status)) {
      facts->there_since = std::min(facts->there_since, exchange.end);
      NoteTimestamp(result.timestamp, facts);
      NoteAmount(AmountOf(facts->sent, result), facts);
    }
    if (IsKeptFailure(result.status)) {
      ++facts->kept_failures;
      NoteKept(result.status, exchange.end, facts);
    }
    if (result.status == TransferStatus::kIdAlreadyFailed) {
      NoteKept(result.original_status, exchange.end, facts);
    }
  }

  void NoteTimestamp(Timestamp timestamp, Facts* facts) {
    if (timestamp == Timestamp(0)) return;  // Not told.
    if (facts->timestamp == Timestamp(0)) facts->timestamp = timestamp;
    if (facts->timestamp != timestamp) {
      Violation(facts->sent.id, "was answered with two timestamps, ",
                facts->timestamp.value(), " and ", timestamp.value());
    }
  }

  void NoteAmount(Amount amount, Facts* facts) {
    if (facts->amount.value_or(amount) != amount) {
      Violation(facts->sent.id, "was answered with two amounts, ",
                ToString(facts->amount->value()), " and ",
                ToString(amount.value()));
    }
    facts->amount = amount;
  }

  void NoteKept(TransferStatus status, int64_t when, Facts* facts) {
    facts->kept_since = std::min(facts->kept_since, when);
    if (facts->kept == TransferStatus::kUnspecified) facts->kept = status;
    if (facts->kept == status && IsKeptFailure(status)) return;
    Violation(facts->sent.id, "is kept as failed with two statuses, ",
              Name(facts->kept), " and ", Name(status));
  }

  void CheckAnswers(const Exchange& exchange) {
    if (!exchange.answered()) return;
    if (exchange.ending.results.size() != exchange.transfers.size() ||
        exchange.ending.account_results.size() != exchange.accounts.size()) {
      violations_.push_back("an answer has not one result for each event");
      return;
    }
    for (size_t i = 0; i < exchange.transfers.size(); ++i) {
      CheckAnswer(exchange, exchange.transfers[i],
                  exchange.ending.results[i].status);
    }
  }

  void CheckAnswer(const Exchange& exchange, const Transfer& sent,
                   TransferStatus status) {
    const Facts& facts = facts_.at(sent.id);
    if (sent != facts.sent) {
      if (!ExistsWithAnotherBody(status)) {
        Violation(sent.id, "was answered ", Name(status), " for another body");
      }
      return;
    }
    if (status == TransferStatus::kLinkedEventFailed) return;
    if (facts.there_since < exchange.begin && !IsThere(status)) {
      Violation(sent.id, "was there, and later was answered ", Name(status));
    }
    if (facts.kept_since < exchange.begin &&
        status != TransferStatus::kIdAlreadyFailed) {
      Violation(sent.id, "was kept as failed, and later was answered ",
                Name(status));
    }
  }

  void CheckChains(const Exchange& exchange) {
    const std::vector<Transfer>& all = exchange.transfers;
    for (size_t begin = 0, end = 0; begin < all.size(); begin = end) {
      end = begin + 1;
      while (end < all.size() && Has(all[end - 1], transfer_flags::kLinked)) {
        ++end;
      }
      CheckChain(exchange, begin, end);
    }
  }

  void CheckChain(const Exchange& exchange, size_t begin, size_t end) {
    size_t there = 0;
    size_t created = 0;
    for (size_t i = begin; i < end; ++i) {
      const Transfer& member = exchange.transfers[i];
      there += found_.contains(member.id);
      created += exchange.answered() &&
                 exchange.ending.results[i].status == TransferStatus::kCreated;
    }
    const size_t size = end - begin;
    if ((there != 0 && there != size) || (created != 0 && created != size)) {
      Violation(exchange.transfers[begin].id, "begins a chain of ", size,
                " members, of which ", there, " are there and ", created,
                " were answered created");
    }
  }

  void CheckRead(const Exchange& exchange) {
    for (const TransferId id : exchange.ending.missing) {
      const auto at = facts_.find(id);
      if (at != facts_.end() && at->second.there_since < exchange.begin) {
        Violation(id, "was there, and a later read missed it");
      }
    }
    for (const Transfer& transfer : exchange.ending.found) {
      const auto at = facts_.find(transfer.id);
      if (at != facts_.end()) CheckBody(at->second, transfer);
    }
  }

  void CheckAccounts(const Exchange& exchange) {
    if (!exchange.answered()) return;
    for (size_t i = 0; i < exchange.accounts.size(); ++i) {
      const AccountResult& result = exchange.ending.account_results[i];
      if (result.status != AccountStatus::kCreated &&
          result.status != AccountStatus::kExists) {
        continue;
      }
      CheckAccount(exchange.accounts[i], result.timestamp);
    }
  }

  void CheckAccount(Account sent, Timestamp timestamp) {
    const auto found = accounts_.find(sent.id);
    if (found == accounts_.end()) {
      violations_.push_back(absl::StrCat("account ", ToString(sent.id.value()),
                                         " was acknowledged and is missing"));
      return;
    }
    Account rest = found->second;
    rest.debits_pending = rest.debits_posted = Amount(0);
    rest.credits_pending = rest.credits_posted = Amount(0);
    sent.timestamp = timestamp;
    if (rest != sent) {
      violations_.push_back(absl::StrCat("account ", ToString(sent.id.value()),
                                         " is not as it was acknowledged"));
    }
  }

  void CheckId(TransferId id, const Facts& facts) {
    const auto found = found_.find(id);
    const bool is_there = found != found_.end();
    const bool acknowledged = facts.there_since != kNever;
    const bool kept = facts.kept_since != kNever;
    if (acknowledged && !is_there) {
      Violation(id, "was acknowledged and is missing");
    }
    if (is_there && !acknowledged && !facts.may_have_more_attempts) {
      Violation(id, "is there, and every request for it was refused");
    }
    if (facts.created > 1) {
      Violation(id, "was created ", facts.created, " times");
    }
    if (facts.existed > 0 && facts.created == 0 &&
        !facts.may_have_more_attempts) {
      Violation(id, "exists, and nobody created it");
    }
    if (kept && (is_there || acknowledged)) {
      Violation(id, "is there, and was refused as ", Name(facts.kept));
    }
    if (facts.kept_failures > 1) {
      Violation(id, "was forgotten as failed: ", Name(facts.kept), " ",
                facts.kept_failures, " times");
    }
    if (kept && facts.kept_failures == 0 && !facts.may_have_more_attempts) {
      Violation(id, "is kept as failed, and never failed before");
    }
    if (is_there) CheckBody(facts, found->second);
  }

  // `stored` is what was sent, with what the ledger fills in.
  void CheckBody(const Facts& facts, const Transfer& stored) {
    Transfer expected = facts.sent;
    FillIn(&expected);
    expected.timestamp =
        facts.timestamp == Timestamp(0) ? stored.timestamp : facts.timestamp;
    const bool is_open = Has(facts.sent, transfer_flags::kBalancingDebit |
                                             transfer_flags::kBalancingCredit);
    if (is_open) expected.amount = facts.amount.value_or(stored.amount);
    if (stored != expected || stored.timestamp == Timestamp(0)) {
      Violation(stored.id, "is not as it was sent and answered");
    }
    const bool is_void = Has(facts.sent, transfer_flags::kVoidPending);
    if (!is_void && facts.amount.value_or(stored.amount) != stored.amount) {
      Violation(stored.id, "was answered with the amount ",
                ToString(facts.amount->value()), ", but moved ",
                ToString(stored.amount.value()));
    }
  }

  // A post or void takes from its pending transfer what it does not say itself.
  void FillIn(Transfer* transfer) const {
    if (!Has(*transfer,
             transfer_flags::kPostPending | transfer_flags::kVoidPending)) {
      return;
    }
    const auto at = found_.find(transfer->pending_id);
    if (at == found_.end()) return;
    const Transfer& pending = at->second;
    transfer->debit_account_id = pending.debit_account_id;
    transfer->credit_account_id = pending.credit_account_id;
    transfer->ledger = pending.ledger;
    transfer->code = pending.code;
    const bool all = Has(*transfer, transfer_flags::kVoidPending)
                         ? transfer->amount == Amount(0)
                         : transfer->amount == kAmountMax;
    if (all) transfer->amount = pending.amount;
    if (transfer->user_data_128 == 0) {
      transfer->user_data_128 = pending.user_data_128;
    }
    if (transfer->user_data_64 == 0) {
      transfer->user_data_64 = pending.user_data_64;
    }
    if (transfer->user_data_32 == 0) {
      transfer->user_data_32 = pending.user_data_32;
    }
  }

  template <typename... Parts>
  void Violation(TransferId id, const Parts&... parts) {
    violations_.push_back(
        absl::StrCat("transfer ", ToString(id.value()), " ", parts...));
  }

  const std::deque<Exchange>& exchanges_;
  absl::flat_hash_map<TransferId, Facts> facts_;
  absl::flat_hash_map<TransferId, Transfer> found_;
  absl::flat_hash_map<AccountId, Account> accounts_;
  std::vector<std::string> violations_;
};

}  // namespace

bool IsKeptFailure(TransferStatus status) {
  switch (status) {
    case TransferStatus::kDebitAccountNotFound:
    case TransferStatus::kCreditAccountNotFound:
    case TransferStatus::kPendingTransferNotFound:
    case TransferStatus::kExceedsCredits:
    case TransferStatus::kExceedsDebits:
    case TransferStatus::kDebitAccountAlreadyClosed:
    case TransferStatus::kCreditAccountAlreadyClosed:
      return true;
    default:
      return false;
  }
}

std::vector<std::string> CheckHistory(const std::deque<Exchange>& exchanges,
                                      const FinalState& state) {
  std::vector<std::string> violations =
      HistoryChecker(exchanges, state).Check();
  const auto add = [&](const std::vector<std::string>& more) {
    violations.insert(violations.end(), more.begin(), more.end());
  };
  add(CheckRealTimeOrder(exchanges));
  add(CheckBooks(state));
  return violations;
}

}  // namespace ledgerd::integration
