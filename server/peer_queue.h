// A PeerQueue holds what waits to be sent to one replica.
//
//   queue.Push(std::move(message));
//   while (auto next = queue.Pop()) Write(*next);
//
// Order    Messages with entries, and what belongs to them, in the order given;
//          all others before them, in theirs: a heartbeat never waits behind
//          megabytes.
// Limits   kEntryBytesMax of entries: beyond it the newest is dropped, and the
//          protocol sends it again when it sees that. kOthersMax others: beyond
//          it the oldest goes, since later ones say more. Of heartbeats, their
//          answers and acknowledgements only the newest waits.
// Threads  One at a time.
#ifndef LEDGERD_SERVER_PEER_QUEUE_H_
#define LEDGERD_SERVER_PEER_QUEUE_H_

#include <cstddef>
#include <deque>
#include <optional>

#include "replication/core/message.h"

namespace ledgerd::server {

class PeerQueue {
 public:
  // As much as the protocol has on its way to one replica.
  static constexpr size_t kEntryBytesMax = size_t{16} << 20;
  static constexpr size_t kEntryMessagesMax = 4'096;
  static constexpr size_t kOthersMax = 1'024;

  void Push(replication::Message message);

  std::optional<replication::Message> Pop();

  // What was waiting is lost.
  void Clear();

  bool empty() const { return others_.empty() && with_entries_.empty(); }

  // Of the entries in what Pop gives next.
  size_t next_entry_bytes() const;

  // Messages that were dropped for want of room.
  size_t dropped() const { return dropped_; }

 private:
  std::deque<replication::Message> others_;
  std::deque<replication::Message> with_entries_;
  size_t entry_bytes_ = 0;
  size_t dropped_ = 0;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_PEER_QUEUE_H_
