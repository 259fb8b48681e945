#include "client/bench/workload.h"

#include <algorithm>
#include <cmath>

#include "proto/base/check.h"

namespace ledgerd::bench {
namespace {

constexpr double kTheta = 0.99;

// SplitMix64's last step: a bijection, so different numbers stay different.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// 0 .. 1, without 1.
double Fraction(uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1p-53;
}

uint64_t Below(uint64_t random, uint64_t end) {
  return static_cast<uint64_t>((Uint128{random} * end) >> 64);
}

double Zeta(uint64_t n) {
  double sum = 0;
  for (uint64_t i = 1; i <= n; ++i) {
    sum += std::pow(1 / static_cast<double>(i), kTheta);
  }
  return sum;
}

}  // namespace

Workload::Workload(const Options& options)
    : options_(options), block_(options.batch) {
  LEDGERD_CHECK(options.accounts >= 2 && options.batch >= 1);
  if (options.two_phase_percent != 0 && options.batch % 2 != 0) {
    block_ = 2 * options.batch;
  }
  if (options.distribution == Distribution::kZipf) {
    const auto n = static_cast<double>(options.accounts);
    zeta_ = Zeta(options.accounts);
    eta_ = (1 - std::pow(2 / n, 1 - kTheta)) /
           (1 - (1 + std::pow(0.5, kTheta)) / zeta_);
  }
}

Account Workload::NewAccount(uint64_t index) const {
  return {.id = AccountAt(index), .ledger = options_.ledger, .code = 1};
}

Transfer Workload::Get(uint64_t number) const {
  const uint64_t half = block_ / 2;
  const uint64_t place = number % block_;
  const bool second = options_.two_phase_percent != 0 && place >= half;
  const uint64_t first = second ? number - half : number;
  if (options_.two_phase_percent == 0 || !IsPaired(first)) {
    return Single(number);
  }
  Transfer transfer = Single(first);
  if (!second) {
    transfer.flags = transfer_flags::kPending;
    return transfer;
  }
  transfer.pending_id = transfer.id;
  transfer.id = IdOf(number);
  transfer.flags = transfer_flags::kPostPending;
  return transfer;
}

bool Workload::IsPaired(uint64_t number) const {
  return Mix(number ^ 0x7077) % 100 < options_.two_phase_percent;
}

TransferId Workload::IdOf(uint64_t number) const {
  if (!options_.random_ids) {
    return TransferId(MakeUint128(options_.seed, number + 1));
  }
  return TransferId(MakeUint128(Mix(number ^ Mix(options_.seed)),
                                Mix(number + options_.seed)));
}

uint64_t Workload::ChooseAccount(uint64_t random) const {
  if (options_.distribution != Distribution::kZipf) {
    return Below(random, options_.accounts);
  }
  const double u = Fraction(random);
  const auto n = static_cast<double>(options_.accounts);
  double rank = n * std::pow(eta_ * u - eta_ + 1, 1 / (1 - kTheta));
  if (u * zeta_ < 1) {
    rank = 0;
  } else if (u * zeta_ < 1 + std::pow(0.5, kTheta)) {
    rank = 1;
  }
  // Accounts of neighbouring ranks are not neighbours.
  const auto index =
      std::min(static_cast<uint64_t>(rank), options_.accounts - 1);
  return Mix(index) % options_.accounts;
}

void Workload::ChooseAccounts(uint64_t number, Transfer& transfer) const {
  const uint64_t random = Mix(number ^ Mix(options_.seed + 1));
  const uint64_t debit = ChooseAccount(Mix(random));
  uint64_t credit = ChooseAccount(Mix(random + 1));
  if (options_.distribution == Distribution::kHot && random % 2 == 0) {
    credit = 0;
  }
  if (credit == debit) credit = (debit + 1) % options_.accounts;
  transfer.debit_account_id = AccountAt(debit);
  transfer.credit_account_id = AccountAt(credit);
}

Transfer Workload::Single(uint64_t number) const {
  Transfer transfer;
  transfer.id = IdOf(number);
  ChooseAccounts(number, transfer);
  transfer.amount = Amount(1 + Mix(number) % 1000);
  transfer.ledger = options_.ledger;
  transfer.code = 1;
  if (options_.full) {
    transfer.user_data_128 = MakeUint128(Mix(number + 3), Mix(number + 4));
    transfer.user_data_64 = Mix(number + 5);
    transfer.user_data_32 = static_cast<uint32_t>(Mix(number + 6));
  }
  return transfer;
}

}  // namespace ledgerd::bench
