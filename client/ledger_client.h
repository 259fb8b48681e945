// LedgerClient talks to ledgerd: typed, with deadlines, and safe to retry.
//
//   LedgerClient client({.addresses = {"127.0.0.1:7300"}});
//   const auto paid = client.CreateTransfer({
//       .id = TransferId(1),
//       .debit_account_id = AccountId(10),
//       .credit_account_id = AccountId(20),
//       .amount = Amount(995),
//       .ledger = 1,
//       .code = 1,
//   });
//   if (!paid.ok()) return paid.status();            // See Errors.
//   if (!IsThere(*paid)) Refuse(Name(paid->status));  // A business outcome.
//
// Shape    CreateTransfer and CreateChain gather the payments of many threads
//          into batches (coalescer.h); everything else is one request. A linked
//          chain is never split, and one that exists already answers EXISTS for
//          each member (chains.h).
// Retries  A call is sent again with the same ids, to each server in turn and
//          then after 10 .. 200 ms, until its deadline (retry.h), by default
//          10 s. The ids make that safe: an id chosen once per intent moves
//          money once. So a change of the primary is a pause and no more: the
//          new one is found by the others' hints, by asking, and by health when
//          the old one is silent (endpoints.h, scout.h).
// Reads    Those with `at_least` or `max_staleness` go to all servers in turn,
//          those without to the primary.
// Errors   A business outcome (insufficient funds, ...) is never an error but
//          the status of its result. Errors carry a Reason (proto/errors.h).
//          OUTCOME_UNKNOWN  The deadline passed and it may have been executed.
//                           Ask again with the same ids; never with new ones.
//          INVALID_FIELD    The request is at fault: FieldOf(status).
//          Others           Nothing was done. MayHaveBeenExecuted() tells.
// Threads  Thread-safe. A call-back runs on a thread of the client's: it must
//          be quick, and must not wait for this client or destroy it. The
//          destructor cancels what is on its way and waits for its call-backs.
#ifndef LEDGERD_CLIENT_LEDGER_CLIENT_H_
#define LEDGERD_CLIENT_LEDGER_CLIENT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "client/chains.h"
#include "client/event_watch.h"
#include "client/filters.h"
#include "client/transfer_stream.h"
#include "proto/errors.h"
#include "proto/results.h"
#include "proto/system_limits.h"
#include "proto/types.h"

namespace ledgerd::client {

struct ClientOptions {
  // Of one or several replicas; the client finds the one that serves.
  std::vector<std::string> addresses = {"127.0.0.1:7300"};
  // From a call's start to its answer, over all attempts.
  std::chrono::milliseconds timeout{10'000};
  // How long a server may say nothing until the others are asked which of them
  // is the primary.
  std::chrono::milliseconds patience{500};
  // For CreateTransfer and CreateChain: the limits of coalescer.h.
  size_t batch_max = kMaxBatchSize;
  size_t batches_in_flight_max = 1;
  size_t queued_transfers_max = 65'536;
};

// How fresh a read must be. By default it sees all that was answered before it.
// With either of the two it may be answered by a standby.
struct ReadLevel {
  // At least this sequence, from an earlier answer.
  std::optional<Sequence> at_least;
  // Or: at most this far behind the primary.
  std::optional<std::chrono::milliseconds> max_staleness;
};

struct CreatedAccounts {
  std::vector<AccountResult> results;  // One for each account asked for.
  Sequence sequence;                   // At which they were committed.
};

struct FoundAccounts {
  std::vector<Account> accounts;  // In the order asked, or by timestamp.
  std::vector<AccountId> missing;
  Sequence sequence;  // That the answer reflects.
};

struct FoundTransfers {
  std::vector<Transfer> transfers;
  std::vector<PendingState> pending_states;  // For each of `transfers`.
  std::vector<TransferId> missing;
  Sequence sequence;
};

// An account's balances after one of its transfers.
struct AccountBalance {
  Amount debits_pending;
  Amount debits_posted;
  Amount credits_pending;
  Amount credits_posted;
  Timestamp timestamp;  // The transfer's.

  friend bool operator==(const AccountBalance&,
                         const AccountBalance&) = default;
};

struct FoundBalances {
  std::vector<AccountBalance> balances;
  Sequence sequence;
};

struct ServerInfo {
  std::string cluster_id;
  std::string version;
  size_t max_batch_size = 0;
  size_t max_message_bytes = 0;
  std::chrono::milliseconds default_deadline{};
  Sequence oldest_event;
  ReplicaId primary;  // 0 when none is known.
  std::string primary_address;
};

template <typename T>
using Callback = std::function<void(absl::StatusOr<T>)>;

class LedgerClient {
 public:
  explicit LedgerClient(ClientOptions options = {});
  LedgerClient(const LedgerClient&) = delete;
  LedgerClient& operator=(const LedgerClient&) = delete;
  ~LedgerClient();

  // One payment, in a batch with those of other threads.
  absl::StatusOr<TransferResult> CreateTransfer(const Transfer& transfer);
  void CreateTransfer(const Transfer& transfer,
                      Callback<TransferResult> callback);

  // One chain: all members but the last are linked. All of it happens or none.
  absl::StatusOr<TransferResults> CreateChain(std::vector<Transfer> chain);
  void CreateChain(std::vector<Transfer> chain,
                   Callback<TransferResults> callback);

  // One request of 1 .. max_batch_size events, in their order.
  absl::StatusOr<CreatedAccounts> CreateAccounts(std::vector<Account> accounts);
  void CreateAccounts(std::vector<Account> accounts,
                      Callback<CreatedAccounts> callback);
  absl::StatusOr<CreatedTransfers> CreateTransfers(
      std::vector<Transfer> transfers);
  void CreateTransfers(std::vector<Transfer> transfers,
                       Callback<CreatedTransfers> callback);

  // Many requests on their way at a time, committed in their order.
  std::unique_ptr<TransferStream> StreamTransfers(StreamOptions options = {});

  absl::StatusOr<FoundAccounts> LookupAccounts(
      const std::vector<AccountId>& ids, ReadLevel level = {});
  void LookupAccounts(const std::vector<AccountId>& ids, ReadLevel level,
                      Callback<FoundAccounts> callback);
  absl::StatusOr<FoundTransfers> LookupTransfers(
      const std::vector<TransferId>& ids, ReadLevel level = {});
  void LookupTransfers(const std::vector<TransferId>& ids, ReadLevel level,
                       Callback<FoundTransfers> callback);

  // What matches a filter, by timestamp; `missing` stays empty.
  absl::StatusOr<FoundTransfers> GetAccountTransfers(
      const AccountFilter& filter, ReadLevel level = {});
  void GetAccountTransfers(const AccountFilter& filter, ReadLevel level,
                           Callback<FoundTransfers> callback);
  // NO_HISTORY unless the account was created with the HISTORY flag.
  absl::StatusOr<FoundBalances> GetAccountBalances(const AccountFilter& filter,
                                                   ReadLevel level = {});
  void GetAccountBalances(const AccountFilter& filter, ReadLevel level,
                          Callback<FoundBalances> callback);
  absl::StatusOr<FoundAccounts> QueryAccounts(const QueryFilter& filter,
                                              ReadLevel level = {});
  void QueryAccounts(const QueryFilter& filter, ReadLevel level,
                     Callback<FoundAccounts> callback);
  absl::StatusOr<FoundTransfers> QueryTransfers(const QueryFilter& filter,
                                                ReadLevel level = {});
  void QueryTransfers(const QueryFilter& filter, ReadLevel level,
                      Callback<FoundTransfers> callback);

  // What happens from entry `from` on, first the past and then live; 0 is the
  // oldest that is kept.
  std::unique_ptr<EventWatch> WatchEvents(Sequence from);

  absl::StatusOr<ServerInfo> GetServerInfo();
  void GetServerInfo(Callback<ServerInfo> callback);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGER_CLIENT_H_
