#include "replication/apply_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "proto/base/check.h"

namespace ledgerd::replication {

ApplyQueue::ApplyQueue(storage::StateStore& store, const StateMachine& machine,
                       ReplicaWork& work, StateMarks* marks)
    : store_(store), machine_(machine), work_(work), marks_(marks) {}

void ApplyQueue::Add(Entry entry, Done done) {
  LEDGERD_CHECK(added_.empty() ||
                added_.back().entry.sequence().Next() == entry.sequence());
  if (added_bytes_ > kAddedBytesMax) LetGoOfAdded();
  added_bytes_ += entry.bytes().size();
  added_.push_back(MakeItem(std::move(entry), std::move(done)));
}

// A state that cannot keep up (a slow disk below its checkpoints) must not grow
// with what its journal takes.
void ApplyQueue::LetGoOfAdded() {
  const bool waited_for =
      std::any_of(added_.begin(), added_.end(),
                  [](const Item& item) { return item.done != nullptr; });
  if (waited_for) return;
  added_.clear();
  added_bytes_ = 0;
}

ApplyQueue::Item ApplyQueue::MakeItem(Entry entry, Done done) {
  Item item{std::move(entry), std::move(done), {}, nullptr, false, 0};
  MakePlan(item);
  return item;
}

void ApplyQueue::MakePlan(Item& item) {
  item.plan = store_.MakePlan(machine_.NeedsOf(item.entry));
  item.fetched = nullptr;
  item.fetching = !item.plan.complete;
  if (!item.fetching) return;
  item.fetch = ++fetches_;
  work_.Fetch({item.entry.sequence(), item.fetch}, item.plan.missing);
}

size_t ApplyQueue::Advance(Sequence commit, size_t events_max) {
  size_t events = 0;
  while (applied() < commit && events < events_max) {
    ReadMore(commit);
    std::deque<Item>* queue = Next();
    if (queue == nullptr) break;
    const size_t count = queue->front().entry.event_count();
    if (!ApplyFront(*queue)) break;
    events += std::max<size_t>(count, 1);
  }
  return events;
}

std::deque<ApplyQueue::Item>* ApplyQueue::Next() {
  const Sequence next = applied().Next();
  for (std::deque<Item>* queue : {&replayed_, &added_}) {
    if (!queue->empty() && queue->front().entry.sequence() == next) {
      return queue;
    }
  }
  return nullptr;
}

// After a start the entries between the applied point and those added are in
// the journal alone.
void ApplyQueue::ReadMore(Sequence commit) {
  const Sequence from = replayed_.empty()
                            ? applied().Next()
                            : replayed_.back().entry.sequence().Next();
  const bool here = !added_.empty() && added_.front().entry.sequence() <= from;
  if (reading_ || here || from > commit || replayed_bytes_ > kReplayBytesMax) {
    return;
  }
  reading_ = true;
  work_.ReadJournal(from);
}

bool ApplyQueue::ApplyFront(std::deque<Item>& queue) {
  Item& item = queue.front();
  if (item.fetching) return false;
  while (!store_.Install(std::move(item.plan), std::move(item.fetched))) {
    // What the plan relied on has left memory since.
    MakePlan(item);
    if (item.fetching) return false;
  }
  EntryResult result = machine_.Apply(item.entry, store_.view());
  result.sequence = item.entry.sequence();
  store_.FinishEntry({item.entry.id(), item.entry.timestamp()});
  if (marks_ != nullptr) marks_->Note({item.entry.id(), store_.state_hash()});
  size_t& bytes = &queue == &added_ ? added_bytes_ : replayed_bytes_;
  bytes -= item.entry.bytes().size();
  const Done done = std::move(item.done);
  queue.pop_front();
  if (done) done(std::move(result));
  return true;
}

ApplyQueue::Item* ApplyQueue::Find(Sequence sequence) {
  for (std::deque<Item>* queue : {&replayed_, &added_}) {
    if (queue->empty()) continue;
    const uint64_t front = queue->front().entry.sequence().value();
    if (sequence.value() >= front && sequence.value() - front < queue->size()) {
      return &(*queue)[sequence.value() - front];
    }
  }
  return nullptr;
}

absl::Status ApplyQueue::OnFetched(
    FetchId id, absl::StatusOr<std::unique_ptr<storage::Fetched>> fetched) {
  Item* item = Find(id.sequence);
  // Abandoned or cut meanwhile; the state that it was read from may be gone.
  if (item == nullptr || item->fetch != id.number) return absl::OkStatus();
  if (!fetched.ok()) return fetched.status();
  LEDGERD_CHECK(item->fetching);
  item->fetched = *std::move(fetched);
  item->fetching = false;
  return absl::OkStatus();
}

absl::Status ApplyQueue::OnJournalRead(
    absl::StatusOr<std::vector<Entry>> entries, Sequence commit) {
  LEDGERD_CHECK(reading_);
  reading_ = false;
  if (std::exchange(read_is_stale_, false)) return absl::OkStatus();
  if (!entries.ok()) return entries.status();
  for (Entry& entry : *entries) {
    if (entry.sequence() > commit) break;
    if (!added_.empty() &&
        added_.front().entry.sequence() <= entry.sequence()) {
      break;
    }
    replayed_bytes_ += entry.bytes().size();
    replayed_.push_back(MakeItem(std::move(entry), nullptr));
  }
  return absl::OkStatus();
}

void ApplyQueue::CutFrom(Sequence from, const absl::Status& why) {
  LEDGERD_CHECK(replayed_.empty() || replayed_.back().entry.sequence() < from);
  std::vector<Done> cut;
  for (; !added_.empty() && added_.back().entry.sequence() >= from;
       added_.pop_back()) {
    added_bytes_ -= added_.back().entry.bytes().size();
    cut.push_back(std::move(added_.back().done));
  }
  std::reverse(cut.begin(), cut.end());
  for (const Done& done : cut) {
    if (done) done(why);
  }
}

void ApplyQueue::Disown(Sequence commit, const absl::Status& why) {
  std::vector<Done> disowned;
  for (Item& item : added_) {
    if (item.entry.sequence() <= commit) continue;
    disowned.push_back(std::exchange(item.done, nullptr));
  }
  for (const Done& done : disowned) {
    if (done) done(why);
  }
}

void ApplyQueue::Reset() {
  replayed_.clear();
  replayed_bytes_ = 0;
  read_is_stale_ = reading_;
}

void ApplyQueue::Abandon(const absl::Status& why) {
  std::deque<Item> abandoned = std::move(added_);
  added_.clear();
  replayed_.clear();
  added_bytes_ = 0;
  replayed_bytes_ = 0;
  for (Item& item : abandoned) {
    if (item.done) item.done(why);
  }
}

}  // namespace ledgerd::replication
