#include "server/http/metric_families.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <utility>

#include "prometheus/text_serializer.h"

namespace ledgerd::server {

void MetricFamilies::Gauge(const std::string& name, const std::string& help,
                           double value, Labels labels) {
  prometheus::ClientMetric& metric =
      Add(name, help, prometheus::MetricType::Gauge, std::move(labels));
  metric.gauge.value = value;
}

void MetricFamilies::Counter(const std::string& name, const std::string& help,
                             double value, Labels labels) {
  prometheus::ClientMetric& metric =
      Add(name, help, prometheus::MetricType::Counter, std::move(labels));
  metric.counter.value = value;
}

void MetricFamilies::Distribution(const std::string& name,
                                  const std::string& help,
                                  const Histogram& histogram, double unit,
                                  Labels labels) {
  prometheus::ClientMetric::Histogram& metric =
      Add(name, help, prometheus::MetricType::Histogram, std::move(labels))
          .histogram;
  const Histogram::Counts counts = histogram.Get();
  const auto bounds = histogram.bounds();
  uint64_t through = 0;
  for (size_t i = 0; i <= bounds.size(); ++i) {
    through += counts.values[i];
    metric.bucket.push_back(
        {.cumulative_count = through,
         .upper_bound = i < bounds.size()
                            ? static_cast<double>(bounds[i]) * unit
                            : std::numeric_limits<double>::infinity()});
  }
  metric.sample_count = through;
  metric.sample_sum = static_cast<double>(counts.sum) * unit;
}

std::string MetricFamilies::ToText() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families_);
  return text.str();
}

prometheus::ClientMetric& MetricFamilies::Add(const std::string& name,
                                              const std::string& help,
                                              prometheus::MetricType type,
                                              Labels labels) {
  if (families_.empty() || families_.back().name != name) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
  }
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  metric.label = std::move(labels);
  return metric;
}

}  // namespace ledgerd::server
