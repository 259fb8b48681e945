#include "server/cluster_id.h"

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

TEST(ClusterIdTest, IsReadAsItIsWritten) {
  const ClusterId id(MakeUint128(0x0123456789abcdef, 0xfedcba9876543210));
  EXPECT_EQ(ToText(id), "01234567-89ab-cdef-fedc-ba9876543210");
  EXPECT_EQ(ParseClusterId(ToText(id)), id);
  EXPECT_EQ(ParseClusterId("0123456789ABCDEFfedcba9876543210"), id);
}

TEST(ClusterIdTest, RefusesWhatIsNoId) {
  EXPECT_FALSE(ParseClusterId("").has_value());
  EXPECT_FALSE(ParseClusterId("123").has_value());
  EXPECT_FALSE(ParseClusterId("01234567-89ab-cdef-fedc-ba987654321g"));
  EXPECT_FALSE(ParseClusterId("01234567-89ab-cdef-fedc-ba98765432100"));
}

TEST(ClusterIdTest, DrawsUuidsOfVersion4) {
  const ClusterId drawn = DrawClusterId();
  EXPECT_NE(drawn, DrawClusterId());
  EXPECT_EQ(ToText(drawn)[14], '4');
  EXPECT_EQ(Low(drawn.value()) >> 62, 2u);
}

}  // namespace
}  // namespace ledgerd::server
