// Rows and answers as a person reads them: what a failing test prints.
//
//   Dump(transfer)  "transfer 7: 1 -> 2 amount 100 pending|linked timeout 3"
//
// Shape  Fields that are 0 are left out; 2^128 - 1 is "max".
#ifndef LEDGERD_TESTS_MODEL_DUMP_H_
#define LEDGERD_TESTS_MODEL_DUMP_H_

#include <string>

#include "proto/base/uint128.h"
#include "proto/results.h"
#include "proto/types.h"
#include "storage/watched_event.h"
#include "tests/model/step.h"

namespace ledgerd::model {

std::string Dump(Uint128 value);
std::string Dump(const Account& account);
std::string Dump(const Transfer& transfer);
std::string Dump(const AccountResult& result);
std::string Dump(const TransferResult& result);
std::string Dump(PendingState state);
std::string Dump(const storage::WatchedEvent& event);
// A line for the step and one for each of its events.
std::string Dump(const Step& step);

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_DUMP_H_
