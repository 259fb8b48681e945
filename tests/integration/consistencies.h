// How fresh a read is to be, as requests say it.
#ifndef LEDGERD_TESTS_INTEGRATION_CONSISTENCIES_H_
#define LEDGERD_TESTS_INTEGRATION_CONSISTENCIES_H_

#include <chrono>
#include <cstdint>

#include "ledger/v1/ledger.grpc.pb.h"

namespace ledgerd::integration {

inline ledger::v1::ReadConsistency Linearizable() {
  ledger::v1::ReadConsistency consistency;
  consistency.mutable_linearizable();
  return consistency;
}

inline ledger::v1::ReadConsistency AtLeast(uint64_t sequence) {
  ledger::v1::ReadConsistency consistency;
  consistency.set_at_least_sequence(sequence);
  return consistency;
}

inline ledger::v1::ReadConsistency MaxStaleness(
    std::chrono::milliseconds time) {
  ledger::v1::ReadConsistency consistency;
  consistency.set_max_staleness_ms(static_cast<uint32_t>(time.count()));
  return consistency;
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_CONSISTENCIES_H_
