#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace ledgerd::bench {
namespace {

constexpr double kMiB = 1024 * 1024;

// Four digits are more than a measurement is worth.
std::string Number(double value) {
  if (!std::isfinite(value)) return "0";
  const bool large = std::fabs(value) >= 1000 || value == std::floor(value);
  return large ? absl::StrFormat("%.0f", value)
               : absl::StrFormat("%.4g", value);
}

std::string Quoted(const std::string& text) {
  return absl::StrCat(
      "\"",
      absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", " "}}),
      "\"");
}

double Microseconds(Histogram::Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

double CpuSeconds(const std::vector<DaemonUse>& uses) {
  double sum = 0;
  for (const DaemonUse& use : uses) sum += use.cpu_seconds();
  return sum;
}

double WrittenBytesMax(const std::vector<DaemonUse>& uses) {
  double most = 0;
  for (const DaemonUse& use : uses) most = std::max(most, use.written_bytes());
  return most;
}

std::string JsonOf(const Sample& sample) {
  return absl::StrCat("{\"at_seconds\": ", Number(sample.at_seconds),
                      ", \"executed\": ", sample.executed,
                      ", \"refused\": ", sample.refused,
                      ", \"resident_bytes\": ", sample.resident_bytes, "}");
}

}  // namespace

void Report::Add(const std::string& name, const std::string& value) {
  lines_.push_back({name, value, true});
}

void Report::Add(const std::string& name, double value) {
  lines_.push_back({name, Number(value)});
}

void Report::AddFlag(const std::string& name, bool value) {
  lines_.push_back({name, value ? "true" : "false"});
}

void Report::Add(const Options& options) {
  const Workload::Options& workload = options.workload;
  if (!options.label.empty()) Add("label", options.label);
  Add("mode", Name(options.mode));
  if (!options.daemon.empty()) Add("replicas", options.replicas);
  Add("batch", static_cast<double>(workload.batch));
  Add("clients", options.clients);
  Add("in_flight", options.in_flight);
  Add("accounts", static_cast<double>(workload.accounts));
  Add("distribution", Name(workload.distribution));
  AddFlag("random_ids", workload.random_ids);
  AddFlag("full", workload.full);
  Add("two_phase_percent", workload.two_phase_percent);
  Add("prefill", static_cast<double>(options.prefill));
  if (options.rate > 0) Add("offered_per_second", options.rate);
  Add("seed", absl::StrCat(workload.seed));
}

void Report::AddLatency(const std::string& prefix, const Histogram& latency) {
  Add(prefix + "mean", Microseconds(latency.mean()));
  Add(prefix + "p50", Microseconds(latency.Percentile(50)));
  Add(prefix + "p90", Microseconds(latency.Percentile(90)));
  Add(prefix + "p99", Microseconds(latency.Percentile(99)));
  Add(prefix + "p999", Microseconds(latency.Percentile(99.9)));
  Add(prefix + "max", Microseconds(latency.max()));
}

void Report::Add(const Measurement& measured) {
  const LaneCounts& counts = measured.counts;
  Add("seconds", measured.seconds);
  Add("transfers", static_cast<double>(counts.executed));
  Add("rate_per_second", measured.Rate());
  Add("requests", static_cast<double>(counts.latency.count()));
  AddLatency("latency_us_", counts.latency);
  Add("refused", static_cast<double>(counts.refused));
  if (counts.refused > 0) AddLatency("refusal_us_", counts.refusal_latency);
  Add("failed", static_cast<double>(counts.failed));
  Add("not_created", static_cast<double>(counts.not_created));
  // Seconds a million transfers are microseconds a transfer.
  Add("client_cpu_us_a_transfer",
      measured.PerTransfer(measured.client_cpu_seconds * 1e6));
  if (!measured.daemons.empty()) AddDaemons(measured);
  samples_ = measured.samples;
}

void Report::AddDaemons(const Measurement& measured) {
  uint64_t resident = 0;
  uint64_t resident_max = 0;
  for (const DaemonUse& use : measured.daemons) {
    resident = std::max(resident, use.after.resident_bytes);
    resident_max = std::max(resident_max, use.after.resident_bytes_max);
  }
  const double cpu = CpuSeconds(measured.daemons);
  Add("daemon_cpu_us_a_transfer", measured.PerTransfer(cpu * 1e6));
  Add("cpu_us_a_transfer",
      measured.PerTransfer((cpu + measured.client_cpu_seconds) * 1e6));
  Add("written_bytes_a_transfer",
      measured.PerTransfer(WrittenBytesMax(measured.daemons)));
  Add("resident_mib", static_cast<double>(resident) / kMiB);
  Add("resident_mib_max", static_cast<double>(resident_max) / kMiB);
  AddRoles("", measured, measured.daemons);
}

void Report::AddSettled(const Measurement& measured,
                        const std::vector<ProcessStats>& idle) {
  std::vector<DaemonUse> uses = measured.daemons;
  for (size_t i = 0; i < uses.size(); ++i) uses[i].after = idle[i];
  Add("settled_daemon_cpu_us_a_transfer",
      measured.PerTransfer(CpuSeconds(uses) * 1e6));
  Add("settled_written_bytes_a_transfer",
      measured.PerTransfer(WrittenBytesMax(uses)));
  AddRoles("settled_", measured, uses);
}

void Report::AddRoles(const std::string& prefix, const Measurement& measured,
                      const std::vector<DaemonUse>& uses) {
  if (uses.size() < 2) return;
  for (size_t i = 0; i < uses.size(); ++i) {
    const DaemonUse& use = uses[i];
    const std::string role =
        prefix + (i == 0 ? "primary_" : absl::StrCat("standby", i, "_"));
    Add(role + "cpu_us_a_transfer",
        measured.PerTransfer(use.cpu_seconds() * 1e6));
    Add(role + "written_bytes_a_transfer",
        measured.PerTransfer(use.written_bytes()));
    Add(role + "resident_mib_max",
        static_cast<double>(use.after.resident_bytes_max) / kMiB);
  }
}

std::string Report::Text() const {
  std::string text;
  for (const Line& line : lines_) {
    absl::StrAppend(&text,
                    absl::StrFormat("%-34s %s\n", line.name, line.value));
  }
  return text;
}

std::string Report::Json() const {
  std::string json = "{\n";
  for (const Line& line : lines_) {
    absl::StrAppend(&json, "  ", Quoted(line.name), ": ",
                    line.is_text ? Quoted(line.value) : line.value, ",\n");
  }
  absl::StrAppend(&json, "  \"samples\": [");
  const char* separator = "\n";
  for (const Sample& sample : samples_) {
    absl::StrAppend(&json, separator, "    ", JsonOf(sample));
    separator = ",\n";
  }
  return json + "\n  ]\n}\n";
}

}  // namespace ledgerd::bench
