#include "tests/sim/machine.h"

#include "proto/base/uint128.h"
#include "server/ledger/ledger.h"
#include "tests/model/forwarding_view.h"

namespace ledgerd::sim {
namespace {

// Knows no transfer's id.
class ForgetsIds final : public model::ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  storage::TransferIdState FindTransferId(TransferId) override { return {}; }
};

// Of every second credit, 1 is lost.
class LosesMoney final : public model::ForwardingView {
 public:
  using ForwardingView::ForwardingView;

  void UpdateAccount(const Account* account, const Account& next) override {
    Account less = next;
    if (next.credits_posted > account->credits_posted &&
        Low(next.credits_posted.value()) % 2 == 0) {
      less.credits_posted = Amount(next.credits_posted.value() - 1);
    }
    ForwardingView::UpdateAccount(account, less);
  }
};

}  // namespace

storage::Needs Machine::NeedsOf(const Entry& entry) const {
  return server::NeedsOf(entry);
}

EntryResult Machine::Apply(const Entry& entry, storage::StateView& view) const {
  EntryResult result;
  if (mutation_ == Mutation::kNoIdempotency) {
    ForgetsIds forgetful(view);
    result = server::Apply(entry, forgetful);
  } else if (mutation_ == Mutation::kWrongBooks) {
    LosesMoney poorer(view);
    result = server::Apply(entry, poorer);
  } else {
    result = server::Apply(entry, view);
  }
  if (told_) history_.OnApplied(entry, result);
  return result;
}

}  // namespace ledgerd::sim
