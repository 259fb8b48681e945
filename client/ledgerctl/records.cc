#include "client/ledgerctl/records.h"

#include "client/ledgerctl/values.h"

namespace ledgerd::client {

Record ToRecord(const Account& account) {
  return {Text("id", ToString(account.id.value())),
          Number("ledger", uint64_t{account.ledger}),
          Number("code", uint64_t{account.code}),
          Text("debits_pending", ToString(account.debits_pending.value())),
          Text("debits_posted", ToString(account.debits_posted.value())),
          Text("credits_pending", ToString(account.credits_pending.value())),
          Text("credits_posted", ToString(account.credits_posted.value())),
          Text("net", NetText(NetOf(account))),
          Text("flags", AccountFlagNames(account.flags)),
          Text("created", TimeText(account.timestamp))};
}

Record ToRecord(const Transfer& transfer) {
  return {Text("id", ToString(transfer.id.value())),
          Text("debit", ToString(transfer.debit_account_id.value())),
          Text("credit", ToString(transfer.credit_account_id.value())),
          Text("amount", transfer.amount == kAmountMax
                             ? "max"
                             : ToString(transfer.amount.value())),
          Text("pending_id", ToString(transfer.pending_id.value())),
          Number("ledger", uint64_t{transfer.ledger}),
          Number("code", uint64_t{transfer.code}),
          Text("flags", TransferFlagNames(transfer.flags))};
}

Record ToRecord(const Transfer& transfer, PendingState state) {
  Record record = ToRecord(transfer);
  record.push_back(Text("state", std::string(Name(state))));
  record.push_back(Text("created", TimeText(transfer.timestamp)));
  return record;
}

Record ToRecord(const AccountBalance& balance) {
  return {Text("time", TimeText(balance.timestamp)),
          Text("debits_pending", ToString(balance.debits_pending.value())),
          Text("debits_posted", ToString(balance.debits_posted.value())),
          Text("credits_pending", ToString(balance.credits_pending.value())),
          Text("credits_posted", ToString(balance.credits_posted.value()))};
}

}  // namespace ledgerd::client
