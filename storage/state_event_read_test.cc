// Events whose account or transfer is gone: the disk can bring that about, so
// it is an error and not the end.
#include "storage/state_event_read.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "storage/state_event.h"
#include "storage/state_store_harness.h"
#include "storage/state_store_testing.h"

namespace ledgerd::storage {
namespace {

const Account kThere = {
    .id = AccountId(1), .ledger = 1, .timestamp = Timestamp(1)};
const Account kGone = {
    .id = AccountId(2), .ledger = 1, .timestamp = Timestamp(2)};

// What reading says of one event over account 1 and a transfer of timestamp 10,
// which are on the disk.
absl::Status ReadError(const Event& event) {
  TestedRocksDbStore tested(TinyStateOptions());
  EntryApplier applier(tested);
  applier.Apply({.accounts = {kThere.id}}, [&](StateView& view) {
    view.InsertAccount(kThere);
    view.InsertTransfer({.id = TransferId(1), .timestamp = Timestamp(10)});
  });
  EXPECT_TRUE(applier.Checkpoint().ok());
  applier.Apply({}, [&](StateView& view) { view.AppendEvent(event); });
  return applier.store().ReadEvents({}, 10)->Finish().status();
}

void ExpectDataLoss(const absl::Status& status, const std::string& words) {
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
}

TEST(StateEventReadTest, AnEventOfWhatIsThereIsRead) {
  const absl::Status read =
      ReadError({.timestamp = kThere.timestamp, .debit = EventSideOf(kThere)});
  EXPECT_TRUE(read.ok()) << read;
}

TEST(StateEventReadTest, AMissingAccountIsDataLoss) {
  ExpectDataLoss(
      ReadError({.timestamp = kGone.timestamp, .debit = EventSideOf(kGone)}),
      "account 2");
}

TEST(StateEventReadTest, AMissingTransferIsDataLoss) {
  Event event = {.type = EventType::kSinglePhase,
                 .timestamp = Timestamp(3),
                 .debit = EventSideOf(kThere)};
  event.transfer = Timestamp(3);
  ExpectDataLoss(ReadError(event), "malformed");
}

}  // namespace
}  // namespace ledgerd::storage
