#include "tests/bench/session.h"

#include <sched.h>

#include <chrono>
#include <iostream>
#include <optional>

#include "absl/strings/str_cat.h"

#include "client/bench/drivers.h"
#include "proto/base/status_macros.h"
#include "proto/system_limits.h"
#include "tests/bench/group_watch.h"
#include "tests/integration/test_directory.h"

namespace ledgerd::bench {
namespace {

// All threads that are made from now on.
void RunOn(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  sched_setaffinity(0, sizeof(one), &one);
}

double Milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

Session::Session(const Options& options)
    : options_(options), workload_(options.workload) {}

absl::Status Session::Run() {
  report_.Add(options_);
  LEDGERD_RETURN_IF_ERROR(Start());
  LEDGERD_RETURN_IF_ERROR(check_->Prepare());
  LEDGERD_RETURN_IF_ERROR(Prefill());
  LEDGERD_RETURN_IF_ERROR(WarmUp());
  LEDGERD_RETURN_IF_ERROR(MeasureLoad());
  absl::Status status = Verify();
  if (status.ok() && options_.restart) status = MeasureRestart();
  if (status.ok() && options_.replicas > 1) status = VerifyReplicas();
  return Print(status);
}

absl::Status Session::Start() {
  address_ = options_.address;
  if (!options_.daemon.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(
        group_, Group::Start({.program = options_.daemon,
                              .flags = options_.daemon_flags,
                              .processor = options_.daemon_processor},
                             options_.replicas));
    address_ = group_->primary().address();
  }
  if (options_.client_processor.has_value()) RunOn(*options_.client_processor);
  check_ = std::make_unique<LedgerCheck>(address_, workload_);
  return absl::OkStatus();
}

std::vector<pid_t> Session::DaemonPids() const {
  return group_ == nullptr ? std::vector<pid_t>() : group_->pids();
}

LaneCounts Session::Drive(ledgerd::bench::Run& run, bool large_batches) const {
  Target target{.address = address_,
                .clients = options_.clients,
                .in_flight = options_.in_flight};
  if (large_batches) {
    target.clients = 2;
    target.in_flight = 2;
    return DriveCalls(target, run);
  }
  if (options_.mode == Mode::kCoalesced) return DriveCoalesced(target, run);
  if (options_.mode == Mode::kStream) return DriveStreams(target, run);
  if (options_.mode == Mode::kPing) return DrivePings(target, run);
  return DriveCalls(target, run);
}

Measurement Session::Send(RequestSource::Limits limits, bool large_batches) {
  if (large_batches) limits.batch = kMaxBatchSize;
  RequestSource source(workload_, end_, limits);
  ledgerd::bench::Run run{.source = source, .outcomes = outcomes_};
  Measurement measured =
      Measure(DaemonPids(), run, [&] { return Drive(run, large_batches); });
  // A ping makes no transfer, and so leaves its number free.
  if (large_batches || options_.mode != Mode::kPing) end_ = source.end();
  return measured;
}

absl::Status Session::Prefill() {
  if (options_.prefill == 0) return absl::OkStatus();
  const Measurement filled = Send({.transfers = options_.prefill}, true);
  if (filled.counts.executed < options_.prefill) {
    return absl::InternalError("prefill: " + outcomes_.first_error());
  }
  report_.Add("prefill_rate_per_second", filled.Rate());
  if (group_ != nullptr) WaitUntilIdle(group_->pids());
  return absl::OkStatus();
}

absl::Status Session::WarmUp() {
  if (options_.warm_up > 0) Send({.transfers = options_.warm_up}, false);
  return absl::OkStatus();
}

absl::Status Session::MeasureLoad() {
  RequestSource::Limits limits{.rate = options_.rate};
  if (options_.count > 0) {
    limits.transfers = options_.count;
  } else {
    limits.duration = std::chrono::milliseconds(
        static_cast<int64_t>(options_.seconds * 1000));
  }
  std::optional<GroupWatch> watch;
  if (group_ != nullptr && group_->size() > 1) watch.emplace(*group_);
  const Measurement measured = Send(limits, false);
  report_.Add(measured);
  if (watch.has_value()) report_.Add("silence_ms_max", watch->Stop());
  if (options_.settle && group_ != nullptr) Settle(measured);
  const absl::Status status = CheckOutcomes(measured);
  return status.ok() ? status : Print(status);
}

absl::Status Session::CheckOutcomes(const Measurement& measured) {
  if (group_ != nullptr && group_->size() > 1) {
    // First: a promotion lets requests fail.
    LEDGERD_RETURN_IF_ERROR(group_->CheckNoPromotion());
  }
  if (measured.counts.failed == 0 && measured.counts.not_created == 0) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(measured.counts.failed, " transfers failed, ",
                   measured.counts.not_created,
                   " were not created: ", outcomes_.first_error()));
}

void Session::Settle(const Measurement& measured) {
  report_.AddSettled(measured, WaitUntilIdle(group_->pids()));
  report_.Add("stored_bytes_a_transfer",
              static_cast<double>(group_->primary().StoredBytes()) /
                  static_cast<double>(end_));
}

absl::Status Session::Verify() {
  const absl::Status status = check_->Verify(end_, outcomes_.exceptions());
  report_.AddFlag("verified", status.ok());
  report_.Add("verified_transfers", static_cast<double>(check_->executed()));
  return status;
}

// After the ledger was read, so that no promotion came of that either.
absl::Status Session::VerifyReplicas() {
  LEDGERD_RETURN_IF_ERROR(group_->WaitUntilEqual());
  LEDGERD_RETURN_IF_ERROR(group_->CheckNoPromotion());
  report_.Add("epoch", static_cast<double>(group_->epoch()));
  const absl::Status equal = group_->CompareStates();
  report_.AddFlag("states_equal", equal.ok());
  return equal;
}

absl::Status Session::MeasureRestart() {
  if (group_ == nullptr) {
    return absl::InvalidArgumentError("--restart needs --daemon");
  }
  Daemon& daemon = group_->primary();
  LEDGERD_ASSIGN_OR_RETURN(const auto before, daemon.Status());
  LEDGERD_ASSIGN_OR_RETURN(const auto took, daemon.KillAndRestart());
  const auto replayed = static_cast<double>(before.applied_sequence() -
                                            before.checkpoint_sequence());
  const double transfers = replayed * static_cast<double>(end_) /
                           static_cast<double>(before.applied_sequence());
  report_.Add("restart_ms", Milliseconds(took));
  report_.Add("replayed_entries", replayed);
  report_.Add("replayed_transfers_about", transfers);
  report_.Add("replay_rate_per_second", transfers / Milliseconds(took) * 1000);
  check_->Use(daemon.address());
  const absl::Status kept = check_->Verify(end_, outcomes_.exceptions());
  report_.AddFlag("verified_after_restart", kept.ok());
  return kept;
}

absl::Status Session::Print(const absl::Status& status) {
  if (!status.ok()) report_.Add("error", status.ToString());
  std::cout << report_.Text();
  if (!options_.json.empty()) {
    integration::WriteFile(options_.json, report_.Json());
  }
  return status;
}

}  // namespace ledgerd::bench
