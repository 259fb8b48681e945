#include "tests/sim/client.h"

#include <iterator>
#include <utility>

namespace ledgerd::sim {
namespace {

using replication::Proposal;
using replication::Replica;

constexpr uint64_t kAccounts = 6;
constexpr uint32_t kLedger = 1;
constexpr uint64_t kIdsPerClient = 1'000'000;
constexpr microseconds kDeadline = seconds(5);

}  // namespace

bool Client::Lost() {
  return around_.random.Percent(around_.plan.network.loss_percent);
}

microseconds Client::Way() {
  return microseconds(around_.random.Between(50, 500));
}

void Client::Begin() {
  target_ = around_.random.Below(nodes_.size());
  accounts_.clear();
  for (uint64_t i = 1; i <= kAccounts; ++i) {
    Account account;
    account.id = AccountId(i);
    account.ledger = kLedger;
    account.code = 1;
    accounts_.push_back(account);
  }
  read_ = false;
  ++request_;
  waiting_ = true;
  floor_ = around_.history.floor();
  Ask();
}

void Client::Think() {
  const auto pause = milliseconds(around_.random.Between(1, 200));
  around_.scheduler.After(pause, [this] {
    if (stopped_) return;
    ++request_;
    waiting_ = true;
    floor_ = around_.history.floor();
    read_ = around_.random.Percent(around_.plan.read_percent);
    if (read_) {
      // Of any replica.
      target_ = around_.random.Below(nodes_.size());
    } else {
      DrawWrite();
    }
    Ask();
  });
}

void Client::DrawWrite() {
  accounts_.clear();
  transfers_.clear();
  const uint64_t count = around_.random.OneIn(3) ? 3 : 1;
  for (uint64_t i = 0; i < count; ++i) transfers_.push_back(DrawTransfer());
  if (count > 1 && around_.random.OneIn(2)) {
    transfers_.front().flags |= transfer_flags::kLinked;
  }
}

Transfer Client::DrawTransfer() {
  Transfer transfer;
  transfer.id = TransferId(id_ * kIdsPerClient + ++last_transfer_);
  if (!pending_.empty() && around_.random.OneIn(3)) {
    const Transfer pending = pending_.back();
    pending_.pop_back();
    transfer.pending_id = pending.id;
    transfer.amount = around_.random.OneIn(2) ? kAmountMax : pending.amount;
    transfer.flags = transfer_flags::kPostPending;
    if (around_.random.OneIn(2)) {
      transfer.flags = transfer_flags::kVoidPending;
      transfer.amount = Amount(0);
    }
    return transfer;
  }
  const uint64_t debit = around_.random.Between(1, kAccounts);
  // Sometimes the same: refused, and that is kept too.
  const uint64_t credit = around_.random.Between(1, kAccounts);
  transfer.debit_account_id = AccountId(debit);
  transfer.credit_account_id = AccountId(credit);
  transfer.amount = Amount(around_.random.Between(1, 1000));
  transfer.ledger = kLedger;
  transfer.code = 1;
  if (around_.random.OneIn(4)) {
    transfer.flags = transfer_flags::kPending;
    transfer.timeout_seconds =
        static_cast<uint32_t>(around_.random.Between(0, 3));
    pending_.push_back(transfer);
  }
  return transfer;
}

Command Client::MakeRequest() const {
  if (!accounts_.empty()) {
    return MakeCommand<Account>(EntryKind::kCreateAccounts, accounts_);
  }
  return MakeCommand<Transfer>(EntryKind::kCreateTransfers, transfers_);
}

// ---- one attempt after the other

void Client::Ask() {
  const uint64_t attempt = ++attempt_;
  around_.counts.Add("request");
  const auto patience = milliseconds(around_.random.Between(300, 2000));
  around_.scheduler.After(patience, [this, attempt] { OnRefused(attempt); });
  if (Lost()) return;
  const auto at = std::next(nodes_.begin(),
                            static_cast<ptrdiff_t>(target_ % nodes_.size()));
  Node& node = *at->second;
  if (node.left_behind()) return;
  if (read_) {
    AskRead(node);
  } else {
    AskWrite(node);
  }
}

void Client::OnRefused(uint64_t attempt) {
  if (attempt != attempt_ || !waiting_) return;
  around_.counts.Add("request again");
  ++target_;
  Ask();
}

// It may arrive when another replica has answered already.
void Client::AskWrite(Node& node) {
  const auto arrive = [this, request = request_, attempt = attempt_, &node,
                       command = MakeRequest()](Replica& replica) {
    if (!replica.WantsProposals()) return;
    std::vector<Proposal> proposals(1);
    proposals.front().command = command;
    proposals.front().deadline =
        replication::Deadline(around_.scheduler.now() + kDeadline);
    proposals.front().done = [this, request,
                              attempt](absl::StatusOr<EntryResult> result) {
      if (Lost()) return;
      around_.scheduler.After(Way(), [this, request, attempt, result] {
        OnWritten(request, attempt, result);
      });
    };
    replica.OnProposals(std::move(proposals), node.ReadClock());
  };
  around_.scheduler.After(Way(), [&node, arrive] { node.Do(arrive); });
}

void Client::AskRead(Node& node) {
  const auto arrive = [this, request = request_, attempt = attempt_,
                       &node](Replica& replica) {
    if (!node.keeps_state()) return;
    replication::ReadRequest read;
    read.deadline = replication::Deadline(around_.scheduler.now() + kDeadline);
    read.begin = [this, request, attempt](absl::StatusOr<Sequence> at) {
      around_.scheduler.After(Way(), [this, request, attempt, at] {
        OnRead(request, attempt, at);
      });
      return std::function<void()>();
    };
    replica.OnRead(std::move(read), node.ReadClock());
  };
  around_.scheduler.After(Way(), [&node, arrive] { node.Do(arrive); });
}

// An answer to an earlier attempt is an answer too.
void Client::OnWritten(uint64_t request, uint64_t attempt,
                       const absl::StatusOr<EntryResult>& result) {
  if (request != request_ || !waiting_) return;
  if (!result.ok()) {
    around_.scheduler.After(milliseconds(20),
                            [this, attempt] { OnRefused(attempt); });
    return;
  }
  EntryResult told = *result;
  if (around_.mutation == Mutation::kAnswerOfAnother) {
    told.sequence = Sequence(told.sequence.value() - 1);
  }
  around_.history.OnWritten(floor_, MakeRequest(), told);
  around_.counts.Add("write answered");
  if (request >= counts_from_) ++written_;
  OnAnswered();
}

void Client::OnRead(uint64_t request, uint64_t attempt,
                    const absl::StatusOr<Sequence>& at) {
  if (request != request_ || !waiting_) return;
  if (!at.ok()) {
    around_.scheduler.After(milliseconds(20),
                            [this, attempt] { OnRefused(attempt); });
    return;
  }
  around_.history.OnRead(floor_, *at);
  around_.counts.Add("read answered");
  OnAnswered();
}

void Client::OnAnswered() {
  waiting_ = false;
  if (!stopped_) Think();
}

}  // namespace ledgerd::sim
