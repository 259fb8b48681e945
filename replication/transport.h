// Transport is the port to the other replicas.
//
// Shape    What comes in is given to ReplicaThreads::Deliver, or in a
//          simulation to Replica::OnEvent: Received, ConnectionBroken,
//          CheckpointSent, CheckpointReceived.
// Network  May lose, delay, double and reorder; never waits, never invents.
// Threads  Called by the replica thread.
// Source   replication.md, "Rules"; core/message.h has what is said.
#ifndef LEDGERD_REPLICATION_TRANSPORT_H_
#define LEDGERD_REPLICATION_TRANSPORT_H_

#include "replication/core/message.h"
#include "replication/core/update.h"

namespace ledgerd::replication {

class Transport {
 public:
  virtual ~Transport() = default;

  virtual void Send(Message message) = 0;

  // Begins to send the newest checkpoint (ReplicaThreads::ExportCheckpoint), in
  // place of one that is on its way to the same replica. Ends in
  // CheckpointSent, also when it failed.
  virtual void SendCheckpoint(CheckpointOrder order) = 0;
};

}  // namespace ledgerd::replication

#endif  // LEDGERD_REPLICATION_TRANSPORT_H_
