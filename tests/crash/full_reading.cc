#include "tests/crash/full_reading.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/base/uint128.h"
#include "storage/state_query.h"
#include "storage/state_store.h"

namespace ledgerd::crash {
namespace {

using integration::LedgerIds;
using storage::AccountFilter;
using storage::QueryFilter;
using storage::StateStore;

// Of a query, so that its pages end and begin all over the tables.
constexpr uint32_t kPage = 700;
// Of look-ups at a time, so that one damaged row does not hide the others.
constexpr size_t kIdsAtOnce = 300;

template <typename T>
void Append(const T& value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void Append(const storage::AccountBalances& row, std::string& bytes) {
  for (const Amount amount : {row.debits_pending, row.debits_posted,
                              row.credits_pending, row.credits_posted}) {
    Append(amount.value(), bytes);
  }
  Append(row.timestamp.value(), bytes);
}

template <typename Row>
std::string BytesOf(const storage::Found<Row>& found) {
  std::string bytes;
  for (const Row& row : found.rows) Append(row, bytes);
  for (const PendingState state : found.pending_states) Append(state, bytes);
  return bytes;
}

std::string BytesOf(const storage::FoundEvents& found) {
  std::string bytes;
  for (const storage::EntryEvents& entry : found.entries) {
    Append(entry.sequence.value(), bytes);
    for (const storage::WatchedEvent& event : entry.events) {
      Append(event.type, bytes);
      Append(event.timestamp.value(), bytes);
      Append(event.transfer, bytes);
      Append(event.debit, bytes);
      Append(event.credit, bytes);
    }
  }
  return bytes;
}

// All pages of a query, one after the other.
template <typename Row, typename Ask>
absl::StatusOr<std::string> AllPages(QueryFilter filter, const Ask& ask) {
  std::string bytes;
  filter.limit = kPage;
  while (true) {
    LEDGERD_ASSIGN_OR_RETURN(const storage::Found<Row> found,
                             ask(filter)->Finish());
    bytes += BytesOf(found);
    if (found.rows.size() < kPage) return bytes;
    const uint64_t last = found.rows.back().timestamp.value();
    if (filter.reversed) {
      filter.timestamp_max = Timestamp(last - 1);
    } else {
      filter.timestamp_min = Timestamp(last + 1);
    }
  }
}

class Reading {
 public:
  Reading(integration::OfflineLedger& ledger, const KnownIds& known)
      : ledger_(ledger), store_(ledger.store()), known_(known) {}

  Readings Run() && {
    LookUpAll();
    for (const bool reversed : {false, true}) {
      QueryAccounts(reversed);
      QueryTransfers(reversed);
      ReadOfAccounts(reversed);
    }
    ReadEvents();
    for (const TransferId id : known_.failed) ReadFailed(id);
    const absl::Status verified = ledger_.VerifyAll();
    Add("verify", verified.ok() ? absl::StatusOr<std::string>("ok") : verified);
    return std::move(readings_);
  }

 private:
  void Add(const std::string& name, absl::StatusOr<std::string> answer) {
    LEDGERD_CHECK(readings_.emplace(name, std::move(answer)).second) << name;
  }

  template <typename Id, typename Ask>
  void LookUp(const std::string& name, const std::vector<Id>& ids,
              const Ask& ask) {
    for (size_t at = 0; at < ids.size(); at += kIdsAtOnce) {
      const size_t end = std::min(ids.size(), at + kIdsAtOnce);
      const auto found =
          ask(std::vector<Id>(ids.begin() + at, ids.begin() + end))->Finish();
      if (!found.ok()) {
        Add(absl::StrCat(name, " ", at), found.status());
      } else {
        Add(absl::StrCat(name, " ", at), BytesOf(*found));
      }
    }
  }

  void LookUpAll() {
    LookUp("accounts", known_.ids.accounts, [&](std::vector<AccountId> ids) {
      return store_.LookupAccounts(std::move(ids));
    });
    LookUp("transfers", known_.ids.transfers, [&](std::vector<TransferId> ids) {
      return store_.LookupTransfers(std::move(ids));
    });
  }

  template <typename Ask>
  void QueryEach(const std::string& name, bool reversed, const Ask& ask) {
    QueryFilter filter = {.reversed = reversed};
    const std::string how = absl::StrCat(name, reversed ? " newest " : " ");
    Add(how, ask(filter));
    // What the story of the fixture gives its objects.
    for (const uint32_t ledger : {1, 978}) {
      filter = {.ledger = ledger, .reversed = reversed};
      Add(absl::StrCat(how, "ledger ", ledger), ask(filter));
    }
    for (uint16_t code = 1; code <= 7; ++code) {
      filter = {.code = code, .reversed = reversed};
      Add(absl::StrCat(how, "code ", code), ask(filter));
    }
    for (uint32_t i = 1; i <= 10; ++i) {
      filter = {.user_data_32 = name == "query accounts" ? 7 * i : i,
                .reversed = reversed};
      Add(absl::StrCat(how, "user data 32 ", i), ask(filter));
    }
    for (const uint64_t base : {10'000, 20'000, 30'000, 40'000}) {
      for (uint64_t i = 0; i < 2; ++i) {
        filter = {.user_data_64 = base + i, .reversed = reversed};
        Add(absl::StrCat(how, "user data 64 ", base + i), ask(filter));
        filter = {.user_data_128 = MakeUint128(10 * base + i, 1),
                  .reversed = reversed};
        Add(absl::StrCat(how, "user data 128 ", 10 * base + i), ask(filter));
      }
    }
    filter = {.ledger = 978, .code = 2, .reversed = reversed};
    Add(absl::StrCat(how, "ledger and code"), ask(filter));
  }

  void QueryAccounts(bool reversed) {
    const auto ask = [&](const QueryFilter& filter) {
      return AllPages<Account>(filter, [&](const QueryFilter& page) {
        return store_.QueryAccounts(page);
      });
    };
    QueryEach("query accounts", reversed, ask);
    for (uint64_t id = 1; id <= 6; ++id) {
      Add(absl::StrCat("accounts by 64 ", id, reversed),
          ask({.user_data_64 = id * 1'000'003, .reversed = reversed}));
      Add(absl::StrCat("accounts by 128 ", id, reversed),
          ask({.user_data_128 = MakeUint128(id, ~id), .reversed = reversed}));
    }
  }

  void QueryTransfers(bool reversed) {
    QueryEach("query transfers", reversed, [&](const QueryFilter& filter) {
      return AllPages<Transfer>(filter, [&](const QueryFilter& page) {
        return store_.QueryTransfers(page);
      });
    });
  }

  void ReadOfAccounts(bool reversed) {
    for (const AccountId id : known_.ids.accounts) {
      const QueryFilter all = {.reversed = reversed};
      const std::string name =
          absl::StrCat(" of ", ToString(id.value()), reversed ? " newest" : "");
      for (const bool debits : {false, true}) {
        Add(absl::StrCat(debits ? "debits" : "credits", name),
            AllPages<Transfer>(all, [&](const QueryFilter& page) {
              return store_.GetAccountTransfers({.account_id = id,
                                                 .debits = debits,
                                                 .credits = !debits,
                                                 .rest = page});
            }));
      }
      Add("balances" + name,
          AllPages<storage::AccountBalances>(all, [&](const QueryFilter& page) {
            return store_.GetAccountBalances({.account_id = id, .rest = page});
          }));
    }
  }

  void ReadEvents() {
    constexpr size_t kAtOnce = 500;
    for (uint64_t from = 0; from <= ledger_.last().sequence.value(); ++from) {
      const auto found =
          store_.ReadEvents({Sequence(from), 0}, kAtOnce)->Finish();
      Add(absl::StrCat("events ", from),
          found.ok() ? absl::StatusOr<std::string>(BytesOf(*found))
                     : found.status());
    }
  }

  void ReadFailed(TransferId id) {
    const auto status = ledger_.FailedStatus(id);
    Add(absl::StrCat("failed ", ToString(id.value())),
        status.ok() ? absl::StatusOr<std::string>(std::string(Name(*status)))
                    : status.status());
  }

  integration::OfflineLedger& ledger_;
  StateStore& store_;
  const KnownIds& known_;
  Readings readings_;
};

}  // namespace

KnownIds KnownIdsIn(const std::string& text) {
  KnownIds known = {.ids = integration::IdsIn(text)};
  for (const std::string& line : integration::LinesOf(text, "failed")) {
    known.failed.emplace_back(*ParseUint128(line.substr(0, line.find(' '))));
  }
  return known;
}

Readings ReadEverything(integration::OfflineLedger& ledger,
                        const KnownIds& known) {
  return Reading(ledger, known).Run();
}

}  // namespace ledgerd::crash
