// An EventWatch tells what happens in a ledger, each event once, over any
// number of broken connections.
//
//   const auto watch = client.WatchEvents(Sequence(0));   // the oldest kept
//   for (;;) {
//     const auto entry = watch->Next();                   // waits
//     if (!entry.ok()) return entry.status();
//     for (const LedgerEvent& event : entry->events) ...
//     if (!entry->more) Remember(entry->sequence);  // to go on after it
//   }
//
// Shape   Begins at the primary. A broken connection is made again, at another
//         server or there, and what was told before is passed over: entries and
//         the order of their events are the same on all replicas, how they are
//         cut into messages is not.
// Errors  COMPACTED        the sequence has been dropped, everywhere.
//         CANCELLED        after Cancel.
//         NO_PRIMARY, ...  nobody could be asked for `timeout` in a row; Next
//                          may be called again.
// Threads One thread calls Next; Cancel: any. Ends before its client does.
#ifndef LEDGERD_CLIENT_EVENT_WATCH_H_
#define LEDGERD_CLIENT_EVENT_WATCH_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"

#include "client/endpoints.h"
#include "client/retry.h"
#include "ledger/v1/ledger.pb.h"
#include "proto/base/mutex.h"
#include "proto/types.h"

namespace ledgerd::client {

// Values as in ledger.proto.
enum class LedgerEventType {
  kAccountCreated = 1,
  kSinglePhase = 2,
  kTwoPhasePending = 3,
  kTwoPhasePosted = 4,
  kTwoPhaseVoided = 5,
  kTwoPhaseExpired = 6,
};

struct LedgerEvent {
  LedgerEventType type = LedgerEventType::kAccountCreated;
  Timestamp timestamp;
  // Nothing for kAccountCreated; kTwoPhaseExpired: the pending transfer.
  Transfer transfer;
  // As they are after the event. kAccountCreated: `debit` alone.
  Account debit;
  Account credit;
};

// Of one entry of the journal. Without events it is a sign of progress.
struct LedgerEvents {
  Sequence sequence;
  std::vector<LedgerEvent> events;
  // The entry goes on in the next ones; only after one without can a new watch
  // begin.
  bool more = false;
};

class EventWatch {
 public:
  // `endpoints` outlives this.
  EventWatch(Endpoints& endpoints, Sequence from,
             std::chrono::milliseconds timeout)
      : endpoints_(endpoints), timeout_(timeout), sequence_(from) {}

  EventWatch(const EventWatch&) = delete;
  EventWatch& operator=(const EventWatch&) = delete;
  ~EventWatch();

  absl::StatusOr<LedgerEvents> Next();

  // Next, now and later, returns CANCELLED.
  void Cancel() LEDGERD_EXCLUDES(mutex_);

 private:
  using Message = ::ledger::v1::WatchEventsResponse;

  // False when cancelled.
  bool Open() LEDGERD_EXCLUDES(mutex_);
  // Ends the broken call; OK when there is to be another one.
  absl::Status Recover() LEDGERD_EXCLUDES(mutex_);
  // Less what was told before.
  LedgerEvents Take(const Message& message);

  Endpoints& endpoints_;
  const std::chrono::milliseconds timeout_;
  // The first entry that is not told in full, and how many events of it are.
  Sequence sequence_;
  size_t told_ = 0;
  // Of those, how many this call is still to repeat.
  size_t repeated_ = 0;
  std::optional<Retry> retry_;
  // Since the last message.
  Endpoints::Round round_;
  std::shared_ptr<const Endpoint> endpoint_;
  std::unique_ptr<grpc::ClientReader<Message>> reader_;

  Mutex mutex_;
  CondVar changed_;
  bool cancelled_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::ClientContext> context_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_EVENT_WATCH_H_
