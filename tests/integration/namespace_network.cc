#include "tests/integration/namespace_network.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"
#include "tests/integration/subprocess.h"

namespace ledgerd::integration {
namespace {

constexpr char kOwnNamespace[] = "/proc/thread-self/ns/net";

// A shell's own path may lack the administrator's programs.
constexpr char kPath[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n";

// What arrives from an address in the set `silent` is dropped, and counted.
constexpr char kCuts[] =
    "nft 'table inet cuts {\n"
    "  set silent {\n"
    "    type ipv4_addr\n"
    "  }\n"
    "  chain arriving {\n"
    "    type filter hook input priority 0; policy accept;\n"
    "    ip saddr @silent counter drop\n"
    "  }\n"
    "}'\n";

// All that this network needs of the kernel, in namespaces that end with it.
constexpr char kProbe[] =
    "ip link set lo up\n"
    "ip link add probe type bridge\n"
    "unshare --net /bin/sh -ec '\n"
    "  ip link add two type veth peer name one netns '$$'\n"
    "  nsenter --net=/proc/'$$'/ns/net ip link set one master probe'\n";

// How root and others come to a namespace.
std::vector<std::string> Unshare() {
  std::vector<std::string> unshare = {"/usr/bin/unshare", "--net"};
  if (geteuid() != 0) unshare.emplace_back("--map-root-user");
  return unshare;
}

absl::Status Probe() {
  std::vector<std::string> command = Unshare();
  command.insert(command.end(),
                 {"/bin/sh", "-ec", absl::StrCat(kPath, kProbe, kCuts)});
  const Finished probed = RunToEnd(std::move(command));
  if (probed.exit_code == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("no network namespaces here: exit code ", probed.exit_code,
                   ", ", probed.errors));
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  LEDGERD_CHECK(!file.fail()) << path;
}

// Who is not root becomes root of a user namespace, as `unshare` did above.
void EnterOwnNamespace() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  const int own_user = user == 0 ? 0 : CLONE_NEWUSER;
  LEDGERD_CHECK(unshare(CLONE_NEWNET | own_user) == 0);
  if (own_user == 0) return;
  Write("/proc/self/setgroups", "deny");
  Write("/proc/self/uid_map", absl::StrCat("0 ", user, " 1"));
  Write("/proc/self/gid_map", absl::StrCat("0 ", group, " 1"));
}

int OpenOwnNamespace() {
  const int opened = open(kOwnNamespace, O_RDONLY | O_CLOEXEC);
  LEDGERD_CHECK(opened >= 0);
  return opened;
}

// Once in a process: what runs in it later is in one namespace, the test's.
absl::Status LeaveNetwork() {
  static const absl::Status left = [] {
    absl::Status probed = Probe();
    if (probed.ok()) EnterOwnNamespace();
    return probed;
  }();
  return left;
}

// New ones, and the test's own as the last.
std::vector<int> OpenNamespaces(size_t replicas) {
  const int own = OpenOwnNamespace();
  std::vector<int> namespaces;
  for (size_t i = 0; i < replicas; ++i) {
    LEDGERD_CHECK(unshare(CLONE_NEWNET) == 0);
    namespaces.push_back(OpenOwnNamespace());
    LEDGERD_CHECK(setns(own, CLONE_NEWNET) == 0);
  }
  namespaces.push_back(own);
  return namespaces;
}

std::string PathOf(int file) {
  return absl::StrCat("/proc/", getpid(), "/fd/", file);
}

int NextNumber() {
  static int number = 0;
  return ++number;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NamespaceNetwork>> NamespaceNetwork::Make(
    size_t replicas) {
  const absl::Status left = LeaveNetwork();
  if (!left.ok()) return left;
  std::unique_ptr<NamespaceNetwork> network(
      new NamespaceNetwork(OpenNamespaces(replicas)));
  network->MakeBridge();
  for (size_t i = 0; i < replicas; ++i) network->JoinReplica(i);
  return network;
}

NamespaceNetwork::NamespaceNetwork(std::vector<int> namespaces)
    : namespaces_(std::move(namespaces)), number_(NextNumber()) {}

NamespaceNetwork::~NamespaceNetwork() {
  Run(Index(kClients), absl::StrCat("ip link del bridge", number_,
                                    "\nnft delete table inet cuts"));
  for (const int file : namespaces_) close(file);
}

size_t NamespaceNetwork::Index(size_t place) const {
  return place == kClients ? namespaces_.size() - 1 : place;
}

std::string NamespaceNetwork::Host(size_t index) const {
  return absl::StrCat("10.73.", number_, ".", index + 1);
}

std::vector<std::string> NamespaceNetwork::In(size_t index) const {
  return {"/usr/bin/nsenter", "--net=" + PathOf(namespaces_[index])};
}

std::string NamespaceNetwork::Run(size_t index,
                                  const std::string& script) const {
  std::vector<std::string> command = In(index);
  command.insert(command.end(), {"/bin/sh", "-ec", kPath + script});
  const Finished finished = RunToEnd(std::move(command));
  LEDGERD_CHECK(finished.exit_code == 0) << script << "\n" << finished.errors;
  return finished.output;
}

void NamespaceNetwork::MakeBridge() const {
  const std::string bridge = absl::StrCat("bridge", number_);
  const size_t own = Index(kClients);
  Run(own, absl::StrCat("ip link set lo up\n",                     //
                        "ip link add ", bridge, " type bridge\n",  //
                        "ip addr add ", Host(own), "/24 dev ", bridge, "\n",
                        "ip link set ", bridge, " up\n", kCuts));
}

void NamespaceNetwork::JoinReplica(size_t replica) const {
  const std::string port = absl::StrCat("port", number_, "-", replica);
  Run(Index(kClients),
      absl::StrCat("ip link add ", port, " type veth peer name eth0 netns ",
                   PathOf(namespaces_[replica]), "\n",  //
                   "ip link set ", port, " master bridge", number_, "\n",
                   "ip link set ", port, " up\n"));
  Run(replica,
      absl::StrCat("ip link set lo up\n",  //
                   "ip addr add ", Host(replica), "/24 dev eth0\n",
                   "ip link set eth0 up\n", kCuts));
}

ReplicaPorts NamespaceNetwork::ports(size_t replica) const {
  const std::string host = Host(replica);
  return {.client = host + ":7300",
          .admin = host + ":7301",
          .replication = host + ":7302"};
}

std::string NamespaceNetwork::PeerAddress(size_t /*from*/, size_t to) const {
  return ports(to).replication;
}

std::vector<std::string> NamespaceNetwork::Under(size_t replica) const {
  return In(replica);
}

void NamespaceNetwork::Cut(size_t from, size_t to, bool cut) {
  const std::pair<size_t, size_t> direction = {Index(from), Index(to)};
  const bool is_new =
      cut ? cuts_.insert(direction).second : cuts_.erase(direction) > 0;
  if (!is_new) return;
  Run(direction.second,
      absl::StrCat("nft ", cut ? "add" : "delete", " element inet cuts silent",
                   " '{ ", Host(direction.first), " }'"));
}

// nft says it as "counter packets 12 bytes 720 drop".
std::optional<uint64_t> NamespaceNetwork::swallowed() const {
  uint64_t packets = 0;
  for (size_t i = 0; i < namespaces_.size(); ++i) {
    std::istringstream words(Run(i, "nft list chain inet cuts arriving"));
    std::string word;
    while (words >> word) {
      if (word != "packets") continue;
      uint64_t here = 0;
      words >> here;
      packets += here;
    }
  }
  return packets;
}

}  // namespace ledgerd::integration
