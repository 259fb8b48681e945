// A WatchStream serves one call of WatchEvents.
//
//   return WatchStream::Start(streams, feed, group, connection, from);
//
// Shape    It pulls: when a message is written, it takes the next one of its
//          piece, or the next piece from the feed, where it may wait for
//          something to happen.
// Memory   One piece, which others may hold too, and what gRPC writes: both are
//          in its share of the budget. Without one it drops the piece, and
//          asks for it again once it has a share; of a small one, as every
//          connection may have, it keeps the first few events.
// Progress Entries without events are told once a second at most.
// Threads  gRPC's, the feed's, and who ends all streams; one mutex. Lives until
//          gRPC and the feed are both done with it.
#ifndef LEDGERD_SERVER_GRPC_WATCH_STREAM_H_
#define LEDGERD_SERVER_GRPC_WATCH_STREAM_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/base/mutex.h"
#include "server/answer_budget.h"
#include "server/event_feed.h"
#include "server/served_group.h"
#include "storage/watched_event.h"

namespace ledgerd::server {

class WatchStream;

// All open streams, so that a clean stop does not have to wait for them.
class WatchStreams {
 public:
  explicit WatchStreams(AnswerBudgets& budgets) : budgets_(budgets) {}

  // Ends all streams, and those to come, with `status`.
  void EndAll(const absl::Status& status) LEDGERD_EXCLUDES(mutex_);

 private:
  friend class WatchStream;
  void Add(WatchStream* stream) LEDGERD_EXCLUDES(mutex_);
  void Remove(WatchStream* stream) LEDGERD_EXCLUDES(mutex_);

  AnswerBudgets& budgets_;
  Mutex mutex_;  // Before a stream's own.
  std::set<WatchStream*> open_ LEDGERD_GUARDED_BY(mutex_);
  absl::Status end_ LEDGERD_GUARDED_BY(mutex_);
};

class WatchStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  static WatchStream* Start(WatchStreams& streams, EventFeed& feed,
                            const ServedGroup& group, std::string connection,
                            storage::EventPosition from);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  friend class WatchStreams;
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kProgress{1};

  WatchStream(WatchStreams& streams, EventFeed& feed, const ServedGroup& group,
              std::string connection, storage::EventPosition from)
      : streams_(streams),
        feed_(feed),
        group_(group),
        connection_(std::move(connection)),
        position_(from) {}

  void End(const absl::Status& status) LEDGERD_EXCLUDES(mutex_);
  // What has finished waits for no piece any more.
  void LeaveIfFinished() LEDGERD_EXCLUDES(mutex_);
  void OnPiece(absl::StatusOr<EventFeed::Piece> piece) LEDGERD_EXCLUDES(mutex_);
  // A share for the piece, which is asked for again.
  void OnShare(AnswerBudget::Share share) LEDGERD_EXCLUDES(mutex_);
  // Keeps as much of it as it has a share for, or waits for one: false.
  bool Keep(EventFeed::Piece piece) LEDGERD_EXCLUDES(mutex_);
  // For a piece of `bytes`. False when it is waited for; else there is one, or
  // end_ says why not.
  bool TakeShare(size_t bytes) LEDGERD_REQUIRES(mutex_);
  // Does what can be done now: write, ask for more, finish.
  void Advance() LEDGERD_EXCLUDES(mutex_);
  // True when the feed is to be asked.
  bool WriteOrFinish() LEDGERD_REQUIRES(mutex_);
  // The message to be written next; null when there is none at hand.
  const ledger::v1::WatchEventsResponse* NextMessage() LEDGERD_REQUIRES(mutex_);

  WatchStreams& streams_;
  EventFeed& feed_;
  const ServedGroup& group_;
  const std::string connection_;
  // Of the open call.
  AnswerBudget::Share own_share_;
  // Until gRPC is done.
  std::shared_ptr<WatchStream> self_;

  Mutex mutex_;
  storage::EventPosition position_ LEDGERD_GUARDED_BY(mutex_);
  // Null when the one at position_ is not at hand.
  EventFeed::Piece piece_ LEDGERD_GUARDED_BY(mutex_);
  size_t message_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // Of piece_, or of the one that is asked for after a wait for a share.
  AnswerBudget::Share share_ LEDGERD_GUARDED_BY(mutex_);
  ledger::v1::WatchEventsResponse progress_ LEDGERD_GUARDED_BY(mutex_);
  // What is being written.
  grpc::ByteBuffer bytes_ LEDGERD_GUARDED_BY(mutex_);
  Time last_write_ LEDGERD_GUARDED_BY(mutex_);
  bool asking_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool writing_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool finished_ LEDGERD_GUARDED_BY(mutex_) = false;
  absl::Status end_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_WATCH_STREAM_H_
