// bench: how fast this ledger is, from here.
#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/bench/drivers.h"
#include "client/bench/ledger_check.h"
#include "client/bench/requests.h"
#include "client/bench/workload.h"
#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/progress_bar.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"
#include "proto/base/uint128.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::client {
namespace {

using bench::Clock;

constexpr std::chrono::milliseconds kRedraw{100};
// One that nobody is likely to use.
constexpr uint32_t kLedger = 4'000'000'000;
constexpr uint64_t kBatchDefault = 8'189;

struct BenchOptions {
  std::string mode = "batches";
  std::string duration = "5s";
  uint64_t transfers = 0;
  int clients = 2;
  int in_flight = 2;
  uint64_t batch = 0;
  uint64_t accounts = 1'000;
  uint32_t ledger = kLedger;
  double rate = 0;
  bool yes = false;
};

using Drive = bench::LaneCounts (*)(const bench::Target&, bench::Run&);

// One transfer in each request: those that gather or need none.
struct Mode {
  Drive drive;
  bool is_single = true;
};

const std::map<std::string, Mode>& Modes() {
  static const auto* const modes =
      new std::map<std::string, Mode>{{"batches", {bench::DriveCalls, false}},
                                      {"unary", {bench::DriveCalls}},
                                      {"coalesced", {bench::DriveCoalesced}},
                                      {"stream", {bench::DriveStreams, false}}};
  return *modes;
}

bench::Workload::Options WorkloadOf(const BenchOptions& options) {
  const bool is_single = Modes().at(options.mode).is_single;
  const uint64_t batch = options.batch == 0 ? kBatchDefault : options.batch;
  // Other runs have other accounts and other ids.
  const auto run = static_cast<uint64_t>(
      std::chrono::system_clock::now().time_since_epoch().count());
  return {.accounts = options.accounts,
          .first_account = AccountId(MakeUint128(run, 1)),
          .ledger = options.ledger,
          .batch = is_single ? 1 : batch,
          .seed = run};
}

absl::StatusOr<bench::RequestSource::Limits> LimitsOf(
    const BenchOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const auto duration,
                           ParseDuration(options.duration));
  bench::RequestSource::Limits limits{.rate = options.rate};
  if (options.transfers > 0) {
    limits.transfers = options.transfers;
  } else {
    limits.duration = duration;
  }
  return limits;
}

// How far it is, 0 to 1.
double FractionOf(const bench::RequestSource::Limits& limits, uint64_t executed,
                  Clock::duration passed) {
  if (limits.transfers != UINT64_MAX) {
    return static_cast<double>(executed) /
           static_cast<double>(limits.transfers);
  }
  return std::chrono::duration<double>(passed) /
         std::chrono::duration<double>(limits.duration);
}

struct Measured {
  bench::LaneCounts counts;
  double seconds = 0;
};

// Until all is answered.
Measured Measure(Drive drive, const bench::Target& target,
                 const bench::RequestSource::Limits& limits, bench::Run& run) {
  ProgressBar bar;
  const auto begin = Clock::now();
  auto done = std::async(std::launch::async, [&] {
    Measured measured{.counts = drive(target, run)};
    measured.seconds =
        std::chrono::duration<double>(Clock::now() - begin).count();
    return measured;
  });
  while (done.wait_for(kRedraw) != std::future_status::ready) {
    const uint64_t executed = run.executed.load();
    bar.Show("transfers", FractionOf(limits, executed, Clock::now() - begin),
             static_cast<size_t>(executed));
  }
  return done.get();
}

double Milliseconds(bench::Histogram::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Record ToRecord(const BenchOptions& options, const bench::Workload& workload,
                const Measured& measured, bool verified) {
  const bench::LaneCounts& counts = measured.counts;
  const bench::Histogram& latency = counts.latency;
  return {Text("mode", options.mode),
          Number("batch", workload.batch()),
          Number("clients", static_cast<uint64_t>(options.clients)),
          Number("in_flight", static_cast<uint64_t>(options.in_flight)),
          Number("accounts", options.accounts),
          Number("seconds", measured.seconds),
          Number("transfers", counts.executed),
          Number("transfers_per_second",
                 static_cast<double>(counts.executed) / measured.seconds),
          Number("requests", latency.count()),
          Number("latency_ms_p50", Milliseconds(latency.Percentile(50))),
          Number("latency_ms_p99", Milliseconds(latency.Percentile(99))),
          Number("latency_ms_p999", Milliseconds(latency.Percentile(99.9))),
          Number("latency_ms_max", Milliseconds(latency.max())),
          Number("refused", counts.refused),
          Number("failed", counts.failed + counts.not_created),
          Boolean("verified", verified)};
}

// Where payments are taken, as the server that answers knows.
absl::StatusOr<std::string> PrimaryOf(Context& context) {
  LEDGERD_ASSIGN_OR_RETURN(LedgerClient* const client, context.Connect());
  LEDGERD_ASSIGN_OR_RETURN(const auto info, client->GetServerInfo());
  if (!info.primary_address.empty()) return info.primary_address;
  return MakeError(Reason::kNoPrimary,
                   "no primary is known, so no payment is taken");
}

bool IsWanted(const BenchOptions& options, const std::string& primary) {
  return options.yes ||
         Context::Confirm(
             absl::StrCat("This makes ", options.accounts,
                          " accounts and many transfers in ledger ",
                          options.ledger, " at ", primary,
                          ", which stay there for ever. Type 'bench' to go "
                          "on:"),
             "bench");
}

absl::StatusOr<ExitCode> Bench(Context& context, const BenchOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const auto limits, LimitsOf(options));
  LEDGERD_ASSIGN_OR_RETURN(const std::string primary, PrimaryOf(context));
  if (!IsWanted(options, primary)) {
    return absl::FailedPreconditionError("not confirmed; nothing was done");
  }
  const bench::Workload workload(WorkloadOf(options));
  bench::LedgerCheck check(primary, workload);
  LEDGERD_RETURN_IF_ERROR(check.Prepare());
  bench::RequestSource source(workload, 0, limits);
  bench::Outcomes outcomes;
  bench::Run run{.source = source, .outcomes = outcomes};
  const Measured measured = Measure(Modes().at(options.mode).drive,
                                    {.address = primary,
                                     .clients = options.clients,
                                     .in_flight = options.in_flight},
                                    limits, run);
  const bool failed =
      measured.counts.failed > 0 || measured.counts.not_created > 0;
  const absl::Status verified =
      failed ? absl::OkStatus()
             : check.Verify(source.end(), outcomes.exceptions());
  context.MakePrinter().One(
      ToRecord(options, workload, measured, !failed && verified.ok()));
  LEDGERD_RETURN_IF_ERROR(verified);
  if (!failed) return ExitCode::kOk;
  return absl::InternalError(
      absl::StrCat(measured.counts.failed + measured.counts.not_created,
                   " transfers failed, and what came of the others was not "
                   "looked at: ",
                   outcomes.first_error()));
}

void AddOptions(CLI::App& command, BenchOptions& options) {
  command
      .add_option("--mode", options.mode,
                  "batches: many transfers in a request; unary: one; "
                  "coalesced: the client library gathers single ones; stream: "
                  "many requests on their way")
      ->check(CLI::IsMember({"batches", "unary", "coalesced", "stream"}))
      ->capture_default_str();
  auto* duration = command.add_option("--duration", options.duration,
                                      "For how long: 5s, 2m");
  duration->capture_default_str();
  command
      .add_option("--transfers", options.transfers,
                  "Or: how many, about; by whole requests")
      ->check(CLI::PositiveNumber)
      ->excludes(duration);
  command.add_option("--clients", options.clients, "Connections")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command
      .add_option("--in-flight", options.in_flight,
                  "Requests of a connection that wait for their answers")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      .add_option("--batch", options.batch,
                  "Transfers in a request of batches and stream; by default "
                  "8189")
      ->check(CLI::Range(uint64_t{1}, uint64_t{kMaxBatchSize}));
  command
      .add_option("--accounts", options.accounts,
                  "Between which they move; made anew each time")
      ->check(CLI::Range(uint64_t{2}, uint64_t{10'000'000}))
      ->capture_default_str();
  command.add_option("--ledger", options.ledger, "In which ledger")
      ->check(CLI::Range(uint32_t{1}, UINT32_MAX))
      ->capture_default_str();
  command
      .add_option("--rate", options.rate,
                  "Transfers a second to offer, whether answers come or not; "
                  "by default a request follows an answer")
      ->check(CLI::PositiveNumber);
  command.add_flag("--yes", options.yes, "Do not ask");
}

}  // namespace

void AddBenchCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "bench",
      "Put load on this ledger, say how fast it was, and look whether all of "
      "it is there.");
  const auto options = std::make_shared<BenchOptions>();
  AddOptions(*command, *options);
  command->footer(
      "Asks the primary, which the server at --address names. The transfers "
      "and their accounts stay in the ledger, so it asks before (--yes). "
      "latency_ms is from when a request was due to its answer.\nIn the end "
      "every account's balances must be what was sent, and samples of the "
      "transfers are compared.\nExit code 6: the ledger does not have what it "
      "has acknowledged.\n\nExamples:\n  ledgerctl bench --yes\n  ledgerctl "
      "bench --yes --mode unary --clients 50 --in-flight 1 --duration 30s -o "
      "json");
  command->callback([&context, options] {
    context.Run([&] { return Bench(context, *options); });
  });
}

}  // namespace ledgerd::client
