#include "replication/wire.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "proto/base/sha256.h"
#include "proto/base/status_macros.h"

namespace ledgerd::replication {
namespace {

namespace v1 = ::replication::v1;

// Positions, epochs and rounds count up from 1, and times end there as well:
// what is above was never one of ours, and has no successor in the end.
constexpr uint64_t kNumberMax = (uint64_t{1} << 63) - 1;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("not a message of this protocol: ", what));
}

// ---- to the proto: one overload for each body

void Put(const Append& body, v1::Message& out) {
  v1::Append& append = *out.mutable_append();
  ToProto(body.previous, *append.mutable_previous());
  append.set_commit(body.commit.value());
}

void Put(const Heartbeat& body, v1::Message& out) {
  v1::Heartbeat& heartbeat = *out.mutable_heartbeat();
  heartbeat.set_commit(body.commit.value());
  heartbeat.set_round(body.round.value());
  heartbeat.set_completed(body.completed.value());
  heartbeat.set_answered_through(body.answered_through.value());
  heartbeat.set_wall(body.wall.value());
  heartbeat.set_lowest_checkpoint(body.lowest_checkpoint.value());
  heartbeat.set_durable(body.durable.value());
}

void Put(const PromoteNow& body, v1::Message& out) {
  out.mutable_promote_now()->set_failed(body.failed);
}

void Put(const Acknowledged& body, v1::Message& out) {
  out.mutable_acknowledged()->set_through(body.through.value());
}

void Put(const Matched& body, v1::Message& out) {
  out.mutable_matched()->set_through(body.through.value());
}

void Put(const Mismatch& body, v1::Message& out) {
  v1::Mismatch& mismatch = *out.mutable_mismatch();
  ToProto(body.previous, *mismatch.mutable_previous());
  ToProto(body.last_common, *mismatch.mutable_last_common());
}

void Put(const HeartbeatAnswer& body, v1::Message& out) {
  v1::HeartbeatAnswer& answer = *out.mutable_heartbeat_answer();
  answer.set_round(body.round.value());
  answer.set_through(body.through.value());
  answer.set_received(body.received.value());
  answer.set_checkpoint(body.checkpoint.value());
  answer.set_replaying(body.replaying);
}

void Put(const StaleEpoch& /*body*/, v1::Message& out) {
  out.mutable_stale_epoch();
}

void Put(const WouldYouLeave& body, v1::Message& out) {
  v1::WouldYouLeave& question = *out.mutable_would_you_leave();
  question.set_epoch(body.epoch.value());
  ToProto(body.last, *question.mutable_last());
}

void Put(const WouldLeave& body, v1::Message& out) {
  v1::WouldLeave& answer = *out.mutable_would_leave();
  answer.set_epoch(body.epoch.value());
  answer.set_yes(body.yes);
}

void Put(const PromiseRequest& /*body*/, v1::Message& out) {
  out.mutable_promise_request();
}

void Put(const Promise& body, v1::Message& out) {
  v1::Promise& promise = *out.mutable_promise();
  ToProto(body.base, *promise.mutable_base());
  ToProto(body.last, *promise.mutable_last());
  promise.set_commit(body.commit.value());
  for (const Sequence damaged : body.damaged) {
    promise.add_damaged(damaged.value());
  }
  ToProto(body.membership, *promise.mutable_membership());
}

void Put(const Fetch& body, v1::Message& out) {
  v1::Fetch& fetch = *out.mutable_fetch();
  ToProto(body.previous, *fetch.mutable_previous());
  fetch.set_through(body.through.value());
}

void Put(const Fetched& body, v1::Message& out) {
  ToProto(body.previous, *out.mutable_fetched()->mutable_previous());
}

void Put(const FetchMismatch& body, v1::Message& out) {
  v1::FetchMismatch& mismatch = *out.mutable_fetch_mismatch();
  ToProto(body.previous, *mismatch.mutable_previous());
  ToProto(body.last_common, *mismatch.mutable_last_common());
}

void Put(const FetchCheckpoint& /*body*/, v1::Message& out) {
  out.mutable_fetch_checkpoint();
}

void Put(const ReadIndex& body, v1::Message& out) {
  out.mutable_read_index()->set_read(body.read.value());
}

void Put(const ReadIndexAnswer& body, v1::Message& out) {
  v1::ReadIndexAnswer& answer = *out.mutable_read_index_answer();
  answer.set_read(body.read.value());
  answer.set_ok(body.ok);
  answer.set_at_least(body.at_least.value());
}

void Put(const Recall& body, v1::Message& out) {
  out.mutable_recall()->set_process(body.process.value());
}

void Put(const Recalled& body, v1::Message& out) {
  v1::Recalled& recalled = *out.mutable_recalled();
  recalled.set_promise(body.promise.value());
  recalled.set_acknowledged_epoch(body.acknowledged_epoch.value());
  recalled.set_acknowledged(body.acknowledged.value());
  ToProto(body.membership, *recalled.mutable_membership());
  recalled.set_asked_by(body.asked_by.value());
}

// ---- from the proto

// Sets `field` to `value`, or says that it is too large.
template <typename Number>
absl::Status Get(uint64_t value, Number& field) {
  if (value > kNumberMax) {
    return Malformed(absl::StrCat("the number ", value, " is out of bounds"));
  }
  field = Number(value);
  return absl::OkStatus();
}

absl::Status Get(const v1::EntryId& proto, EntryId& field) {
  LEDGERD_ASSIGN_OR_RETURN(field, FromProto(proto));
  return absl::OkStatus();
}

absl::Status Get(const v1::Membership& proto, Membership& field) {
  LEDGERD_ASSIGN_OR_RETURN(field, FromProto(proto));
  return absl::OkStatus();
}

absl::Status Get(const v1::Append& proto, Append& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.previous(), body.previous));
  return Get(proto.commit(), body.commit);
}

absl::Status Get(const v1::Heartbeat& proto, Heartbeat& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.commit(), body.commit));
  LEDGERD_RETURN_IF_ERROR(Get(proto.round(), body.round));
  LEDGERD_RETURN_IF_ERROR(Get(proto.completed(), body.completed));
  LEDGERD_RETURN_IF_ERROR(Get(proto.answered_through(), body.answered_through));
  LEDGERD_RETURN_IF_ERROR(Get(proto.wall(), body.wall));
  LEDGERD_RETURN_IF_ERROR(
      Get(proto.lowest_checkpoint(), body.lowest_checkpoint));
  return Get(proto.durable(), body.durable);
}

absl::Status Get(const v1::PromoteNow& proto, PromoteNow& body) {
  body.failed = proto.failed();
  return absl::OkStatus();
}

absl::Status Get(const v1::Acknowledged& proto, Acknowledged& body) {
  return Get(proto.through(), body.through);
}

absl::Status Get(const v1::Matched& proto, Matched& body) {
  return Get(proto.through(), body.through);
}

absl::Status Get(const v1::Mismatch& proto, Mismatch& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.previous(), body.previous));
  return Get(proto.last_common(), body.last_common);
}

absl::Status Get(const v1::HeartbeatAnswer& proto, HeartbeatAnswer& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.round(), body.round));
  LEDGERD_RETURN_IF_ERROR(Get(proto.through(), body.through));
  LEDGERD_RETURN_IF_ERROR(Get(proto.received(), body.received));
  body.replaying = proto.replaying();
  return Get(proto.checkpoint(), body.checkpoint);
}

absl::Status Get(const v1::StaleEpoch& /*proto*/, StaleEpoch& /*body*/) {
  return absl::OkStatus();
}

absl::Status Get(const v1::WouldYouLeave& proto, WouldYouLeave& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.epoch(), body.epoch));
  return Get(proto.last(), body.last);
}

absl::Status Get(const v1::WouldLeave& proto, WouldLeave& body) {
  body.yes = proto.yes();
  return Get(proto.epoch(), body.epoch);
}

absl::Status Get(const v1::PromiseRequest& /*proto*/,
                 PromiseRequest& /*body*/) {
  return absl::OkStatus();
}

absl::Status Get(const v1::Promise& proto, Promise& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.base(), body.base));
  LEDGERD_RETURN_IF_ERROR(Get(proto.last(), body.last));
  LEDGERD_RETURN_IF_ERROR(Get(proto.commit(), body.commit));
  if (proto.damaged_size() > kWireDamagedMax) {
    return Malformed(absl::StrCat(proto.damaged_size(), " damaged entries"));
  }
  body.damaged.reserve(static_cast<size_t>(proto.damaged_size()));
  for (const uint64_t damaged : proto.damaged()) {
    LEDGERD_RETURN_IF_ERROR(Get(damaged, body.damaged.emplace_back()));
  }
  return Get(proto.membership(), body.membership);
}

absl::Status Get(const v1::Fetch& proto, Fetch& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.previous(), body.previous));
  return Get(proto.through(), body.through);
}

absl::Status Get(const v1::Fetched& proto, Fetched& body) {
  return Get(proto.previous(), body.previous);
}

absl::Status Get(const v1::FetchMismatch& proto, FetchMismatch& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.previous(), body.previous));
  return Get(proto.last_common(), body.last_common);
}

absl::Status Get(const v1::FetchCheckpoint& /*proto*/,
                 FetchCheckpoint& /*body*/) {
  return absl::OkStatus();
}

absl::Status Get(const v1::ReadIndex& proto, ReadIndex& body) {
  return Get(proto.read(), body.read);
}

absl::Status Get(const v1::ReadIndexAnswer& proto, ReadIndexAnswer& body) {
  body.ok = proto.ok();
  LEDGERD_RETURN_IF_ERROR(Get(proto.read(), body.read));
  return Get(proto.at_least(), body.at_least);
}

absl::Status Get(const v1::Recall& proto, Recall& body) {
  return Get(proto.process(), body.process);
}

absl::Status Get(const v1::Recalled& proto, Recalled& body) {
  LEDGERD_RETURN_IF_ERROR(Get(proto.promise(), body.promise));
  LEDGERD_RETURN_IF_ERROR(
      Get(proto.acknowledged_epoch(), body.acknowledged_epoch));
  LEDGERD_RETURN_IF_ERROR(Get(proto.acknowledged(), body.acknowledged));
  LEDGERD_RETURN_IF_ERROR(Get(proto.asked_by(), body.asked_by));
  return Get(proto.membership(), body.membership);
}

template <typename Body, typename Proto>
absl::Status Take(const Proto& proto, replication::Body& into) {
  return Get(proto, into.emplace<Body>());
}

absl::Status GetBody(const v1::Message& in, Body& body) {
  switch (in.body_case()) {
    case v1::Message::kAppend:
      return Take<Append>(in.append(), body);
    case v1::Message::kHeartbeat:
      return Take<Heartbeat>(in.heartbeat(), body);
    case v1::Message::kPromoteNow:
      return Take<PromoteNow>(in.promote_now(), body);
    case v1::Message::kAcknowledged:
      return Take<Acknowledged>(in.acknowledged(), body);
    case v1::Message::kMatched:
      return Take<Matched>(in.matched(), body);
    case v1::Message::kMismatch:
      return Take<Mismatch>(in.mismatch(), body);
    case v1::Message::kHeartbeatAnswer:
      return Take<HeartbeatAnswer>(in.heartbeat_answer(), body);
    case v1::Message::kStaleEpoch:
      return Take<StaleEpoch>(in.stale_epoch(), body);
    case v1::Message::kWouldYouLeave:
      return Take<WouldYouLeave>(in.would_you_leave(), body);
    case v1::Message::kWouldLeave:
      return Take<WouldLeave>(in.would_leave(), body);
    case v1::Message::kPromiseRequest:
      return Take<PromiseRequest>(in.promise_request(), body);
    case v1::Message::kPromise:
      return Take<Promise>(in.promise(), body);
    case v1::Message::kFetch:
      return Take<Fetch>(in.fetch(), body);
    case v1::Message::kFetched:
      return Take<Fetched>(in.fetched(), body);
    case v1::Message::kFetchMismatch:
      return Take<FetchMismatch>(in.fetch_mismatch(), body);
    case v1::Message::kFetchCheckpoint:
      return Take<FetchCheckpoint>(in.fetch_checkpoint(), body);
    case v1::Message::kReadIndex:
      return Take<ReadIndex>(in.read_index(), body);
    case v1::Message::kReadIndexAnswer:
      return Take<ReadIndexAnswer>(in.read_index_answer(), body);
    case v1::Message::kRecall:
      return Take<Recall>(in.recall(), body);
    case v1::Message::kRecalled:
      return Take<Recalled>(in.recalled(), body);
    case v1::Message::BODY_NOT_SET:
      break;
  }
  return Malformed("of no kind that this build knows");
}

absl::Status GetEnvelope(const v1::Message& in, Message& out) {
  LEDGERD_RETURN_IF_ERROR(Get(in.from(), out.from));
  LEDGERD_RETURN_IF_ERROR(Get(in.to(), out.to));
  LEDGERD_RETURN_IF_ERROR(Get(in.fork(), out.fork));
  LEDGERD_RETURN_IF_ERROR(Get(in.epoch(), out.epoch));
  out.from_incarnation = Incarnation(in.from_incarnation());
  out.to_incarnation = Incarnation(in.to_incarnation());
  if (out.from == ReplicaId(0) || out.to == ReplicaId(0)) {
    return Malformed("from or to replica 0, which there is not");
  }
  return absl::OkStatus();
}

// Those of a body that has some; null for the others.
template <typename AnyBody>
auto* EntriesOf(AnyBody& body) {
  using Entries = decltype(&std::get<Append>(body).entries);
  if (auto* append = std::get_if<Append>(&body)) return &append->entries;
  if (auto* fetched = std::get_if<Fetched>(&body)) return &fetched->entries;
  return Entries{nullptr};
}

absl::Status TakeEntries(v1::ConnectRequest& request, Body& body) {
  auto* entries = EntriesOf(body);
  const auto count = static_cast<size_t>(request.entries_size());
  if (count == 0) return absl::OkStatus();
  if (entries == nullptr) return Malformed("entries in one that has none");
  if (count > kWireEntriesMax) {
    return Malformed(absl::StrCat(count, " entries"));
  }
  entries->reserve(count);
  for (std::string& bytes : *request.mutable_entries()) {
    if (bytes.size() > kEntryBytesMax) {
      return Malformed(absl::StrCat("an entry of ", bytes.size(), " bytes"));
    }
    auto entry = Entry::Parse(std::move(bytes));
    if (!entry.ok()) return Malformed(entry.status().message());
    if (entry->epoch().value() > kNumberMax ||
        entry->sequence().value() > kNumberMax ||
        entry->timestamp() > kTimestampMax) {
      return Malformed("an entry whose place is out of bounds");
    }
    entries->push_back(*std::move(entry));
  }
  return absl::OkStatus();
}

}  // namespace

void ToProto(const EntryId& id, v1::EntryId& proto) {
  proto.set_epoch(id.epoch.value());
  proto.set_sequence(id.sequence.value());
  proto.set_hash(std::string(AsBytes(id.hash)));
}

absl::StatusOr<EntryId> FromProto(const v1::EntryId& proto) {
  EntryId id;
  LEDGERD_RETURN_IF_ERROR(Get(proto.epoch(), id.epoch));
  LEDGERD_RETURN_IF_ERROR(Get(proto.sequence(), id.sequence));
  if (proto.hash().size() != id.hash.size()) {
    return Malformed(absl::StrCat("a hash of ", proto.hash().size(), " bytes"));
  }
  proto.hash().copy(reinterpret_cast<char*>(id.hash.data()), id.hash.size());
  return id;
}

void ToProto(const Membership& membership, v1::Membership& proto) {
  ToProto(membership.since, *proto.mutable_since());
  proto.set_members(EncodeMembership(membership));
}

absl::StatusOr<Membership> FromProto(const v1::Membership& proto) {
  auto membership = DecodeMembership(proto.members());
  if (!membership.ok()) return Malformed(membership.status().message());
  LEDGERD_RETURN_IF_ERROR(Get(proto.since(), membership->since));
  return membership;
}

EncodedMessage Encode(Message message) {
  v1::ConnectRequest request;
  v1::Message& out = *request.mutable_message();
  out.set_from(message.from.value());
  out.set_from_incarnation(message.from_incarnation.value());
  out.set_to(message.to.value());
  out.set_to_incarnation(message.to_incarnation.value());
  out.set_fork(message.fork.value());
  out.set_epoch(message.epoch.value());
  std::visit([&out](const auto& body) { Put(body, out); }, message.body);
  EncodedMessage encoded;
  encoded.head = request.SerializeAsString();
  auto* entries = EntriesOf(message.body);
  if (entries != nullptr) encoded.entries = std::move(*entries);
  return encoded;
}

std::string EntryFieldHead(const Entry& entry) {
  constexpr uint32_t kLengthDelimited = 2;
  constexpr uint32_t kKey =
      v1::ConnectRequest::kEntriesFieldNumber << 3 | kLengthDelimited;
  constexpr uint32_t kMore = 0x80;
  static_assert(kKey < kMore);
  std::string head(1, static_cast<char>(kKey));
  size_t left = entry.bytes().size();
  for (; left >= kMore; left >>= 7) {
    head += static_cast<char>(left % kMore | kMore);
  }
  head += static_cast<char>(left);
  return head;
}

std::string Join(const EncodedMessage& message) {
  std::string bytes = message.head;
  for (const Entry& entry : message.entries) {
    absl::StrAppend(&bytes, EntryFieldHead(entry), entry.bytes());
  }
  return bytes;
}

absl::StatusOr<Message> Decode(v1::ConnectRequest request) {
  if (request.has_hello() || !request.has_message()) {
    return Malformed("a hello, or nothing, where a message belongs");
  }
  Message message;
  LEDGERD_RETURN_IF_ERROR(GetEnvelope(request.message(), message));
  LEDGERD_RETURN_IF_ERROR(GetBody(request.message(), message.body));
  LEDGERD_RETURN_IF_ERROR(TakeEntries(request, message.body));
  return message;
}

}  // namespace ledgerd::replication
