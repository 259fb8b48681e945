#include "replication/observer_notes.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace ledgerd::replication {
namespace {

class Listener final : public ReplicaObserver {
 public:
  void BeforePromotion(const PromotionBegun& begun) override {
    told.push_back(absl::StrCat("promotion to ", begun.epoch.value()));
  }

  void BeforeRollback(uint64_t entries) override {
    told.push_back(absl::StrCat("rollback of ", entries));
  }

  void AfterRollback() override { told.push_back("rolled back"); }

  void BeforeCatchUp(Sequence through) override {
    told.push_back(absl::StrCat("catch-up to ", through.value()));
  }

  std::vector<std::string> told;
};

using Told = std::vector<std::string>;
using Why = PromotionBegun::Why;

TEST(ObserverNotesTest, AsksWhyAPromotionIsBegun) {
  EXPECT_EQ(ObserverNotes::WhyPromoted(Tick{}), Why::kPrimaryLost);
  EXPECT_EQ(ObserverNotes::WhyPromoted(ConnectionBroken{}), Why::kPrimaryLost);
  EXPECT_EQ(ObserverNotes::WhyPromoted(PromotionRequested{}), Why::kWanted);
  EXPECT_EQ(ObserverNotes::WhyPromoted(ForcePromotionRequested{}),
            Why::kForced);
  Received received;
  received.message.body = WouldLeave{};
  EXPECT_EQ(ObserverNotes::WhyPromoted(received), Why::kPrimaryLost);
  received.message.body = PromoteNow{};
  EXPECT_EQ(ObserverNotes::WhyPromoted(received), Why::kWanted);
  received.message.body = PromoteNow{.failed = true};
  EXPECT_EQ(ObserverNotes::WhyPromoted(received), Why::kPrimaryFailed);
}

TEST(ObserverNotesTest, TellsOfARollbackBeforeAndAfter) {
  Listener listener;
  ObserverNotes notes(&listener);
  notes.NoteCut(Sequence(8), Sequence(7), WriteId(1));
  notes.NotePersisted(WriteId(1));
  EXPECT_EQ(listener.told, Told()) << "there was nothing to cut off";
  notes.NoteCut(Sequence(5), Sequence(7), WriteId(3));
  notes.NotePersisted(WriteId(2));
  EXPECT_EQ(listener.told, Told({"rollback of 3"}));
  notes.NotePersisted(WriteId(4));
  notes.NotePersisted(WriteId(5));
  EXPECT_EQ(listener.told, Told({"rollback of 3", "rolled back"}));
}

TEST(ObserverNotesTest, TellsOfACatchUpAtTheFirstWordAlone) {
  Listener listener;
  ObserverNotes behind(&listener);
  behind.NoteFollowed(Sequence(9), Sequence(8));
  behind.NoteFollowed(Sequence(19), Sequence(8));
  EXPECT_EQ(listener.told, Told({"catch-up to 9"}));
  ObserverNotes even(&listener);
  even.NoteFollowed(Sequence(9), Sequence(9));
  even.NoteFollowed(Sequence(19), Sequence(8));
  ObserverNotes fresh(&listener);
  fresh.NoteFollowed(Sequence(9), Sequence(0));
  fresh.NoteFollowed(Sequence(19), Sequence(8));
  EXPECT_EQ(listener.told, Told({"catch-up to 9"}));
}

TEST(ObserverNotesTest, AppendsAndHeartbeatsSayWhatIsCommitted) {
  Received received;
  received.message.from = ReplicaId(3);
  received.message.epoch = Epoch(4);
  received.message.body = Append{.commit = Sequence(5)};
  auto said = ObserverNotes::FromPrimaryOf(received);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->from, ReplicaId(3));
  EXPECT_EQ(said->epoch, Epoch(4));
  EXPECT_EQ(said->commit, Sequence(5));
  received.message.body = Heartbeat{.commit = Sequence(6)};
  said = ObserverNotes::FromPrimaryOf(received);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->commit, Sequence(6));
  received.message.body = Acknowledged{};
  EXPECT_FALSE(ObserverNotes::FromPrimaryOf(received).has_value());
  EXPECT_FALSE(ObserverNotes::FromPrimaryOf(Tick{}).has_value());
}

TEST(ObserverNotesTest, NobodyNeedsToListen) {
  ObserverNotes notes(nullptr);
  notes.NoteCut(Sequence(5), Sequence(7), WriteId(3));
  notes.NotePersisted(WriteId(3));
  notes.NoteFollowed(Sequence(9), Sequence(8));
}

}  // namespace
}  // namespace ledgerd::replication
