// StreamTransfers, through gRPC and back.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"

#include "proto/errors.h"
#include "proto/statuses.h"
#include "server/grpc/error_details.h"
#include "server/grpc/services_harness.h"
#include "server/request_counts.h"

namespace ledgerd::server {
namespace {

ledger::v1::StreamTransfersRequest Request(uint64_t id, int transfers = 1) {
  ledger::v1::StreamTransfersRequest request;
  request.set_request_id(id);
  for (int i = 0; i < transfers; ++i) request.add_transfers();
  return request;
}

class TransferStreamTest : public ::testing::Test {
 protected:
  using Stream = grpc::ClientReaderWriter<ledger::v1::StreamTransfersRequest,
                                          ledger::v1::StreamTransfersResponse>;

  std::unique_ptr<Stream> Open() {
    return harness_.ledger().StreamTransfers(&context_);
  }

  // The replica has two requests of it, and answers when it is told to.
  std::unique_ptr<Stream> OpenWithTwoUnanswered() {
    harness_.replica().HoldAnswers();
    auto stream = Open();
    stream->Write(Request(1));
    stream->Write(Request(2));
    harness_.replica().WaitForProposals(2);
    return stream;
  }

  // The id of the next answer; 0 at the end.
  static uint64_t ReadId(Stream& stream) {
    ledger::v1::StreamTransfersResponse response;
    return stream.Read(&response) ? response.request_id() : 0;
  }

  static absl::Status End(Stream& stream) {
    return FromGrpcStatus(stream.Finish());
  }

  // Requests that ended so.
  uint64_t Counted(absl::StatusCode code) {
    uint64_t all = 0;
    const RequestCounts& counts = harness_.service().counts();
    for (const uint64_t count :
         counts.durations(Method::kStreamTransfers, code).Get().values) {
      all += count;
    }
    return all;
  }

  ServicesHarness harness_{ServiceLimits{.stream_window = 4}};
  grpc::ClientContext context_;
};

TEST_F(TransferStreamTest, RequestsAreAnsweredInOrder) {
  const auto stream = Open();
  std::thread writer([&] {
    for (uint64_t id = 1; id <= 100; ++id) stream->Write(Request(id, 2));
    stream->WritesDone();
  });
  for (uint64_t id = 1; id <= 100; ++id) {
    ledger::v1::StreamTransfersResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.request_id(), id);
    EXPECT_EQ(response.sequence(), id);
    EXPECT_EQ(response.results_size(), 2);
  }
  writer.join();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_TRUE(End(*stream).ok());
  EXPECT_EQ(Counted(absl::StatusCode::kOk), 100u);
  EXPECT_EQ(harness_.service().counts().transfers(TransferStatus::kCreated),
            200u);
}

TEST_F(TransferStreamTest, EachRequestThatIsAnsweredOrRefusedIsCounted) {
  const auto stream = Open();
  stream->Write(Request(1));
  EXPECT_EQ(ReadId(*stream), 1u);
  harness_.replica().RefuseNext(MakeError(Reason::kOverloaded, "full"));
  stream->Write(Request(2));
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kOverloaded);
  EXPECT_EQ(Counted(absl::StatusCode::kOk), 1u);
  EXPECT_EQ(Counted(absl::StatusCode::kResourceExhausted), 1u);
  EXPECT_EQ(harness_.service().counts().refusals(Reason::kOverloaded), 1u);
}

TEST_F(TransferStreamTest, AnEmptyStreamEndsWell) {
  const auto stream = Open();
  stream->WritesDone();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(TransferStreamTest, NoMoreThanTheWindowIsTaken) {
  harness_.replica().HoldAnswers();
  const auto stream = Open();
  for (uint64_t id = 1; id <= 20; ++id) stream->Write(Request(id));
  harness_.replica().WaitForProposals(4);
  for (uint64_t id = 1; id <= 16; ++id) {
    EXPECT_EQ(harness_.replica().taken(), id + 3);
    harness_.replica().AnswerNext();
    EXPECT_EQ(ReadId(*stream), id);
    harness_.replica().WaitForProposals(id + 4);
  }
  for (int i = 0; i < 4; ++i) harness_.replica().AnswerNext();
  stream->WritesDone();
  for (uint64_t id = 17; id <= 20; ++id) EXPECT_EQ(ReadId(*stream), id);
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(TransferStreamTest, ABadRequestEndsItAfterAllBeforeAreAnswered) {
  harness_.replica().HoldAnswers();
  const auto stream = Open();
  stream->Write(Request(1));
  stream->Write(Request(2));
  auto bad = Request(3, 2);
  bad.mutable_transfers(1)->set_code(70'000);
  stream->Write(bad);
  stream->Write(Request(4));
  harness_.replica().AnswerNext();
  EXPECT_EQ(ReadId(*stream), 1u);
  harness_.replica().AnswerNext();
  EXPECT_EQ(ReadId(*stream), 2u);
  EXPECT_EQ(ReadId(*stream), 0u);
  const absl::Status end = End(*stream);
  EXPECT_EQ(ReasonOf(end), Reason::kInvalidField);
  EXPECT_EQ(FieldOf(end), "transfers[1].code");
  EXPECT_EQ(harness_.replica().taken(), 2u);
}

TEST_F(TransferStreamTest, ARefusalEndsItAfterAllBeforeAreAnswered) {
  harness_.replica().HoldAnswers();
  const auto stream = Open();
  stream->Write(Request(1));
  harness_.replica().WaitForProposals(1);
  harness_.replica().RefuseNext(MakeError(Reason::kOverloaded, "full"));
  stream->Write(Request(2));
  stream->Write(Request(3));
  harness_.replica().AnswerNext();
  EXPECT_EQ(ReadId(*stream), 1u);
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kOverloaded);
  EXPECT_EQ(harness_.replica().taken(), 1u);
}

// Were it parsed, its bad field would be what ends the stream.
TEST_F(TransferStreamTest, WhatIsRefusedIsNotParsed) {
  const auto stream = Open();
  harness_.replica().RefuseNext(MakeError(Reason::kOverloaded, "full"));
  auto bad = Request(1, 2);
  bad.mutable_transfers(1)->set_code(70'000);
  stream->Write(bad);
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kOverloaded);
}

TEST_F(TransferStreamTest, WhatIsNoMessageIsRefused) {
  grpc::GenericStub stub(ServicesHarness::Connect(harness_.client_port()));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(
      &context_, "/ledger.v1.LedgerService/StreamTransfers", &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  const grpc::Slice nonsense(std::string(20, '\xff'));
  call->Write(grpc::ByteBuffer(&nonsense, 1), nullptr);
  ASSERT_TRUE(wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(wait());
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), Reason::kInvalidField);
}

TEST_F(TransferStreamTest, AnUnknownOutcomeEndsItWhileTheClientIsSilent) {
  const auto stream = OpenWithTwoUnanswered();
  harness_.replica().AnswerNext(MakeError(Reason::kOutcomeUnknown, "halted"));
  harness_.replica().AnswerNext(MakeError(Reason::kOutcomeUnknown, "halted"));
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kOutcomeUnknown);
}

// What comes after the failed one may have been executed: nobody may be told
// that it was not.
TEST_F(TransferStreamTest, AnExecutedOneAfterAFailedOneIsNotDenied) {
  const auto stream = OpenWithTwoUnanswered();
  harness_.replica().AnswerNext(MakeError(Reason::kNoPrimary, "replaying"));
  harness_.replica().AnswerNext();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kOutcomeUnknown);
}

TEST_F(TransferStreamTest, WhenAllAreRefusedNothingWasDone) {
  const auto stream = OpenWithTwoUnanswered();
  harness_.replica().AnswerNext(MakeError(Reason::kNoPrimary, "replaying"));
  harness_.replica().AnswerNext(MakeError(Reason::kNoPrimary, "replaying"));
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kNoPrimary);
}

TEST_F(TransferStreamTest, AnIdleStreamEndsAtACleanStop) {
  const auto stream = Open();
  stream->Write(Request(1));
  EXPECT_EQ(ReadId(*stream), 1u);
  harness_.Stop();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kDraining);
}

TEST_F(TransferStreamTest, AStreamAfterTheStopBeganEndsAtOnce) {
  harness_.service().EndStreams(MakeError(Reason::kDraining, "stopping"));
  const auto stream = Open();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kDraining);
}

TEST_F(TransferStreamTest, WhatWasTakenIsAnsweredAtACleanStop) {
  harness_.replica().HoldAnswers();
  const auto stream = Open();
  stream->Write(Request(1));
  harness_.replica().WaitForProposals(1);
  harness_.service().EndStreams(MakeError(Reason::kDraining, "stopping"));
  harness_.replica().AnswerNext();
  EXPECT_EQ(ReadId(*stream), 1u);
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(ReasonOf(End(*stream)), Reason::kDraining);
}

TEST_F(TransferStreamTest, ACancelledStreamWaitsForTheReplica) {
  harness_.replica().HoldAnswers();
  auto stream = Open();
  stream->Write(Request(1));
  stream->Write(Request(2));
  harness_.replica().WaitForProposals(2);
  context_.TryCancel();
  EXPECT_EQ(ReadId(*stream), 0u);
  EXPECT_EQ(End(*stream).code(), absl::StatusCode::kCancelled);
  harness_.replica().AnswerNext();
  harness_.replica().AnswerNext();
}

TEST_F(TransferStreamTest, ItsDeadlineIsTheSameForAllRequests) {
  context_.set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(100));
  const auto stream = Open();
  stream->Write(Request(1));
  EXPECT_EQ(ReadId(*stream), 1u);
  const auto deadline = harness_.replica().last_deadline();
  // gRPC rounds a long one up when it sends it.
  EXPECT_LE(deadline,
            std::chrono::steady_clock::now() + std::chrono::seconds(110));
  stream->Write(Request(2));
  EXPECT_EQ(ReadId(*stream), 2u);
  EXPECT_EQ(harness_.replica().last_deadline(), deadline);
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(TransferStreamTest, WithoutADeadlineItHasNone) {
  const auto stream = Open();
  stream->Write(Request(1));
  EXPECT_EQ(ReadId(*stream), 1u);
  EXPECT_EQ(harness_.replica().last_deadline(), replication::Deadline::max());
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

}  // namespace
}  // namespace ledgerd::server
