// A Workload is the transfers of a run: number n is always the same transfer,
// so what was sent can be computed again to check what the ledger has.
//
//   const Workload workload({.accounts = 10'000, .seed = 1});
//   workload.Get(0), workload.Get(1), ...
//
// Shape    Single-phase transfers between two different accounts. With a share
//          of two-phase ones, numbers come in blocks of block(): some of the
//          first half are pending, and their partners in the second half post
//          them. A block's transfers must be sent in the order of their
//          numbers.
// Errors   Every transfer is one that the ledger must create: the accounts have
//          no limits, and no id comes twice.
// Threads  Const, thus thread-safe.
// Source   Zipf: Gray et al., "Quickly Generating Billion-Record Synthetic
//          Databases", SIGMOD 1994, as YCSB has it.
#ifndef LEDGERD_CLIENT_BENCH_WORKLOAD_H_
#define LEDGERD_CLIENT_BENCH_WORKLOAD_H_

#include <cstdint>

#include "proto/types.h"

namespace ledgerd::bench {

enum class Distribution {
  kUniform,
  kZipf,  // Theta 0.99.
  kHot,   // Half of all transfers credit one account.
};

class Workload {
 public:
  struct Options {
    uint64_t accounts = 10'000;
    // The others follow it.
    AccountId first_account{1};
    uint32_t ledger = 1;
    Distribution distribution = Distribution::kUniform;
    // Ids in random order, instead of rising.
    bool random_ids = false;
    // User data set: the longest messages and rows.
    bool full = false;
    // How many of all transfers belong to a pair, in percent.
    uint32_t two_phase_percent = 0;
    // Transfers in a request.
    uint64_t batch = 1;
    // Of the ids: two runs on one ledger need two. Rising ids rise with it.
    uint64_t seed = 0;
  };

  explicit Workload(const Options& options);

  Transfer Get(uint64_t number) const;

  // How many transfers one client must send in order: those of one request, or
  // more when pairs need it.
  uint64_t block() const { return block_; }

  uint64_t batch() const { return options_.batch; }

  uint64_t accounts() const { return options_.accounts; }

  AccountId AccountAt(uint64_t index) const {
    return AccountId(options_.first_account.value() + index);
  }

  // The account `AccountAt(index)` before any transfer.
  Account NewAccount(uint64_t index) const;

 private:
  bool IsPaired(uint64_t number) const;
  TransferId IdOf(uint64_t number) const;
  void ChooseAccounts(uint64_t number, Transfer& transfer) const;
  uint64_t ChooseAccount(uint64_t random) const;
  Transfer Single(uint64_t number) const;

  const Options options_;
  uint64_t block_ = 1;
  // Zipf's.
  double zeta_ = 0;
  double eta_ = 0;
};

}  // namespace ledgerd::bench

#endif  // LEDGERD_CLIENT_BENCH_WORKLOAD_H_
