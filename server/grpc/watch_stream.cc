#include "server/grpc/watch_stream.h"

#include <utility>

#include "proto/base/happens_before.h"
#include "server/grpc/call_context.h"
#include "server/grpc/message_bytes.h"

namespace ledgerd::server {

void WatchStreams::EndAll(const absl::Status& status) {
  const MutexLock lock(mutex_);
  end_ = status;
  for (WatchStream* stream : open_) stream->End(status);
}

void WatchStreams::Add(WatchStream* stream) {
  const MutexLock lock(mutex_);
  open_.insert(stream);
  if (!end_.ok()) stream->End(end_);
}

void WatchStreams::Remove(WatchStream* stream) {
  const MutexLock lock(mutex_);
  open_.erase(stream);
}

WatchStream* WatchStream::Start(WatchStreams& streams, EventFeed& feed,
                                const ServedGroup& group,
                                std::string connection,
                                storage::EventPosition from) {
  std::shared_ptr<WatchStream> stream(
      new WatchStream(streams, feed, group, std::move(connection), from));
  stream->self_ = stream;
  auto share = streams.budgets_.watches.Take(stream->connection_, kWatchBytes);
  streams.Add(stream.get());
  if (share.ok()) {
    stream->own_share_ = *std::move(share);
  } else {
    stream->End(share.status());
  }
  stream->Advance();
  return stream.get();
}

// gRPC never calls a reactor of ours from within StartWrite or Finish, so these
// are called with the mutex held.

void WatchStream::OnWriteDone(bool ok) {
  LEDGERD_ACQUIRE(this);
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    bytes_.Clear();
    if (!ok && end_.ok()) end_ = absl::CancelledError("the client is gone");
  }
  Advance();
}

void WatchStream::OnCancel() {
  End(absl::CancelledError("the call was cancelled"));
}

void WatchStream::OnDone() {
  streams_.Remove(this);
  // Whoever else has it, the feed or a thread in Advance, lets go of it soon.
  const std::shared_ptr<WatchStream> self = std::move(self_);
}

void WatchStream::End(const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    if (end_.ok()) end_ = status;
  }
  Advance();
  LeaveIfFinished();
}

void WatchStream::LeaveIfFinished() {
  storage::EventPosition from;
  {
    const MutexLock lock(mutex_);
    if (!finished_ || !asking_) return;
    from = position_;
  }
  feed_.Leave(from, this);
  streams_.budgets_.pieces.Leave(connection_, this);
}

void WatchStream::OnPiece(absl::StatusOr<EventFeed::Piece> piece) {
  if (piece.ok()) {
    if (!Keep(*std::move(piece))) return LeaveIfFinished();
  } else {
    const MutexLock lock(mutex_);
    asking_ = false;
    if (end_.ok()) end_ = piece.status();
  }
  Advance();
}

bool WatchStream::Keep(EventFeed::Piece piece) {
  const MutexLock lock(mutex_);
  if (finished_) return false;
  if (share_.bytes() < piece->bytes && !TakeShare(piece->bytes)) return false;
  asking_ = false;
  if (!end_.ok()) return true;
  if (share_.bytes() < piece->bytes) {
    piece = EventFeed::FirstOf(*piece, position_, share_.bytes() / kEventBytes);
  }
  piece_ = std::move(piece);
  message_ = 0;
  return true;
}

bool WatchStream::TakeShare(size_t bytes) {
  auto now = streams_.budgets_.pieces.Take(connection_, bytes);
  if (now.ok()) {
    share_ = *std::move(now);
    return true;
  }
  if (share_.bytes() > 0) return true;  // It has waited; a small one will do.
  // A full one: who knows how long the piece is by then.
  auto share = streams_.budgets_.pieces.TakeOrWait(
      connection_, EventFeed::kEventsMax * kEventBytes, this,
      [self = shared_from_this()](AnswerBudget::Share granted) {
        // Who gives back may hold any mutex.
        auto shared = std::make_shared<AnswerBudget::Share>(std::move(granted));
        self->feed_.Run([self, shared] { self->OnShare(std::move(*shared)); });
      });
  if (share.ok() && !share->has_value()) return false;
  if (share.ok()) {
    share_ = **std::move(share);
  } else if (end_.ok()) {
    end_ = share.status();
  }
  return true;
}

void WatchStream::OnShare(AnswerBudget::Share share) {
  {
    const MutexLock lock(mutex_);
    asking_ = false;
    if (!finished_) share_ = std::move(share);
  }
  Advance();
}

void WatchStream::Advance() {
  const std::shared_ptr<WatchStream> self = shared_from_this();
  for (;;) {
    storage::EventPosition from;
    {
      const MutexLock lock(mutex_);
      if (!WriteOrFinish()) return;
      asking_ = true;
      from = position_;
    }
    EventFeed::Piece piece =
        feed_.Get(from, this, [self](absl::StatusOr<EventFeed::Piece> later) {
          self->OnPiece(std::move(later));
        });
    // It may have ended before the feed knew of it.
    if (piece == nullptr) return LeaveIfFinished();
    if (!Keep(std::move(piece))) return LeaveIfFinished();
  }
}

bool WatchStream::WriteOrFinish() {
  if (finished_ || writing_) return false;
  if (!end_.ok()) {
    finished_ = true;
    Finish(Wire(group_, end_));
    return false;
  }
  if (asking_) return false;
  const ledger::v1::WatchEventsResponse* message = NextMessage();
  if (message == nullptr) return true;
  writing_ = true;
  bytes_ = Serialize(*message);
  last_write_ = std::chrono::steady_clock::now();
  LEDGERD_RELEASE(this);
  StartWrite(&bytes_);
  return false;
}

const ledger::v1::WatchEventsResponse* WatchStream::NextMessage() {
  if (piece_ == nullptr) return nullptr;
  if (message_ < piece_->messages.size()) return &piece_->messages[message_++];
  const bool silent = piece_->messages.empty();
  position_ = piece_->next;
  piece_ = nullptr;
  share_ = AnswerBudget::Share();
  if (!silent || position_.index != 0 ||
      std::chrono::steady_clock::now() < last_write_ + kProgress) {
    return nullptr;
  }
  progress_.set_sequence(position_.sequence.value() - 1);
  return &progress_;
}

}  // namespace ledgerd::server
