#include "client/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ledgerd::bench {
namespace {

constexpr int kStepBits = 7;
constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
constexpr int kValueBits = 40;
constexpr size_t kBuckets = (kValueBits - kStepBits + 1) * kSteps;

// Below kSteps the value itself; then kSteps buckets a doubling.
size_t BucketOf(uint64_t value) {
  if (value < kSteps) return value;
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - kStepBits;
  const size_t bucket = (shift + 1) * kSteps + (value >> shift) - kSteps;
  return std::min(bucket, kBuckets - 1);
}

// The greatest value that the bucket holds.
uint64_t EndOf(size_t bucket) {
  if (bucket < kSteps) return bucket;
  const uint64_t shift = bucket / kSteps - 1;
  return ((bucket % kSteps + kSteps + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Add(Duration value) {
  value = std::max(value, Duration(0));
  ++buckets_[BucketOf(static_cast<uint64_t>(value.count()))];
  ++count_;
  sum_ += static_cast<double>(value.count());
  max_ = std::max(max_, value);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

Histogram::Duration Histogram::Percentile(double percent) const {
  const auto rank = static_cast<uint64_t>(
      std::ceil(static_cast<double>(count_) * percent / 100));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen == 0 || seen < rank) continue;
    return std::min(Duration(EndOf(i)), max_);
  }
  return max_;
}

Histogram::Duration Histogram::mean() const {
  if (count_ == 0) return Duration(0);
  return Duration(static_cast<int64_t>(sum_ / static_cast<double>(count_)));
}

}  // namespace ledgerd::bench
