#include "server/filter_parsing.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::ledger::v1;

v1::AccountFilter AnAccountFilter() {
  v1::AccountFilter filter;
  filter.mutable_account_id()->set_low(7);
  filter.set_debits(true);
  filter.set_limit(10);
  return filter;
}

v1::QueryFilter AQueryFilter() {
  v1::QueryFilter filter;
  filter.set_limit(kMaxBatchSize);
  return filter;
}

TEST(FilterParsingTest, WhatIsUnsetDoesNotRestrict) {
  const auto filter = ParseFilter(AQueryFilter());
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_TRUE(filter->user_data_128 == 0);
  EXPECT_EQ(filter->user_data_64, 0u);
  EXPECT_EQ(filter->user_data_32, 0u);
  EXPECT_EQ(filter->ledger, 0u);
  EXPECT_EQ(filter->code, 0u);
  EXPECT_EQ(filter->timestamp_min, Timestamp(1));
  EXPECT_EQ(filter->timestamp_max, kTimestampMax);
  EXPECT_FALSE(filter->reversed);
  EXPECT_EQ(filter->limit, kMaxBatchSize);
}

TEST(FilterParsingTest, TakesEveryField) {
  v1::AccountFilter filter;
  filter.mutable_account_id()->set_high(1);
  filter.mutable_account_id()->set_low(7);
  filter.set_credits(true);
  filter.set_timestamp_min(5);
  filter.set_timestamp_max(~uint64_t{0});
  filter.mutable_user_data_128()->set_high(2);
  filter.set_user_data_64(3);
  filter.set_user_data_32(4);
  filter.set_code(65535);
  filter.set_reversed(true);
  filter.set_limit(1);
  const auto parsed = ParseFilter(filter);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->account_id, AccountId(MakeUint128(1, 7)));
  EXPECT_FALSE(parsed->debits);
  EXPECT_TRUE(parsed->credits);
  EXPECT_EQ(parsed->rest.timestamp_min, Timestamp(5));
  EXPECT_EQ(parsed->rest.timestamp_max, kTimestampMax);
  EXPECT_TRUE(parsed->rest.user_data_128 == MakeUint128(2, 0));
  EXPECT_EQ(parsed->rest.user_data_64, 3u);
  EXPECT_EQ(parsed->rest.user_data_32, 4u);
  EXPECT_EQ(parsed->rest.code, 65535u);
  EXPECT_TRUE(parsed->rest.reversed);
  EXPECT_EQ(parsed->rest.limit, 1u);
}

// User data of 0 means "not set", also when it is set.
TEST(FilterParsingTest, UserDataOfZeroDoesNotRestrict) {
  v1::QueryFilter filter = AQueryFilter();
  filter.mutable_user_data_128();
  filter.set_user_data_64(0);
  filter.set_user_data_32(0);
  EXPECT_TRUE(ParseFilter(filter).ok());
}

template <typename Filter>
struct Refusal {
  std::string field;
  std::function<void(Filter&)> spoil;
};

template <typename Filter>
void ExpectRefused(const Filter& good,
                   const std::vector<Refusal<Filter>>& refusals) {
  ASSERT_TRUE(ParseFilter(good).ok());
  for (const auto& [field, spoil] : refusals) {
    Filter filter = good;
    spoil(filter);
    const absl::Status refused = ParseFilter(filter).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << field << " " << refused;
    EXPECT_EQ(ReasonOf(refused), Reason::kInvalidField);
    EXPECT_EQ(FieldOf(refused), field);
  }
}

TEST(FilterParsingTest, WhatNothingCanMatchIsRefused) {
  ExpectRefused<v1::AccountFilter>(
      AnAccountFilter(),
      {{"filter.account_id", [](auto& f) { f.clear_account_id(); }},
       {"filter.account_id",
        [](auto& f) {
          f.mutable_account_id()->set_high(~uint64_t{0});
          f.mutable_account_id()->set_low(~uint64_t{0});
        }},
       {"filter.debits", [](auto& f) { f.set_debits(false); }},
       {"filter.limit", [](auto& f) { f.set_limit(0); }},
       {"filter.limit", [](auto& f) { f.set_limit(kMaxBatchSize + 1); }},
       {"filter.code", [](auto& f) { f.set_code(0); }}});
  ExpectRefused<v1::QueryFilter>(
      AQueryFilter(),
      {{"filter.limit", [](auto& f) { f.clear_limit(); }},
       {"filter.ledger", [](auto& f) { f.set_ledger(0); }},
       {"filter.code", [](auto& f) { f.set_code(0); }},
       {"filter.code", [](auto& f) { f.set_code(65536); }},
       {"filter.timestamp_max", [](auto& f) { f.set_timestamp_max(0); }},
       {"filter.timestamp_min",
        [](auto& f) { f.set_timestamp_min(uint64_t{1} << 63); }},
       {"filter.timestamp_min", [](auto& f) {
          f.set_timestamp_min(6);
          f.set_timestamp_max(5);
        }}});
}

}  // namespace
}  // namespace ledgerd::server
