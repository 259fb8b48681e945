#include "tests/integration/live_ledger.h"

#include <filesystem>

#include "proto/base/status_macros.h"

namespace ledgerd::integration {

std::vector<std::string> SmallLimits() {
  return {"--journal-segment-bytes=8MiB", "--journal-retention-bytes=0",
          "--state-delta-bytes=1MiB", "--state-replay-events=1000"};
}

absl::Status LiveLedger::LaunchOn(const std::string& data_directory) {
  daemon_.reset();
  if (!std::filesystem::exists(data_directory)) {
    LEDGERD_RETURN_IF_ERROR(FormatDataDirectory(data_directory, more_flags_));
  }
  LEDGERD_ASSIGN_OR_RETURN(
      daemon_, DaemonProcess::Launch({.data_directory = data_directory,
                                      .client_address = address(),
                                      .more_flags = more_flags_,
                                      .under = under_}));
  return absl::OkStatus();
}

absl::Status LiveLedger::Launch() { return LaunchOn(data_directory()); }

absl::Status LiveLedger::StartOn(const std::string& data_directory) {
  LEDGERD_RETURN_IF_ERROR(LaunchOn(data_directory));
  return daemon_->WaitUntilReady();
}

absl::Status LiveLedger::Start() { return StartOn(data_directory()); }

}  // namespace ledgerd::integration
