// A LedgerService in this process that misbehaves on request. For tests.
//
//   FakeLedger ledger;
//   ledger.Script({FakeLedger::Fails(Reason::kNoPrimary)});
//   LedgerClient client({.addresses = {ledger.address()}});
//   ... the first call fails once and is sent again ...
//   EXPECT_EQ(ledger.batches().size(), 2);
//
//   FakeLedger other;
//   other.BecomeStandby(ledger.address(), 3);   // NOT_PRIMARY, with that hint
//   ...
//   other.CopyFrom(ledger);
//   other.BecomePrimary();
//
// Shape    Accounts with balances; single-phase transfers, linked chains, the
//          debit limit, ids that exist, and those that a test lets fail. No
//          other rule of the ledger: a refusal uses no id up. A
//          query of accounts knows timestamp_min and limit; an event shows its
//          accounts as they are after its batch; entries without are not told.
// Roles    The primary at first. A standby refuses what creates something and
//          reads of the newest state; others it answers. Its health says which.
// Faults   Each scripted fault is used up by one call of any method but the
//          queries, watches and look-ups of transfers: it fails before or after
//          it is executed, or is never answered. Hold() keeps CreateTransfers
//          from being answered until Release().
// Threads  Thread-safe.
#ifndef LEDGERD_CLIENT_FAKE_LEDGER_H_
#define LEDGERD_CLIENT_FAKE_LEDGER_H_

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "grpcpp/server.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/base/mutex.h"
#include "proto/errors.h"
#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::client {

// With google.rpc details, as a server sends it.
grpc::Status MakeGrpcError(
    Reason reason, const std::string& message,
    std::optional<std::chrono::milliseconds> retry_delay = {},
    const std::string& primary_address = "", uint64_t epoch = 0,
    const std::string& primary_admin_address = "");

class FakeLedger final : public ::ledger::v1::LedgerService::Service {
 public:
  struct Fault {
    grpc::Status status;
    // The call takes effect, and its answer is lost.
    bool executed = false;
    // No answer until the caller has gone; `status` is not used.
    bool silent = false;
  };

  static Fault Fails(Reason reason) {
    return {.status = MakeGrpcError(reason, "as scripted")};
  }

  // `address` is host:port; port 0 is any.
  explicit FakeLedger(const std::string& address = "127.0.0.1:0");
  ~FakeLedger() override;

  const std::string& address() const { return address_; }

  // Without an address: NO_PRIMARY.
  void BecomeStandby(const std::string& primary_address = "",
                     uint64_t epoch = 0);
  void BecomePrimary();
  // Accounts, transfers and events, as that one has them now.
  void CopyFrom(const FakeLedger& other);
  // Waits until a standby has refused that many.
  void WaitForRefusals(size_t count);
  size_t refusals() const;

  void Script(std::vector<Fault> faults);
  void Hold();
  void Release();
  // Of GetServerInfo, and enforced.
  void set_batch_max(size_t batch_max);

  // The transfers of every request, in the order in which they came.
  std::vector<std::vector<Transfer>> batches() const;
  // Waits until that many CreateTransfers have come.
  void WaitForBatches(size_t count);
  size_t lookups() const;
  std::optional<Account> account(AccountId id) const;
  // Every transfer that has been executed, once each.
  size_t transfer_count() const;
  // Without a word to those who watch.
  void set_account(const Account& account);
  // This id has failed before, for good.
  void FailFor(TransferId id);
  // Called at the beginning of each QueryAccounts.
  void set_before_query(std::function<void()> before_query);

  grpc::Status GetServerInfo(
      grpc::ServerContext* context,
      const ::ledger::v1::GetServerInfoRequest* request,
      ::ledger::v1::GetServerInfoResponse* response) override;
  grpc::Status CreateAccounts(
      grpc::ServerContext* context,
      const ::ledger::v1::CreateAccountsRequest* request,
      ::ledger::v1::CreateAccountsResponse* response) override;
  grpc::Status CreateTransfers(
      grpc::ServerContext* context,
      const ::ledger::v1::CreateTransfersRequest* request,
      ::ledger::v1::CreateTransfersResponse* response) override;
  grpc::Status StreamTransfers(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<::ledger::v1::StreamTransfersResponse,
                               ::ledger::v1::StreamTransfersRequest>* stream)
      override;
  grpc::Status LookupAccounts(
      grpc::ServerContext* context,
      const ::ledger::v1::LookupAccountsRequest* request,
      ::ledger::v1::LookupAccountsResponse* response) override;
  grpc::Status LookupTransfers(
      grpc::ServerContext* context,
      const ::ledger::v1::LookupTransfersRequest* request,
      ::ledger::v1::LookupTransfersResponse* response) override;
  grpc::Status QueryAccounts(
      grpc::ServerContext* context,
      const ::ledger::v1::QueryAccountsRequest* request,
      ::ledger::v1::QueryAccountsResponse* response) override;
  grpc::Status WatchEvents(
      grpc::ServerContext* context,
      const ::ledger::v1::WatchEventsRequest* request,
      grpc::ServerWriter<::ledger::v1::WatchEventsResponse>* writer) override;

 private:
  struct Books {
    std::map<AccountId, Account> accounts;
    std::map<TransferId, Transfer> transfers;
    std::set<TransferId> failed;
  };

  std::optional<Fault> NextFault();
  // What a standby says to what is the primary's.
  std::optional<grpc::Status> Refusal() LEDGERD_EXCLUDES(mutex_);
  void SetHealth(bool serving);
  static void WaitUntilGone(grpc::ServerContext* context);
  // Notes the batch and waits while held.
  void Arrive(const std::vector<Transfer>& batch);
  std::vector<TransferResult> Execute(const std::vector<Transfer>& batch)
      LEDGERD_REQUIRES(mutex_);
  TransferResult ExecuteOne(const Transfer& transfer) LEDGERD_REQUIRES(mutex_);
  // Adds the account unless it is there; true when it was not.
  bool Add(Account account) LEDGERD_REQUIRES(mutex_);
  // Makes what these did the next entry's events.
  void Tell(const std::vector<Transfer>& batch,
            const std::vector<TransferResult>& results)
      LEDGERD_REQUIRES(mutex_);
  // Answers `batch` into either of the two responses.
  template <typename Response>
  grpc::Status Answer(grpc::ServerContext* context,
                      const std::vector<Transfer>& batch, Response* response);

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Fault> faults_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<std::vector<Transfer>> batches_ LEDGERD_GUARDED_BY(mutex_);
  Books books_ LEDGERD_GUARDED_BY(mutex_);
  bool held_ LEDGERD_GUARDED_BY(mutex_) = false;
  size_t batch_max_ LEDGERD_GUARDED_BY(mutex_) = 8190;
  uint64_t sequence_ LEDGERD_GUARDED_BY(mutex_) = 0;
  uint64_t clock_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // Of each entry, from sequence 1 on.
  std::vector<::ledger::v1::WatchEventsResponse> events_
      LEDGERD_GUARDED_BY(mutex_);
  std::function<void()> before_query_ LEDGERD_GUARDED_BY(mutex_);
  size_t lookups_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> refusal_ LEDGERD_GUARDED_BY(mutex_);
  size_t refusals_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_FAKE_LEDGER_H_
