// The fields that queries filter by: their numbers in the index on the disk,
// and the values that rows have in them.
//
//   for (const IndexField field : IndexedFields<Transfer>::kAll) {
//     const Uint128 value = IndexedFields<Transfer>::ValueOf(field, transfer);
//     if (value != 0) ...
//   }
//
// Shape   A value of 0 is in no index: of user data it means "not set", and
//         nothing else that is indexed can be 0.
// Source  FORMAT.md, "The state".
#ifndef LEDGERD_STORAGE_INDEX_FIELD_H_
#define LEDGERD_STORAGE_INDEX_FIELD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/types.h"

namespace ledgerd::storage {

// The values are on disk: never change.
enum class IndexField : uint8_t {
  kDebitAccount = 1,
  kCreditAccount = 2,
  kTransferUserData128 = 3,
  kTransferUserData64 = 4,
  kTransferUserData32 = 5,
  kTransferLedger = 6,
  kTransferCode = 7,
  kAccountUserData128 = 17,
  kAccountUserData64 = 18,
  kAccountUserData32 = 19,
  kAccountLedger = 20,
  kAccountCode = 21,
};

// What the index of one row takes on the disk, at most: a key and a timestamp
// in every field.
inline constexpr uint64_t kIndexBytesMax = uint64_t{7} * 40;

// How many bytes of a key a value takes.
constexpr int IndexValueBytes(IndexField field) {
  switch (field) {
    case IndexField::kDebitAccount:
    case IndexField::kCreditAccount:
    case IndexField::kTransferUserData128:
    case IndexField::kAccountUserData128:
      return 16;
    case IndexField::kTransferUserData64:
    case IndexField::kAccountUserData64:
      return 8;
    case IndexField::kTransferUserData32:
    case IndexField::kTransferLedger:
    case IndexField::kAccountUserData32:
    case IndexField::kAccountLedger:
      return 4;
    case IndexField::kTransferCode:
    case IndexField::kAccountCode:
      return 2;
  }
  return 0;
}

// kAll, ascending, and ValueOf; and which fields the filters' are.
template <typename Row>
struct IndexedFields;

template <>
struct IndexedFields<Transfer> {
  static constexpr auto kUserData128 = IndexField::kTransferUserData128;
  static constexpr auto kUserData64 = IndexField::kTransferUserData64;
  static constexpr auto kUserData32 = IndexField::kTransferUserData32;
  static constexpr auto kLedger = IndexField::kTransferLedger;
  static constexpr auto kCode = IndexField::kTransferCode;

  static constexpr std::array kAll = {
      IndexField::kDebitAccount,        IndexField::kCreditAccount,
      IndexField::kTransferUserData128, IndexField::kTransferUserData64,
      IndexField::kTransferUserData32,  IndexField::kTransferLedger,
      IndexField::kTransferCode};

  static constexpr Uint128 ValueOf(IndexField field, const Transfer& row) {
    switch (field) {
      case IndexField::kDebitAccount:
        return row.debit_account_id.value();
      case IndexField::kCreditAccount:
        return row.credit_account_id.value();
      case IndexField::kTransferUserData128:
        return row.user_data_128;
      case IndexField::kTransferUserData64:
        return row.user_data_64;
      case IndexField::kTransferUserData32:
        return row.user_data_32;
      case IndexField::kTransferLedger:
        return row.ledger;
      case IndexField::kTransferCode:
        return row.code;
      default:
        return 0;
    }
  }
};

template <>
struct IndexedFields<Account> {
  static constexpr auto kUserData128 = IndexField::kAccountUserData128;
  static constexpr auto kUserData64 = IndexField::kAccountUserData64;
  static constexpr auto kUserData32 = IndexField::kAccountUserData32;
  static constexpr auto kLedger = IndexField::kAccountLedger;
  static constexpr auto kCode = IndexField::kAccountCode;

  static constexpr std::array kAll = {
      IndexField::kAccountUserData128, IndexField::kAccountUserData64,
      IndexField::kAccountUserData32, IndexField::kAccountLedger,
      IndexField::kAccountCode};

  static constexpr Uint128 ValueOf(IndexField field, const Account& row) {
    switch (field) {
      case IndexField::kAccountUserData128:
        return row.user_data_128;
      case IndexField::kAccountUserData64:
        return row.user_data_64;
      case IndexField::kAccountUserData32:
        return row.user_data_32;
      case IndexField::kAccountLedger:
        return row.ledger;
      case IndexField::kAccountCode:
        return row.code;
      default:
        return 0;
    }
  }
};

// The place of `field` in IndexedFields<Row>::kAll. Requires: it is there.
template <typename Row>
constexpr size_t IndexFieldPlace(IndexField field) {
  return static_cast<size_t>(field) -
         static_cast<size_t>(IndexedFields<Row>::kAll.front());
}

}  // namespace ledgerd::storage

#endif  // LEDGERD_STORAGE_INDEX_FIELD_H_
