// An Event is one change of the ledger, as WatchEvents tells it: what happened,
// when, and both accounts' balances afterwards.
//
//   view.AppendEvent({.type = EventType::kSinglePhase,
//                     .timestamp = event,
//                     .transfer = stored.timestamp,
//                     .debit = EventSideOf(*debit),
//                     .credit = EventSideOf(*credit)});
//
// Shape   What never changes is not repeated: a transfer is named by its
//         timestamp, an account by its id.
// Source  ledger.proto, WatchEvents; ledger.md, "Expiry".
#ifndef LEDGERD_STORAGE_STATE_EVENT_H_
#define LEDGERD_STORAGE_STATE_EVENT_H_

#include <cstdint>

#include "proto/types.h"

namespace ledgerd::storage {

// Values as in ledger.proto; on disk: never change.
enum class EventType : uint8_t {
  kAccountCreated = 1,
  kSinglePhase = 2,
  kTwoPhasePending = 3,
  kTwoPhasePosted = 4,
  kTwoPhaseVoided = 5,
  kTwoPhaseExpired = 6,
};

// An account as it is after an event.
struct EventSide {
  AccountId account;
  Amount debits_pending;
  Amount debits_posted;
  Amount credits_pending;
  Amount credits_posted;
  // All of them; of these only CLOSED ever changes.
  uint16_t flags = 0;

  friend bool operator==(const EventSide&, const EventSide&) = default;
};

struct Event {
  EventType type = EventType::kAccountCreated;
  // Its place in the order of events: ascending, over all of them. Of what is
  // imported it is not the imported object's timestamp.
  Timestamp timestamp;
  // The transfer's timestamp. 0: kAccountCreated. kTwoPhaseExpired: the pending
  // transfer's. kTwoPhasePosted, kTwoPhaseVoided: that of the transfer that
  // posts or voids.
  Timestamp transfer;
  // kTwoPhasePosted, kTwoPhaseVoided, kTwoPhaseExpired: the timestamp of the
  // pending transfer, which left kPending; else 0.
  Timestamp pending;
  // kAccountCreated: the account is `debit`, and `credit` is nothing.
  EventSide debit;
  EventSide credit;

  friend bool operator==(const Event&, const Event&) = default;
};

// The balances of an account after one of its transfers.
struct AccountBalances {
  Amount debits_pending;
  Amount debits_posted;
  Amount credits_pending;
  Amount credits_posted;
  // Of the transfer after which they were these.
  Timestamp timestamp;

  friend bool operator==(const AccountBalances&,
                         const AccountBalances&) = default;
};

// A moment of an event log, to return to. Valid until the entry is finished.
struct EventMark {
  uint64_t position = 0;
  uint32_t count = 0;
  // Of rows of history.
  uint64_t history = 0;
};

inline EventSide EventSideOf(const Account& account) {
  return {.account = account.id,
          .debits_pending = account.debits_pending,
          .debits_posted = account.debits_posted,
          .credits_pending = account.credits_pending,
          .credits_posted = account.credits_posted,
          .flags = account.flags};
}

// `account` as it is after the event of this side of it.
inline Account AfterEvent(Account account, const EventSide& side) {
  account.debits_pending = side.debits_pending;
  account.debits_posted = side.debits_posted;
  account.credits_pending = side.credits_pending;
  account.credits_posted = side.credits_posted;
  account.flags = side.flags;
  return account;
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_STATE_EVENT_H_
