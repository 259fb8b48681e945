#include "server/peer_queue.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace ledgerd::server {
namespace {

using replication::Message;

const std::vector<Entry>* EntriesOf(const Message& message) {
  if (const auto* append = std::get_if<replication::Append>(&message.body)) {
    return &append->entries;
  }
  if (const auto* fetched = std::get_if<replication::Fetched>(&message.body)) {
    return &fetched->entries;
  }
  return nullptr;
}

size_t EntryBytes(const Message& message) {
  size_t bytes = 0;
  for (const Entry& entry : *EntriesOf(message)) bytes += entry.bytes().size();
  return bytes;
}

// What a newer one of its kind makes worthless.
bool IsSuperseded(const Message& message) {
  return std::holds_alternative<replication::Heartbeat>(message.body) ||
         std::holds_alternative<replication::HeartbeatAnswer>(message.body) ||
         std::holds_alternative<replication::Acknowledged>(message.body);
}

}  // namespace

void PeerQueue::Push(Message message) {
  if (EntriesOf(message) != nullptr) {
    const size_t bytes = EntryBytes(message);
    const bool is_full = entry_bytes_ + bytes > kEntryBytesMax ||
                         with_entries_.size() >= kEntryMessagesMax;
    if (is_full && !with_entries_.empty()) {
      ++dropped_;
      return;
    }
    entry_bytes_ += bytes;
    with_entries_.push_back(std::move(message));
    return;
  }
  if (IsSuperseded(message)) {
    std::erase_if(others_, [&message](const Message& waiting) {
      return waiting.body.index() == message.body.index();
    });
  }
  if (others_.size() >= kOthersMax) {
    others_.pop_front();
    ++dropped_;
  }
  others_.push_back(std::move(message));
}

std::optional<Message> PeerQueue::Pop() {
  std::deque<Message>& from = others_.empty() ? with_entries_ : others_;
  if (from.empty()) return std::nullopt;
  std::optional<Message> message(std::move(from.front()));
  from.pop_front();
  if (EntriesOf(*message) != nullptr) entry_bytes_ -= EntryBytes(*message);
  return message;
}

size_t PeerQueue::next_entry_bytes() const {
  if (!others_.empty() || with_entries_.empty()) return 0;
  return EntryBytes(with_entries_.front());
}

void PeerQueue::Clear() {
  others_.clear();
  with_entries_.clear();
  entry_bytes_ = 0;
}

}  // namespace ledgerd::server
