// GrpcTransport is the real Transport: a port for the other replicas, and a
// link to each of them.
//
//   GrpcTransport transport(options, addresses, logger);
//   ReplicaThreads replica(..., &transport);
//   replica.Start();
//   LEDGERD_RETURN_IF_ERROR(transport.Start(ends));
//   transport.Follow(membership, is_primary);   // again when that has changed
//   ...
//   replica.Stop();  transport.Stop();
//
// Shape    Each replica speaks on connections of its own and listens on those
//          of the others: one stream for each ordered pair, whose messages stay
//          in order but for the small ones, which go first (PeerQueue). What is
//          sent without a connection is lost, as a network may.
// Who      The members of the configuration and of the group. A hello tells its
//          replica's addresses, so that a new one need not be configured with
//          the others: they call back where it says it is. While this replica
//          is primary it refuses whoever is no member, and remembers where that
//          one is; a standby may know an old membership, and listens.
// Errors   Of Start: those of GrpcServer.
// Threads  Send and SendCheckpoint are the replica's, and never wait. The rest
//          is the owner's. `ends` are called by the transport's threads.
#ifndef LEDGERD_SERVER_GRPC_GRPC_TRANSPORT_H_
#define LEDGERD_SERVER_GRPC_GRPC_TRANSPORT_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "proto/entry.h"
#include "proto/incident.h"
#include "proto/membership.h"
#include "proto/types.h"
#include "replication/core/event.h"
#include "replication/core/message.h"
#include "replication/core/update.h"
#include "replication/state_marks.h"
#include "replication/transport.h"
#include "replication/v1/messages.pb.h"
#include "server/grpc/checkpoint_sender.h"
#include "server/grpc/grpc_server.h"
#include "server/grpc/peer_link.h"
#include "server/grpc/peer_questions.h"
#include "server/grpc/replication_service.h"
#include "server/logging.h"
#include "server/peers.h"
#include "server/replica_hello.h"
#include "server/served_group.h"
#include "storage/checkpoint_transfer.h"

namespace ledgerd::server {

struct GrpcTransportOptions {
  ReplicaSelf self;
  // The port's: address, notice.
  ConnectionListenerOptions listener;
  // What others are told to call back; empty: where the port listens.
  std::string own_address;
  // Of the other replicas, as far as they are configured.
  std::map<ReplicaId, std::string> addresses;
};

// The replica's end of it.
struct TransportEnds {
  std::function<void(replication::Event)> deliver;
  std::function<absl::StatusOr<CheckpointToSend>()> newest_checkpoint;
  // Journals another one's incidents, and waits for it.
  std::function<absl::Status(const std::vector<Incident>&)> journal_incidents;
  // The state after that entry, for comparison. UNAVAILABLE: not yet.
  std::function<absl::StatusOr<replication::StateMark>(Sequence)> state_at;
  // As ReplicationHost's.
  std::function<absl::StatusOr<std::vector<Entry>>(
      ReplicaId asker, Sequence from, Sequence through)>
      entries;
  // As ReplicationHost's.
  std::function<absl::StatusOr<
      std::shared_ptr<const storage::ExportedCheckpoint>>(Sequence at_least)>
      checkpoint;
  // Null for a witness.
  storage::CheckpointReceiver* receiver = nullptr;
};

class GrpcTransport final : public replication::Transport, public Peers {
 public:
  // Replicas that are spoken to at most.
  static constexpr size_t kLinksMax = 2 * kMembersMax;
  static constexpr size_t kConnectionsMax = 8 * kMembersMax;

  // `addresses` and `logger` outlive it. What others say of their addresses is
  // learned there.
  GrpcTransport(GrpcTransportOptions options, SharedAddresses& addresses,
                Logger& logger);
  // Stops.
  ~GrpcTransport() override;

  absl::Status Start(TransportEnds ends) LEDGERD_EXCLUDES(mutex_);

  // Nothing is delivered any more. May be called without Start.
  void Stop() LEDGERD_EXCLUDES(mutex_);

  // Where others reach it. Requires: Start returned OK.
  std::string address() const;

  // Whom the group consists of now, and whether this is its primary.
  void Follow(const Membership& membership, bool is_primary)
      LEDGERD_EXCLUDES(mutex_);

  // Brings incidents of this replica to `primary`, and waits until they are
  // committed there. Any thread.
  absl::Status BringIncidents(ReplicaId primary,
                              const std::vector<Incident>& incidents)
      LEDGERD_EXCLUDES(mutex_);

  absl::StatusOr<replication::StateMark> StateOf(ReplicaId replica,
                                                 Sequence sequence,
                                                 Deadline deadline) override
      LEDGERD_EXCLUDES(mutex_);
  absl::StatusOr<std::vector<Entry>> EntriesOf(ReplicaId replica, Sequence from,
                                               Sequence through,
                                               Deadline deadline) override
      LEDGERD_EXCLUDES(mutex_);

  // Brings that one's newest checkpoint, at this sequence or above, to
  // `receiver`, and waits for it (checkpoint_fetch.h).
  absl::StatusOr<EntryId> CheckpointOf(ReplicaId replica, Sequence at_least,
                                       storage::CheckpointReceiver& receiver,
                                       const std::stop_token& stop)
      LEDGERD_EXCLUDES(mutex_);

  void Send(replication::Message message) override LEDGERD_EXCLUDES(mutex_);
  void SendCheckpoint(replication::CheckpointOrder order) override
      LEDGERD_EXCLUDES(mutex_);

 private:
  struct Peer {
    // Also of whoever is sending, without the mutex: Send writes.
    std::shared_ptr<PeerLink> link;
    std::unique_ptr<CheckpointSender> sender;
  };

  ReplicationHost MakeHost();
  // UNAVAILABLE: it is not known where that is.
  absl::StatusOr<PeerCall> CallTo(ReplicaId replica, Deadline deadline)
      LEDGERD_EXCLUDES(mutex_);
  absl::Status Admit(const ::replication::v1::Hello& hello)
      LEDGERD_EXCLUDES(mutex_);
  absl::Status CheckMember(ReplicaId replica, Incarnation incarnation) const
      LEDGERD_REQUIRES(mutex_);
  // Learns where the other is, and sees to it that it is spoken to.
  void Note(const ::replication::v1::Hello& hello) LEDGERD_EXCLUDES(mutex_);
  void SpeakTo(ReplicaId replica, const std::string& address)
      LEDGERD_REQUIRES(mutex_);
  // Says so, once, when a replica is not where it is configured to be.
  void CompareAddress(ReplicaId replica, const std::string& address)
      LEDGERD_REQUIRES(mutex_);
  bool IsConfigured(ReplicaId replica) const;
  void ShareOwnAddress(const std::string& address);

  const GrpcTransportOptions options_;
  SharedAddresses& addresses_;
  Logger& logger_;
  TransportEnds ends_;
  std::optional<ReplicationService> service_;
  std::unique_ptr<GrpcServer> port_;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  bool started_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool stopped_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool is_primary_ LEDGERD_GUARDED_BY(mutex_) = false;
  Membership membership_ LEDGERD_GUARDED_BY(mutex_);
  std::map<ReplicaId, Peer> peers_ LEDGERD_GUARDED_BY(mutex_);
  std::map<ReplicaId, std::string> refused_ LEDGERD_GUARDED_BY(mutex_);
  // What configured ones said last that is not what is configured.
  std::map<ReplicaId, std::string> elsewhere_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_GRPC_TRANSPORT_H_
