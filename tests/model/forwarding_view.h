// A ForwardingView hands all to another view: mutants override what they do
// wrongly.
//
//   class LosesFailedIds final : public ForwardingView {
//     void KeepFailedId(TransferId, TransferStatus) override {}
//   };
#ifndef LEDGERD_TESTS_MODEL_FORWARDING_VIEW_H_
#define LEDGERD_TESTS_MODEL_FORWARDING_VIEW_H_

#include <cstddef>
#include <vector>

#include "proto/statuses.h"
#include "proto/types.h"
#include "storage/state_view.h"

namespace ledgerd::model {

class ForwardingView : public storage::StateView {
 public:
  // `view` must outlive this.
  explicit ForwardingView(storage::StateView& view) : view_(view) {}

  const Account* FindAccount(AccountId id) override {
    return view_.FindAccount(id);
  }

  void InsertAccount(const Account& account) override {
    view_.InsertAccount(account);
  }

  void UpdateAccount(const Account* account, const Account& next) override {
    view_.UpdateAccount(account, next);
  }

  void UndoInsertAccount(AccountId id, Timestamp newest) override {
    view_.UndoInsertAccount(id, newest);
  }

  storage::TransferIdState FindTransferId(TransferId id) override {
    return view_.FindTransferId(id);
  }

  const Transfer* FindTransfer(TransferId id) override {
    return view_.FindTransfer(id);
  }

  void InsertTransfer(const Transfer& transfer) override {
    view_.InsertTransfer(transfer);
  }

  void UndoInsertTransfer(TransferId id, Timestamp newest) override {
    view_.UndoInsertTransfer(id, newest);
  }

  void KeepFailedId(TransferId id, TransferStatus status) override {
    view_.KeepFailedId(id, status);
  }

  PendingState GetPendingState(const Transfer& pending) override {
    return view_.GetPendingState(pending);
  }

  void SetPendingState(const Transfer& pending, PendingState state) override {
    view_.SetPendingState(pending, state);
  }

  std::vector<TransferId> FindDue(Timestamp now, size_t limit) override {
    return view_.FindDue(now, limit);
  }

  Timestamp newest_account_timestamp() const override {
    return view_.newest_account_timestamp();
  }

  Timestamp newest_transfer_timestamp() const override {
    return view_.newest_transfer_timestamp();
  }

  bool HasAccountAt(Timestamp timestamp) override {
    return view_.HasAccountAt(timestamp);
  }

  bool HasTransferAt(Timestamp timestamp) override {
    return view_.HasTransferAt(timestamp);
  }

  void AppendEvent(const storage::Event& event) override {
    view_.AppendEvent(event);
  }

  storage::EventMark MarkEvents() const override { return view_.MarkEvents(); }

  void UndoEvents(const storage::EventMark& mark) override {
    view_.UndoEvents(mark);
  }

  void AppendIncidents(Sequence sequence, absl::string_view payload) override {
    view_.AppendIncidents(sequence, payload);
  }

 private:
  storage::StateView& view_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_FORWARDING_VIEW_H_
