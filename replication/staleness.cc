#include "replication/staleness.h"

#include <algorithm>

namespace ledgerd::replication {

void Staleness::OnHeartbeat(Epoch epoch, const Heartbeat& heartbeat,
                            SteadyTime now) {
  if (epoch < epoch_) return;
  if (epoch > epoch_) {
    // Rounds are counted anew in each epoch.
    epoch_ = epoch;
    completed_ = Round(0);
    marks_.clear();
  }
  completed_ = std::max(completed_, heartbeat.completed);
  if (!marks_.empty() && heartbeat.round <= marks_.back().round) return;
  marks_.push_back(
      {heartbeat.round, heartbeat.answered_through, heartbeat.wall, now});
  if (marks_.size() > kMarksMax) marks_.pop_front();
}

bool Staleness::IsWithin(std::chrono::milliseconds max, Sequence applied,
                         Timestamp wall, SteadyTime steady) const {
  const auto mark = std::find_if(
      marks_.rbegin(), marks_.rend(), [this, applied](const Mark& m) {
        return m.round <= completed_ && m.answered <= applied;
      });
  if (mark == marks_.rend()) return false;
  const std::chrono::nanoseconds since_heard = steady - mark->heard;
  const std::chrono::nanoseconds since_sent(
      wall > mark->sent ? wall.value() - mark->sent.value() : 0);
  return std::max(since_heard, since_sent) + kTick <= max;
}

}  // namespace ledgerd::replication
