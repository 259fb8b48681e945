#include "tests/model/coverage.h"

#include <cstddef>
#include <utility>
#include <vector>

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

// ---- queries

constexpr Query kQueries[] = {Query::kAccounts, Query::kTransfers,
                              Query::kAccountTransfers, Query::kBalances};

// The fields of a filter that can restrict.
struct Field {
  const char* name = nullptr;
  bool (*is_set)(const storage::QueryFilter&) = nullptr;
  // A filter of one account has no ledger.
  bool of_an_account = true;
};

using Filter = storage::QueryFilter;

constexpr Field kFields[] = {
    {"user_data_128", [](const Filter& f) { return f.user_data_128 != 0; }},
    {"user_data_64", [](const Filter& f) { return f.user_data_64 != 0; }},
    {"user_data_32", [](const Filter& f) { return f.user_data_32 != 0; }},
    {"ledger", [](const Filter& f) { return f.ledger != 0; }, false},
    {"code", [](const Filter& f) { return f.code != 0; }},
    {"timestamp_min",
     [](const Filter& f) { return f.timestamp_min > Timestamp(1); }},
    {"timestamp_max",
     [](const Filter& f) { return f.timestamp_max < kTimestampMax; }},
};

bool IsOfAnAccount(Query query) {
  return query == Query::kAccountTransfers || query == Query::kBalances;
}

const char* Name(Query query) {
  switch (query) {
    case Query::kAccounts:
      return "accounts";
    case Query::kTransfers:
      return "transfers";
    case Query::kAccountTransfers:
      return "an account's transfers";
    case Query::kBalances:
      return "an account's balances";
  }
  return "";
}

std::string QueryKey(Query query, bool reversed, const std::string& by) {
  return absl::StrCat("query of ", Name(query),
                      reversed ? ", reversed, " : ", ", "by ", by);
}

constexpr char kNothing[] = "nothing";

std::string Alone(const std::string& field) { return field + " alone"; }

// And perhaps others.
std::string Both(const std::string& field, const std::string& other) {
  return absl::StrCat(field, " and ", other);
}

std::string BySides(bool debits, bool credits) {
  return debits && credits ? "both sides" : debits ? "debits" : "credits";
}

// What must be seen of each query, in each direction.
std::vector<std::string> QueryShapes(Query query) {
  std::vector<std::string> fields;
  for (const Field& field : kFields) {
    if (field.of_an_account || !IsOfAnAccount(query)) {
      fields.emplace_back(field.name);
    }
  }
  std::vector<std::string> shapes = {kNothing};
  for (size_t i = 0; i < fields.size(); ++i) {
    shapes.push_back(Alone(fields[i]));
    for (size_t j = i + 1; j < fields.size(); ++j) {
      shapes.push_back(Both(fields[i], fields[j]));
    }
  }
  if (!IsOfAnAccount(query)) return shapes;
  for (const auto& [debits, credits] :
       {std::pair(true, true), {true, false}, {false, true}}) {
    shapes.push_back(BySides(debits, credits));
  }
  return shapes;
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
  const bool kept_now = after.failed_ids.contains(event.id) &&
                        !before.failed_ids.contains(event.id);
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

void Coverage::AddQuery(Query query, const storage::AccountFilter& filter) {
  std::vector<std::string> fields;
  for (const Field& field : kFields) {
    if (field.is_set(filter.rest)) fields.emplace_back(field.name);
  }
  const auto add = [&](const std::string& shape) {
    ++counts_[QueryKey(query, filter.rest.reversed, shape)];
  };
  if (fields.empty()) add(kNothing);
  if (fields.size() == 1) add(Alone(fields[0]));
  for (size_t i = 0; i < fields.size(); ++i) {
    for (size_t j = i + 1; j < fields.size(); ++j) {
      add(Both(fields[i], fields[j]));
    }
  }
  if (IsOfAnAccount(query)) add(BySides(filter.debits, filter.credits));
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
  for (const Query query : kQueries) {
    for (const std::string& shape : QueryShapes(query)) {
      for (const bool reversed : {false, true}) {
        require(QueryKey(query, reversed, shape));
      }
    }
  }
  return missing;
}

uint64_t Coverage::count(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace ledgerd::model
