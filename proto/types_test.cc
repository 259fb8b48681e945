#include "proto/types.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/statuses.h"
#include "proto/system_limits.h"

namespace ledgerd {
namespace {

// Every enumerator of the contract has its twin of the same value and name.
template <typename Status>
void ExpectTwins(const google::protobuf::EnumDescriptor& contract,
                 absl::string_view prefix) {
  for (int i = 0; i < contract.value_count(); ++i) {
    const auto& value = *contract.value(i);
    EXPECT_EQ(absl::StrCat(prefix, absl::AsciiStrToUpper(Name(
                                       static_cast<Status>(value.number())))),
              value.name());
  }
  EXPECT_EQ(Name(static_cast<Status>(contract.value_count())), "unknown");
}

TEST(StatusesTest, AreThoseOfTheContract) {
  ExpectTwins<AccountStatus>(*ledger::v1::CreateAccountStatus_descriptor(),
                             "CREATE_ACCOUNT_STATUS_");
  ExpectTwins<TransferStatus>(*ledger::v1::CreateTransferStatus_descriptor(),
                              "CREATE_TRANSFER_STATUS_");
}

template <typename Known>
uint16_t AllBits(const Known& contract) {
  int bits = 0;
  for (int i = 0; i < contract.value_count(); ++i) {
    bits |= contract.value(i)->number();
  }
  return static_cast<uint16_t>(bits);
}

TEST(FlagsTest, ReservedAreThoseThatTheContractDoesNotName) {
  EXPECT_EQ(AllBits(*ledger::v1::AccountFlag_descriptor()),
            static_cast<uint16_t>(~account_flags::kReserved));
  EXPECT_EQ(AllBits(*ledger::v1::TransferFlag_descriptor()),
            static_cast<uint16_t>(~transfer_flags::kReserved));
}

TEST(FlagsTest, AnUnknownHighBitStaysUnknown) {
  EXPECT_EQ(PackFlags(0x3), 0x3);
  EXPECT_EQ(PackFlags(0x10001), 0x8001);
  EXPECT_EQ(PackFlags(0x80000000), 0x8000);
}

TEST(TypesTest, ExpiryIsCountedFromTheTransfersTimestamp) {
  Transfer pending;
  pending.timestamp = Timestamp(5);
  EXPECT_EQ(ExpiresAt(pending), Timestamp(0));
  pending.timeout_seconds = 2;
  EXPECT_EQ(ExpiresAt(pending), Timestamp(2'000'000'005));
}

TEST(LimitsTest, TheLongestTransferMessageIsWithinItsLimit) {
  ledger::v1::CreateTransfersRequest request;
  auto& transfer = *request.add_transfers();
  for (auto* field :
       {transfer.mutable_id(), transfer.mutable_debit_account_id(),
        transfer.mutable_credit_account_id(), transfer.mutable_amount(),
        transfer.mutable_pending_id(), transfer.mutable_user_data_128()}) {
    field->set_high(~uint64_t{0});
    field->set_low(~uint64_t{0});
  }
  transfer.set_user_data_64(~uint64_t{0});
  transfer.set_user_data_32(~uint32_t{0});
  transfer.set_timeout(~uint32_t{0});
  transfer.set_ledger(~uint32_t{0});
  transfer.set_code(~uint32_t{0});
  transfer.set_flags(~uint32_t{0});
  transfer.set_timestamp(~uint64_t{0});
  EXPECT_LE(request.ByteSizeLong(), kTransferMessageBytesMax);
}

}  // namespace
}  // namespace ledgerd
