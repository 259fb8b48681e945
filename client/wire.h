// Rows to protobuf messages and back.
//
//   ToWire(transfer, request.add_transfers());
//   const Account account = FromWire(response.accounts(0));
//
// Shape   Nothing is lost towards the wire. From the wire, flag bits above 15
//         are folded into the reserved bit (types.h, PackFlags).
#ifndef LEDGERD_CLIENT_WIRE_H_
#define LEDGERD_CLIENT_WIRE_H_

#include "client/filters.h"
#include "ledger/v1/ledger.pb.h"
#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::client {

inline Uint128 FromWire(const ::ledger::v1::Uint128& value) {
  return MakeUint128(value.high(), value.low());
}

inline void ToWire(Uint128 value, ::ledger::v1::Uint128* wire) {
  wire->set_high(High(value));
  wire->set_low(Low(value));
}

void ToWire(const Account& account, ::ledger::v1::Account* wire);
void ToWire(const Transfer& transfer, ::ledger::v1::Transfer* wire);

void ToWire(const QueryFilter& filter, ::ledger::v1::QueryFilter* wire);
void ToWire(const AccountFilter& filter, ::ledger::v1::AccountFilter* wire);

Account FromWire(const ::ledger::v1::Account& wire);
Transfer FromWire(const ::ledger::v1::Transfer& wire);

AccountResult FromWire(const ::ledger::v1::CreateAccountResult& wire);

// `asked` is the transfer that this answers: the wire leaves the amount out
// when it is the one asked for.
TransferResult FromWire(const ::ledger::v1::CreateTransferResult& wire,
                        const Transfer& asked);

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_WIRE_H_
