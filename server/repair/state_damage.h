// StateDamage tells of damage of the state, as reads and entries meet it, and
// of reads that the device did not answer, to whoever sees to it; and what was
// met before there was anybody.
//
//   StateDamage damage;
//   damage.Note({absl::DataLossError("db/7.sst ...")});   // any thread, quick
//   damage.TellTo([&](const auto& met) { ... });           // that one, at once
//   damage.TellTo(nullptr);
//
// Threads  Any.
#ifndef LEDGERD_SERVER_REPAIR_STATE_DAMAGE_H_
#define LEDGERD_SERVER_REPAIR_STATE_DAMAGE_H_

#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"

#include "proto/base/mutex.h"

namespace ledgerd::server {

class StateDamage {
 public:
  struct Met {
    // DATA_LOSS. Else a read has failed, and the state may be whole.
    absl::Status damage;
    // What has to go on has met it, and the state is held (replica.h).
    bool holds = false;
  };

  using Tell = std::function<void(const Met&)>;

  // Of what there is nobody to tell yet the first is kept, damage before what
  // is none.
  void Note(const Met& met) LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (tell_ != nullptr) {
      tell_(met);
    } else if (!untold_.has_value() || (!absl::IsDataLoss(untold_->damage) &&
                                        absl::IsDataLoss(met.damage))) {
      untold_ = met;
    }
  }

  // `tell` is quick, and called until there is another one. Null: nobody; once
  // it returns, the one before is not called any more.
  void TellTo(Tell tell) LEDGERD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    tell_ = std::move(tell);
    if (tell_ == nullptr || !untold_.has_value()) return;
    tell_(*std::exchange(untold_, std::nullopt));
  }

 private:
  Mutex mutex_;
  Tell tell_ LEDGERD_GUARDED_BY(mutex_);
  std::optional<Met> untold_ LEDGERD_GUARDED_BY(mutex_);
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_REPAIR_STATE_DAMAGE_H_
