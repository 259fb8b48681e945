#include "server/repair/state_repair.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"

#include "proto/base/status_macros.h"
#include "server/repair/promised.h"

namespace ledgerd::server {
namespace {

constexpr std::chrono::milliseconds kLookAgain{100};

absl::Status Ending() { return absl::CancelledError("the process is ending"); }

}  // namespace

absl::Status StateRepair::Mend() {
  const absl::StatusOr<Sequence> at_least = Hold();
  absl::Status mended =
      at_least.ok() ? TakeFromSomebody(*at_least) : at_least.status();
  if (!mended.ok()) ports_.release(mended);
  return mended;
}

absl::StatusOr<Sequence> StateRepair::Hold() {
  const auto until = std::chrono::steady_clock::now() + kCheckpointPatience;
  absl::StatusOr<Sequence> at_least = TryToHold();
  while (absl::IsUnavailable(at_least.status()) && !stop_.stop_requested() &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookAgain);
    at_least = TryToHold();
  }
  if (!absl::IsFailedPrecondition(at_least.status())) return at_least;
  ports_.hand_over();
  return absl::UnavailableError(at_least.status().message());
}

absl::StatusOr<Sequence> StateRepair::TryToHold() {
  const auto held = std::make_shared<Promised<absl::StatusOr<Sequence>>>();
  ports_.hold([held](absl::StatusOr<Sequence> at_least) {
    held->Set(std::move(at_least));
  });
  return held->WaitFor(kPatience).value_or(
      absl::UnavailableError("the replica has not got to it yet"));
}

absl::Status StateRepair::TakeFromSomebody(Sequence at_least) {
  bool is_lost = true;
  std::string why;
  for (const ReplicaId replica : ports_.others()) {
    const absl::Status taken = TakeFrom(replica, at_least);
    if (taken.ok()) return taken;
    if (stop_.stop_requested()) return Ending();
    is_lost = is_lost && absl::IsDataLoss(taken);
    absl::StrAppend(&why, why.empty() ? "" : "; ", "replica ", replica.value(),
                    ": ", taken.message());
  }
  const std::string what =
      absl::StrCat("no other replica gives a whole state in its place",
                   why.empty() ? "" : ": ", why);
  return is_lost ? absl::DataLossError(what) : absl::UnavailableError(what);
}

absl::Status StateRepair::TakeFrom(ReplicaId replica, Sequence at_least) {
  const std::stop_token stop = stop_.get_token();
  LEDGERD_ASSIGN_OR_RETURN(const EntryId checkpoint,
                           ports_.fetch(replica, at_least, stop));
  LEDGERD_RETURN_IF_ERROR(
      ports_.verify(checkpoint, [&stop](uint64_t /*bytes*/) {
        return stop.stop_requested() ? Ending() : absl::OkStatus();
      }));
  return Replace(checkpoint);
}

// As long as it takes: the journal may have to come to that entry first.
absl::Status StateRepair::Replace(const EntryId& checkpoint) {
  const auto replaced = std::make_shared<Promised<absl::Status>>();
  ports_.replace(checkpoint, [replaced](absl::Status status) {
    replaced->Set(std::move(status));
  });
  while (!stop_.stop_requested()) {
    if (auto status = replaced->WaitFor(kLookAgain)) return *status;
  }
  return Ending();
}

}  // namespace ledgerd::server
