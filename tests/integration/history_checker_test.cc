// That the checker can see: histories with one broken promise each, and the
// words in which it must be found; and a sound history, in which nothing is.
#include "tests/integration/history_checker.h"

#include <algorithm>
#include <functional>

#include "gtest/gtest.h"

#include "tests/integration/history_summary.h"

namespace ledgerd::integration {
namespace {

constexpr AccountId kFrom(1);
constexpr AccountId kTo(2);

// A history that a sound ledger could have made, to be spoilt by each test.
struct Story {
  std::deque<Exchange> exchanges;
  FinalState state;

  Exchange& Last() { return exchanges.back(); }
};

Transfer Pay(uint64_t id, uint64_t amount) {
  return {.id = TransferId(id),
          .debit_account_id = kFrom,
          .credit_account_id = kTo,
          .amount = Amount(amount),
          .ledger = 1,
          .code = 1};
}

// An exchange after all others: one result for each transfer.
Exchange Answered(uint64_t sequence, std::vector<Transfer> transfers,
                  std::vector<TransferStatus> statuses) {
  const auto time = static_cast<int64_t>(sequence * 10);
  Exchange exchange{
      .transfers = std::move(transfers), .begin = time, .end = time + 5};
  exchange.ending = {.outcome = Outcome::kAnswered,
                     .sequence = Sequence(sequence)};
  for (size_t i = 0; i < statuses.size(); ++i) {
    exchange.ending.results.push_back(
        {.status = statuses[i], .timestamp = Timestamp(sequence * 100 + i)});
  }
  return exchange;
}

Exchange Failed(uint64_t time, std::vector<Transfer> transfers,
                Outcome outcome) {
  Exchange exchange = Answered(time, std::move(transfers), {});
  exchange.ending = {.outcome = outcome, .error = "UNAVAILABLE "};
  return exchange;
}

Exchange Read(uint64_t sequence, std::vector<Transfer> found,
              std::vector<TransferId> missing) {
  Exchange exchange = Answered(sequence, {}, {});
  for (const Transfer& transfer : found) exchange.asked.push_back(transfer.id);
  exchange.asked.insert(exchange.asked.end(), missing.begin(), missing.end());
  exchange.ending.found = std::move(found);
  exchange.ending.missing = std::move(missing);
  return exchange;
}

Transfer Stored(Transfer transfer, uint64_t timestamp) {
  transfer.timestamp = Timestamp(timestamp);
  return transfer;
}

Account AccountWith(AccountId id, uint64_t debits, uint64_t credits,
                    uint64_t timestamp) {
  return {.id = id,
          .debits_posted = Amount(debits),
          .credits_posted = Amount(credits),
          .ledger = 1,
          .code = 1,
          .timestamp = Timestamp(timestamp)};
}

// Transfer 10 of 5 was created, 11 was refused for good, 12 got no answer and
// was asked for again: 30 in all. 13 was never executed, and that was said.
Story Sound() {
  using enum TransferStatus;
  Story story;
  Exchange accounts = Answered(1, {}, {});
  accounts.accounts = {AccountWith(kFrom, 0, 0, 0), AccountWith(kTo, 0, 0, 0)};
  accounts.ending.account_results = {
      {.status = AccountStatus::kCreated, .timestamp = Timestamp(100)},
      {.status = AccountStatus::kCreated, .timestamp = Timestamp(101)}};
  story.exchanges = {
      accounts,
      Answered(2, {Pay(10, 5)}, {kCreated}),
      Answered(3, {Pay(11, 9)}, {kExceedsCredits}),
      Failed(4, {Pay(12, 25)}, Outcome::kUnknown),
      Answered(6, {Pay(12, 25)}, {kExists}),
      Failed(7, {Pay(13, 1)}, Outcome::kNothingDone),
      Answered(8, {Pay(10, 5)}, {kExists}),
      Answered(9, {Pay(11, 9)}, {kIdAlreadyFailed}),
      Read(9, {Stored(Pay(10, 5), 200)}, {TransferId(13)}),
  };
  story.exchanges[4].ending.results[0].timestamp = Timestamp(500);
  story.exchanges[6].ending.results[0].timestamp = Timestamp(200);
  story.exchanges[7].ending.results[0].original_status = kExceedsCredits;
  story.exchanges[8].begin = 96;
  story.exchanges[8].end = 97;
  story.state.accounts = {AccountWith(kFrom, 30, 0, 100),
                          AccountWith(kTo, 0, 30, 101)};
  story.state.transfers = {{.transfer = Stored(Pay(10, 5), 200)},
                           {.transfer = Stored(Pay(12, 25), 500)}};
  return story;
}

// The sound story, spoilt: the checker must say `words`, of one id or another.
void ExpectFound(const std::string& words,
                 const std::function<void(Story&)>& spoil) {
  Story story = Sound();
  spoil(story);
  const auto violations = CheckHistory(story.exchanges, story.state);
  const bool found = std::any_of(
      violations.begin(), violations.end(), [&](const std::string& violation) {
        return violation.find(words) != std::string::npos;
      });
  EXPECT_TRUE(found) << "not found: " << words;
  for (const std::string& violation : violations) {
    if (!found) ADD_FAILURE() << "instead: " << violation;
  }
}

void Append(Story& story, Exchange exchange) {
  story.exchanges.push_back(std::move(exchange));
}

TEST(HistoryCheckerTest, FindsNothingInASoundHistory) {
  const Story story = Sound();
  for (const auto& violation : CheckHistory(story.exchanges, story.state)) {
    ADD_FAILURE() << violation;
  }
}

TEST(HistoryCheckerTest, FindsALostTransfer) {
  ExpectFound("transfer 10 was acknowledged and is missing", [](Story& story) {
    story.state.transfers.erase(story.state.transfers.begin());
  });
  ExpectFound("transfer 12 was acknowledged and is missing",
              [](Story& story) { story.state.transfers.pop_back(); });
}

TEST(HistoryCheckerTest, FindsALostAccount) {
  ExpectFound("account 2 was acknowledged and is missing",
              [](Story& story) { story.state.accounts.pop_back(); });
}

TEST(HistoryCheckerTest, FindsAChangedAccount) {
  ExpectFound("account 2 is not as it was acknowledged",
              [](Story& story) { story.state.accounts[1].code = 3; });
}

TEST(HistoryCheckerTest, FindsADoubledTransferInTheBalances) {
  ExpectFound("account 1 states debits 0 pending, 35 posted", [](Story& story) {
    story.state.accounts[0].debits_posted = Amount(35);
    story.state.accounts[1].credits_posted = Amount(35);
  });
}

TEST(HistoryCheckerTest, FindsATransferThatWasCreatedTwice) {
  ExpectFound("transfer 10 was created 2 times", [](Story& story) {
    story.exchanges[6].ending.results[0].status = TransferStatus::kCreated;
  });
}

TEST(HistoryCheckerTest, FindsMoneyFromNowhere) {
  ExpectFound("ledger 1 does not balance", [](Story& story) {
    story.state.accounts[1].credits_posted = Amount(31);
  });
}

TEST(HistoryCheckerTest, FindsAnAnswerThatContradictsAnEarlierOne) {
  ExpectFound("transfer 10 is there, and was refused as exceeds_credits",
              [](Story& story) {
                story.exchanges[6].ending.results[0].status =
                    TransferStatus::kExceedsCredits;
              });
  ExpectFound("transfer 10 was there, and later was answered code_must",
              [](Story& story) {
                story.exchanges[6].ending.results[0].status =
                    TransferStatus::kCodeMustNotBeZero;
              });
}

TEST(HistoryCheckerTest, FindsARefusedTransferThatIsAcceptedLater) {
  ExpectFound("transfer 11 was kept as failed, and later was answered created",
              [](Story& story) {
                story.exchanges[7].ending.results[0].status =
                    TransferStatus::kCreated;
              });
}

TEST(HistoryCheckerTest, FindsAFailureThatWasForgotten) {
  ExpectFound("transfer 11 was forgotten as failed", [](Story& story) {
    story.exchanges[7].ending.results[0] = {
        .status = TransferStatus::kExceedsCredits, .timestamp = Timestamp(900)};
  });
}

TEST(HistoryCheckerTest, FindsAFailureKeptWithAnotherStatus) {
  ExpectFound("transfer 11 is kept as failed with two statuses",
              [](Story& story) {
                story.exchanges[7].ending.results[0].original_status =
                    TransferStatus::kExceedsDebits;
              });
}

TEST(HistoryCheckerTest, FindsWhatWasSaidNotToBeDone) {
  ExpectFound(
      "transfer 13 is there, and every request for it was refused",
      [](Story& story) {
        story.state.transfers.push_back({.transfer = Stored(Pay(13, 1), 700)});
      });
}

TEST(HistoryCheckerTest, FindsExistsOfWhatNobodyCreated) {
  ExpectFound("transfer 10 exists, and nobody created it", [](Story& story) {
    story.exchanges[1].ending.results[0].status = TransferStatus::kExists;
  });
}

TEST(HistoryCheckerTest, FindsAChangedBody) {
  ExpectFound("transfer 10 is not as it was sent", [](Story& story) {
    story.state.transfers[0].transfer.user_data_64 = 1;
  });
}

TEST(HistoryCheckerTest, FindsAChangedTimestamp) {
  ExpectFound("transfer 10 was answered with two timestamps", [](Story& story) {
    story.exchanges[6].ending.results[0].timestamp = Timestamp(201);
  });
}

TEST(HistoryCheckerTest, FindsAnotherBodyAccepted) {
  ExpectFound(
      "transfer 10 was answered exists for another body",
      [](Story& story) { story.exchanges[6].transfers[0].amount = Amount(6); });
}

TEST(HistoryCheckerTest, FindsHalfAChain) {
  ExpectFound(
      "begins a chain of 2 members, of which 1 are there", [](Story& story) {
        Transfer first = Pay(10, 5);
        first.flags = transfer_flags::kLinked;
        Append(story, Failed(10, {first, Pay(20, 1)}, Outcome::kUnknown));
      });
}

TEST(HistoryCheckerTest, FindsAStaleRead) {
  ExpectFound("transfer 10 was there, and a later read missed it",
              [](Story& story) {
                story.Last().ending.found.clear();
                story.Last().ending.missing = {TransferId(10)};
              });
}

TEST(HistoryCheckerTest, FindsAnOrderAgainstRealTime) {
  ExpectFound("and yet has sequence 1 and not after 2", [](Story& story) {
    story.exchanges[2].ending.sequence = Sequence(1);
  });
  ExpectFound("and yet has the earlier timestamp 150", [](Story& story) {
    story.exchanges[2].ending.results[0].timestamp = Timestamp(150);
  });
  ExpectFound("and yet has sequence 3 and not after 9",
              [](Story& story) { story.Last().ending.sequence = Sequence(3); });
}

TEST(HistoryCheckerTest, FindsASequenceThatWasGivenTwice) {
  ExpectFound("both have sequence 2", [](Story& story) {
    story.exchanges[2].ending.sequence = Sequence(2);
  });
}

// A hold of 7 by transfer 20, posted by 21 with 4.
Story WithHold() {
  Story story = Sound();
  Transfer hold = Pay(20, 7);
  hold.flags = transfer_flags::kPending;
  const Transfer post{.id = TransferId(21),
                      .amount = Amount(4),
                      .pending_id = TransferId(20),
                      .flags = transfer_flags::kPostPending};
  Append(story, Answered(20, {hold}, {TransferStatus::kCreated}));
  Append(story, Answered(21, {post}, {TransferStatus::kCreated}));
  Transfer stored = post;
  stored.debit_account_id = kFrom;
  stored.credit_account_id = kTo;
  stored.ledger = stored.code = 1;
  story.state.transfers.push_back(
      {.transfer = Stored(hold, 2000), .pending_state = PendingState::kPosted});
  story.state.transfers.push_back({.transfer = Stored(stored, 2100)});
  story.state.accounts[0].debits_posted = Amount(34);
  story.state.accounts[1].credits_posted = Amount(34);
  return story;
}

TEST(HistoryCheckerTest, FindsNothingInASoundHold) {
  const Story story = WithHold();
  for (const auto& violation : CheckHistory(story.exchanges, story.state)) {
    ADD_FAILURE() << violation;
  }
}

TEST(HistoryCheckerTest, FindsAHoldThatWasPostedAndIsStillPending) {
  ExpectFound("has pending state 1", [](Story& story) {
    story = WithHold();
    story.state.transfers[2].pending_state = PendingState::kPending;
  });
}

TEST(HistoryCheckerTest, FindsAHoldThatExpiresWithoutTimeout) {
  ExpectFound("has pending state 4", [](Story& story) {
    story = WithHold();
    story.state.transfers[2].pending_state = PendingState::kExpired;
    story.state.transfers.pop_back();
  });
}

TEST(HistoryCheckerTest, FindsAnOverdraft) {
  ExpectFound("account 1 is overdrawn", [](Story& story) {
    story.state.accounts[0].flags = account_flags::kDebitsMustNotExceedCredits;
  });
}

TEST(HistoryCheckerTest, FindsATimestampThatWasGivenTwice) {
  ExpectFound("have the same timestamp 101", [](Story& story) {
    story.state.accounts[0].timestamp = Timestamp(101);
  });
}

// ---- the counts of the same

void ExpectPromises(const Story& story, size_t lost, size_t doubled) {
  const KeptPromises kept = CountPromises(story.exchanges, story.state);
  EXPECT_EQ(kept.acknowledged, 2u) << "transfers 10 and 12";
  EXPECT_EQ(kept.lost, lost);
  EXPECT_EQ(kept.doubled, doubled);
}

TEST(CountPromisesTest, CountsWhatIsLostAndWhatIsDoneTwice) {
  ASSERT_NO_FATAL_FAILURE(ExpectPromises(Sound(), 0, 0));
  Story lost = Sound();
  lost.state.transfers.pop_back();
  ASSERT_NO_FATAL_FAILURE(ExpectPromises(lost, 1, 0));
  Story doubled = Sound();
  doubled.exchanges[6].ending.results[0].status = TransferStatus::kCreated;
  ASSERT_NO_FATAL_FAILURE(ExpectPromises(doubled, 0, 1));
}

}  // namespace
}  // namespace ledgerd::integration
