// What another replica says: any bytes in place of a message.
#include <utility>
#include <variant>

#include "absl/types/span.h"

#include "proto/base/check.h"
#include "proto/entry.h"
#include "replication/wire.h"
#include "tests/fuzz/target.h"

namespace ledgerd::fuzz {
namespace {

using replication::Body;

std::string Written(Body body) {
  replication::Message message;
  message.from = ReplicaId(1);
  message.from_incarnation = Incarnation(1);
  message.to = ReplicaId(2);
  message.to_incarnation = Incarnation(3);
  message.epoch = Epoch(4);
  message.body = std::move(body);
  return Join(Encode(message));
}

}  // namespace

std::vector<std::string> Seeds() {
  const std::vector<Transfer> rows(2);
  const Entry entry =
      Entry::Seal(MakeCommand<Transfer>(EntryKind::kCreateTransfers,
                                        absl::MakeConstSpan(rows)),
                  Epoch(1), Timestamp(9), {});
  Membership membership;
  membership.members = {{ReplicaId(1), Incarnation(1)},
                        {ReplicaId(2), Incarnation(3), MemberRole::kWitness}};
  return {
      Written(replication::Append{{}, {entry, entry}, Sequence(1)}),
      Written(replication::Heartbeat{.commit = Sequence(7)}),
      Written(replication::HeartbeatAnswer{.through = Sequence(7)}),
      Written(replication::Mismatch{entry.id(), {}}),
      Written(replication::Promise{
          {}, entry.id(), Sequence(1), {Sequence(3)}, membership}),
      Written(replication::Fetched{entry.id(), {entry}}),
      Written(replication::Recalled{.membership = membership}),
  };
}

}  // namespace ledgerd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using ledgerd::replication::Decode;
  using ledgerd::replication::Encode;
  using ledgerd::replication::Join;
  replication::v1::ConnectRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto message = Decode(std::move(request));
  if (!message.ok()) {
    LEDGERD_CHECK(absl::IsInvalidArgument(message.status()));
    return 0;
  }
  // What was taken can be sent on, and is taken again.
  const std::string written = Join(Encode(*message));
  LEDGERD_CHECK(request.ParseFromString(written));
  const auto again = Decode(std::move(request));
  LEDGERD_CHECK_OK(again.status());
  LEDGERD_CHECK(Join(Encode(*again)) == written);
  return 0;
}
