// The figures of a run, for people and for scripts.
//
//   Report report;
//   report.Add("rate_per_second", 301'004);
//   std::cout << report.Text();
//   WriteFile(path, report.Json());
//
// Shape   Names and values in the order added; a name says its unit. JSON is
// one
//         object, with the samples as an array.
#ifndef LEDGERD_TESTS_BENCH_REPORT_H_
#define LEDGERD_TESTS_BENCH_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/measurement.h"
#include "tests/bench/options.h"

namespace ledgerd::bench {

class Report {
 public:
  void Add(const std::string& name, const std::string& value);
  void Add(const std::string& name, double value);
  void AddFlag(const std::string& name, bool value);

  // What was asked for.
  void Add(const Options& options);
  // With what the daemons used, if it is known: CPU is that of all, memory and
  // bytes written are those of the one with most of it. Then each role of a
  // group by itself: primary_, standby1_, standby2_.
  void Add(const Measurement& measured);
  // The same, as of when the daemons rested: with what they did afterwards.
  void AddSettled(const Measurement& measured,
                  const std::vector<ProcessStats>& idle);

  std::string Text() const;
  std::string Json() const;

 private:
  void AddLatency(const std::string& prefix, const Histogram& latency);
  void AddDaemons(const Measurement& measured);
  // Of each role of a group.
  void AddRoles(const std::string& prefix, const Measurement& measured,
                const std::vector<DaemonUse>& uses);

  struct Line {
    std::string name;
    std::string value;
    bool is_text = false;
  };

  std::vector<Line> lines_;
  std::vector<Sample> samples_;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_TESTS_BENCH_REPORT_H_
