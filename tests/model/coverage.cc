#include "tests/model/coverage.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

#include "proto/statuses.h"

namespace ledgerd::model {
namespace {

// ---- marks

constexpr char kChainCommitted[] = "mark: a chain committed";
constexpr char kBreakerKept[] = "mark: a chain's breaker kept as failed";
constexpr char kPartPosted[] = "mark: a part posted, the rest released";
constexpr char kAmountDiffers[] = "mark: created with another amount";
constexpr char kExistsDiffers[] = "mark: exists with another amount than asked";
constexpr char kDueNotExpired[] =
    "mark: post or void after expiry, before its "
    "entry";
constexpr char kExpired[] = "mark: expired by an entry";
constexpr char kOpenedByExpiry[] = "mark: an account opened by expiry";
constexpr char kOpenedByVoid[] = "mark: an account opened by a void";
constexpr char kPosted[] = "mark: posted";
constexpr char kVoided[] = "mark: voided";

constexpr const char* kMarks[] = {
    kChainCommitted, kBreakerKept,   kPartPosted, kAmountDiffers,
    kExistsDiffers,  kDueNotExpired, kExpired,    kOpenedByExpiry,
    kOpenedByVoid,   kPosted,        kVoided,
};

constexpr AccountStatus kAccountStatuses[] = {
#define LEDGERD_STATUS(name, text, value) AccountStatus::name,
    LEDGERD_ACCOUNT_STATUSES(LEDGERD_STATUS)
#undef LEDGERD_STATUS
};

constexpr TransferStatus kTransferStatuses[] = {
#define LEDGERD_STATUS(name, text, value) TransferStatus::name,
    LEDGERD_TRANSFER_STATUSES(LEDGERD_STATUS)
#undef LEDGERD_STATUS
};

constexpr TransferStatus kKept[] = {
    TransferStatus::kDebitAccountNotFound,
    TransferStatus::kCreditAccountNotFound,
    TransferStatus::kPendingTransferNotFound,
    TransferStatus::kExceedsCredits,
    TransferStatus::kExceedsDebits,
    TransferStatus::kDebitAccountAlreadyClosed,
    TransferStatus::kCreditAccountAlreadyClosed,
};

std::string Key(AccountStatus status) {
  return absl::StrCat("account: ", Name(status));
}

std::string Key(TransferStatus status) {
  return absl::StrCat("transfer: ", Name(status));
}

std::string OriginalKey(TransferStatus status) {
  return absl::StrCat("kept: ", Name(status));
}

bool IsClosed(const Account& account) {
  return (account.flags & account_flags::kClosed) != 0;
}

}  // namespace

void Coverage::Add(const NaiveState& before, const Step& step,
                   const EntryResult& result, const NaiveState& after) {
  for (const AccountResult& each : result.accounts) ++counts_[Key(each.status)];
  for (size_t i = 0; i < result.transfers.size(); ++i) {
    AddTransfer(before, step.transfers[i], result.transfers[i], after);
  }
  AddChanges(before, step, after);
}

void Coverage::AddTransfer(const NaiveState& before, const Transfer& event,
                           const TransferResult& result,
                           const NaiveState& after) {
  ++counts_[Key(result.status)];
  if (result.status == TransferStatus::kIdAlreadyFailed) {
    ++counts_[OriginalKey(result.original_status)];
  }
  const bool linked = (event.flags & transfer_flags::kLinked) != 0;
  const bool kept_now = after.failed_ids.count(event.id) > 0 &&
                        before.failed_ids.count(event.id) == 0;
  if (linked && kept_now) ++counts_[kBreakerKept];
  const auto pending = before.pending_states.find(event.pending_id);
  if (result.status == TransferStatus::kPendingTransferExpired &&
      pending != before.pending_states.end() &&
      pending->second == PendingState::kPending) {
    ++counts_[kDueNotExpired];
  }
  if (result.status == TransferStatus::kExists && result.amount_differs) {
    ++counts_[kExistsDiffers];
  }
  if (result.status != TransferStatus::kCreated) return;
  if (linked) ++counts_[kChainCommitted];
  if (result.amount_differs) ++counts_[kAmountDiffers];
  if ((event.flags & transfer_flags::kPostPending) != 0 &&
      result.amount < after.transfers.at(event.pending_id).amount) {
    ++counts_[kPartPosted];
  }
}

void Coverage::AddChanges(const NaiveState& before, const Step& step,
                          const NaiveState& after) {
  const bool expiry = step.kind == EntryKind::kExpireTransfers;
  for (const auto& [id, account] : before.accounts) {
    if (!IsClosed(account) || IsClosed(after.accounts.at(id))) continue;
    ++counts_[expiry ? kOpenedByExpiry : kOpenedByVoid];
  }
  for (const auto& [id, state] : before.pending_states) {
    const PendingState now = after.pending_states.at(id);
    if (now == state) continue;
    if (now == PendingState::kExpired) ++counts_[kExpired];
    if (now == PendingState::kPosted) ++counts_[kPosted];
    if (now == PendingState::kVoided) ++counts_[kVoided];
  }
}

void Coverage::Add(const Coverage& other) {
  for (const auto& [name, count] : other.counts_) counts_[name] += count;
}

std::vector<std::string> Coverage::Missing() const {
  std::vector<std::string> missing;
  const auto require = [&](const std::string& name) {
    if (count(name) == 0) missing.push_back(name);
  };
  for (const AccountStatus status : kAccountStatuses) {
    if (status != AccountStatus::kUnspecified) require(Key(status));
  }
  for (const TransferStatus status : kTransferStatuses) {
    if (status != TransferStatus::kUnspecified) require(Key(status));
  }
  for (const TransferStatus status : kKept) require(OriginalKey(status));
  for (const char* mark : kMarks) require(mark);
  return missing;
}

uint64_t Coverage::count(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace ledgerd::model
