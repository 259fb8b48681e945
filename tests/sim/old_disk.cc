#include "tests/sim/old_disk.h"

#include <algorithm>
#include <utility>

namespace ledgerd::sim {
namespace {

using replication::Replica;

// As long as the replica may ask what others remember, and longer.
constexpr uint64_t kLooksMax = 1000;
constexpr microseconds kLookEvery = milliseconds(1);
constexpr uint64_t kPromotionsMax = 5;

}  // namespace

void OldDisk::Begin() {
  if (running_ || !Cast()) return;
  running_ = true;
  const Node::Image image = old_->TakeImage();
  if (around_.random.OneIn(2)) RestartBefore();
  lives_.clear();
  for (const auto& [id, node] : nodes_) lives_[id] = node->life();
  epoch_ = primary_->protocol().epoch();
  network_.CutBothWays(primary_->id(), other_->id());
  const microseconds wait = milliseconds(around_.random.Between(100, 900));
  After(wait, [this, image] {
    if (!AllRemember()) {
      End();
      return;
    }
    Restore(image);
  });
}

// What the primary remembers then is heard by the process after it.
void OldDisk::RestartBefore() {
  around_.counts.Add("recalled for another process");
  old_->Crash(/*power_cut=*/false);
  network_.HoldNext(primary_->id(), old_->id(),
                    replication::Body(replication::Recalled()).index());
  old_->Start();
}

bool OldDisk::Cast() {
  if (!network_.whole()) return false;
  std::vector<Node*> standbys;
  primary_ = nullptr;
  for (const auto& [id, node] : nodes_) {
    if (!node->up() || node->paused()) return false;
    if (node->protocol().is_primary()) {
      primary_ = node.get();
    } else {
      standbys.push_back(node.get());
    }
  }
  if (primary_ == nullptr || standbys.size() != 2) return false;
  if (around_.random.OneIn(2)) std::swap(standbys[0], standbys[1]);
  // A witness is never promoted.
  if (!standbys[1]->keeps_state()) std::swap(standbys[0], standbys[1]);
  old_ = standbys[0];
  other_ = standbys[1];
  return true;
}

bool OldDisk::AllRemember() const {
  return primary_->leads() && primary_->protocol().epoch() == epoch_ &&
         std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& n) {
           return n.second->up() && n.second->life() == lives_.at(n.first);
         });
}

void OldDisk::Restore(const Node::Image& image) {
  around_.counts.Add("old disk");
  old_->Crash(/*power_cut=*/false);
  old_->Restore(image);
  old_->Start();
  network_.ReleaseHeld();
  // So that it does not catch up at once.
  old_->SlowDisk(seconds(3));
  lives_[old_->id()] = old_->life();
  if (around_.random.OneIn(3)) {
    HearLate();
  } else {
    AwaitDebt(kLooksMax);
  }
}

// The primary lives and remembers, though nobody hears it for longer than a
// timeout: the two others must not go on without it.
void OldDisk::HearLate() {
  around_.counts.Add("old disk, remembered late");
  network_.CutBothWays(primary_->id(), old_->id());
  After(milliseconds(around_.random.Between(600, 2000)), [this] {
    network_.Join();
    AwaitMemory(kLooksMax);
  });
}

void OldDisk::AwaitMemory(uint64_t looks) {
  if (looks == 0 || KnowsItIsOld()) {
    AwaitPayment();
  } else {
    After(kLookEvery, [this, looks] { AwaitMemory(looks - 1); });
  }
}

void OldDisk::AwaitDebt(uint64_t looks) {
  if (!AllRemember()) {
    End();
  } else if (looks == 0 || KnowsItIsOld()) {
    LosePrimary();
  } else {
    After(kLookEvery, [this, looks] { AwaitDebt(looks - 1); });
  }
}

void OldDisk::LosePrimary() {
  around_.counts.Add("old disk, and no primary");
  primary_->Crash(/*power_cut=*/false);
  network_.Join();
  const microseconds back = milliseconds(around_.random.Between(2000, 4000));
  After(back, [this] { primary_->Start(); });
  Promote(kPromotionsMax);
  AwaitPayment();
}

void OldDisk::Promote(uint64_t times) {
  if (times == 0) return;
  After(milliseconds(300), [this, times] {
    other_->Do([this](Replica& replica) {
      replica.OnEvent(replication::PromotionRequested{}, other_->ReadClock());
    });
    Promote(times - 1);
  });
}

void OldDisk::AwaitPayment() {
  if (primary_->up() && !KnowsItIsOld()) {
    End();
  } else {
    After(milliseconds(20), [this] { AwaitPayment(); });
  }
}

bool OldDisk::KnowsItIsOld() const {
  return old_->up() &&
         old_->protocol().alarms().contains(replication::Alarm::kDiskIsOld);
}

void OldDisk::End() {
  network_.ReleaseHeld();
  network_.Join();
  running_ = false;
}

void OldDisk::After(microseconds delay, const std::function<void()>& task) {
  around_.scheduler.After(delay, [this, task] {
    if (running_) task();
  });
}

}  // namespace ledgerd::sim
