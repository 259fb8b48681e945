// Accounts and transfers as records to print.
//
//   printer.Row(ToRecord(account));
#ifndef LEDGERD_CLIENT_LEDGERCTL_RECORDS_H_
#define LEDGERD_CLIENT_LEDGERCTL_RECORDS_H_

#include "client/ledger_client.h"
#include "client/ledgerctl/printer.h"
#include "proto/types.h"

namespace ledgerd::client {

Record ToRecord(const Account& account);
// What a transfer asks for.
Record ToRecord(const Transfer& transfer);
// What became of it.
Record ToRecord(const Transfer& transfer, PendingState state);
Record ToRecord(const AccountBalance& balance);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_RECORDS_H_
