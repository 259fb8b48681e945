#include "storage/event_codec.h"

#include <cstdint>

#include "proto/base/little_endian.h"
#include "storage/packed_numbers.h"

namespace ledgerd::storage {
namespace {

constexpr int kTypeShift = 60;

void PutSide(const EventSide& side, NumberWriter& writer) {
  writer.Put(side.account.value());
  writer.Put(side.debits_pending.value());
  writer.Put(side.debits_posted.value());
  writer.Put(side.credits_pending.value());
  writer.Put(side.credits_posted.value());
  writer.Put(uint64_t{side.flags});
}

EventSide NextSide(NumberReader& reader) {
  EventSide side;
  side.account = AccountId(reader.Next<Uint128>());
  side.debits_pending = Amount(reader.Next<Uint128>());
  side.debits_posted = Amount(reader.Next<Uint128>());
  side.credits_pending = Amount(reader.Next<Uint128>());
  side.credits_posted = Amount(reader.Next<Uint128>());
  side.flags = reader.Next<uint16_t>();
  return side;
}

}  // namespace

char* EncodeEvent(const Event& event, Timestamp base, char* to) {
  NumberWriter writer(to + sizeof(uint64_t));
  writer.Put(event.timestamp.value() - base.value());
  writer.Put(event.transfer == event.timestamp ? uint64_t{0}
                                               : event.transfer.value());
  writer.Put(event.pending.value());
  PutSide(event.debit, writer);
  PutSide(event.credit, writer);
  PutLittle(to,
            static_cast<uint64_t>(event.type) << kTypeShift | writer.lengths());
  return writer.at();
}

const char* DecodeEvent(const char* from, const char* limit, Timestamp base,
                        Event& event) {
  if (limit - from < static_cast<ptrdiff_t>(sizeof(uint64_t))) return nullptr;
  const auto head = GetLittle<uint64_t>(from);
  const uint64_t type = head >> kTypeShift;
  if (type < static_cast<uint64_t>(EventType::kAccountCreated) ||
      type > static_cast<uint64_t>(EventType::kTwoPhaseExpired)) {
    return nullptr;
  }
  NumberReader reader(from + sizeof(uint64_t), limit, head);
  event.type = static_cast<EventType>(type);
  event.timestamp = Timestamp(base.value() + reader.Next<uint64_t>());
  event.transfer = Timestamp(reader.Next<uint64_t>());
  event.pending = Timestamp(reader.Next<uint64_t>());
  event.debit = NextSide(reader);
  event.credit = NextSide(reader);
  if (event.transfer == Timestamp(0) &&
      event.type != EventType::kAccountCreated) {
    event.transfer = event.timestamp;
  }
  return reader.end();
}

}  // namespace ledgerd::storage
