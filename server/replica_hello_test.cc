#include "server/replica_hello.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "proto/base/uint128.h"
#include "replication/wire.h"

namespace ledgerd::server {
namespace {

namespace v1 = ::replication::v1;

const ReplicaSelf kOne{ClusterId(MakeUint128(0x0102, 0x0304)), ReplicaId(1),
                       Incarnation(7)};
const ReplicaSelf kTwo{kOne.cluster, ReplicaId(2), Incarnation(1)};

v1::Hello HelloOfOne() {
  return MakeHello(kOne,
                   {.client = "a:1", .admin = "a:2", .replication = "a:3"},
                   ReplicaId(2));
}

TEST(ReplicaHelloTest, SaysWhoSpeaksAndWhere) {
  const v1::Hello hello = HelloOfOne();
  EXPECT_TRUE(CheckHello(hello, kTwo).ok()) << CheckHello(hello, kTwo);
  const ReplicaAddresses addresses = AddressesOf(hello);
  EXPECT_EQ(addresses.client, "a:1");
  EXPECT_EQ(addresses.admin, "a:2");
  EXPECT_EQ(addresses.replication, "a:3");
  EXPECT_EQ(addresses.incarnation, Incarnation(7));
  EXPECT_EQ(hello.cluster_id(),
            std::string("\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x03\x04", 16));
}

TEST(ReplicaHelloTest, WhoDoesNotBelongIsToldWhy) {
  const struct {
    const char* words;
    std::function<void(v1::Hello&)> change;
  } kCases[] = {
      {"speaks version 2", [](auto& h) { h.set_version(2); }},
      {"speaks version 0", [](auto& h) { h.Clear(); }},
      {"is of cluster 00000000000000000000000000000009",
       [](auto& h) { h.set_cluster_id(ClusterBytes(ClusterId(9))); }},
      {"takes this address for replica 3's",
       [](auto& h) { h.set_to_replica_id(3); }},
      {"two processes say that they are replica 2",
       [](auto& h) { h.set_replica_id(2); }},
  };

  for (const auto& one : kCases) {
    v1::Hello hello = HelloOfOne();
    one.change(hello);
    const absl::Status refused = CheckHello(hello, kTwo);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_NE(std::string(refused.message()).find(one.words), std::string::npos)
        << refused;
  }
}

TEST(ReplicaHelloTest, WhatIsNoHelloIsRefused) {
  for (const auto& spoil : std::vector<std::function<void(v1::Hello&)>>{
           [](auto& h) { h.set_replica_id(0); },
           [](auto& h) { h.set_cluster_id("short"); },
           [](auto& h) { h.set_client_address(std::string(1'000, 'x')); }}) {
    v1::Hello hello = HelloOfOne();
    spoil(hello);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckHello(hello, kTwo)));
  }
}

}  // namespace
}  // namespace ledgerd::server
