#include "server/ledger/changes.h"

#include "proto/base/check.h"

namespace ledgerd::server {

void Changes::BeginChain() {
  LEDGERD_CHECK(!in_chain_);
  in_chain_ = true;
  chain_events_ = view_.MarkEvents();
}

void Changes::KeepChain() {
  LEDGERD_CHECK(in_chain_);
  in_chain_ = false;
  chain_.clear();
}

void Changes::UndoChain() {
  LEDGERD_CHECK(in_chain_);
  for (; !chain_.empty(); chain_.pop_back()) {
    std::visit([this](const auto& change) { Undo(change); }, chain_.back());
  }
  view_.UndoEvents(chain_events_);
  in_chain_ = false;
}

void Changes::InsertAccount(const Account& account) {
  if (in_chain_) {
    chain_.push_back(
        InsertedAccount{account.id, view_.newest_account_timestamp()});
  }
  view_.InsertAccount(account);
}

void Changes::InsertTransfer(const Transfer& transfer) {
  if (in_chain_) {
    chain_.push_back(
        InsertedTransfer{transfer.id, view_.newest_transfer_timestamp()});
  }
  view_.InsertTransfer(transfer);
}

void Changes::UpdateAccount(const Account* account, const Account& next) {
  if (in_chain_) chain_.push_back(UpdatedAccount{account, *account});
  view_.UpdateAccount(account, next);
}

void Changes::Resolve(const Transfer& pending, PendingState state) {
  LEDGERD_CHECK(view_.GetPendingState(pending) == PendingState::kPending);
  if (in_chain_) chain_.push_back(ResolvedTransfer{pending.id});
  view_.SetPendingState(pending, state);
}

void Changes::Undo(const InsertedAccount& change) {
  view_.UndoInsertAccount(change.id, change.newest_before);
}

void Changes::Undo(const InsertedTransfer& change) {
  view_.UndoInsertTransfer(change.id, change.newest_before);
}

void Changes::Undo(const UpdatedAccount& change) {
  view_.UpdateAccount(change.account, change.before);
}

void Changes::Undo(const ResolvedTransfer& change) {
  const Transfer* pending = view_.FindTransfer(change.id);
  LEDGERD_CHECK(pending != nullptr);
  view_.SetPendingState(*pending, PendingState::kPending);
}

}  // namespace ledgerd::server
