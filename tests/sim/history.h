// A History is what really happened, as the outside can know it, and whether it
// was right.
//
//   history.OnApplied(entry, result);      // by any replica, at any time
//   history.OnWritten(floor, command, result);   // an answer to a client
//   if (!history.violation().empty()) ...
//
// Checked  - Every replica applies the same entry at a sequence, and answers
//            the same; after it has the same state hash.
//          - The naive ledger (tests/model), which replays the same journal,
//            gives the same answers; at the end, the same state hash.
//          - An answer is that of the client's own command at the sequence that
//            it names.
//          - Strict serializability, in O(n): the journal is the witness. What
//            was asked after an answer came has a higher sequence than it (a
//            read: no lower one).
// Source   reliability.md, Simulation.
#ifndef LEDGERD_TESTS_SIM_HISTORY_H_
#define LEDGERD_TESTS_SIM_HISTORY_H_

#include <map>
#include <string>
#include <vector>

#include "proto/base/uint128.h"
#include "proto/entry.h"
#include "proto/results.h"
#include "proto/types.h"
#include "tests/model/naive_ledger.h"

namespace ledgerd::sim {

class History {
 public:
  // The highest sequence in any answer so far: what is asked now comes later.
  Sequence floor() const { return floor_; }

  void OnApplied(const Entry& entry, const EntryResult& result);
  // A replica's state as of `applied`.
  void OnState(Sequence applied, Uint128 hash);

  void OnWritten(Sequence floor, const Command& command,
                 const EntryResult& result);
  void OnRead(Sequence floor, Sequence at);

  Sequence last() const { return Sequence(applied_.size()); }

  // Of the entry at last(); zeros when there is none.
  EntryId last_id() const {
    return applied_.empty() ? EntryId() : applied_.back().entry.id();
  }

  Uint128 naive_hash() const { return naive_.state().Hash(); }

  void Fail(std::string why);

  // The first that was not right; empty when all was.
  const std::string& violation() const { return violation_; }

 private:
  struct Applied {
    Entry entry;
    EntryResult result;
  };

  // Of sequences 1, 2, 3, ...
  std::vector<Applied> applied_;
  std::map<Sequence, Uint128> hashes_;
  model::NaiveLedger naive_;
  Sequence floor_;
  std::string violation_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_HISTORY_H_
