#include "tests/integration/raw_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  // How long a connection may take to come about: with much less, calls on a
  // loaded machine fail that nothing is wrong with.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

void Set(Uint128 value, v1::Uint128* proto) {
  proto->set_high(High(value));
  proto->set_low(Low(value));
}

Uint128 Get(const v1::Uint128& proto) {
  return MakeUint128(proto.high(), proto.low());
}

absl::string_view CodeName(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case grpc::StatusCode::UNAVAILABLE:
      return "UNAVAILABLE";
    case grpc::StatusCode::CANCELLED:
      return "CANCELLED";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    default:
      return "ANOTHER_CODE";
  }
}

void SetDeadline(RawClient::Timeout timeout, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + timeout);
}

TransferResult FromProto(const v1::CreateTransferResult& proto) {
  return {
      .status = static_cast<TransferStatus>(proto.status()),
      .original_status = static_cast<TransferStatus>(proto.original_status()),
      .amount_differs = proto.has_amount(),
      .timestamp = Timestamp(proto.timestamp()),
      .amount = Amount(Get(proto.amount()))};
}

// Details of a kind that this client knows, by their type's URL.
template <typename Detail>
bool Unpack(const google::protobuf::Any& any, Detail* detail) {
  return any.Is<Detail>() && any.UnpackTo(detail);
}

}  // namespace

WireError ReadError(const grpc::Status& status) {
  WireError error{.code = status.error_code(),
                  .message = status.error_message()};
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    if (Unpack(any, &info)) {
      error.domain = info.domain();
      error.reason = info.reason();
    }
    google::rpc::BadRequest bad;
    if (Unpack(any, &bad) && bad.field_violations_size() > 0) {
      error.field = bad.field_violations(0).field();
    }
    error.has_retry_info |= any.Is<google::rpc::RetryInfo>();
  }
  return error;
}

std::string Text(const WireError& error) {
  return absl::StrCat(CodeName(error.code), " ", error.reason);
}

Outcome OutcomeOf(const WireError& error) {
  const bool unknown =
      error.reason.empty() || error.reason == "OUTCOME_UNKNOWN";
  return unknown ? Outcome::kUnknown : Outcome::kNothingDone;
}

void ToProto(const Transfer& transfer, v1::Transfer* proto) {
  Set(transfer.id.value(), proto->mutable_id());
  Set(transfer.debit_account_id.value(), proto->mutable_debit_account_id());
  Set(transfer.credit_account_id.value(), proto->mutable_credit_account_id());
  Set(transfer.amount.value(), proto->mutable_amount());
  Set(transfer.pending_id.value(), proto->mutable_pending_id());
  Set(transfer.user_data_128, proto->mutable_user_data_128());
  proto->set_user_data_64(transfer.user_data_64);
  proto->set_user_data_32(transfer.user_data_32);
  proto->set_timeout(transfer.timeout_seconds);
  proto->set_ledger(transfer.ledger);
  proto->set_code(transfer.code);
  proto->set_flags(transfer.flags);
  proto->set_timestamp(transfer.timestamp.value());
}

void ToProto(const Account& account, v1::Account* proto) {
  Set(account.id.value(), proto->mutable_id());
  Set(account.user_data_128, proto->mutable_user_data_128());
  proto->set_user_data_64(account.user_data_64);
  proto->set_user_data_32(account.user_data_32);
  proto->set_ledger(account.ledger);
  proto->set_code(account.code);
  proto->set_flags(account.flags);
  proto->set_timestamp(account.timestamp.value());
}

Transfer FromProto(const v1::Transfer& proto) {
  return {.id = TransferId(Get(proto.id())),
          .debit_account_id = AccountId(Get(proto.debit_account_id())),
          .credit_account_id = AccountId(Get(proto.credit_account_id())),
          .amount = Amount(Get(proto.amount())),
          .pending_id = TransferId(Get(proto.pending_id())),
          .user_data_128 = Get(proto.user_data_128()),
          .user_data_64 = proto.user_data_64(),
          .user_data_32 = proto.user_data_32(),
          .timeout_seconds = proto.timeout(),
          .ledger = proto.ledger(),
          .code = static_cast<uint16_t>(proto.code()),
          .flags = static_cast<uint16_t>(proto.flags()),
          .timestamp = Timestamp(proto.timestamp())};
}

RawClient::RawClient(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    auto channel = Connect(address);
    endpoints_.push_back({channel, v1::LedgerService::NewStub(channel)});
  }
}

Ending RawClient::EndingOf(const grpc::Status& status, size_t asked) {
  if (status.ok()) return {.outcome = Outcome::kAnswered};
  const WireError error = ReadError(status);
  if (error.code == grpc::StatusCode::UNAVAILABLE ||
      error.code == grpc::StatusCode::DEADLINE_EXCEEDED) {
    // Once, whoever of those that asked there is told first.
    current_.compare_exchange_strong(asked, asked + 1);
  }
  return {.outcome = OutcomeOf(error), .error = Text(error)};
}

Ending RawClient::CreateTransfers(const std::vector<Transfer>& transfers,
                                  Timeout timeout) {
  v1::CreateTransfersRequest request;
  for (const Transfer& transfer : transfers) {
    ToProto(transfer, request.add_transfers());
  }
  grpc::ClientContext context;
  SetDeadline(timeout, &context);
  v1::CreateTransfersResponse response;
  const size_t asked = current_;
  Ending ending = EndingOf(
      Of(asked).stub->CreateTransfers(&context, request, &response), asked);
  ending.sequence = Sequence(response.sequence());
  for (const auto& result : response.results()) {
    ending.results.push_back(FromProto(result));
  }
  return ending;
}

Ending RawClient::CreateAccounts(const std::vector<Account>& accounts,
                                 Timeout timeout) {
  v1::CreateAccountsRequest request;
  for (const Account& account : accounts) {
    ToProto(account, request.add_accounts());
  }
  grpc::ClientContext context;
  SetDeadline(timeout, &context);
  v1::CreateAccountsResponse response;
  const size_t asked = current_;
  Ending ending = EndingOf(
      Of(asked).stub->CreateAccounts(&context, request, &response), asked);
  ending.sequence = Sequence(response.sequence());
  for (const auto& result : response.results()) {
    ending.account_results.push_back(
        {.status = static_cast<AccountStatus>(result.status()),
         .timestamp = Timestamp(result.timestamp())});
  }
  return ending;
}

Ending RawClient::LookupTransfers(const std::vector<TransferId>& ids,
                                  Timeout timeout) {
  v1::LookupTransfersRequest request;
  for (const TransferId id : ids) Set(id.value(), request.add_ids());
  grpc::ClientContext context;
  SetDeadline(timeout, &context);
  v1::LookupTransfersResponse response;
  const size_t asked = current_;
  Ending ending = EndingOf(
      Of(asked).stub->LookupTransfers(&context, request, &response), asked);
  ending.sequence = Sequence(response.sequence());
  for (const auto& transfer : response.transfers()) {
    ending.found.push_back(FromProto(transfer));
  }
  for (const auto& id : response.missing_ids()) {
    ending.missing.emplace_back(Get(id));
  }
  return ending;
}

void RawClient::WaitForConnection(Timeout timeout) {
  Of(current_).channel->WaitForConnected(std::chrono::system_clock::now() +
                                         timeout);
}

}  // namespace ledgerd::integration
