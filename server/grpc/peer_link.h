// A PeerLink speaks to one other replica: it connects, and connects again when
// the connection ends, and sends what it is given.
//
//   PeerLink link(options, "10.0.0.2:7302", events, logger);
//   link.Start();
//   link.Send(message);      // never waits; may be lost
//   link.Stop();
//
// Shape    One connection and on it one call (ReplicationService.Connect); the
//          other direction is the other replica's own link. What waits is in a
//          PeerQueue; without a connection it is forgotten at each try.
// Copies   None of large entries: gRPC gives the journal's own bytes to the
//          kernel.
// Events   `gone` when the other's process is gone (reset or refused), once
//          until it is there again; never because it is merely silent.
// Threads  One of its own, which calls the events. Send is for any thread, and
//          writes what is small itself; what waits for the end of a write is
//          written by gRPC's thread that tells of it. So the link's own thread
//          is woken for large messages alone.
#ifndef LEDGERD_SERVER_GRPC_PEER_LINK_H_
#define LEDGERD_SERVER_GRPC_PEER_LINK_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "replication/core/message.h"
#include "replication/v1/messages.pb.h"
#include "server/logging.h"
#include "server/peer_queue.h"
#include "server/replica_hello.h"

namespace ledgerd::server {

struct PeerLinkEvents {
  // The other has taken this replica's hello, and says its own.
  std::function<void(const ::replication::v1::Hello&)> welcomed;
  std::function<void()> gone;
};

class PeerLink {
 public:
  static constexpr std::chrono::milliseconds kBackOffMin{50};
  static constexpr std::chrono::milliseconds kBackOffMax{500};
  // After a refusal in words: somebody has to change something first.
  static constexpr std::chrono::milliseconds kBackOffRefused{1'000};
  static constexpr std::chrono::milliseconds kDialPatience{1'000};
  // A connection whose other end acknowledges nothing for so long is given up:
  // a new one gets through sooner, once the network does.
  static constexpr std::chrono::milliseconds kSilenceMax{2'000};
  static constexpr std::chrono::milliseconds kLook{250};
  // Entries that whoever sends writes itself: copying more into the socket
  // takes longer than waking a thread.
  static constexpr size_t kSentInPlaceMax = size_t{16} << 10;

  PeerLink(ReplicaSelf self, ReplicaId peer, std::string address,
           const SharedAddresses& own, PeerLinkEvents events, Logger& logger);
  // Stops.
  ~PeerLink();

  void Start();

  void Send(replication::Message message) LEDGERD_EXCLUDES(mutex_);

  // Where it is from now on. A connection that holds stays.
  void SetAddress(const std::string& address) LEDGERD_EXCLUDES(mutex_);

  std::string address() const LEDGERD_EXCLUDES(mutex_);

  // It has been heard of: no need to wait for the next try.
  void DialNow() LEDGERD_EXCLUDES(mutex_);

  void Stop() LEDGERD_EXCLUDES(mutex_);

 private:
  class Conversation;

  bool MaySend() const LEDGERD_REQUIRES(mutex_);
  // Requires: MaySend. Whoever takes it writes it.
  replication::Message Take() LEDGERD_REQUIRES(mutex_);
  void Loop();
  // Connects and speaks until the connection ends; how long to wait then.
  std::chrono::milliseconds SpeakOnce() LEDGERD_EXCLUDES(mutex_);
  void NoteGone(const std::string& why);
  void Pause(std::chrono::milliseconds pause) LEDGERD_EXCLUDES(mutex_);
  // These log what is not what was logged last.
  void Say(const std::string& what);
  void SayRefused(const std::string& why);

  const ReplicaSelf self_;
  const ReplicaId peer_;
  const SharedAddresses& own_;
  const PeerLinkEvents events_;
  Logger& logger_;
  std::atomic<bool> stopping_ = false;
  mutable Mutex mutex_;
  CondVar changed_;
  PeerQueue queue_ LEDGERD_GUARDED_BY(mutex_);
  // From the other's welcome until one side ends it.
  Conversation* conversation_ LEDGERD_GUARDED_BY(mutex_) = nullptr;
  // One write at a time.
  bool writing_ LEDGERD_GUARDED_BY(mutex_) = false;
  // Threads that write what they send.
  size_t senders_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::string address_ LEDGERD_GUARDED_BY(mutex_);
  bool dial_now_ LEDGERD_GUARDED_BY(mutex_) = false;
  // The thread's own.
  std::chrono::milliseconds back_off_ = kBackOffMin;
  bool told_gone_ = false;
  std::string said_;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_PEER_LINK_H_
