// The version of this build, as it says it of itself.
#ifndef LEDGERD_SERVER_VERSION_H_
#define LEDGERD_SERVER_VERSION_H_

namespace ledgerd::server {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_VERSION_H_
