// The first word of each connection between replicas: who speaks, and to whom
// it means to speak.
//
//   v1::Hello hello = MakeHello(self, addresses.Get(), peer);
//   LEDGERD_RETURN_IF_ERROR(CheckHello(received, self));
//   ReplicaAddresses theirs = AddressesOf(received);
//
// Errors   FAILED_PRECONDITION  they do not belong together: another version or
//                               cluster, or an address that leads to another
//                               replica than it should. The message says what
//                               each side has, and what to do.
//          INVALID_ARGUMENT     no hello at all.
#ifndef LEDGERD_SERVER_REPLICA_HELLO_H_
#define LEDGERD_SERVER_REPLICA_HELLO_H_

#include <string>

#include "absl/status/status.h"

#include "proto/membership.h"
#include "proto/types.h"
#include "replication/v1/messages.pb.h"
#include "server/served_group.h"

namespace ledgerd::server {

// What a replica is, by its data directory.
struct ReplicaSelf {
  ClusterId cluster;
  ReplicaId replica;
  Incarnation incarnation;
};

// 16 bytes, the most significant first.
std::string ClusterBytes(ClusterId cluster);

::replication::v1::Hello MakeHello(const ReplicaSelf& self,
                                   const ReplicaAddresses& addresses,
                                   ReplicaId to);

absl::Status CheckHello(const ::replication::v1::Hello& hello,
                        const ReplicaSelf& self);

ReplicaAddresses AddressesOf(const ::replication::v1::Hello& hello);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPLICA_HELLO_H_
