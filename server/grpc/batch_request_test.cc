// Requests as bytes: counted as protobuf would count them, wherever the pieces
// in which they came end.
#include "server/grpc/batch_request.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.pb.h"
#include "proto/errors.h"
#include "proto/system_limits.h"

namespace ledgerd::server {
namespace {

// `bytes`, in two pieces.
grpc::ByteBuffer Cut(absl::string_view bytes, size_t at) {
  const std::vector<grpc::Slice> pieces = {
      grpc::Slice(bytes.data(), at),
      grpc::Slice(bytes.data() + at, bytes.size() - at)};
  return grpc::ByteBuffer(pieces.data(), pieces.size());
}

grpc::ByteBuffer Whole(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<size_t> Count(const grpc::ByteBuffer& request) {
  return CountEvents(request, kCreateTransfers.events);
}

std::string Transfers(size_t count) {
  ledger::v1::CreateTransfersRequest request;
  for (size_t i = 0; i < count; ++i) {
    auto& transfer = *request.add_transfers();
    transfer.mutable_id()->set_low(i + 1);
    transfer.set_user_data_64(i * 1'000'000'007);
  }
  return request.SerializeAsString();
}

TEST(BatchRequestTest, WhatIsCountedIsWhatIsParsed) {
  const std::string bytes = Transfers(kMaxBatchSize);
  const grpc::ByteBuffer request = Whole(bytes);
  EXPECT_EQ(*Count(request), kMaxBatchSize);
  const auto command = ParseBatch(request, kCreateTransfers);
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->timestamp_count, kMaxBatchSize);
  EXPECT_EQ(request.Length(), 0u) << "nobody needs the bytes any more";
}

TEST(BatchRequestTest, PiecesMayEndAnywhere) {
  const std::string bytes = Transfers(3);
  for (size_t at = 0; at <= bytes.size(); ++at) {
    const grpc::ByteBuffer request = Cut(bytes, at);
    ASSERT_TRUE(Count(request).ok()) << at;
    EXPECT_EQ(*Count(request), 3u) << at;
    EXPECT_TRUE(ParseBatch(request, kCreateTransfers).ok()) << at;
  }
}

TEST(BatchRequestTest, TooFewAndTooManyAreSaidBeforeTheParse) {
  EXPECT_EQ(FieldOf(Count(Whole("")).status()), "transfers");
  const auto count = Count(Whole(Transfers(kMaxBatchSize + 1)));
  EXPECT_EQ(ReasonOf(count.status()), Reason::kInvalidField);
  EXPECT_EQ(std::string(count.status().message()),
            "transfers: 8191 given; a request holds 1 to 8190: send the rest "
            "in another one");
  EXPECT_EQ(FieldOf(CountEvents(Whole(""), kCreateAccounts.events).status()),
            "accounts");
}

TEST(BatchRequestTest, UnknownFieldsAreSkipped) {
  // Fields 2 to 6: a number, 8 bytes, text, a group with a number, 4 bytes.
  const std::string unknown(
      "\x10\x07\x19"
      "12345678"
      "\x22\x02hi\x2b\x08\x01\x2c"
      "\x35"
      "1234");
  const grpc::ByteBuffer request = Whole(unknown + Transfers(2) + unknown);
  ASSERT_TRUE(Count(request).ok()) << Count(request).status();
  EXPECT_EQ(*Count(request), 2u);
  EXPECT_TRUE(ParseBatch(request, kCreateTransfers).ok());
}

// A request cut short is counted only where protobuf would parse it.
TEST(BatchRequestTest, NonsenseIsRefusedAsProtobufWould) {
  const std::string bytes = Transfers(3);
  std::vector<std::string> requests = {"\x0a",
                                       "\x0a\xff\xff\xff\xff\x0f",
                                       "\x0b",
                                       "\x0c",
                                       "\x07",
                                       std::string(1, '\0'),
                                       std::string(20, '\xff')};
  for (size_t size = 1; size < bytes.size(); ++size) {
    requests.push_back(bytes.substr(0, size));
  }
  for (const std::string& request : requests) {
    ledger::v1::CreateTransfersRequest parsed;
    const bool is_message = parsed.ParseFromString(request);
    EXPECT_EQ(Count(Whole(request)).ok(), is_message) << request;
    const auto command = ParseBatch(Whole(request), kCreateTransfers);
    EXPECT_EQ(command.ok(), is_message) << request;
    if (!is_message) {
      EXPECT_EQ(ReasonOf(command.status()), Reason::kInvalidField);
    }
  }
}

// What is wrong inside of an event is for the parse to find.
TEST(BatchRequestTest, NonsenseInsideOfAnEventIsRefused) {
  const grpc::ByteBuffer request =
      Whole(absl::string_view("\x0a\x02\x0a\x7f", 4));
  EXPECT_EQ(*Count(request), 1u);
  EXPECT_EQ(ReasonOf(ParseBatch(request, kCreateTransfers).status()),
            Reason::kInvalidField);
}

TEST(BatchRequestTest, AStreamsRequestHasItsEventsElsewhere) {
  ledger::v1::StreamTransfersRequest request;
  request.set_request_id(1'000'000'007);
  for (uint64_t id = 1; id <= 3; ++id) {
    request.add_transfers()->mutable_id()->set_low(id);
  }
  const std::string text = request.SerializeAsString();
  grpc::ByteBuffer bytes = Whole(text);
  const auto count = CountEvents(bytes, kStreamedEvents);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 3u);
  const auto parsed = ParseStreamed(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->request_id, 1'000'000'007u);
  EXPECT_EQ(parsed->command.timestamp_count, 3u);
  EXPECT_EQ(bytes.Length(), 0u);
}

}  // namespace
}  // namespace ledgerd::server
