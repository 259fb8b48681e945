// Makes random payments, of all the kinds that a ledger knows, for one client.
//
//   Payments payments(client_number, seed);
//   const Unit unit = payments.Next();     // one transfer, or a chain
//   ... send it; then tell ...
//   payments.OnResult(transfer, result);   // what exists can be posted, voided
//
// Shape    A fixed chart of accounts, shared by all clients: two ledgers, each
//          of accounts that anyone may draw on and accounts that may not be
//          overdrawn (and often run dry). Ids are of this client alone: half of
//          the clients count them up, half draw them at random.
// Threads  One thread.
#ifndef LEDGERD_TESTS_INTEGRATION_PAYMENTS_H_
#define LEDGERD_TESTS_INTEGRATION_PAYMENTS_H_

#include <cstdint>
#include <random>
#include <vector>

#include "proto/results.h"
#include "proto/types.h"

namespace ledgerd::integration {

// What is sent together and again together.
using Unit = std::vector<Transfer>;

// The accounts that all clients share, and what funds the limited ones.
std::vector<Account> ChartOfAccounts();
Unit Funding();

class Payments {
 public:
  Payments(int client, uint64_t seed);

  // A single transfer or a chain, with ids that were never used.
  Unit Next();

  // The id of something that exists, with another amount.
  Transfer Impostor(const Transfer& transfer);

  // An account that is not there yet; payments go to it once OnAccount tells.
  Account NewAccount();
  void OnAccount(const Account& account);

  void OnResult(const Transfer& transfer, const TransferResult& result);

  uint64_t Draw(uint64_t below);

 private:
  TransferId NewId();
  AccountId Open(uint32_t ledger);
  AccountId Limited(uint32_t ledger);
  Transfer Pay();
  Transfer Refused();
  Transfer Hold();
  Transfer Resolution();
  Unit Chain();

  const int client_;
  std::mt19937_64 random_;
  uint64_t ids_ = 0;
  uint64_t accounts_ = 0;
  std::vector<Account> own_accounts_;
  std::vector<Transfer> holds_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_PAYMENTS_H_
