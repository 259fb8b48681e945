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
  void Add(const Measurement& measured, bool has_daemon);

  std::string Text() const;
  std::string Json() const;

 private:
  void AddLatency(const std::string& prefix, const Histogram& latency);
  void AddDaemon(const Measurement& measured);

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
