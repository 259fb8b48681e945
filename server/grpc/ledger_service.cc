#include "server/grpc/ledger_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/arena.h"

#include "proto/base/status_macros.h"
#include "proto/errors.h"
#include "proto/system_limits.h"
#include "proto/types.h"
#include "server/cluster_id.h"
#include "server/filter_parsing.h"
#include "server/grpc/error_details.h"
#include "server/grpc/message_bytes.h"
#include "server/grpc/unary_call.h"
#include "server/request_parsing.h"
#include "server/responses.h"
#include "server/version.h"
#include "storage/state_query.h"
#include "storage/state_store.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::ledger::v1;
using ::google::protobuf::Arena;

// For the answer of a read that has waited in vain to reach its client. And
// gRPC rounds what a client gives up by as much as a hundredth, so that its
// deadline seems later here than it is.
constexpr std::chrono::milliseconds kReadMargin{100};
constexpr int kRoundedBy = 100;

// What cannot be parsed has no field that could be named.
constexpr char kWholeRequest[] = "request";

// A watch that was refused.
class RefusedWatch final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit RefusedWatch(const grpc::Status& status) { Finish(status); }

  void OnDone() override { delete this; }
};

grpc::ServerUnaryReactor* FinishAtOnce(grpc::CallbackServerContext* context,
                                       const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// The most objects that the answer to a read holds.
template <typename Id>
size_t ObjectsAskedFor(const std::vector<Id>& ids) {
  return ids.size();
}

size_t ObjectsAskedFor(const storage::QueryFilter& filter) {
  return filter.limit;
}

size_t ObjectsAskedFor(const storage::AccountFilter& filter) {
  return filter.rest.limit;
}

template <typename Id>
replication::ReadKind KindOf(const std::vector<Id>& /*ids*/) {
  return replication::ReadKind::kLookup;
}

template <typename Filter>
replication::ReadKind KindOf(const Filter& /*filter*/) {
  return replication::ReadKind::kQuery;
}

constexpr auto kParseFilter = [](const auto& request) {
  return ParseFilter(request.filter());
};

// Whether FinishInTime ended for want of time.
bool GaveUp(const absl::Status& status) {
  return absl::IsDeadlineExceeded(status) ||
         ReasonOf(status) == Reason::kOverloaded;
}

// What `lookup` finds, unless nobody waits for it any more: before it begins,
// as after a long wait for the reader, or while it goes on.
template <typename Row>
absl::StatusOr<storage::Found<Row>> FinishInTime(
    storage::Lookup<Row>& lookup, const storage::IsLate& is_late) {
  if (is_late()) {
    return MakeError(
        Reason::kOverloaded,
        "the read had not begun by its deadline: other reads went before it");
  }
  return lookup.FinishUnless(is_late);
}

// The balances of an account that keeps its history; NO_HISTORY for others.
class HistoryLookup final : public storage::Lookup<storage::AccountBalances> {
 public:
  HistoryLookup(std::unique_ptr<storage::Lookup<Account>> account,
                std::unique_ptr<storage::Lookup<storage::AccountBalances>> rows)
      : account_(std::move(account)), rows_(std::move(rows)) {}

  absl::StatusOr<storage::Found<storage::AccountBalances>> FinishUnless(
      const storage::IsLate& is_late) override {
    LEDGERD_ASSIGN_OR_RETURN(const auto account,
                             account_->FinishUnless(is_late));
    if (!account.rows.empty() &&
        (account.rows.front().flags & account_flags::kHistory) == 0) {
      return MakeError(Reason::kNoHistory,
                       "the account was created without the HISTORY flag, so "
                       "its past balances are not kept; its transfers are: "
                       "GetAccountTransfers");
    }
    return rows_->FinishUnless(is_late);
  }

 private:
  const std::unique_ptr<storage::Lookup<Account>> account_;
  const std::unique_ptr<storage::Lookup<storage::AccountBalances>> rows_;
};

}  // namespace

LedgerService::LedgerService(const CallContext& calls)
    : calls_(calls),
      budgets_(calls.limits.answer_bytes),
      feed_(calls.group.replica, calls.group.store) {}

replication::Deadline LedgerService::DeadlineFor(
    const grpc::CallbackServerContext& context) const {
  return DeadlineOf(context.deadline())
      .value_or(std::chrono::steady_clock::now() +
                calls_.limits.default_deadline);
}

replication::Deadline LedgerService::ReadDeadlineFor(
    const grpc::CallbackServerContext& context) const {
  const auto deadline = DeadlineFor(context);
  const std::chrono::nanoseconds left =
      deadline - std::chrono::steady_clock::now();
  const auto margin = std::min<std::chrono::nanoseconds>(
      left / 4, kReadMargin + left / kRoundedBy);
  return deadline - std::max(margin, std::chrono::nanoseconds(0));
}

grpc::ServerUnaryReactor* LedgerService::GetServerInfo(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  const RequestTimer timer(counts_, Method::kGetServerInfo);
  Arena arena;
  const absl::Status parsed =
      Parse<v1::GetServerInfoRequest>(*request, arena, kWholeRequest).status();
  if (!parsed.ok()) return Refuse(context, timer, parsed);
  v1::GetServerInfoResponse info;
  info.set_cluster_id(ToText(calls_.group.cluster));
  info.set_version(kVersion);
  info.set_max_batch_size(kMaxBatchSize);
  info.set_max_message_bytes(kMessageBytesMax);
  info.set_default_deadline_ms(
      static_cast<uint32_t>(calls_.limits.default_deadline.count()));
  info.set_oldest_event_sequence(calls_.group.store.oldest_event().value());
  info.set_primary_id(calls_.group.replica.status().primary.value());
  info.set_primary_address(HintOf(calls_.group).address());
  *response = Serialize(info);
  timer.End(absl::OkStatus());
  return FinishAtOnce(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* LedgerService::Refuse(
    grpc::CallbackServerContext* context, const RequestTimer& timer,
    const absl::Status& status) const {
  timer.End(status);
  return FinishAtOnce(context, Wire(calls_.group, status));
}

// ---- writes

absl::StatusOr<AnswerBudget::Share> LedgerService::Admit(
    const grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
    const BatchMethod& method) {
  LEDGERD_ASSIGN_OR_RETURN(const size_t events,
                           CountEvents(request, method.events));
  LEDGERD_RETURN_IF_ERROR(calls_.group.replica.Admits(CommandBytes(events)));
  return budgets_.calls.Take(context.peer(), events * kResultBytes);
}

grpc::ServerUnaryReactor* LedgerService::Create(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response, const BatchMethod& method) {
  const RequestTimer timer(counts_, method.method);
  auto share = Admit(*context, *request, method);
  if (!share.ok()) return Refuse(context, timer, share.status());
  auto command = ParseBatch(*request, method);
  if (!command.ok()) return Refuse(context, timer, command.status());
  auto* reactor = new UnaryCall(open_calls_, *std::move(share));
  const auto end = [this, reactor, timer](const absl::Status& status) {
    timer.End(status);
    reactor->Finish(Wire(calls_.group, status));
  };
  const auto finish = [this, end, response,
                       &method](const absl::StatusOr<EntryResult>& result) {
    if (result.ok()) {
      *response = method.respond(*result);
      counts_.Add(result->transfers);
    }
    end(result.status());
  };
  const absl::Status taken = calls_.group.replica.Propose(
      {.command = *std::move(command),
       .deadline = DeadlineFor(*context),
       .done = [this, finish](absl::StatusOr<EntryResult> result) {
         calls_.answers.Run(
             [finish, result = std::move(result)] { finish(result); });
       }});
  if (!taken.ok()) end(taken);
  return reactor;
}

grpc::ServerUnaryReactor* LedgerService::CreateAccounts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Create(context, request, response, kCreateAccounts);
}

grpc::ServerUnaryReactor* LedgerService::CreateTransfers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Create(context, request, response, kCreateTransfers);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
LedgerService::StreamTransfers(grpc::CallbackServerContext* context) {
  return new TransferStream(streams_, calls_, context->peer(),
                            DeadlineOf(context->deadline()));
}

// ---- reads

template <typename Request, typename Response, typename Parser, typename Begin>
grpc::ServerUnaryReactor* LedgerService::Read(const ReadCall& call,
                                              const grpc::ByteBuffer& bytes,
                                              Parser parse, Begin begin) {
  const auto& [timer, context, response] = call;
  Arena arena;
  const auto request = Parse<Request>(bytes, arena, kWholeRequest);
  if (!request.ok()) return Refuse(context, timer, request.status());
  auto asked = parse(**request);
  if (!asked.ok()) return Refuse(context, timer, asked.status());
  const auto freshness = ParseConsistency((*request)->consistency());
  if (!freshness.ok()) return Refuse(context, timer, freshness.status());
  return BeginRead<Response>(call, *std::move(asked), *freshness,
                             std::move(begin));
}

template <typename Response, typename Asked, typename Begin>
grpc::ServerUnaryReactor* LedgerService::BeginRead(
    const ReadCall& call, Asked asked, replication::Freshness freshness,
    Begin begin) {
  const RequestTimer timer = call.timer;
  grpc::CallbackServerContext* const context = call.context;
  grpc::ByteBuffer* const response = call.response;
  auto share = budgets_.calls.Take(context->peer(),
                                   ObjectsAskedFor(asked) * kObjectBytes);
  if (!share.ok()) return Refuse(context, timer, share.status());
  auto* reactor = new UnaryCall(open_calls_, *std::move(share));
  const auto end = [this, reactor, timer](const absl::Status& status) {
    timer.End(status);
    reactor->Finish(Wire(calls_.group, status));
  };
  const replication::Deadline deadline = ReadDeadlineFor(*context);
  const auto is_late = [this, context, deadline] {
    return calls_.clock.SteadyNow() >= deadline || context->IsCancelled() ||
           calls_.group.replica.ending();
  };
  const absl::Status taken = calls_.group.replica.Read(
      {.kind = KindOf(asked),
       .freshness = freshness,
       .deadline = deadline,
       .begin = [this, context, response, end, begin, is_late,
                 asked = std::move(asked)](
                    absl::StatusOr<Sequence> at) -> std::function<void()> {
         if (!at.ok()) {
           calls_.answers.Run([end, error = at.status()] { end(error); });
           return nullptr;
         }
         if (context->IsCancelled()) {
           end(absl::CancelledError("the call was cancelled"));
           return nullptr;
         }
         // Shared, since a function must be copyable.
         std::shared_ptr lookup = begin(asked);
         return [this, response, end, asked, at = *at, lookup, is_late] {
           const auto found = FinishInTime(*lookup, is_late);
           if (GaveUp(found.status()) && calls_.group.replica.ending()) {
             return end(
                 MakeError(Reason::kDraining, "this replica is shutting down"));
           }
           if (!found.ok()) return end(found.status());
           Arena arena;
           auto* answer = Arena::CreateMessage<Response>(&arena);
           FillAnswer(asked, *found, at, *answer);
           *response = Serialize(*answer);
           end(absl::OkStatus());
         };
       }});
  if (!taken.ok()) end(taken);
  return reactor;
}

grpc::ServerUnaryReactor* LedgerService::LookupAccounts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::LookupAccountsRequest, v1::LookupAccountsResponse>(
      {RequestTimer(counts_, Method::kLookupAccounts), context, response},
      *request, [](const auto& asked) { return ParseAccountIds(asked.ids()); },
      [this](const std::vector<AccountId>& ids) {
        return calls_.group.store.LookupAccounts(ids);
      });
}

grpc::ServerUnaryReactor* LedgerService::LookupTransfers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::LookupTransfersRequest, v1::LookupTransfersResponse>(
      {RequestTimer(counts_, Method::kLookupTransfers), context, response},
      *request, [](const auto& asked) { return ParseTransferIds(asked.ids()); },
      [this](const std::vector<TransferId>& ids) {
        return calls_.group.store.LookupTransfers(ids);
      });
}

grpc::ServerUnaryReactor* LedgerService::GetAccountTransfers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::GetAccountTransfersRequest, v1::GetAccountTransfersResponse>(
      {RequestTimer(counts_, Method::kGetAccountTransfers), context, response},
      *request, kParseFilter, [this](const storage::AccountFilter& filter) {
        return calls_.group.store.GetAccountTransfers(filter);
      });
}

grpc::ServerUnaryReactor* LedgerService::QueryAccounts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::QueryAccountsRequest, v1::QueryAccountsResponse>(
      {RequestTimer(counts_, Method::kQueryAccounts), context, response},
      *request, kParseFilter, [this](const storage::QueryFilter& filter) {
        return calls_.group.store.QueryAccounts(filter);
      });
}

grpc::ServerUnaryReactor* LedgerService::QueryTransfers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::QueryTransfersRequest, v1::QueryTransfersResponse>(
      {RequestTimer(counts_, Method::kQueryTransfers), context, response},
      *request, kParseFilter, [this](const storage::QueryFilter& filter) {
        return calls_.group.store.QueryTransfers(filter);
      });
}

grpc::ServerUnaryReactor* LedgerService::GetAccountBalances(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Read<v1::GetAccountBalancesRequest, v1::GetAccountBalancesResponse>(
      {RequestTimer(counts_, Method::kGetAccountBalances), context, response},
      *request, kParseFilter, [this](const storage::AccountFilter& filter) {
        auto& store = calls_.group.store;
        return std::make_unique<HistoryLookup>(
            store.LookupAccounts({filter.account_id}),
            store.GetAccountBalances(filter));
      });
}

// ---- events

grpc::ServerWriteReactor<grpc::ByteBuffer>* LedgerService::WatchEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  Arena arena;
  const auto request =
      Parse<v1::WatchEventsRequest>(*bytes, arena, kWholeRequest);
  if (!request.ok()) {
    counts_.AddRefusal(request.status());
    return new RefusedWatch(Wire(calls_.group, request.status()));
  }
  return WatchStream::Start(
      watches_, feed_, calls_.group, context->peer(),
      {.sequence = Sequence((*request)->from_sequence())});
}

}  // namespace ledgerd::server
