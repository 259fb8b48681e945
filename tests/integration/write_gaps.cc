#include "tests/integration/write_gaps.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

namespace ledgerd::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr size_t kPercentMax = 100;

// When writes were answered, ascending.
std::vector<int64_t> AnswersToWrites(const std::deque<Exchange>& exchanges) {
  std::vector<int64_t> answers;
  for (const Exchange& exchange : exchanges) {
    if (!exchange.answered() || exchange.transfers.empty()) continue;
    answers.push_back(exchange.end);
  }
  std::sort(answers.begin(), answers.end());
  return answers;
}

// `from` and `to` as in the header.
int64_t LongestGap(const std::vector<int64_t>& answers, int64_t from,
                   int64_t to) {
  auto next = std::upper_bound(answers.begin(), answers.end(), from);
  int64_t last = next == answers.begin() ? from : *std::prev(next);
  int64_t longest = 0;
  for (; next != answers.end() && last < to; ++next) {
    const bool belongs_to_next = *next >= to && last > from;
    if (belongs_to_next) break;
    longest = std::max(longest, *next - last);
    last = *next;
  }
  return last <= from ? INT64_MAX : longest;
}

}  // namespace

std::vector<milliseconds> WriteGaps(
    const std::deque<Exchange>& exchanges,
    const std::vector<steady_clock::time_point>& moments) {
  const std::vector<int64_t> answers = AnswersToWrites(exchanges);
  std::vector<milliseconds> gaps;
  for (size_t i = 0; i < moments.size(); ++i) {
    const int64_t from = moments[i].time_since_epoch().count();
    const int64_t to = i + 1 < moments.size()
                           ? moments[i + 1].time_since_epoch().count()
                           : INT64_MAX;
    gaps.push_back(std::chrono::duration_cast<milliseconds>(
        nanoseconds(LongestGap(answers, from, to))));
  }
  return gaps;
}

milliseconds Percentile(std::vector<milliseconds> values, size_t percent) {
  LEDGERD_CHECK(!values.empty() && percent > 0 && percent <= kPercentMax);
  std::sort(values.begin(), values.end());
  const size_t rank = (values.size() * percent + kPercentMax - 1) / kPercentMax;
  return values[rank - 1];
}

std::string Spread(const std::vector<milliseconds>& values) {
  std::string text;
  for (const milliseconds value : values) {
    absl::StrAppend(&text, value.count(), " ");
  }
  return absl::StrCat(text, "(p50 ", Percentile(values, 50).count(), ", p99 ",
                      Percentile(values, 99).count(), ")");
}

}  // namespace ledgerd::integration
