#include "client/ledger_client.h"

#include <utility>

#include "client/call.h"
#include "client/coalescer.h"
#include "client/created.h"
#include "client/endpoints.h"
#include "client/grpc_transfer_stream.h"
#include "client/scout.h"
#include "client/waiter.h"
#include "client/wire.h"
#include "ledger/v1/ledger.pb.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::ledger::v1;
using Time = std::chrono::steady_clock::time_point;

void ToWire(const ReadLevel& level, v1::ReadConsistency* wire) {
  if (level.at_least.has_value()) {
    wire->set_at_least_sequence(level.at_least->value());
  } else if (level.max_staleness.has_value()) {
    wire->set_max_staleness_ms(
        static_cast<uint32_t>(level.max_staleness->count()));
  } else {
    wire->mutable_linearizable();
  }
}

// Whether a standby may answer.
bool IsForAny(const ReadLevel& level) {
  return level.at_least.has_value() || level.max_staleness.has_value();
}

template <typename Request, typename Id>
Request MakeLookup(const std::vector<Id>& ids, const ReadLevel& level) {
  Request request;
  for (const Id id : ids) client::ToWire(id.value(), request.add_ids());
  ToWire(level, request.mutable_consistency());
  return request;
}

absl::StatusOr<CreatedAccounts> FromWire(const v1::CreateAccountsResponse& wire,
                                         const std::vector<Account>& asked) {
  if (static_cast<size_t>(wire.results_size()) != asked.size()) {
    return WrongCount(wire.results_size(), asked.size());
  }
  CreatedAccounts created;
  created.sequence = Sequence(wire.sequence());
  created.results.reserve(asked.size());
  for (const auto& result : wire.results()) {
    created.results.push_back(client::FromWire(result));
  }
  MarkExistingChains<Account>(asked, absl::MakeSpan(created.results));
  return created;
}

template <typename Request, typename Filter>
Request MakeQuery(const Filter& filter, const ReadLevel& level) {
  Request request;
  client::ToWire(filter, request.mutable_filter());
  ToWire(level, request.mutable_consistency());
  return request;
}

// Of any answer that has accounts.
template <typename Response>
FoundAccounts AccountsIn(const Response& wire) {
  FoundAccounts found;
  found.sequence = Sequence(wire.sequence());
  found.accounts.reserve(static_cast<size_t>(wire.accounts_size()));
  for (const auto& account : wire.accounts()) {
    found.accounts.push_back(client::FromWire(account));
  }
  return found;
}

// Of any answer that has transfers.
template <typename Response>
FoundTransfers TransfersIn(const Response& wire) {
  FoundTransfers found;
  found.sequence = Sequence(wire.sequence());
  for (const auto& transfer : wire.transfers()) {
    found.transfers.push_back(client::FromWire(transfer));
  }
  for (const auto state : wire.pending_states()) {
    found.pending_states.push_back(static_cast<PendingState>(state));
  }
  found.pending_states.resize(found.transfers.size());
  return found;
}

FoundAccounts FromWire(const v1::QueryAccountsResponse& wire) {
  return AccountsIn(wire);
}

FoundTransfers FromWire(const v1::QueryTransfersResponse& wire) {
  return TransfersIn(wire);
}

FoundTransfers FromWire(const v1::GetAccountTransfersResponse& wire) {
  return TransfersIn(wire);
}

FoundBalances FromWire(const v1::GetAccountBalancesResponse& wire) {
  FoundBalances found;
  found.sequence = Sequence(wire.sequence());
  for (const v1::AccountBalance& balance : wire.balances()) {
    found.balances.push_back(
        {.debits_pending = Amount(client::FromWire(balance.debits_pending())),
         .debits_posted = Amount(client::FromWire(balance.debits_posted())),
         .credits_pending = Amount(client::FromWire(balance.credits_pending())),
         .credits_posted = Amount(client::FromWire(balance.credits_posted())),
         .timestamp = Timestamp(balance.timestamp())});
  }
  return found;
}

FoundAccounts FromWire(const v1::LookupAccountsResponse& wire) {
  FoundAccounts found = AccountsIn(wire);
  for (const auto& id : wire.missing_ids()) {
    found.missing.emplace_back(client::FromWire(id));
  }
  return found;
}

FoundTransfers FromWire(const v1::LookupTransfersResponse& wire) {
  FoundTransfers found = TransfersIn(wire);
  for (const auto& id : wire.missing_ids()) {
    found.missing.emplace_back(client::FromWire(id));
  }
  return found;
}

ServerInfo FromWire(const v1::GetServerInfoResponse& wire) {
  return {
      .cluster_id = wire.cluster_id(),
      .version = wire.version(),
      .max_batch_size = wire.max_batch_size(),
      .max_message_bytes = wire.max_message_bytes(),
      .default_deadline = std::chrono::milliseconds(wire.default_deadline_ms()),
      .oldest_event = Sequence(wire.oldest_event_sequence()),
      .primary = ReplicaId(wire.primary_id()),
      .primary_address = wire.primary_address()};
}

}  // namespace

class LedgerClient::Impl {
 public:
  explicit Impl(ClientOptions options)
      : options_(std::move(options)),
        endpoints_(options_.addresses),
        coalescer_({.batch_max = options_.batch_max,
                    .batches_in_flight_max = options_.batches_in_flight_max,
                    .queued_max = options_.queued_transfers_max,
                    .timeout = options_.timeout},
                   [this](std::vector<Transfer> batch, Time deadline,
                          Coalescer::Answer done) {
                     SendBatch(std::move(batch), deadline, std::move(done));
                   }) {
    // With one there is nobody else to ask.
    if (options_.addresses.size() > 1) {
      scout_.emplace(endpoints_, calls_, options_.patience);
    }
  }

  ~Impl() {
    coalescer_.Close();
    calls_.CloseAndWait();
    scout_.reset();
  }

  Coalescer& coalescer() { return coalescer_; }

  Endpoints& endpoints() { return endpoints_; }

  const ClientOptions& options() const { return options_; }

  Time Deadline() const {
    return std::chrono::steady_clock::now() + options_.timeout;
  }

  void CreateAccounts(std::vector<Account> accounts,
                      Callback<CreatedAccounts> callback) {
    using Request = v1::CreateAccountsRequest;
    using Response = v1::CreateAccountsResponse;
    Request request;
    for (const Account& account : accounts) {
      client::ToWire(account, request.add_accounts());
    }
    StartCall<Request, Response>(
        calls_, endpoints_,
        {.request = std::move(request),
         .changes_state = true,
         .deadline = Deadline()},
        [](auto& stub, auto... rest) { stub.CreateAccounts(rest...); },
        [accounts = std::move(accounts),
         callback = std::move(callback)](absl::StatusOr<Response> response) {
          if (!response.ok()) return callback(response.status());
          callback(FromWire(*response, accounts));
        });
  }

  void CreateTransfers(std::vector<Transfer> transfers, Time deadline,
                       Callback<CreatedTransfers> callback) {
    using Request = v1::CreateTransfersRequest;
    using Response = v1::CreateTransfersResponse;
    Request request;
    request.mutable_transfers()->Reserve(static_cast<int>(transfers.size()));
    for (const Transfer& transfer : transfers) {
      client::ToWire(transfer, request.add_transfers());
    }
    StartCall<Request, Response>(
        calls_, endpoints_,
        {.request = std::move(request),
         .changes_state = true,
         .deadline = deadline},
        [](auto& stub, auto... rest) { stub.CreateTransfers(rest...); },
        [transfers = std::move(transfers),
         callback = std::move(callback)](absl::StatusOr<Response> response) {
          if (!response.ok()) return callback(response.status());
          callback(CreatedFromWire(*response, transfers));
        });
  }

  // For the calls that change nothing: `Method` is a generic lambda.
  template <typename Request, typename Response, typename Answer,
            typename Method>
  void Read(Request request, const ReadLevel& level, Method method,
            Callback<Answer> callback) {
    StartCall<Request, Response>(
        calls_, endpoints_,
        {.request = std::move(request),
         .anywhere = IsForAny(level),
         .deadline = Deadline()},
        std::move(method),
        [callback = std::move(callback)](absl::StatusOr<Response> response) {
          if (!response.ok()) return callback(response.status());
          callback(FromWire(*response));
        });
  }

 private:
  void SendBatch(std::vector<Transfer> batch, Time deadline,
                 Coalescer::Answer done) {
    CreateTransfers(
        std::move(batch), deadline,
        [done = std::move(done)](absl::StatusOr<CreatedTransfers> created) {
          if (!created.ok()) return done(created.status());
          done(std::move(created->results));
        });
  }

  const ClientOptions options_;
  Endpoints endpoints_;
  CallSet calls_;
  Coalescer coalescer_;
  std::optional<Scout> scout_;
};

LedgerClient::LedgerClient(ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

LedgerClient::~LedgerClient() = default;

namespace {

// A single transfer is a unit of one.
Callback<TransferResults> TakeOnly(Callback<TransferResult> callback) {
  return [callback =
              std::move(callback)](absl::StatusOr<TransferResults> results) {
    if (!results.ok()) return callback(results.status());
    callback(results->front());
  };
}

}  // namespace

absl::StatusOr<TransferResult> LedgerClient::CreateTransfer(
    const Transfer& transfer) {
  Waiter<TransferResult> waiter;
  impl_->coalescer().AddWaiting({transfer}, TakeOnly(waiter.callback()));
  return waiter.Wait();
}

void LedgerClient::CreateTransfer(const Transfer& transfer,
                                  Callback<TransferResult> callback) {
  impl_->coalescer().Add({transfer}, TakeOnly(std::move(callback)));
}

absl::StatusOr<TransferResults> LedgerClient::CreateChain(
    std::vector<Transfer> chain) {
  Waiter<TransferResults> waiter;
  impl_->coalescer().AddWaiting(std::move(chain), waiter.callback());
  return waiter.Wait();
}

void LedgerClient::CreateChain(std::vector<Transfer> chain,
                               Callback<TransferResults> callback) {
  impl_->coalescer().Add(std::move(chain), std::move(callback));
}

absl::StatusOr<CreatedAccounts> LedgerClient::CreateAccounts(
    std::vector<Account> accounts) {
  Waiter<CreatedAccounts> waiter;
  CreateAccounts(std::move(accounts), waiter.callback());
  return waiter.Wait();
}

void LedgerClient::CreateAccounts(std::vector<Account> accounts,
                                  Callback<CreatedAccounts> callback) {
  impl_->CreateAccounts(std::move(accounts), std::move(callback));
}

absl::StatusOr<CreatedTransfers> LedgerClient::CreateTransfers(
    std::vector<Transfer> transfers) {
  Waiter<CreatedTransfers> waiter;
  CreateTransfers(std::move(transfers), waiter.callback());
  return waiter.Wait();
}

void LedgerClient::CreateTransfers(std::vector<Transfer> transfers,
                                   Callback<CreatedTransfers> callback) {
  impl_->CreateTransfers(std::move(transfers), impl_->Deadline(),
                         std::move(callback));
}

std::unique_ptr<TransferStream> LedgerClient::StreamTransfers(
    StreamOptions options) {
  if (options.timeout.count() == 0) {
    options.timeout = impl_->options().timeout;
  }
  return MakeGrpcTransferStream(impl_->endpoints(), options);
}

absl::StatusOr<FoundAccounts> LedgerClient::LookupAccounts(
    const std::vector<AccountId>& ids, ReadLevel level) {
  Waiter<FoundAccounts> waiter;
  LookupAccounts(ids, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::LookupAccounts(const std::vector<AccountId>& ids,
                                  ReadLevel level,
                                  Callback<FoundAccounts> callback) {
  impl_->Read<v1::LookupAccountsRequest, v1::LookupAccountsResponse,
              FoundAccounts>(
      MakeLookup<v1::LookupAccountsRequest>(ids, level), level,
      [](auto& stub, auto... rest) { stub.LookupAccounts(rest...); },
      std::move(callback));
}

absl::StatusOr<FoundTransfers> LedgerClient::LookupTransfers(
    const std::vector<TransferId>& ids, ReadLevel level) {
  Waiter<FoundTransfers> waiter;
  LookupTransfers(ids, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::LookupTransfers(const std::vector<TransferId>& ids,
                                   ReadLevel level,
                                   Callback<FoundTransfers> callback) {
  impl_->Read<v1::LookupTransfersRequest, v1::LookupTransfersResponse,
              FoundTransfers>(
      MakeLookup<v1::LookupTransfersRequest>(ids, level), level,
      [](auto& stub, auto... rest) { stub.LookupTransfers(rest...); },
      std::move(callback));
}

absl::StatusOr<FoundTransfers> LedgerClient::GetAccountTransfers(
    const AccountFilter& filter, ReadLevel level) {
  Waiter<FoundTransfers> waiter;
  GetAccountTransfers(filter, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::GetAccountTransfers(const AccountFilter& filter,
                                       ReadLevel level,
                                       Callback<FoundTransfers> callback) {
  impl_->Read<v1::GetAccountTransfersRequest, v1::GetAccountTransfersResponse,
              FoundTransfers>(
      MakeQuery<v1::GetAccountTransfersRequest>(filter, level), level,
      [](auto& stub, auto... rest) { stub.GetAccountTransfers(rest...); },
      std::move(callback));
}

absl::StatusOr<FoundBalances> LedgerClient::GetAccountBalances(
    const AccountFilter& filter, ReadLevel level) {
  Waiter<FoundBalances> waiter;
  GetAccountBalances(filter, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::GetAccountBalances(const AccountFilter& filter,
                                      ReadLevel level,
                                      Callback<FoundBalances> callback) {
  impl_->Read<v1::GetAccountBalancesRequest, v1::GetAccountBalancesResponse,
              FoundBalances>(
      MakeQuery<v1::GetAccountBalancesRequest>(filter, level), level,
      [](auto& stub, auto... rest) { stub.GetAccountBalances(rest...); },
      std::move(callback));
}

absl::StatusOr<FoundAccounts> LedgerClient::QueryAccounts(
    const QueryFilter& filter, ReadLevel level) {
  Waiter<FoundAccounts> waiter;
  QueryAccounts(filter, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::QueryAccounts(const QueryFilter& filter, ReadLevel level,
                                 Callback<FoundAccounts> callback) {
  impl_->Read<v1::QueryAccountsRequest, v1::QueryAccountsResponse,
              FoundAccounts>(
      MakeQuery<v1::QueryAccountsRequest>(filter, level), level,
      [](auto& stub, auto... rest) { stub.QueryAccounts(rest...); },
      std::move(callback));
}

absl::StatusOr<FoundTransfers> LedgerClient::QueryTransfers(
    const QueryFilter& filter, ReadLevel level) {
  Waiter<FoundTransfers> waiter;
  QueryTransfers(filter, level, waiter.callback());
  return waiter.Wait();
}

void LedgerClient::QueryTransfers(const QueryFilter& filter, ReadLevel level,
                                  Callback<FoundTransfers> callback) {
  impl_->Read<v1::QueryTransfersRequest, v1::QueryTransfersResponse,
              FoundTransfers>(
      MakeQuery<v1::QueryTransfersRequest>(filter, level), level,
      [](auto& stub, auto... rest) { stub.QueryTransfers(rest...); },
      std::move(callback));
}

std::unique_ptr<EventWatch> LedgerClient::WatchEvents(Sequence from) {
  return std::make_unique<EventWatch>(impl_->endpoints(), from,
                                      impl_->options().timeout);
}

absl::StatusOr<ServerInfo> LedgerClient::GetServerInfo() {
  Waiter<ServerInfo> waiter;
  GetServerInfo(waiter.callback());
  return waiter.Wait();
}

void LedgerClient::GetServerInfo(Callback<ServerInfo> callback) {
  impl_->Read<v1::GetServerInfoRequest, v1::GetServerInfoResponse, ServerInfo>(
      {}, {}, [](auto& stub, auto... rest) { stub.GetServerInfo(rest...); },
      std::move(callback));
}

}  // namespace ledgerd::client
