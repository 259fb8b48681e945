// A folder of payments whose balances somebody else has stated, read without
// ledgerctl: what is compared with what it has imported.
//
//   const PaymentSet set = ReadPaymentSet("/shared/data/berka");
//   EXPECT_EQ(NetOf(account), set.expected.at(account.id));
//
// Source  The README.md of the data.
#ifndef LEDGERD_TESTS_INTEGRATION_PAYMENT_SET_H_
#define LEDGERD_TESTS_INTEGRATION_PAYMENT_SET_H_

#include <map>
#include <string>
#include <vector>

#include "proto/types.h"

namespace ledgerd::integration {

struct PaymentSet {
  std::vector<AccountId> accounts;
  // Those that must be there in the end, in order.
  std::vector<Transfer> transfers;
  // By account: credits_posted - debits_posted at the end.
  std::map<AccountId, __int128> expected;
  // Stated balances on the way.
  size_t checkpoints = 0;
};

// The folders of payments; empty when the data is not on this machine. It is
// looked for in LEDGERD_DATA_DIR_SHARED, then beside the workspace.
std::vector<std::string> PaymentSetFolders();

PaymentSet ReadPaymentSet(const std::string& folder);

// The lines of a text file, unpacked when it is .gz; empty when there is none.
std::vector<std::string> ReadLines(const std::string& path);

// The fields of a line up to the first that is quoted.
std::vector<std::string> Fields(const std::string& line);

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_PAYMENT_SET_H_
