#include "tests/integration/real_time_order.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace ledgerd::integration {
namespace {

// What one answered exchange says about its place in the order.
struct Place {
  size_t number = 0;  // In the history.
  const Exchange* exchange = nullptr;
  uint64_t sequence = 0;  // 0: not told.
  // The timestamps of what it executed; none: first > last.
  uint64_t first_timestamp = std::numeric_limits<uint64_t>::max();
  uint64_t last_timestamp = 0;
  bool ascending = true;
};

// EXISTS tells when something else was executed, earlier.
template <typename Result>
bool WasExecutedNow(const Result& result) {
  return result.status != decltype(Result::status)::kExists &&
         result.timestamp.value() != 0;
}

template <typename Result>
void AddTimestamps(const std::vector<Result>& results, Place* place) {
  for (const Result& result : results) {
    if (!WasExecutedNow(result)) continue;
    const uint64_t timestamp = result.timestamp.value();
    place->ascending &= timestamp > place->last_timestamp;
    place->first_timestamp = std::min(place->first_timestamp, timestamp);
    place->last_timestamp = std::max(place->last_timestamp, timestamp);
  }
}

std::vector<Place> Places(const std::deque<Exchange>& exchanges) {
  std::vector<Place> places;
  for (size_t i = 0; i < exchanges.size(); ++i) {
    const Exchange& exchange = exchanges[i];
    if (!exchange.answered()) continue;
    Place place{.number = i,
                .exchange = &exchange,
                .sequence = exchange.ending.sequence.value()};
    AddTimestamps(exchange.ending.results, &place);
    AddTimestamps(exchange.ending.account_results, &place);
    places.push_back(place);
  }
  return places;
}

// The latest of what had ended before some moment.
struct Latest {
  uint64_t sequence = 0;
  size_t sequence_number = 0;
  uint64_t timestamp = 0;
  size_t timestamp_number = 0;

  void Add(const Place& place) {
    if (place.sequence > sequence) {
      sequence = place.sequence;
      sequence_number = place.number;
    }
    if (place.last_timestamp > timestamp) {
      timestamp = place.last_timestamp;
      timestamp_number = place.number;
    }
  }
};

class OrderChecker {
 public:
  explicit OrderChecker(const std::deque<Exchange>& exchanges)
      : by_begin_(Places(exchanges)), by_end_(by_begin_) {}

  std::vector<std::string> Check() {
    CheckRealTime();
    CheckSequences();
    return violations_;
  }

 private:
  // Places come by begin already: that is the order of a history.
  void CheckRealTime() {
    std::sort(by_end_.begin(), by_end_.end(),
              [](const Place& a, const Place& b) {
                return a.exchange->end < b.exchange->end;
              });
    Latest latest;
    auto ended = by_end_.begin();
    for (const Place& place : by_begin_) {
      while (ended->exchange->end < place.exchange->begin) latest.Add(*ended++);
      CheckAfter(latest, place);
    }
  }

  void CheckAfter(const Latest& latest, const Place& place) {
    const uint64_t at_least =
        place.exchange->is_read() ? latest.sequence : latest.sequence + 1;
    if (place.sequence != 0 && place.sequence < at_least) {
      Violation("exchange ", place.number, " began after exchange ",
                latest.sequence_number, " had ended, and yet has sequence ",
                place.sequence, " and not after ", latest.sequence);
    }
    if (place.first_timestamp <= latest.timestamp) {
      Violation("exchange ", place.number, " began after exchange ",
                latest.timestamp_number,
                " had ended, and yet has the earlier timestamp ",
                place.first_timestamp);
    }
  }

  void CheckSequences() {
    std::vector<Place> writes;
    for (const Place& place : by_begin_) {
      if (!place.ascending) {
        Violation("exchange ", place.number, " has timestamps that go back");
      }
      if (place.sequence != 0 && !place.exchange->is_read()) {
        writes.push_back(place);
      }
    }
    std::sort(writes.begin(), writes.end(), [](const Place& a, const Place& b) {
      return a.sequence < b.sequence;
    });
    uint64_t timestamp = 0;
    for (size_t i = 0; i < writes.size(); ++i) {
      if (i > 0 && writes[i].sequence == writes[i - 1].sequence) {
        Violation("exchanges ", writes[i - 1].number, " and ", writes[i].number,
                  " both have sequence ", writes[i].sequence);
      }
      if (writes[i].first_timestamp <= timestamp) {
        Violation(
            "exchange ", writes[i].number,
            " has a later sequence and an earlier timestamp than another");
      }
      timestamp = std::max(timestamp, writes[i].last_timestamp);
    }
  }

  template <typename... Parts>
  void Violation(const Parts&... parts) {
    violations_.push_back(absl::StrCat(parts...));
  }

  const std::vector<Place> by_begin_;
  std::vector<Place> by_end_;
  std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> CheckRealTimeOrder(
    const std::deque<Exchange>& exchanges) {
  return OrderChecker(exchanges).Check();
}

}  // namespace ledgerd::integration
