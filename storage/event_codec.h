// The bytes of an event: 8 that say the type and how long each number is, then
// the numbers, each in as many bytes as it needs.
//
//   char* end = EncodeEvent(event, base, to);
//   const char* next = DecodeEvent(from, limit, base, event);
//
// Shape   bits 60..63 of the first 8 bytes: the type, never 0; bits 4 i .. 4 i
// + 3:
//         the bytes of number i, 0 to 14, or 15 for 16 bytes. The numbers:
//         timestamp - base, transfer (0 when it equals the timestamp), pending,
//         and of each side account, debits_pending, debits_posted,
//         credits_pending, credits_posted, flags.
//         `base` is any timestamp at or below the event's that the reader
//         knows; here the first event's of the entry.
// Source  FORMAT.md, "Events".
#ifndef LEDGERD_STORAGE_EVENT_CODEC_H_
#define LEDGERD_STORAGE_EVENT_CODEC_H_

#include <cstddef>

#include "proto/types.h"
#include "storage/state_event.h"

namespace ledgerd::storage {

// No event has more; and a writer needs this much room for any.
inline constexpr size_t kEventBytesMax = 8 + 15 * 16;

// The end of what was written. Requires: kEventBytesMax bytes of room, all of
// which may be changed.
char* EncodeEvent(const Event& event, Timestamp base, char* to);

// The end of what was read; null when that is no event.
const char* DecodeEvent(const char* from, const char* limit, Timestamp base,
                        Event& event);

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_EVENT_CODEC_H_
