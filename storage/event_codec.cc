#include "storage/event_codec.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "proto/base/little_endian.h"

namespace ledgerd::storage {
namespace {

constexpr int kTypeShift = 60;

// Writes numbers one after the other. Stores whole words and goes on after the
// bytes that count, so it may touch 16 bytes more than it writes.
class Writer {
 public:
  explicit Writer(char* to) : at_(to) {}

  void Put(uint64_t number) {
    const auto bytes =
        static_cast<uint64_t>((64 - std::countl_zero(number) + 7) / 8);
    PutLittle(at_, number);
    Advance(bytes, bytes);
  }

  void Put(Uint128 number) {
    if (High(number) == 0) return Put(Low(number));
    const auto bytes =
        static_cast<uint64_t>((128 - std::countl_zero(High(number)) + 7) / 8);
    PutLittle(at_, number);
    // There is no 15 in a length: such a number takes 16.
    if (bytes >= 15) {
      Advance(15, 16);
    } else {
      Advance(bytes, bytes);
    }
  }

  void Put(const EventSide& side) {
    Put(side.account.value());
    Put(side.debits_pending.value());
    Put(side.debits_posted.value());
    Put(side.credits_pending.value());
    Put(side.credits_posted.value());
    Put(uint64_t{side.flags});
  }

  char* at() const { return at_; }

  uint64_t lengths() const { return lengths_; }

 private:
  void Advance(uint64_t code, uint64_t bytes) {
    lengths_ |= code << shift_;
    shift_ += 4;
    at_ += bytes;
  }

  char* at_;
  uint64_t lengths_ = 0;
  int shift_ = 0;
};

class Reader {
 public:
  Reader(const char* from, const char* limit, uint64_t lengths)
      : at_(from), limit_(limit), lengths_(lengths) {}

  Uint128 Next() {
    const uint64_t code = lengths_ & 15;
    lengths_ >>= 4;
    const auto bytes = static_cast<ptrdiff_t>(code == 15 ? 16 : code);
    if (limit_ - at_ < bytes) {
      valid_ = false;
      return 0;
    }
    Uint128 number = 0;
    std::memcpy(&number, at_, static_cast<size_t>(bytes));
    at_ += bytes;
    return number;
  }

  // A number that must fit in T.
  template <typename T>
  T NextAs() {
    const Uint128 number = Next();
    if (number != static_cast<T>(number)) valid_ = false;
    return static_cast<T>(number);
  }

  EventSide NextSide() {
    EventSide side;
    side.account = AccountId(Next());
    side.debits_pending = Amount(Next());
    side.debits_posted = Amount(Next());
    side.credits_pending = Amount(Next());
    side.credits_posted = Amount(Next());
    side.flags = NextAs<uint16_t>();
    return side;
  }

  // Null when a number was out of place.
  const char* end() const { return valid_ ? at_ : nullptr; }

 private:
  const char* at_;
  const char* const limit_;
  uint64_t lengths_;
  bool valid_ = true;
};

}  // namespace

char* EncodeEvent(const Event& event, Timestamp base, char* to) {
  Writer writer(to + sizeof(uint64_t));
  writer.Put(event.timestamp.value() - base.value());
  writer.Put(event.transfer == event.timestamp ? uint64_t{0}
                                               : event.transfer.value());
  writer.Put(event.pending.value());
  writer.Put(event.debit);
  writer.Put(event.credit);
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
  Reader reader(from + sizeof(uint64_t), limit, head);
  event.type = static_cast<EventType>(type);
  event.timestamp = Timestamp(base.value() + reader.NextAs<uint64_t>());
  event.transfer = Timestamp(reader.NextAs<uint64_t>());
  event.pending = Timestamp(reader.NextAs<uint64_t>());
  event.debit = reader.NextSide();
  event.credit = reader.NextSide();
  if (event.transfer == Timestamp(0) &&
      event.type != EventType::kAccountCreated) {
    event.transfer = event.timestamp;
  }
  return reader.end();
}

}  // namespace ledgerd::storage
