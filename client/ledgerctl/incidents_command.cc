// counters and incidents: recovery, counted, and the record behind it.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/ledgerctl/commands.h"
#include "client/ledgerctl/repeat.h"
#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"
#include "proto/types.h"

namespace ledgerd::client {
namespace {

namespace v1 = ::admin::v1;

// INCIDENT_KIND_DISK_FULL: "disk_full".
std::string WithoutPrefix(const std::string& name, size_t prefix) {
  return absl::AsciiStrToLower(name.substr(std::min(prefix, name.size())));
}

std::string KindName(v1::IncidentKind kind) {
  const std::string name = v1::IncidentKind_Name(kind);
  if (name.empty()) return absl::StrCat("kind ", static_cast<int>(kind));
  return WithoutPrefix(name, std::string("INCIDENT_KIND_").size());
}

std::string OutcomeName(v1::IncidentOutcome outcome) {
  const std::string name = v1::IncidentOutcome_Name(outcome);
  if (name.empty()) return absl::StrCat("outcome ", static_cast<int>(outcome));
  return WithoutPrefix(name, std::string("INCIDENT_OUTCOME_").size());
}

absl::StatusOr<v1::IncidentKind> ParseKind(const std::string& text) {
  v1::IncidentKind kind = v1::INCIDENT_KIND_UNSPECIFIED;
  const std::string name = "INCIDENT_KIND_" + absl::AsciiStrToUpper(text);
  if (v1::IncidentKind_Parse(name, &kind) &&
      kind != v1::INCIDENT_KIND_UNSPECIFIED) {
    return kind;
  }
  std::vector<std::string> known;
  for (int number = 1; number <= v1::IncidentKind_MAX; ++number) {
    if (!v1::IncidentKind_IsValid(number)) continue;
    known.push_back(KindName(static_cast<v1::IncidentKind>(number)));
  }
  return absl::InvalidArgumentError(absl::StrCat("no kind of incident: ", text,
                                                 "; there are ",
                                                 absl::StrJoin(known, ", ")));
}

std::string ProtoTimeText(const google::protobuf::Timestamp& time) {
  return TimeText(
      Timestamp(static_cast<uint64_t>(time.seconds()) * kNanosPerSecond +
                static_cast<uint64_t>(time.nanos())));
}

uint64_t Milliseconds(const google::protobuf::Duration& time) {
  return static_cast<uint64_t>(time.seconds()) * 1'000 +
         static_cast<uint64_t>(time.nanos()) / 1'000'000;
}

// ---- counters

struct CountersOptions {
  bool replica = false;
  std::string window;
  bool injected = false;
  bool planned = false;
};

struct NamedRate {
  const char* name;
  const v1::Rate& rate;
};

std::vector<NamedRate> RatesOf(const v1::GetRecoveryCountersResponse& counted) {
  return {{"R recovery", counted.recovery()},
          {"E tolerance", counted.tolerance()},
          {"T failover", counted.failover()},
          {"C counting", counted.counting()},
          {"completion", counted.completion()}};
}

Record ToRecord(const NamedRate& named) {
  const v1::Rate& rate = named.rate;
  Record record = {Text("rate", named.name),
                   Number("successful", rate.successful()),
                   Number("total", rate.total())};
  // Nothing happened: there is no ratio, and 100 % least of all.
  record.push_back(rate.has_ratio() ? Number("ratio", rate.ratio())
                                    : Text("ratio", "-"));
  record.push_back(Number("in_progress", rate.in_progress()));
  record.push_back(Number("aborted", rate.aborted()));
  if (rate.has_max()) {
    record.push_back(Number("p50_ms", Milliseconds(rate.p50())));
    record.push_back(Number("p99_ms", Milliseconds(rate.p99())));
    record.push_back(Number("max_ms", Milliseconds(rate.max())));
  }
  return record;
}

Record ToRecord(const v1::GetRecoveryCountersResponse& counted) {
  std::vector<Record> rates;
  std::vector<Record> kinds;
  for (const NamedRate& named : RatesOf(counted)) {
    rates.push_back(ToRecord(named));
    for (const v1::RateByKind& kind : named.rate.by_kind()) {
      kinds.push_back({Text("rate", named.name),
                       Text("kind", KindName(kind.kind())),
                       Number("successful", kind.successful()),
                       Number("total", kind.total())});
    }
  }
  const v1::Companions& companions = counted.companions();
  return {
      Number("sequence", counted.sequence()),
      List("rates", rates),
      List("kinds", kinds),
      Number("lost_entries", companions.lost_entries()),
      Number("rolled_back_entries", companions.rolled_back_entries()),
      Number("write_unavailable_ms",
             Milliseconds(companions.write_unavailable())),
      Number("unsafe_acknowledgements", companions.unsafe_acknowledgements()),
      Number("unneeded_promotions", companions.unneeded_promotions()),
      Number("consistency_checks_passed",
             companions.consistency_checks_passed()),
      Number("consistency_checks_failed",
             companions.consistency_checks_failed()),
      Text("last_verified_backup",
           companions.has_last_verified_backup()
               ? ProtoTimeText(companions.last_verified_backup())
               : "-")};
}

absl::StatusOr<ExitCode> ShowCounters(Context& context,
                                      const CountersOptions& options) {
  v1::GetRecoveryCountersRequest request;
  request.set_scope(options.replica ? v1::SCOPE_REPLICA : v1::SCOPE_GROUP);
  request.set_include_injected(options.injected);
  request.set_include_planned(options.planned);
  if (!options.window.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const auto window, ParseDuration(options.window));
    request.mutable_window()->set_seconds(window.count() / 1'000);
    request.mutable_window()->set_nanos(
        static_cast<int32_t>(window.count() % 1'000 * 1'000'000));
  }
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  LEDGERD_ASSIGN_OR_RETURN(const auto counted,
                           admin->GetRecoveryCounters(request));
  context.MakePrinter().One(ToRecord(counted));
  return ExitCode::kOk;
}

// ---- incidents

struct IncidentsOptions {
  std::vector<std::string> kinds;
  std::string since;
  uint64_t limit = 100;
  bool watch = false;
};

// "detect 512 ms, elect 14 ms"; a printed row has no lists.
std::string PhasesText(const v1::Incident& incident) {
  std::string text;
  for (const v1::Incident::Phase& phase : incident.phases()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", phase.name(), " ",
                    Milliseconds(phase.duration()), " ms");
  }
  return text.empty() ? "-" : text;
}

Record ToRecord(const v1::Incident& incident) {
  return {
      Text("id", incident.id()),
      Text("kind", KindName(incident.kind())),
      Number("replica", incident.replica_id()),
      Text("outcome", OutcomeName(incident.outcome())),
      Text("started", ProtoTimeText(incident.started_at())),
      Text("ended",
           incident.has_ended_at() ? ProtoTimeText(incident.ended_at()) : "-"),
      Number("attempts", uint64_t{incident.attempts()}),
      Number("lost_entries", incident.lost_entries()),
      Boolean("injected", incident.injected()),
      Boolean("planned", incident.planned()),
      Text("phases", PhasesText(incident)),
      Text("cause", incident.cause()),
      Text("resolution", incident.resolution())};
}

absl::StatusOr<std::vector<v1::IncidentKind>> ParseKinds(
    const std::vector<std::string>& texts) {
  std::vector<v1::IncidentKind> kinds;
  for (const std::string& text : texts) {
    LEDGERD_ASSIGN_OR_RETURN(const v1::IncidentKind kind, ParseKind(text));
    kinds.push_back(kind);
  }
  return kinds;
}

absl::StatusOr<ExitCode> ListIncidents(Context& context,
                                       const IncidentsOptions& options) {
  v1::ListIncidentsRequest request;
  LEDGERD_ASSIGN_OR_RETURN(const auto kinds, ParseKinds(options.kinds));
  for (const v1::IncidentKind kind : kinds) request.add_kinds(kind);
  if (!options.since.empty()) {
    LEDGERD_ASSIGN_OR_RETURN(const Timestamp since, ParseTime(options.since));
    request.mutable_since()->set_seconds(
        static_cast<int64_t>(since.value() / kNanosPerSecond));
    request.mutable_since()->set_nanos(
        static_cast<int32_t>(since.value() % kNanosPerSecond));
  }
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  Printer printer = context.MakePrinter();
  constexpr uint64_t kPage = 1'000;
  for (uint64_t left = options.limit; left > 0;) {
    request.set_page_size(static_cast<uint32_t>(std::min(left, kPage)));
    LEDGERD_ASSIGN_OR_RETURN(const auto page, admin->ListIncidents(request));
    for (const v1::Incident& incident : page.incidents()) {
      printer.Row(ToRecord(incident));
    }
    left -= static_cast<uint64_t>(page.incidents_size());
    request.set_page_token(page.next_page_token());
    if (page.next_page_token().empty()) break;
  }
  printer.Finish();
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Watch(Context& context,
                               const IncidentsOptions& options) {
  LEDGERD_ASSIGN_OR_RETURN(const auto kinds, ParseKinds(options.kinds));
  LEDGERD_ASSIGN_OR_RETURN(AdminClient* const admin, context.ConnectAdmin());
  Printer printer = context.MakePrinter();
  printer.set_streaming(true);
  LEDGERD_RETURN_IF_ERROR(
      admin->WatchIncidents([&](const v1::Incident& incident) {
        const bool wanted =
            kinds.empty() || std::find(kinds.begin(), kinds.end(),
                                       incident.kind()) != kinds.end();
        if (wanted) printer.Row(ToRecord(incident));
      }));
  printer.Finish();
  return ExitCode::kOk;
}

}  // namespace

void AddCountersCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<CountersOptions>();
  CLI::App* command = app.add_subcommand(
      "counters",
      "Show how recoveries (R), faults (E), changes of the primary (T) and "
      "their counting (C) ended: successful ones of all.");
  command->add_flag("--replica", options->replica,
                    "Of the replica that is asked, not of its group");
  command->add_option("--window", options->window,
                      "Only what began within that time: 90s, 90m");
  command->add_flag("--injected", options->injected, "Count drills too");
  command->add_flag("--planned", options->planned,
                    "Count planned switchovers too");
  command->footer(
      "Asks the operators' port of any replica, --admin-address. All replicas "
      "that have applied the same sequence say the same. There is no ratio "
      "while nothing has happened. What is in progress or was aborted is not "
      "in the total.\n\nExample:\n  ledgerctl counters --window 90m -o yaml");
  command->callback([&context, options, repeat = AddRepeat(*command)] {
    RunRepeated(context, *repeat,
                [&] { return ShowCounters(context, *options); });
  });
}

void AddIncidentsCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<IncidentsOptions>();
  CLI::App* command = app.add_subcommand(
      "incidents",
      "Show what the counters count: each recovery, fault and change of the "
      "primary, the newest first.");
  command
      ->add_option("--kind", options->kinds,
                   "Only these: crash_replay, disk_full, ...; several are "
                   "joined by commas")
      ->delimiter(',');
  CLI::Option* const since =
      command->add_option("--since", options->since,
                          "Only those that began then or later: "
                          "2026-11-25T04:35:00Z");
  CLI::Option* const limit =
      command->add_option("--limit", options->limit, "At most so many")
          ->capture_default_str();
  command
      ->add_flag("-w,--watch", options->watch,
                 "Print those that come up or end from now on")
      ->excludes(since)
      ->excludes(limit);
  command->footer(
      "Asks the operators' port of any replica, --admin-address.\n\n"
      "Example:\n  ledgerctl incidents --kind crash_replay -o json");
  command->callback([&context, options] {
    context.Run([&] {
      return options->watch ? Watch(context, *options)
                            : ListIncidents(context, *options);
    });
  });
}

}  // namespace ledgerd::client
