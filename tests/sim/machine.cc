#include "tests/sim/machine.h"

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

}  // namespace

storage::Needs Machine::NeedsOf(const Entry& entry) const {
  return server::NeedsOf(entry);
}

EntryResult Machine::Apply(const Entry& entry, storage::StateView& view) const {
  EntryResult result;
  if (mutation_ == Mutation::kNoIdempotency) {
    ForgetsIds forgetful(view);
    result = server::Apply(entry, forgetful);
  } else {
    result = server::Apply(entry, view);
  }
  if (told_) history_.OnApplied(entry, result);
  return result;
}

}  // namespace ledgerd::sim
