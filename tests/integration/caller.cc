#include "tests/integration/caller.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/errors.h"

namespace ledgerd::integration {
namespace {

// One attempt; long enough for a loaded machine, and over at once when the
// daemon is killed.
constexpr std::chrono::milliseconds kRawTimeout(5'000);
constexpr std::chrono::milliseconds kPatience(30'000);
constexpr std::chrono::milliseconds kHaste(60);

client::ClientOptions Options(const std::vector<std::string>& addresses,
                              std::chrono::milliseconds timeout) {
  return {.addresses = addresses, .timeout = timeout};
}

// An error of the library, as a history notes it.
Ending EndingOf(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return {.outcome = MayHaveBeenExecuted(status) ? Outcome::kUnknown
                                                 : Outcome::kNothingDone,
          .error = absl::StrCat(absl::StatusCodeToString(status.code()), " ",
                                reason.has_value() ? Name(*reason) : "")};
}

Ending EndingOf(absl::StatusOr<client::CreatedTransfers> created) {
  if (!created.ok()) return EndingOf(created.status());
  return {.outcome = Outcome::kAnswered,
          .sequence = created->sequence,
          .results = std::move(created->results)};
}

Ending EndingOf(absl::StatusOr<client::CreatedAccounts> created) {
  if (!created.ok()) return EndingOf(created.status());
  return {.outcome = Outcome::kAnswered,
          .sequence = created->sequence,
          .account_results = std::move(created->results)};
}

Ending EndingOf(absl::StatusOr<client::FoundTransfers> found) {
  if (!found.ok()) return EndingOf(found.status());
  return {.outcome = Outcome::kAnswered,
          .sequence = found->sequence,
          .found = std::move(found->transfers),
          .missing = std::move(found->missing)};
}

}  // namespace

Ways::Ways(const std::vector<std::string>& addresses)
    : patient(Options(addresses, kPatience)),
      hasty(Options(addresses, kHaste)),
      raw(addresses) {}

client::LedgerClient& Caller::Library(Way way) {
  const bool is_hasty = way == Way::kHasty || way == Way::kHastyShared;
  return is_hasty ? ways_.hasty : ways_.patient;
}

Ending Caller::Record(Exchange exchange, const std::function<Ending()>& call) {
  exchange.client = client_;
  const size_t number = history_.Begin(std::move(exchange));
  Ending ending = call();
  history_.End(number, ending);
  return ending;
}

Ending Caller::CreateShared(client::LedgerClient& client,
                            const std::vector<Transfer>& transfers) {
  if (transfers.size() > 1) {
    auto results = client.CreateChain(transfers);
    if (!results.ok()) return EndingOf(results.status());
    return {.outcome = Outcome::kAnswered, .results = *std::move(results)};
  }
  const auto result = client.CreateTransfer(transfers[0]);
  if (!result.ok()) return EndingOf(result.status());
  return {.outcome = Outcome::kAnswered, .results = {*result}};
}

Ending Caller::Create(Way way, const std::vector<Transfer>& transfers) {
  return Record({.retried_inside = way != Way::kRaw, .transfers = transfers},
                [&] {
                  switch (way) {
                    case Way::kRaw:
                      return ways_.raw.CreateTransfers(transfers, kRawTimeout);
                    case Way::kPatient:
                    case Way::kHasty:
                      return EndingOf(Library(way).CreateTransfers(transfers));
                    case Way::kPatientShared:
                    case Way::kHastyShared:
                      break;
                  }
                  return CreateShared(Library(way), transfers);
                });
}

Ending Caller::Create(Way way, const std::vector<Account>& accounts) {
  return Record({.retried_inside = way != Way::kRaw, .accounts = accounts},
                [&] {
                  if (way == Way::kRaw) {
                    return ways_.raw.CreateAccounts(accounts, kRawTimeout);
                  }
                  return EndingOf(Library(way).CreateAccounts(accounts));
                });
}

Ending Caller::Lookup(Way way, const std::vector<TransferId>& ids) {
  return Record({.retried_inside = way != Way::kRaw, .asked = ids}, [&] {
    if (way == Way::kRaw) return ways_.raw.LookupTransfers(ids, kRawTimeout);
    return EndingOf(Library(way).LookupTransfers(ids));
  });
}

}  // namespace ledgerd::integration
