#include "client/ledgerctl/import_batch.h"

#include <algorithm>

namespace ledgerd::client {
namespace {

bool Touches(const Transfer& transfer, AccountId account) {
  return transfer.debit_account_id == account ||
         transfer.credit_account_id == account;
}

bool IsImported(const TransferLine& line) {
  return (line.transfer.flags & transfer_flags::kImported) != 0;
}

// It does not name the accounts that it changes.
bool IsPostOrVoid(const Transfer& transfer) {
  return (transfer.flags &
          (transfer_flags::kPostPending | transfer_flags::kVoidPending)) != 0;
}

}  // namespace

bool ImportBatch::MustEndBefore(const std::vector<TransferLine>& unit) const {
  if (lines_.empty()) return false;
  if (lines_.size() + unit.size() > options_.batch_max) return true;
  if (IsImported(lines_.front()) != IsImported(unit.front())) return true;
  return std::any_of(unit.begin(), unit.end(), [&](const TransferLine& line) {
    if (IsPostOrVoid(line.transfer)) return !watched_.empty();
    return watched_.contains(line.transfer.debit_account_id) ||
           watched_.contains(line.transfer.credit_account_id);
  });
}

size_t ImportBatch::Add(const std::vector<TransferLine>& unit) {
  size_t unseen = 0;
  for (size_t i = 0; i < unit.size(); ++i) {
    const auto* stated = StatedAfter(unit[i].transfer.id);
    lines_.push_back(unit[i]);
    if (stated == nullptr) continue;
    for (const StatedBalance& balance : *stated) {
      const bool again =
          std::any_of(unit.begin() + static_cast<ptrdiff_t>(i) + 1, unit.end(),
                      [&](const TransferLine& later) {
                        return IsPostOrVoid(later.transfer) ||
                               Touches(later.transfer, balance.account);
                      });
      if (again) {
        ++unseen;
        continue;
      }
      checks_.push_back({.index = lines_.size() - 1, .stated = balance});
      watched_.insert(balance.account);
    }
  }
  return unseen;
}

const std::vector<StatedBalance>* ImportBatch::StatedAfter(
    TransferId id) const {
  if (options_.checkpoints == nullptr) return nullptr;
  const auto found = options_.checkpoints->find(id);
  return found == options_.checkpoints->end() ? nullptr : &found->second;
}

std::vector<Transfer> ImportBatch::transfers() const {
  std::vector<Transfer> transfers;
  transfers.reserve(lines_.size());
  for (const TransferLine& line : lines_) transfers.push_back(line.transfer);
  return transfers;
}

void ImportBatch::Clear() {
  lines_.clear();
  checks_.clear();
  watched_.clear();
}

}  // namespace ledgerd::client
