// Where the replicas of a group listen, and the network between them, which
// falls silent where a test says: nobody is told, no connection ends.
//
//   const std::unique_ptr<GroupNetwork> network = MakeCuttableNetwork(3);
//   network->Cut(0, 1);          // what 0 says does not reach 1 any more
//   network->Cut(0, 1, false);   // it does again
//
// Shape    Replicas are numbered from 0. Clients are in one place of their own.
// Threads  The test's main thread.
#ifndef LEDGERD_TESTS_INTEGRATION_GROUP_NETWORK_H_
#define LEDGERD_TESTS_INTEGRATION_GROUP_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace ledgerd::integration {

// host:port, for each of a replica's ports.
struct ReplicaPorts {
  std::string client;
  std::string admin;
  std::string replication;
};

class GroupNetwork {
 public:
  // The place of all clients, for Cut.
  static constexpr size_t kClients = std::numeric_limits<size_t>::max();

  GroupNetwork() = default;
  GroupNetwork(const GroupNetwork&) = delete;
  GroupNetwork& operator=(const GroupNetwork&) = delete;
  virtual ~GroupNetwork() = default;

  // Where the daemon of a replica listens, and clients connect to.
  virtual ReplicaPorts ports(size_t replica) const = 0;

  // Where replica `from` reaches replica `to`; its own port for itself.
  virtual std::string PeerAddress(size_t from, size_t to) const = 0;

  // The beginning of a command that is to run in a replica's place.
  virtual std::vector<std::string> Under(size_t replica) const = 0;

  // What `from` says does not reach `to` any more, or does again. Where clients
  // cannot be cut off (loopback_network.h) nothing comes of it for them.
  virtual void Cut(size_t from, size_t to, bool cut = true) = 0;

  // How many packets the cuts have swallowed so far, where that is known.
  virtual std::optional<uint64_t> swallowed() const = 0;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_GROUP_NETWORK_H_
