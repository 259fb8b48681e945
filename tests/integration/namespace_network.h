// The network of a group in the kernel: a network namespace for each replica,
// joined by a bridge in the namespace of the test, which is where clients are.
// Cuts are nftables' drops of packets as they arrive, so both kernels do what
// they do on a network that is cut: send again, back off, give up.
//
//   const auto network = NamespaceNetwork::Make(3);
//   if (!network.ok()) ...   // the kernel refuses, or a program is missing
//   (*network)->Cut(0, 1);
//
// Shape    A cut is by address: of a connection that 1 has made to 0 the
//          acknowledgements are lost as well, so what 1 says reaches 0 only as
//          long as its kernel goes on without any.
// Files    None. The namespaces have no names: they end with the test and the
//          daemons in them, however those end.
// Errors   Make: UNAVAILABLE, and why. Nothing of the process is changed then.
// Threads  As GroupNetwork. The first one moves the process to a namespace of
//          its own: it is made before any other thread is.
#ifndef LEDGERD_TESTS_INTEGRATION_NAMESPACE_NETWORK_H_
#define LEDGERD_TESTS_INTEGRATION_NAMESPACE_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "tests/integration/group_network.h"

namespace ledgerd::integration {

class NamespaceNetwork final : public GroupNetwork {
 public:
  static absl::StatusOr<std::unique_ptr<NamespaceNetwork>> Make(
      size_t replicas);
  ~NamespaceNetwork() override;

  ReplicaPorts ports(size_t replica) const override;
  std::string PeerAddress(size_t from, size_t to) const override;
  std::vector<std::string> Under(size_t replica) const override;
  void Cut(size_t from, size_t to, bool cut) override;
  std::optional<uint64_t> swallowed() const override;

 private:
  // Namespaces as open files. The last one is the test's own.
  explicit NamespaceNetwork(std::vector<int> namespaces);

  // The index of a place in `namespaces_`, which is also its host's number.
  size_t Index(size_t place) const;
  std::string Host(size_t index) const;
  std::vector<std::string> In(size_t index) const;

  void MakeBridge() const;
  void JoinReplica(size_t replica) const;
  // Runs a script of `sh` in a place; it must succeed.
  std::string Run(size_t index, const std::string& script) const;

  const std::vector<int> namespaces_;
  // Of this process: its networks' names and addresses differ.
  const int number_;
  std::set<std::pair<size_t, size_t>> cuts_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_NAMESPACE_NETWORK_H_
