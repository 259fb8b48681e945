// Runs every table of testdata/: what the counters are of which incidents.
#include "server/incidents/recovery_counters.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "proto/base/check.h"
#include "server/ledger/table.h"

namespace ledgerd::server {
namespace {

std::vector<std::filesystem::path> TablePaths() {
  std::vector<std::filesystem::path> paths;
  for (const auto& file :
       std::filesystem::directory_iterator("server/incidents/testdata")) {
    if (file.path().extension() == ".txt") paths.push_back(file.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<TableScenario> ReadTable(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  auto table = ParseTable(text.str());
  LEDGERD_CHECK_OK(table.status()) << path;
  return *std::move(table);
}

uint64_t NumberIn(const TableRow& row, const std::string& column,
                  uint64_t otherwise) {
  const std::string text = row.Get(column);
  if (text.empty()) return otherwise;
  const auto number = ParseNumber(text);
  LEDGERD_CHECK_OK(number.status()) << "line " << row.line;
  return static_cast<uint64_t>(*number);
}

IncidentKind KindIn(const TableRow& row) {
  for (int number = 0; number < 64; ++number) {
    const auto kind = static_cast<IncidentKind>(number);
    if (Name(kind) == row.Get("kind")) return kind;
  }
  LEDGERD_CHECK(false) << "line " << row.line << ": no such kind";
  return {};
}

IncidentOutcome OutcomeIn(const TableRow& row) {
  if (row.Get("outcome").empty()) return IncidentOutcome::kInProgress;
  for (int number = 0; number < 8; ++number) {
    const auto outcome = static_cast<IncidentOutcome>(number);
    if (Name(outcome) == row.Get("outcome")) return outcome;
  }
  LEDGERD_CHECK(false) << "line " << row.line << ": no such outcome";
  return {};
}

Incident IncidentIn(const TableRow& row) {
  Incident incident;
  incident.id = {ReplicaId(NumberIn(row, "replica", 1)),
                 Timestamp(NumberIn(row, "series", 7)),
                 NumberIn(row, "number", 1)};
  incident.kind = KindIn(row);
  incident.outcome = OutcomeIn(row);
  incident.started_at = Timestamp(NumberIn(row, "start", 0));
  incident.ended_at = Timestamp(NumberIn(row, "end", 0));
  incident.detections = static_cast<uint32_t>(NumberIn(row, "seen", 1));
  incident.lost_entries = NumberIn(row, "lost", 0);
  incident.write_unavailable_ns = NumberIn(row, "held_up", 0);
  incident.injected = absl::StrContains(row.Get("flags"), "injected");
  incident.planned = absl::StrContains(row.Get("flags"), "planned");
  incident.of_primary = absl::StrContains(row.Get("flags"), "primary");
  incident.halted = absl::StrContains(row.Get("flags"), "halted");
  incident.epoch = Epoch(NumberIn(row, "epoch", 0));
  return incident;
}

CounterOptions OptionsIn(const TableRow& row) {
  CounterOptions options;
  if (!row.Get("replica").empty()) {
    options.replica = ReplicaId(NumberIn(row, "replica", 0));
  }
  options.since = Timestamp(NumberIn(row, "since", 0));
  options.include_injected = absl::StrContains(row.Get("flags"), "injected");
  options.include_planned = absl::StrContains(row.Get("flags"), "planned");
  return options;
}

const CountedRate& RateIn(const TableRow& row,
                          const RecoveryCounters& counters) {
  const std::string name = row.Get("rate");
  if (name == "recovery") return counters.recovery;
  if (name == "tolerance") return counters.tolerance;
  if (name == "failover") return counters.failover;
  LEDGERD_CHECK(name == "counting") << "line " << row.line;
  return counters.counting;
}

void CheckRate(const TableRow& row, const CountedRate& rate) {
  const auto expect = [&](const std::string& column, uint64_t value) {
    EXPECT_EQ(value, NumberIn(row, column, value))
        << "line " << row.line << ": " << column;
  };
  expect("successful", rate.successful);
  expect("total", rate.total);
  expect("in_progress", rate.in_progress);
  expect("aborted", rate.aborted);
  expect("p50", rate.p50_ns);
  expect("p99", rate.p99_ns);
  expect("max", rate.max_ns);
}

void CheckKind(const TableRow& row, const CountedRate& rate) {
  const uint8_t kind =
      row.Get("kind").empty() ? 0 : static_cast<uint8_t>(KindIn(row));
  const auto found = rate.by_kind.find(kind);
  ASSERT_NE(found, rate.by_kind.end()) << "line " << row.line;
  EXPECT_EQ(found->second.successful, NumberIn(row, "successful", 0))
      << "line " << row.line;
  EXPECT_EQ(found->second.total, NumberIn(row, "total", 0))
      << "line " << row.line;
}

void CheckCompanions(const TableRow& row, const RecoveryCounters& counters) {
  const auto expect = [&](const std::string& column, uint64_t value) {
    EXPECT_EQ(value, NumberIn(row, column, 0))
        << "line " << row.line << ": " << column;
  };
  expect("lost", counters.lost_entries);
  expect("held_up", counters.write_unavailable_ns);
  expect("unneeded", counters.unneeded_promotions);
  expect("passed", counters.consistency_checks_passed);
  expect("failed", counters.consistency_checks_failed);
  expect("backup", counters.last_verified_backup.value());
}

void RunScenario(const TableScenario& scenario) {
  std::vector<Incident> incidents;
  CounterOptions options;
  int checks = 0;
  for (const TableBlock& block : scenario.blocks) {
    const RecoveryCounters counters = CountIncidents(incidents, options);
    for (const TableRow& row : block.rows) {
      if (block.kind == "incidents") {
        incidents.push_back(IncidentIn(row));
      } else if (block.kind == "asked") {
        options = OptionsIn(row);
      } else if (block.kind == "counters") {
        CheckRate(row, RateIn(row, counters));
        ++checks;
      } else if (block.kind == "kinds") {
        CheckKind(row, RateIn(row, counters));
      } else {
        ASSERT_EQ(block.kind, "companions") << "line " << block.line;
        CheckCompanions(row, counters);
      }
    }
  }
  EXPECT_GT(checks, 0) << "the scenario checks nothing";
}

TEST(RecoveryCountersTest, AreWhatTheTablesSay) {
  ASSERT_FALSE(TablePaths().empty());
  for (const auto& path : TablePaths()) {
    for (const TableScenario& scenario : ReadTable(path)) {
      SCOPED_TRACE(path.string() + ": " + scenario.name);
      RunScenario(scenario);
    }
  }
}

}  // namespace
}  // namespace ledgerd::server
