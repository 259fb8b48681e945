#include "tests/bench/options.h"

#include <map>

#include "CLI/CLI.hpp"
#include "proto/system_limits.h"

namespace ledgerd::bench {
namespace {

const std::map<std::string, Mode>& Modes() {
  static const auto* const modes =
      new std::map<std::string, Mode>{{"batches", Mode::kBatches},
                                      {"unary", Mode::kUnary},
                                      {"coalesced", Mode::kCoalesced},
                                      {"stream", Mode::kStream},
                                      {"one", Mode::kOne},
                                      {"ping", Mode::kPing}};
  return *modes;
}

const std::map<std::string, Distribution>& Distributions() {
  static const auto* const distributions =
      new std::map<std::string, Distribution>{
          {"uniform", Distribution::kUniform},
          {"zipf", Distribution::kZipf},
          {"hot", Distribution::kHot}};
  return *distributions;
}

template <typename Value>
std::string NameIn(const std::map<std::string, Value>& names, Value value) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

void AddDaemon(CLI::App& app, Options& options) {
  app.add_option("--daemon", options.daemon,
                 "Start this ledgerd on a new directory below TEST_TMPDIR or "
                 "/tmp; both end with ledgerbench");
  app.add_option("--address", options.address,
                 "Or: a ledgerd that runs (no figures of its process)");
  app.add_option("--replicas", options.replicas,
                 "Start so many of it, as one group (default 1)")
      ->check(CLI::IsMember({1, 2, 3, 5}));
  app.add_option("--daemon-flag", options.daemon_flags,
                 "A flag for it, like --state-delta-bytes=16MiB; repeat it");
  app.add_option("--daemon-processor", options.daemon_processor,
                 "The only processor that it runs on");
  app.add_option("--client-processor", options.client_processor,
                 "The only processor that the clients run on");
}

void AddLoad(CLI::App& app, Options& options) {
  app.add_option(
         "--mode", options.mode,
         "batches: CreateTransfers with --batch each; unary: with one; "
         "coalesced: LedgerClient gathers single transfers; stream: "
         "StreamTransfers; one: one client, one transfer at a time; ping: "
         "GetServerInfo, which makes no transfer")
      ->transform(CLI::CheckedTransformer(Modes()));
  app.add_option("--clients", options.clients,
                 "Each with its own connection (default 2)")
      ->check(CLI::PositiveNumber);
  app.add_option("--in-flight", options.in_flight,
                 "Requests of a client without an answer (default 2)")
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate,
                 "Transfers a second to offer, whether answers come or not; "
                 "default: the next request follows an answer");
}

void AddWorkload(CLI::App& app, Workload::Options& workload) {
  app.add_option("--batch", workload.batch,
                 "Transfers in a request of batches and stream (default 8189 "
                 "and 1)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{kMaxBatchSize}));
  app.add_option("--accounts", workload.accounts, "How many (default 10000)")
      ->check(CLI::Range(uint64_t{2}, uint64_t{100'000'000}));
  app.add_option("--distribution", workload.distribution,
                 "Which accounts: uniform, zipf (0.99), or hot: half of the "
                 "credits go to one")
      ->transform(CLI::CheckedTransformer(Distributions()));
  app.add_flag("--random-ids", workload.random_ids,
               "Ids in random order, instead of rising");
  app.add_flag("--full", workload.full, "User data set in every transfer");
  app.add_option("--two-phase", workload.two_phase_percent,
                 "Per cent of the transfers that are pending, or post one")
      ->check(CLI::Range(0, 100));
  app.add_option("--seed", workload.seed,
                 "Of ids, accounts and amounts; default: the time, so that a "
                 "second run on one ledger has new ids");
}

void AddCourse(CLI::App& app, Options& options) {
  app.add_option("--prefill", options.prefill,
                 "Transfers to store first, in large batches");
  app.add_option("--warm-up", options.warm_up,
                 "Transfers before the measured ones, in the same way");
  app.add_option("--count", options.count, "Transfers to measure");
  app.add_option("--seconds", options.seconds,
                 "Or: how long to measure (default 10)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--settle", options.settle,
               "Then wait until the daemon rests, and count that work too");
  app.add_flag("--restart", options.restart,
               "Then kill -9, start again, and say how long that takes");
  app.add_option("--json", options.json, "Write the figures to this file too");
  app.add_option("--label", options.label, "A name for this run");
}

// The mode decides what was not said.
void Complete(const CLI::App& app, Options& options) {
  if (app.count("--seed") == 0) {
    options.workload.seed = static_cast<uint64_t>(
        std::chrono::system_clock::now().time_since_epoch().count());
  }
  const bool batches = options.mode == Mode::kBatches;
  if (app.count("--batch") == 0) options.workload.batch = batches ? 8189 : 1;
  if (!batches && options.mode != Mode::kStream) options.workload.batch = 1;
  if (options.mode == Mode::kOne) {
    options.clients = 1;
    options.in_flight = 1;
  }
}

}  // namespace

std::string Name(Mode mode) { return NameIn(Modes(), mode); }

std::string Name(Distribution distribution) {
  return NameIn(Distributions(), distribution);
}

std::optional<int> ParseOptions(int argc, char** argv, Options& options) {
  CLI::App app("Puts load on ledgerd, measures it, and checks what it did.");
  AddDaemon(app, options);
  AddLoad(app, options);
  AddWorkload(app, options.workload);
  AddCourse(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (options.daemon.empty() == options.address.empty()) {
    std::cerr << "ledgerbench: say --daemon or --address\n";
    return 1;
  }
  if (options.replicas > 1 && (options.daemon.empty() || options.restart)) {
    std::cerr << "ledgerbench: --replicas needs --daemon, and has no "
                 "--restart\n";
    return 1;
  }
  Complete(app, options);
  return std::nullopt;
}

}  // namespace ledgerd::bench
