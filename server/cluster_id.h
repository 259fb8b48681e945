// A cluster's id as text: 32 hexadecimal digits in the groups of a UUID.
//
//   EXPECT_EQ(ToText(ClusterId(1)), "00000000-0000-0000-0000-000000000001");
#ifndef LEDGERD_SERVER_CLUSTER_ID_H_
#define LEDGERD_SERVER_CLUSTER_ID_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "proto/types.h"

namespace ledgerd::server {

std::string ToText(ClusterId id);

// 32 hexadecimal digits, with or without hyphens; nothing for all else.
std::optional<ClusterId> ParseClusterId(absl::string_view text);

// Of 122 random bits: a UUID of version 4.
ClusterId DrawClusterId();

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CLUSTER_ID_H_
