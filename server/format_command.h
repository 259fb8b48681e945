// `ledgerd format`: which data directory the command line asks for.
//
//   LEDGERD_ASSIGN_OR_RETURN(const storage::DataDir::FormatOptions options,
//                            FormatOptionsOf(line, config));
//
// Errors   INVALID_ARGUMENT  what is asked for cannot be; what to give instead.
#ifndef LEDGERD_SERVER_FORMAT_COMMAND_H_
#define LEDGERD_SERVER_FORMAT_COMMAND_H_

#include "absl/status/statusor.h"

#include "server/command_line.h"
#include "server/config.pb.h"
#include "storage/data_dir.h"

namespace ledgerd::server {

absl::StatusOr<storage::DataDir::FormatOptions> FormatOptionsOf(
    const CommandLine& line, const config::v1::Config& config);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_FORMAT_COMMAND_H_
