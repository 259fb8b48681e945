#include "tests/sim/network.h"

#include <algorithm>
#include <variant>

namespace ledgerd::sim {
namespace {

using replication::Body;
using replication::Fetch;
using replication::Fetched;
using replication::Message;
using replication::Promise;
using replication::PromiseRequest;

bool Answers(const Body& answer, const Body& question) {
  return (std::holds_alternative<Fetched>(answer) &&
          std::holds_alternative<Fetch>(question)) ||
         (std::holds_alternative<Promise>(answer) &&
          std::holds_alternative<PromiseRequest>(question));
}

bool IsAnswer(const Body& body) {
  return std::holds_alternative<Fetched>(body) ||
         std::holds_alternative<Promise>(body);
}

}  // namespace

void Network::Send(Message message) {
  counts_.Add("message");
  if (IsCut(message.from, message.to)) {
    counts_.Add("message cut off");
    return;
  }
  BringLateAnswers(message);
  if (Hold(message) || Withhold(message)) return;
  if (random_.Percent(plan_.loss_percent)) {
    counts_.Add("message lost");
    return;
  }
  if (random_.Percent(plan_.duplicate_percent)) {
    counts_.Add("message doubled");
    Post(message);
  }
  Post(std::move(message));
}

void Network::Post(Message message) {
  microseconds delay(
      random_.Between(static_cast<uint64_t>(plan_.delay_min.count()),
                      static_cast<uint64_t>(plan_.delay_max.count())));
  const bool late_kind =
      plan_.late_kind == message.body.index() && random_.OneIn(2);
  if (late_kind || random_.Percent(plan_.late_percent)) {
    counts_.Add("message late");
    const auto late_max = static_cast<uint64_t>(plan_.late_max.count());
    delay += microseconds(random_.Between(1000, late_max));
  }
  scheduler_.After(delay, [this, message = std::move(message)]() mutable {
    if (!IsCut(message.from, message.to)) deliver_(std::move(message));
  });
}

bool Network::Hold(const Message& message) {
  if (!hold_.has_value() || hold_->message.has_value() ||
      hold_->from != message.from || hold_->to != message.to ||
      hold_->kind != message.body.index()) {
    return false;
  }
  hold_->message = message;
  return true;
}

// So late that the question has been given up.
bool Network::Withhold(const Message& message) {
  if (!plan_.withholds || !IsAnswer(message.body)) return false;
  const bool fetched = std::holds_alternative<Fetched>(message.body);
  if (!random_.OneIn(fetched ? 2 : 8)) return false;
  counts_.Add("answer withheld");
  late_answers_.push_back(message);
  withheld_(message);
  return true;
}

void Network::BringLateAnswers(const Message& question) {
  const auto is_for = [&question](const Message& answer) {
    return answer.to == question.from && answer.epoch < question.epoch &&
           Answers(answer.body, question.body);
  };
  for (const Message& answer : late_answers_) {
    if (!is_for(answer)) continue;
    scheduler_.After(plan_.delay_min,
                     [this, answer]() mutable { deliver_(std::move(answer)); });
  }
  std::erase_if(late_answers_, is_for);
}

void Network::ReleaseHeld() {
  if (hold_.has_value() && hold_->message.has_value()) {
    scheduler_.After(plan_.delay_min,
                     [this, message = *std::move(hold_->message)]() mutable {
                       deliver_(std::move(message));
                     });
  }
  hold_.reset();
}

void Network::Heal() {
  plan_ = NetworkPlan{};
  Join();
}

}  // namespace ledgerd::sim
