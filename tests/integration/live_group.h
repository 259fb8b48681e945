// A group of replicas of a test's own: a data directory and ports for each,
// which stay the same over restarts, and the daemons that serve them.
//
//   LiveGroup group(3);
//   ASSERT_TRUE(group.Start().ok());      // formats, too
//   const auto primary = group.WaitForPrimary();
//   ASSERT_TRUE(group.daemon(*primary).Kill9().ok());
//   ASSERT_TRUE(group.WaitForPrimary({*primary}).has_value());
//   ASSERT_TRUE(group.Launch(*primary).ok());
//   ASSERT_TRUE(group.WaitUntilEqual());
//
// Shape    Replicas are numbered from 0; their ids from 1.
// Threads  As DaemonProcess.
#ifndef LEDGERD_TESTS_INTEGRATION_LIVE_GROUP_H_
#define LEDGERD_TESTS_INTEGRATION_LIVE_GROUP_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "admin/v1/admin.grpc.pb.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/group_network.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::integration {

class LiveGroup {
 public:
  // On the loopback when no network is given.
  explicit LiveGroup(size_t replicas, bool last_is_witness = false,
                     std::vector<std::string> more_flags = {},
                     std::unique_ptr<GroupNetwork> network = nullptr);

  GroupNetwork& network() { return *network_; }

  // Formats and launches all, and waits until each does its part.
  absl::Status Start();

  // Formats all, and launches them without waiting.
  absl::Status LaunchAll();

  // One, again. Requires: its daemon does not run.
  absl::Status Launch(size_t replica);

  // Where its daemons run from now on, within the network
  // (DaemonProcess::Options).
  void RunUnder(size_t replica, std::vector<std::string> command) {
    replicas_[replica]->under = std::move(command);
  }

  size_t size() const { return replicas_.size(); }

  DaemonProcess& daemon(size_t replica) { return *replicas_[replica]->daemon; }

  bool runs(size_t replica) const {
    return replicas_[replica]->daemon != nullptr;
  }

  // Kills one, and forgets its daemon.
  absl::Status Kill(size_t replica);

  // SIGTERM; its exit code. Forgets its daemon, too.
  int Terminate(size_t replica);

  // Waits until one ends by itself; its exit code. Forgets its daemon then.
  std::optional<int> WaitForEnd(size_t replica);

  std::string data_directory(size_t replica) const;

  // Where clients connect.
  std::vector<std::string> addresses() const;

  // Of a daemon that has ended by itself.
  void Forget(size_t replica);

  // What it says of itself; nothing when it does not answer within a second.
  std::optional<admin::v1::GetStatusResponse> Status(size_t replica);

  // Waits until it answers: on a busy machine that may take longer. Empty when
  // it does not.
  admin::v1::GetStatusResponse WaitForStatus(size_t replica);

  // Who says that it is the primary of the highest epoch; nobody of `but`.
  std::optional<size_t> Primary(const std::set<size_t>& but = {});

  // Waits for one.
  std::optional<size_t> WaitForPrimary(const std::set<size_t>& but = {});

  // Hands the primary's part over, asked of `replica`.
  absl::StatusOr<admin::v1::SwitchoverResponse> Switchover(size_t replica,
                                                           size_t target);

  // Until all that run have the same journal, all of it committed and, but for
  // witnesses, applied.
  bool WaitUntilEqual();

  // The end of each log.
  std::string Logs() const;

  // Who has said in its log, in any of its lives, that it is primary of which
  // epoch.
  std::map<uint64_t, std::set<size_t>> PrimariesByEpoch() const;

  const TestDirectory& directory() const { return directory_; }

 private:
  struct Replica {
    std::unique_ptr<admin::v1::AdminService::Stub> stub;
    std::unique_ptr<DaemonProcess> daemon;
    std::vector<std::string> under;
    // Of daemons that have ended.
    std::string past_log;
  };

  // As replica `of` is told them.
  std::string Members(size_t of) const;
  bool AreEqual();

  const bool last_is_witness_;
  const std::vector<std::string> more_flags_;
  const TestDirectory directory_{"group"};
  // Outlives the daemons.
  const std::unique_ptr<GroupNetwork> network_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LIVE_GROUP_H_
