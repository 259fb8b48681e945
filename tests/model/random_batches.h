// RandomBatches makes up the life of one ledger from a seed: batches that
// collide, retry, race, chain, overflow and lie as often as they succeed.
//
//   RandomBatches batches(seed);
//   const Step step = batches.Next(naive.state());
//
// Shape   A seed is a world: few accounts, a window of transfer ids that slides
//         slowly, a way with amounts (small, or up to 2^128 - 1), with clocks,
//         and with imports. Each row starts as one that would do, judged by the
//         state before the batch and the rows already in it; then some are
//         spoiled in one field or two.
//         The same seed and the same states give the same steps.
// Units   Nanoseconds.
#ifndef LEDGERD_TESTS_MODEL_RANDOM_BATCHES_H_
#define LEDGERD_TESTS_MODEL_RANDOM_BATCHES_H_

#include <cstdint>
#include <vector>

#include "proto/types.h"
#include "tests/model/naive_state.h"
#include "tests/model/random.h"
#include "tests/model/step.h"

namespace ledgerd::model {

class RandomBatches {
 public:
  explicit RandomBatches(uint64_t seed);

  // The step that follows a state.
  Step Next(const NaiveState& state);

 private:
  // What stays the same for a whole world.
  struct World {
    // Ids are multiples of this, so that all their bytes are used.
    Uint128 id_stride;
    uint64_t account_ids;
    uint64_t transfer_ids;
    uint32_t ledgers;
    bool huge_amounts;
    bool imports;
    bool long_timeouts;
    uint64_t rows_max;
  };

  Timestamp Clock(const NaiveState& state, uint64_t timestamps);
  void Link(Step& step);
  template <typename Row>
  void Import(std::vector<Row>& rows, const NaiveState& state, Timestamp batch,
              uint16_t flag);
  Timestamp ImportedTimestamp(const NaiveState& state, Timestamp newest,
                              Timestamp batch);

  AccountId AnyAccountId();
  Account NewAccount();
  Account RetriedAccount(const NaiveState& state);
  void Spoil(Account& account);
  Step Accounts(const NaiveState& state);

  TransferId AnyTransferId();
  Amount AnyAmount();
  Amount NearLimit(const Account& debit, const Account& credit);
  Transfer NewTransfer(const NaiveState& state);
  Transfer SingleOrPending(const NaiveState& state);
  Transfer PostOrVoid(const NaiveState& state);
  Transfer RetriedTransfer(const NaiveState& state);
  Transfer Target(const NaiveState& state);
  AccountId ExistingAccount(const NaiveState& state, uint32_t ledger);
  void Spoil(Transfer& transfer);
  void SpoilRare(Transfer& transfer);
  Step Transfers(const NaiveState& state);

  Random random_;
  World world_;
  Epoch epoch_{1};
  uint64_t window_ = 1;
  // The transfers of the batch that is being made.
  std::vector<Transfer> batch_;
};

}  // namespace ledgerd::model

#endif  // LEDGERD_TESTS_MODEL_RANDOM_BATCHES_H_
