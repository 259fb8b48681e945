#include "server/replica_hello.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "proto/base/uint128.h"
#include "replication/wire.h"
#include "server/cluster_id.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

// An address that somebody sends; longer ones are nobody's.
constexpr size_t kAddressMax = 300;

absl::Status CheckShape(const v1::Hello& hello) {
  if (hello.replica_id() == 0 || hello.cluster_id().size() != 16) {
    return absl::InvalidArgumentError(
        "a replica says hello first: its id, and a cluster's id of 16 bytes");
  }
  for (const std::string* address :
       {&hello.client_address(), &hello.admin_address(),
        &hello.replication_address()}) {
    if (address->size() > kAddressMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("an address of ", address->size(), " bytes"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string ClusterBytes(ClusterId cluster) {
  std::string bytes(16, '\0');
  Uint128 left = cluster.value();
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at, left >>= 8) {
    *at = static_cast<char>(static_cast<uint8_t>(Low(left)));
  }
  return bytes;
}

v1::Hello MakeHello(const ReplicaSelf& self, const ReplicaAddresses& addresses,
                    ReplicaId to) {
  v1::Hello hello;
  hello.set_version(replication::kWireVersion);
  hello.set_cluster_id(ClusterBytes(self.cluster));
  hello.set_replica_id(self.replica.value());
  hello.set_incarnation(self.incarnation.value());
  hello.set_to_replica_id(to.value());
  hello.set_client_address(addresses.client);
  hello.set_admin_address(addresses.admin);
  hello.set_replication_address(addresses.replication);
  return hello;
}

absl::Status CheckHello(const v1::Hello& hello, const ReplicaSelf& self) {
  // First, since another version may mean all else differently.
  if (hello.version() != replication::kWireVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replica ", hello.replica_id(), " speaks version ", hello.version(),
        " of the replication protocol, replica ", self.replica.value(),
        " version ", replication::kWireVersion,
        ": run builds that speak the same"));
  }
  if (absl::Status shape = CheckShape(hello); !shape.ok()) return shape;
  if (hello.cluster_id() != ClusterBytes(self.cluster)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replica ", hello.replica_id(), " is of cluster ",
        absl::BytesToHexString(hello.cluster_id()), ", replica ",
        self.replica.value(), " of ", ToText(self.cluster),
        ": correct `members`, or format with the same --cluster-id"));
  }
  if (hello.to_replica_id() != self.replica.value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "replica ", hello.replica_id(), " takes this address for replica ",
        hello.to_replica_id(), "'s, and it is replica ", self.replica.value(),
        "'s: correct `members`"));
  }
  if (hello.replica_id() == self.replica.value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "two processes say that they are replica ", hello.replica_id(),
        ": stop the one whose data directory is a copy, or correct `members`"));
  }
  return absl::OkStatus();
}

ReplicaAddresses AddressesOf(const v1::Hello& hello) {
  return {.client = hello.client_address(),
          .admin = hello.admin_address(),
          .replication = hello.replication_address(),
          .incarnation = Incarnation(hello.incarnation())};
}

}  // namespace ledgerd::server
