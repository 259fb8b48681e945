// The answer to a batch of transfers, from either message that carries it.
//
//   const auto created = CreatedFromWire(response, asked);   // or a Status
#ifndef LEDGERD_CLIENT_CREATED_H_
#define LEDGERD_CLIENT_CREATED_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "client/chains.h"
#include "client/transfer_stream.h"
#include "client/wire.h"
#include "proto/errors.h"

namespace ledgerd::client {

// A server that answers other events than it was asked about: nobody can tell
// what it did.
inline absl::Status WrongCount(int got, size_t asked) {
  return MakeError(
      Reason::kOutcomeUnknown,
      absl::StrCat("the answer has ", got, " results for ", asked, " events"));
}

// `Response` is CreateTransfersResponse or StreamTransfersResponse.
template <typename Response>
absl::StatusOr<CreatedTransfers> CreatedFromWire(
    const Response& wire, const std::vector<Transfer>& asked) {
  if (static_cast<size_t>(wire.results_size()) != asked.size()) {
    return WrongCount(wire.results_size(), asked.size());
  }
  CreatedTransfers created;
  created.sequence = Sequence(wire.sequence());
  created.results.reserve(asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    created.results.push_back(
        FromWire(wire.results(static_cast<int>(i)), asked[i]));
  }
  MarkExistingChains<Transfer>(asked, absl::MakeSpan(created.results));
  return created;
}

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_CREATED_H_
