// The scrubber reads all that this replica has on its disk again, now and then,
// and has mended what is damaged.
//
//   Scrubber scrubber(options, ports);
//   ...
//   scrubber.LookNow();       // another replica has met damage here
//
// Shape    A pass is all segments of the journal, then the state: its rows, its
//          indexes against the rows, its hash. It takes as long as the rate
//          lets it. The next one begins an interval after the last one ended;
//          the first one kFirstAfter after the start, or an interval.
// Damage   Of the journal: two incidents, corruption (a fault) and repair (a
//          recovery), recorded before anything is done, and an alarm. Mended:
//          both end well. What could not be asked for is tried again each
//          kRetryAfter. What no replica has halts this one, and the fault names
//          the sequence.
//          Of the state, found here or met by a read: the same two incidents,
//          and it is replaced (state_repair.h); where no replica has a whole
//          one the alarm stays, for an operator. The others are asked again in
//          each pass, since one may have a new disk, and where an entry is held
//          for it: that ends well, or halts. A replica that is alone asks
//          nobody: corruption and an alarm.
//          Of more of the journal than entries: the same.
//          A read that the device did not answer, here or met by another one:
//          disk_error, once for each message, and an alarm.
//          Nothing damaged is ever used.
// Threads  Its own. Those that are quick, LookNow and passes: any.
#ifndef LEDGERD_SERVER_REPAIR_SCRUBBER_H_
#define LEDGERD_SERVER_REPAIR_SCRUBBER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "proto/base/mutex.h"
#include "proto/types.h"
#include "server/damage_alarms.h"
#include "server/incidents/incident_keeper.h"
#include "server/logging.h"
#include "server/peers.h"
#include "server/repair/state_damage.h"
#include "server/scrub_passes.h"
#include "storage/pace.h"
#include "storage/segment.h"
#include "storage/segment_journal.h"

namespace ledgerd::server {

struct ScrubberOptions {
  // 0: it looks only where it is told to.
  std::chrono::seconds interval{0};
  uint64_t bytes_per_second = uint64_t{16} << 20;
};

struct ScrubberPorts {
  std::function<std::vector<storage::SegmentNumber>()> segments;
  std::function<absl::StatusOr<std::vector<storage::SegmentDamage>>(
      storage::SegmentNumber, const storage::Pace&)>
      find;
  std::function<absl::Status(const storage::SegmentDamage&, Peers::Deadline)>
      mend;
  // Empty where there is no state.
  std::function<absl::Status(const storage::Pace&)> verify_state;
  // Replaces the state. Empty: it is not mended.
  std::function<absl::Status()> mend_state;
  // Has that end soon.
  std::function<void()> end_mending_state;
  // Which state it is, by its sequences, in words. Empty: it is not said.
  std::function<std::string()> state_at;
  // An alarm, and its end.
  std::function<void(DamageAlarms::Place, const absl::Status&)> alarm;
  std::function<void(DamageAlarms::Place)> clear;
  // What no replica can mend.
  std::function<void(const absl::Status&)> halt;
  std::function<Timestamp()> now;
};

class Scrubber {
 public:
  static constexpr std::chrono::minutes kFirstAfter{10};
  static constexpr size_t kReportedMax = 100;
  static constexpr std::chrono::seconds kRetryAfter{5};
  // For one mending.
  static constexpr std::chrono::seconds kPatience{3};

  // `incidents` and `logger` outlive it.
  Scrubber(ScrubberOptions options, ScrubberPorts ports,
           IncidentKeeper& incidents, Logger& logger);
  // Ends, if End was not called.
  ~Scrubber();

  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

  // Waits until it does nothing any more: kPatience at most.
  void End() LEDGERD_EXCLUDES(mutex_);

  // Begins a pass over the journal, if none goes on.
  void LookNow() LEDGERD_EXCLUDES(mutex_);

  // Damage of the state was met, or a read of it has failed. Quick.
  void NoteStateDamage(const StateDamage::Met& met) LEDGERD_EXCLUDES(mutex_);

  // Another state has taken its place: what was met before is gone. Quick.
  void ForgetStateDamage() LEDGERD_EXCLUDES(mutex_);

  // Over everything.
  ScrubPasses passes() const LEDGERD_EXCLUDES(mutex_);

 private:
  // What there is to do next.
  enum class Turn { kEnd, kJournal, kState, kAll };

  // What has met damage of the state.
  enum class MetBy { kPass, kRead, kHeld };

  void Loop() LEDGERD_EXCLUDES(mutex_);
  Turn WaitForTurn() LEDGERD_EXCLUDES(mutex_);
  // CANCELLED: it is to end.
  absl::Status LookAtJournal();
  absl::Status LookAtSegment(storage::SegmentNumber number);
  absl::Status LookAtState();
  // What was noted, if anything was.
  absl::Status SeeToNotedDamage() LEDGERD_EXCLUDES(mutex_);
  absl::Status SeeToState(const absl::Status& damage, MetBy by)
      LEDGERD_EXCLUDES(mutex_);
  absl::Status SeeToLostState(MetBy by) LEDGERD_EXCLUDES(mutex_);
  // Tries until it is mended, or cannot be, or it is to end.
  absl::Status MendState() LEDGERD_EXCLUDES(mutex_);
  // `what`, and of which state.
  std::string InState(absl::string_view what) const;
  // All that was found in the old state is gone with it.
  void CloseLost();
  // False when it was told of before.
  static bool IsNew(const std::string& what, std::set<std::string>& told);
  void Report(DamageAlarms::Place place, const absl::Status& damage);
  // Until it is mended, or cannot be, or it is to end.
  absl::Status SeeTo(const storage::SegmentDamage& damage);
  absl::Status Paced(uint64_t bytes) LEDGERD_EXCLUDES(mutex_);
  // CANCELLED: it is to end.
  absl::Status Sleep(std::chrono::nanoseconds time) LEDGERD_EXCLUDES(mutex_);

  const ScrubberOptions options_;
  const ScrubberPorts ports_;
  IncidentKeeper& incidents_;
  Logger& logger_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool ending_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool look_now_ LEDGERD_GUARDED_BY(mutex_) = false;
  std::optional<StateDamage::Met> state_damage_ LEDGERD_GUARDED_BY(mutex_);
  // Of the state. Another one that comes meanwhile is told of when it is met
  // again.
  absl::Status read_error_ LEDGERD_GUARDED_BY(mutex_);
  ScrubPasses passes_ LEDGERD_GUARDED_BY(mutex_);
  // The thread's own: when the next pass over everything begins.
  std::chrono::steady_clock::time_point next_;
  // What is not mended, and was told of.
  std::set<std::string> reported_;
  // Of the state, and its incident; nobody else has a whole one.
  std::map<std::string, uint64_t> lost_;
  // This pass has met some of that.
  bool is_clean_ = true;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_SCRUBBER_H_
