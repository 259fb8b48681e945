// What creating an account checks and does, once the checks that accounts and
// transfers have in common are passed (batch.h).
//
//   AccountRules rules(changes);
//   const AccountResult result = rules.Create(account, event_time);
//
// Source  ledger.md, "Accounts"; testdata/account_*.txt.
#ifndef LEDGERD_SERVER_LEDGER_ACCOUNT_RULES_H_
#define LEDGERD_SERVER_LEDGER_ACCOUNT_RULES_H_

#include <cstdint>

#include "proto/results.h"
#include "proto/statuses.h"
#include "proto/types.h"
#include "server/ledger/changes.h"

namespace ledgerd::server {

class AccountRules {
 public:
  using Row = Account;
  using Status = AccountStatus;
  using Result = AccountResult;
  static constexpr uint16_t kLinked = account_flags::kLinked;
  static constexpr uint16_t kImported = account_flags::kImported;

  explicit AccountRules(Changes& changes) : changes_(changes) {}

  AccountResult Create(const Account& account, Timestamp event);

  // A refused account leaves its id free.
  void Refused(const Account&, AccountStatus) {}

 private:
  bool Regresses(const Account& account);

  Changes& changes_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LEDGER_ACCOUNT_RULES_H_
