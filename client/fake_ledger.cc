#include "client/fake_ledger.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

#include "client/chains.h"
#include "client/wire.h"
#include "proto/base/check.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::ledger::v1;

template <typename Messages>
std::vector<Transfer> Rows(const Messages& messages) {
  std::vector<Transfer> rows;
  for (const auto& message : messages) rows.push_back(FromWire(message));
  return rows;
}

bool ExceedsCredits(const Account& account) {
  return (account.flags & account_flags::kDebitsMustNotExceedCredits) != 0 &&
         account.debits_posted > account.credits_posted;
}

Amount Plus(Amount a, Amount b) { return Amount(a.value() + b.value()); }

}  // namespace

grpc::Status MakeGrpcError(Reason reason, const std::string& message,
                           std::optional<std::chrono::milliseconds> retry_delay,
                           const std::string& primary_address, uint64_t epoch,
                           const std::string& primary_admin_address) {
  const absl::Status usual = MakeError(reason, message);
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(Name(reason)));
  info.set_domain(std::string(kErrorDomain));
  details.add_details()->PackFrom(info);
  if (retry_delay.has_value()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int>(retry_delay->count()) * 1'000'000);
    details.add_details()->PackFrom(retry);
  }
  if (!primary_address.empty() || !primary_admin_address.empty()) {
    v1::PrimaryHint hint;
    hint.set_address(primary_address);
    hint.set_epoch(epoch);
    hint.set_admin_address(primary_admin_address);
    details.add_details()->PackFrom(hint);
  }
  return {static_cast<grpc::StatusCode>(usual.code()), message,
          details.SerializeAsString()};
}

FakeLedger::FakeLedger(const std::string& address) {
  int port = 0;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument("grpc.so_reuseport", 0);
  // The client's keepalive is not too often.
  builder.AddChannelArgument("grpc.http2.min_ping_interval_without_data_ms",
                             500);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  LEDGERD_CHECK(server_ != nullptr && port != 0) << address;
  address_ = "127.0.0.1:" + std::to_string(port);
  SetHealth(/*serving=*/true);
}

FakeLedger::~FakeLedger() {
  Release();
  server_->Shutdown(std::chrono::system_clock::now());
}

void FakeLedger::SetHealth(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus("ledger.v1.LedgerService",
                                                     serving);
}

void FakeLedger::BecomeStandby(const std::string& primary_address,
                               uint64_t epoch) {
  SetHealth(/*serving=*/false);
  const MutexLock lock(mutex_);
  refusal_ = primary_address.empty()
                 ? MakeGrpcError(Reason::kNoPrimary, "there is none")
                 : MakeGrpcError(Reason::kNotPrimary, "ask there", {},
                                 primary_address, epoch);
}

void FakeLedger::BecomePrimary() {
  {
    const MutexLock lock(mutex_);
    refusal_.reset();
  }
  SetHealth(/*serving=*/true);
}

void FakeLedger::CopyFrom(const FakeLedger& other) {
  const auto [books, events, sequence, clock] = [&other] {
    const MutexLock lock(other.mutex_);
    return std::tuple(other.books_, other.events_, other.sequence_,
                      other.clock_);
  }();
  const MutexLock lock(mutex_);
  books_ = books;
  events_ = events;
  sequence_ = sequence;
  clock_ = clock;
  changed_.SignalAll();
}

void FakeLedger::WaitForRefusals(size_t count) {
  const MutexLock lock(mutex_);
  while (refusals_ < count) changed_.Wait(mutex_);
}

size_t FakeLedger::refusals() const {
  const MutexLock lock(mutex_);
  return refusals_;
}

std::optional<grpc::Status> FakeLedger::Refusal() {
  const MutexLock lock(mutex_);
  if (!refusal_.has_value()) return std::nullopt;
  ++refusals_;
  changed_.SignalAll();
  return refusal_;
}

void FakeLedger::Script(std::vector<Fault> faults) {
  const MutexLock lock(mutex_);
  faults_.assign(faults.begin(), faults.end());
}

void FakeLedger::Hold() {
  const MutexLock lock(mutex_);
  held_ = true;
}

void FakeLedger::Release() {
  const MutexLock lock(mutex_);
  held_ = false;
  changed_.SignalAll();
}

void FakeLedger::set_batch_max(size_t batch_max) {
  const MutexLock lock(mutex_);
  batch_max_ = batch_max;
}

std::vector<std::vector<Transfer>> FakeLedger::batches() const {
  const MutexLock lock(mutex_);
  return batches_;
}

void FakeLedger::WaitForBatches(size_t count) {
  const MutexLock lock(mutex_);
  while (batches_.size() < count) changed_.Wait(mutex_);
}

size_t FakeLedger::lookups() const {
  const MutexLock lock(mutex_);
  return lookups_;
}

std::optional<Account> FakeLedger::account(AccountId id) const {
  const MutexLock lock(mutex_);
  const auto found = books_.accounts.find(id);
  if (found == books_.accounts.end()) return std::nullopt;
  return found->second;
}

size_t FakeLedger::transfer_count() const {
  const MutexLock lock(mutex_);
  return books_.transfers.size();
}

void FakeLedger::set_account(const Account& account) {
  const MutexLock lock(mutex_);
  Add(account);
  Account& there = books_.accounts[account.id];
  const Timestamp created = there.timestamp;
  there = account;
  there.timestamp = created;
}

void FakeLedger::FailFor(TransferId id) {
  const MutexLock lock(mutex_);
  books_.failed.insert(id);
}

void FakeLedger::set_before_query(std::function<void()> before_query) {
  const MutexLock lock(mutex_);
  before_query_ = std::move(before_query);
}

bool FakeLedger::Add(Account account) {
  const auto [added, is_new] =
      books_.accounts.emplace(account.id, std::move(account));
  if (is_new) added->second.timestamp = Timestamp(++clock_);
  return is_new;
}

std::optional<FakeLedger::Fault> FakeLedger::NextFault() {
  const MutexLock lock(mutex_);
  if (faults_.empty()) return std::nullopt;
  Fault fault = std::move(faults_.front());
  faults_.pop_front();
  return fault;
}

void FakeLedger::WaitUntilGone(grpc::ServerContext* context) {
  Mutex mutex;
  CondVar never;
  const MutexLock lock(mutex);
  while (!context->IsCancelled()) {
    never.WaitFor(mutex, std::chrono::milliseconds(1));
  }
}

void FakeLedger::Arrive(const std::vector<Transfer>& batch) {
  const MutexLock lock(mutex_);
  batches_.push_back(batch);
  changed_.SignalAll();
  while (held_) changed_.Wait(mutex_);
}

grpc::Status FakeLedger::GetServerInfo(grpc::ServerContext* context,
                                       const v1::GetServerInfoRequest*,
                                       v1::GetServerInfoResponse* response) {
  if (const auto fault = NextFault(); fault.has_value()) {
    if (fault->silent) WaitUntilGone(context);
    return fault->status;
  }
  const MutexLock lock(mutex_);
  response->set_version("fake");
  if (!refusal_.has_value()) response->set_primary_address(address_);
  response->set_max_batch_size(static_cast<uint32_t>(batch_max_));
  return grpc::Status::OK;
}

grpc::Status FakeLedger::CreateAccounts(
    grpc::ServerContext*, const v1::CreateAccountsRequest* request,
    v1::CreateAccountsResponse* response) {
  if (const auto refusal = Refusal(); refusal.has_value()) return *refusal;
  const auto fault = NextFault();
  if (fault.has_value() && !fault->executed) return fault->status;
  const MutexLock lock(mutex_);
  v1::WatchEventsResponse events;
  for (const auto& message : request->accounts()) {
    const Account account = FromWire(message);
    const bool is_new = Add(account);
    if (is_new) {
      auto* event = events.add_events();
      event->set_type(v1::EVENT_TYPE_ACCOUNT_CREATED);
      ToWire(books_.accounts[account.id], event->mutable_debit_account());
    }
    response->add_results()->set_status(is_new
                                            ? v1::CREATE_ACCOUNT_STATUS_CREATED
                                            : v1::CREATE_ACCOUNT_STATUS_EXISTS);
  }
  response->set_sequence(++sequence_);
  events.set_sequence(sequence_);
  events_.push_back(std::move(events));
  changed_.SignalAll();
  return fault.has_value() ? fault->status : grpc::Status::OK;
}

TransferResult FakeLedger::ExecuteOne(const Transfer& transfer) {
  const auto is = [](TransferStatus status) {
    return TransferResult{.status = status};
  };
  if (const auto existing = books_.transfers.find(transfer.id);
      existing != books_.transfers.end()) {
    return is(existing->second.amount == transfer.amount
                  ? TransferStatus::kExists
                  : TransferStatus::kExistsWithDifferentAmount);
  }
  if (books_.failed.contains(transfer.id)) {
    return is(TransferStatus::kIdAlreadyFailed);
  }
  const auto debit = books_.accounts.find(transfer.debit_account_id);
  const auto credit = books_.accounts.find(transfer.credit_account_id);
  if (debit == books_.accounts.end()) {
    return is(TransferStatus::kDebitAccountNotFound);
  }
  if (credit == books_.accounts.end()) {
    return is(TransferStatus::kCreditAccountNotFound);
  }
  Account after = debit->second;
  after.debits_posted = Plus(after.debits_posted, transfer.amount);
  if (ExceedsCredits(after)) return is(TransferStatus::kExceedsCredits);
  debit->second = after;
  credit->second.credits_posted =
      Plus(credit->second.credits_posted, transfer.amount);
  books_.transfers.emplace(transfer.id, transfer);
  return is(TransferStatus::kCreated);
}

std::vector<TransferResult> FakeLedger::Execute(
    const std::vector<Transfer>& batch) {
  std::vector<TransferResult> results;
  for (size_t begin = 0, end = 0; begin < batch.size(); begin = end) {
    end = ChainEnd<Transfer>(batch, begin);
    const Books before = end - begin > 1 ? books_ : Books();
    size_t broken = end;
    for (size_t i = begin; i < end; ++i) {
      results.push_back(broken < end
                            ? TransferResult{TransferStatus::kLinkedEventFailed}
                            : ExecuteOne(batch[i]));
      if (broken == end && results[i].status != TransferStatus::kCreated) {
        broken = i;
      }
    }
    if (broken == end || end - begin == 1) continue;
    books_ = before;
    for (size_t i = begin; i < broken; ++i) {
      results[i] = {TransferStatus::kLinkedEventFailed};
    }
  }
  return results;
}

void FakeLedger::Tell(const std::vector<Transfer>& batch,
                      const std::vector<TransferResult>& results) {
  v1::WatchEventsResponse& events = events_.emplace_back();
  events.set_sequence(sequence_);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (results[i].status != TransferStatus::kCreated) continue;
    auto* event = events.add_events();
    event->set_type(v1::EVENT_TYPE_SINGLE_PHASE);
    ToWire(batch[i], event->mutable_transfer());
    ToWire(books_.accounts[batch[i].debit_account_id],
           event->mutable_debit_account());
    ToWire(books_.accounts[batch[i].credit_account_id],
           event->mutable_credit_account());
  }
  changed_.SignalAll();
}

template <typename Response>
grpc::Status FakeLedger::Answer(grpc::ServerContext* context,
                                const std::vector<Transfer>& batch,
                                Response* response) {
  if (const auto refusal = Refusal(); refusal.has_value()) return *refusal;
  Arrive(batch);
  const auto fault = NextFault();
  if (fault.has_value() && fault->silent) {
    WaitUntilGone(context);
    return grpc::Status::CANCELLED;
  }
  if (fault.has_value() && !fault->executed) return fault->status;
  const MutexLock lock(mutex_);
  if (batch.empty() || batch.size() > batch_max_) {
    return MakeGrpcError(Reason::kInvalidField, "transfers: too many");
  }
  const std::vector<TransferResult> results = Execute(batch);
  for (const TransferResult& result : results) {
    response->add_results()->set_status(
        static_cast<v1::CreateTransferStatus>(result.status));
  }
  response->set_sequence(++sequence_);
  Tell(batch, results);
  return fault.has_value() ? fault->status : grpc::Status::OK;
}

grpc::Status FakeLedger::CreateTransfers(
    grpc::ServerContext* context, const v1::CreateTransfersRequest* request,
    v1::CreateTransfersResponse* response) {
  return Answer(context, Rows(request->transfers()), response);
}

grpc::Status FakeLedger::StreamTransfers(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::StreamTransfersResponse,
                             v1::StreamTransfersRequest>* stream) {
  v1::StreamTransfersRequest request;
  while (stream->Read(&request)) {
    v1::StreamTransfersResponse response;
    response.set_request_id(request.request_id());
    const grpc::Status status =
        Answer(context, Rows(request.transfers()), &response);
    if (!status.ok()) return status;
    stream->Write(response);
  }
  return grpc::Status::OK;
}

grpc::Status FakeLedger::LookupAccounts(
    grpc::ServerContext* context, const v1::LookupAccountsRequest* request,
    v1::LookupAccountsResponse* response) {
  if (request->consistency().has_linearizable()) {
    if (const auto refusal = Refusal(); refusal.has_value()) return *refusal;
  }
  if (const auto fault = NextFault(); fault.has_value()) {
    if (fault->silent) WaitUntilGone(context);
    return fault->status;
  }
  const MutexLock lock(mutex_);
  ++lookups_;
  for (const auto& id : request->ids()) {
    const auto found = books_.accounts.find(AccountId(FromWire(id)));
    if (found == books_.accounts.end()) {
      *response->add_missing_ids() = id;
    } else {
      ToWire(found->second, response->add_accounts());
    }
  }
  response->set_sequence(sequence_);
  return grpc::Status::OK;
}

grpc::Status FakeLedger::LookupTransfers(
    grpc::ServerContext*, const v1::LookupTransfersRequest* request,
    v1::LookupTransfersResponse* response) {
  if (request->consistency().has_linearizable()) {
    if (const auto refusal = Refusal(); refusal.has_value()) return *refusal;
  }
  const MutexLock lock(mutex_);
  for (const auto& id : request->ids()) {
    const auto found = books_.transfers.find(TransferId(FromWire(id)));
    if (found == books_.transfers.end()) {
      *response->add_missing_ids() = id;
    } else {
      ToWire(found->second, response->add_transfers());
      response->add_pending_states(v1::PENDING_STATE_UNSPECIFIED);
    }
  }
  response->set_sequence(sequence_);
  return grpc::Status::OK;
}

grpc::Status FakeLedger::QueryAccounts(grpc::ServerContext*,
                                       const v1::QueryAccountsRequest* request,
                                       v1::QueryAccountsResponse* response) {
  std::function<void()> before;
  {
    const MutexLock lock(mutex_);
    before = before_query_;
  }
  if (before) before();
  const MutexLock lock(mutex_);
  std::map<Timestamp, Account> by_time;
  for (const auto& [id, account] : books_.accounts) {
    by_time[account.timestamp] = account;
  }
  const v1::QueryFilter& filter = request->filter();
  for (auto next = by_time.lower_bound(Timestamp(filter.timestamp_min()));
       next != by_time.end() &&
       response->accounts_size() < static_cast<int>(filter.limit());
       ++next) {
    ToWire(next->second, response->add_accounts());
  }
  response->set_sequence(sequence_);
  return grpc::Status::OK;
}

grpc::Status FakeLedger::WatchEvents(
    grpc::ServerContext* context, const v1::WatchEventsRequest* request,
    grpc::ServerWriter<v1::WatchEventsResponse>* writer) {
  uint64_t next = std::max<uint64_t>(1, request->from_sequence());
  while (!context->IsCancelled()) {
    v1::WatchEventsResponse events;
    {
      const MutexLock lock(mutex_);
      if (next > events_.size()) {
        changed_.WaitFor(mutex_, std::chrono::milliseconds(1));
        continue;
      }
      events = events_[next - 1];
    }
    ++next;
    if (events.events().empty()) continue;
    if (!writer->Write(events)) break;
  }
  return grpc::Status::OK;
}

}  // namespace ledgerd::client
