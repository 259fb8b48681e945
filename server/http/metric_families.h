// Metrics as they are gathered, family by family, in Prometheus' text format.
//
//   MetricFamilies metrics;
//   metrics.Gauge("ledgerd_epoch", "The epoch that it has promised.", 7);
//   return metrics.ToText();
//
// Shape    Those of one name come one after the other.
#ifndef LEDGERD_SERVER_HTTP_METRIC_FAMILIES_H_
#define LEDGERD_SERVER_HTTP_METRIC_FAMILIES_H_

#include <string>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "server/histogram.h"

namespace ledgerd::server {

class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  void Gauge(const std::string& name, const std::string& help, double value,
             Labels labels = {});

  void Counter(const std::string& name, const std::string& help, double value,
               Labels labels = {});

  // Its values are told as `unit` each.
  void Distribution(const std::string& name, const std::string& help,
                    const Histogram& histogram, double unit,
                    Labels labels = {});

  std::string ToText() const;

 private:
  prometheus::ClientMetric& Add(const std::string& name,
                                const std::string& help,
                                prometheus::MetricType type, Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_METRIC_FAMILIES_H_
