#include "tests/scenarios/disk.h"

#include <utility>

#include "proto/base/check.h"

namespace ledgerd::scenarios {

using replication::DurableState;
using replication::JournalWrite;
using replication::Outline;
using replication::WriteId;

Disk::Disk(replication::Fork fork, Membership membership)
    : fork_(fork),
      membership_(std::move(membership)),
      membership_before_(membership_) {}

void Disk::Queue(const JournalWrite& write) { writes_.push_back(write); }

std::optional<WriteId> Disk::SyncNext() {
  if (writes_.empty()) return std::nullopt;
  Perform(writes_.front());
  const WriteId id = writes_.front().id;
  writes_.pop_front();
  return id;
}

void Disk::Lose(size_t keep) {
  for (size_t i = 0; i < keep && !writes_.empty(); ++i) SyncNext();
  writes_.clear();
}

// In the order of JournalWrite's members.
void Disk::Perform(const JournalWrite& write) {
  if (write.install.has_value()) {
    entries_.clear();
    damaged_.clear();
    base_ = *write.install;
    checkpoint_ = base_;
  }
  if (write.cut.has_value()) {
    while (!entries_.empty() && entries_.back().sequence() >= *write.cut) {
      damaged_.erase(entries_.back().sequence());
      entries_.pop_back();
    }
  }
  if (write.superblock.has_value()) {
    promised_ = write.superblock->promised;
    fork_ = write.superblock->fork;
    membership_ = write.superblock->membership;
    membership_before_ = write.superblock->membership_before;
  }
  for (const Entry& entry : write.entries) {
    LEDGERD_CHECK(entry.sequence() == last().Next());
    LEDGERD_CHECK(entry.previous_hash() == IdAt(last())->hash);
    entries_.push_back(entry);
  }
  for (const Entry& entry : write.repairs) {
    LEDGERD_CHECK(IdAt(entry.sequence()) == entry.id());
    damaged_.erase(entry.sequence());
  }
}

Sequence Disk::last() const {
  return Sequence(base_.sequence.value() + entries_.size());
}

std::optional<EntryId> Disk::IdAt(Sequence sequence) const {
  if (sequence == base_.sequence) return base_;
  if (sequence < base_.sequence || sequence > last()) return std::nullopt;
  return entries_[sequence.value() - base_.sequence.value() - 1].id();
}

const Entry* Disk::Read(Sequence sequence) const {
  if (sequence <= base_.sequence || sequence > last() ||
      damaged_.contains(sequence)) {
    return nullptr;
  }
  return &entries_[sequence.value() - base_.sequence.value() - 1];
}

void Disk::Checkpoint(Sequence at) {
  const Entry* entry = Read(at);
  LEDGERD_CHECK(entry != nullptr);
  checkpoint_ = entry->id();
  checkpoint_timestamp_ = entry->timestamp();
}

void Disk::Release() {
  if (base_.sequence >= checkpoint_.sequence) return;
  const size_t count = checkpoint_.sequence.value() - base_.sequence.value();
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<ptrdiff_t>(count));
  base_ = checkpoint_;
}

// The outline begins at the checkpoint, though the journal may reach further.
DurableState Disk::Open() const {
  DurableState state;
  state.promised = promised_;
  state.fork = fork_;
  state.membership = membership_;
  state.membership_before = membership_before_;
  std::vector<EntryId> ids;
  for (const Entry& entry : entries_) {
    if (entry.sequence() > checkpoint_.sequence) ids.push_back(entry.id());
  }
  state.outline = Outline(checkpoint_, ids);
  state.last_timestamp =
      entries_.empty() ? checkpoint_timestamp_ : entries_.back().timestamp();
  state.commit = checkpoint_.sequence;
  state.checkpoint = checkpoint_.sequence;
  state.damaged.assign(damaged_.begin(), damaged_.end());
  return state;
}

}  // namespace ledgerd::scenarios
