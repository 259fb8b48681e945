// Clients that mean no good, or are broken: whatever they do on the port, the
// daemon goes on serving the others, and its memory stays within its limits.
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"

#include "proto/base/test_seed.h"
#include "proto/system_limits.h"
#include "tests/integration/connection.h"
#include "tests/integration/http2_frames.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/process_usage.h"
#include "tests/integration/raw_call.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/two_accounts.h"

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout(60'000);
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr char kGetServerInfo[] = "/ledger.v1.LedgerService/GetServerInfo";

class HostileClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    RaiseDescriptorLimit();
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw_));
    ExpectService();
  }

  // The daemon has gone on: it still is the same process, and stops cleanly.
  void TearDown() override {
    ExpectService();
    EXPECT_EQ(ledger_.daemon().Terminate(), 0) << ledger_.daemon().Log();
    if (HasFailure()) std::cout << ledger_.daemon().Log();
  }

  Transfer NextPayment() { return PayOne(++ids_); }

  // An old client and a new one can pay. (This one takes a connection that is
  // not there within milliseconds for one that fails, and tries again.)
  void ExpectService() {
    RawClient late(ledger_.address());
    for (RawClient* client : {&raw_, &late}) {
      Ending ending;
      EXPECT_TRUE(WaitUntil(kTimeout, [&] {
        ending = client->CreateTransfers({NextPayment()}, kTimeout);
        return ending.outcome == Outcome::kAnswered;
      })) << ending.error;
    }
  }

  pid_t pid() { return ledger_.daemon().process().pid(); }

  uint64_t Memory() { return MemoryOf(pid()); }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
  LiveLedger ledger_{SmallLimits()};
  RawClient raw_{ledger_.address()};
  uint64_t ids_ = 0;
};

// Neither of them says that it speaks HTTP/2, so they are not waited for long.
TEST_F(HostileClientsTest, SilentAndHalfOpenConnectionsAreEnded) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 1'000; ++i) {
    connections.push_back(std::make_unique<Connection>(ledger_.address()));
    if (i % 2 == 1) connections.back()->Send(Preface().substr(0, 10));
  }
  ExpectService();
  for (const auto& connection : connections) {
    ASSERT_TRUE(connection->WaitForEnd(kTimeout));
  }
}

TEST_F(HostileClientsTest, ThousandsOfIdleClientsCostLittle) {
  const uint64_t before = Memory();
  constexpr size_t kClients = 3'000;
  std::vector<std::unique_ptr<Connection>> connections;
  for (size_t i = 0; i < kClients; ++i) {
    connections.push_back(std::make_unique<Connection>(ledger_.address()));
    ASSERT_TRUE(connections.back()->Send(Preface() + Settings()));
  }
  EXPECT_TRUE(WaitUntil(kTimeout, [this] {
    return DescriptorsOf(pid()) >= 2 * kClients;
  })) << DescriptorsOf(pid());
  ExpectService();
  const uint64_t each = (Memory() - before) / kClients;
  std::cout << "an idle client takes " << each << " bytes\n";
  EXPECT_LT(each, 100'000u);
  connections.clear();
  EXPECT_TRUE(WaitUntil(
      kTimeout, [this] { return DescriptorsOf(pid()) < kClients / 2; }));
}

TEST_F(HostileClientsTest, TooManyClientsAreRefusedUntilThereIsRoom) {
  // Half of them are the journal's and the state's.
  const DescriptorLimit limit(pid(), 400);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 300; ++i) {
    connections.push_back(std::make_unique<Connection>(ledger_.address()));
    connections.back()->Send(Preface() + Settings());
  }
  // The last of them have been refused at once.
  EXPECT_TRUE(connections.back()->WaitForEnd(kTimeout));
  EXPECT_LE(DescriptorsOf(pid()), 200u);
  // Meanwhile segments are begun and checkpoints written.
  for (int i = 0; i < 20; ++i) {
    std::vector<Transfer> batch(5'000);
    for (Transfer& transfer : batch) transfer = NextPayment();
    const Ending ending = raw_.CreateTransfers(batch, kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }
  connections.clear();
  RawClient late(ledger_.address());
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return late.CreateTransfers({NextPayment()}, kTimeout).outcome ==
           Outcome::kAnswered;
  }));
  EXPECT_NE(ledger_.daemon().Log().find("connections refused"),
            std::string::npos);
}

TEST_F(HostileClientsTest, AcceptsAgainAfterItRanOutOfFileDescriptors) {
  std::vector<std::unique_ptr<Connection>> waiting;
  {
    const DescriptorLimit none(pid(), 3);
    for (int i = 0; i < 20; ++i) {
      waiting.push_back(std::make_unique<Connection>(ledger_.address()));
    }
    EXPECT_TRUE(WaitUntil(kTimeout, [this] {
      return ledger_.daemon().Log().find("cannot accept") != std::string::npos;
    }));
    const Ending ending = raw_.CreateTransfers({NextPayment()}, kTimeout);
    EXPECT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }
  ExpectService();
}

TEST_F(HostileClientsTest, GarbageAndOtherProtocolsAreEnded) {
  for (int i = 0; i < 300; ++i) {
    Connection connection(ledger_.address());
    std::string bytes;
    if (i % 4 == 0) bytes = "GET / HTTP/1.1\r\nHost: ledgerd\r\n\r\n";
    if (i % 4 == 1) bytes = std::string("\x16\x03\x01\x02\x00\x01", 6);  // TLS
    if (i % 4 == 2) bytes = Preface();
    if (i % 4 == 3) {
      bytes = Preface() + Settings() + Headers(1, kGetServerInfo);
    }
    for (uint64_t left = random_() % 3'000; left > 0; --left) {
      bytes.push_back(static_cast<char>(random_()));
    }
    connection.Send(bytes);
    if (i % 4 < 2) {
      EXPECT_TRUE(connection.WaitForEnd(kTimeout)) << i;
    }
  }
}

TEST_F(HostileClientsTest, CutOffStreamsAreForgotten) {
  const auto cut_off = [this](int times) {
    for (int i = 0; i < times; ++i) {
      RawClient client(ledger_.address());
      grpc::ClientContext context;
      const auto stream = client.stub().StreamTransfers(&context);
      for (int j = 0; j < 5; ++j) {
        v1::StreamTransfersRequest request;
        for (int k = 0; k < 50; ++k) {
          ToProto(NextPayment(), request.add_transfers());
        }
        ASSERT_TRUE(stream->Write(request));
      }
      v1::StreamTransfersResponse response;
      if (i % 2 == 0) {
        ASSERT_TRUE(stream->Read(&response));
      }
      context.TryCancel();
      stream->Finish();
    }
  };
  cut_off(100);
  const uint64_t before = Memory();
  cut_off(300);
  EXPECT_LT(Memory(), before + 32 * kMiB);
}

// 40 KB that gRPC would make 40 MB of, before it looks at the size.
TEST_F(HostileClientsTest, NothingIsDecompressed) {
  const auto methods =
      AllMethods(ledger_.address(), ledger_.daemon().admin_address());
  const auto send = [&](const std::string& bytes,
                        grpc_compression_algorithm compression) {
    for (const RawMethod& method : methods) {
      const WireError error = Call(method, bytes, compression);
      EXPECT_EQ(error.code, grpc::StatusCode::UNIMPLEMENTED)
          << method.path << ": " << error.message;
    }
  };
  send("small", GRPC_COMPRESS_DEFLATE);
  const uint64_t before = Memory();
  send(std::string(40 * kMiB, '\0'), GRPC_COMPRESS_GZIP);
  const uint64_t after = Memory();
  std::cout << "before " << before / kMiB << " MiB, after " << after / kMiB
            << " MiB\n";
  EXPECT_LT(after, before + 16 * kMiB);
}

// They ask for large answers and take none of them: gRPC keeps what the client
// has no room for, so the budget must refuse the rest.
TEST_F(HostileClientsTest, ClientsThatNeverReadHaveALimit) {
  std::vector<Transfer> batch(kMaxBatchSize);
  v1::LookupTransfersRequest request;
  for (Transfer& transfer : batch) {
    transfer = NextPayment();
    request.add_ids()->set_low(ids_);
  }
  ASSERT_EQ(raw_.CreateTransfers(batch, kTimeout).outcome, Outcome::kAnswered);
  const uint64_t before = Memory();
  constexpr size_t kCalls = 500;
  RawClient hostile(ledger_.address());
  grpc::CompletionQueue queue;

  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<
        grpc::ClientAsyncResponseReader<v1::LookupTransfersResponse>>
        reader;
  };

  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < kCalls; ++i) {
    calls.push_back(std::make_unique<Call>());
    Call& call = *calls.back();
    call.reader =
        hostile.stub().AsyncLookupTransfers(&call.context, request, &queue);
    call.reader->ReadInitialMetadata(&call);
  }
  // The head of each answer, or a refusal.
  for (size_t i = 0; i < kCalls; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
  const uint64_t grown = Memory() - before;
  std::cout << kCalls << " answers that nobody takes: " << grown / kMiB
            << " MiB\n";
  // A quarter of 512 MiB, and what the calls themselves take.
  EXPECT_LT(grown, 256 * kMiB);
  ExpectService();
  for (const auto& call : calls) call->context.TryCancel();
  queue.Shutdown();
}

// Watches of one connection that are not read until somebody wants to. Each
// takes 64 KiB without that, and never more.
class DeafWatches {
 public:
  explicit DeafWatches(const std::string& address)
      : stub_(v1::LedgerService::NewStub(grpc::CreateCustomChannel(
            address, grpc::InsecureChannelCredentials(), Arguments()))) {}

  ~DeafWatches() {
    for (const auto& watch : watches_) watch->context.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  void Open(uint64_t from_sequence) {
    watches_.push_back(std::make_unique<Watch>());
    Watch& watch = *watches_.back();
    v1::WatchEventsRequest request;
    request.set_from_sequence(from_sequence);
    watch.stream =
        stub_->AsyncWatchEvents(&watch.context, request, &queue_, &watch);
  }

  // Until the daemon has begun with all that were opened.
  void WaitUntilTaken() {
    for (size_t i = 0; i < watches_.size(); ++i) {
      void* tag = nullptr;
      bool ok = false;
      ASSERT_TRUE(queue_.Next(&tag, &ok) && ok);
    }
    // This one comes after them on the same connection.
    grpc::ClientContext context;
    v1::GetServerInfoResponse response;
    ASSERT_TRUE(stub_->GetServerInfo(&context, {}, &response).ok());
  }

  // Ends all but the newest, and reads `count` events of that.
  void ReadTheNewest(int count) {
    for (const auto& watch : watches_) {
      if (watch != watches_.back()) watch->context.TryCancel();
    }
    v1::WatchEventsResponse response;
    for (int seen = 0; seen < count; seen += response.events_size()) {
      watches_.back()->stream->Read(&response, this);
      void* tag = nullptr;
      bool ok = false;
      ASSERT_TRUE(queue_.Next(&tag, &ok) && ok) << seen;
    }
  }

 private:
  struct Watch {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncReader<v1::WatchEventsResponse>> stream;
  };

  static grpc::ChannelArguments Arguments() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return arguments;
  }

  const std::unique_ptr<v1::LedgerService::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

// Each could hold a piece of the past, and what gRPC writes of it. There are
// more connections than can share the budget.
TEST_F(HostileClientsTest, WatchesThatNobodyReadsHaveALimit) {
  constexpr uint64_t kEntries = 10;
  constexpr int kEach = 1'000;
  uint64_t first_entry = 0;
  for (uint64_t i = 0; i < kEntries; ++i) {
    std::vector<Transfer> batch(kEach);
    for (Transfer& transfer : batch) transfer = NextPayment();
    const Ending ending = raw_.CreateTransfers(batch, kTimeout);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
    if (i == 0) first_entry = ending.sequence.value();
  }
  const uint64_t before = Memory();
  constexpr size_t kClients = 6;
  constexpr size_t kWatches = 450;
  std::vector<std::unique_ptr<DeafWatches>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<DeafWatches>(ledger_.address()));
    // Many places, so that few hold the same piece.
    for (size_t j = 0; j < kWatches; ++j) {
      clients.back()->Open(first_entry + j % kEntries);
    }
  }
  for (const auto& client : clients) client->WaitUntilTaken();
  // One that reads gets all, whatever the others do.
  grpc::ClientContext context;
  v1::WatchEventsRequest request;
  request.set_from_sequence(first_entry);
  const auto reader = raw_.stub().WatchEvents(&context, request);
  v1::WatchEventsResponse response;
  for (int seen = 0; seen < static_cast<int>(kEntries) * kEach;
       seen += response.events_size()) {
    ASSERT_TRUE(reader->Read(&response)) << reader->Finish().error_message();
  }
  context.TryCancel();
  const uint64_t grown = Memory() - before;
  std::cout << kClients * kWatches
            << " watches that nobody reads: " << grown / kMiB << " MiB\n";
  EXPECT_LT(grown, 110 * kMiB);
  ExpectService();
  // And so do those, once they read.
  clients.back()->ReadTheNewest(kEach);
}

// Streams that are begun and reset as fast as can be. gRPC takes 20 KB for each
// until it has seen to it, and sees to fewer than it reads: that is given back.
TEST_F(HostileClientsTest, AFloodOfResetsPasses) {
  const auto flood = [this](int streams) {
    Connection connection(ledger_.address());
    ASSERT_TRUE(connection.Send(Preface() + Settings()));
    std::string frames;
    for (int i = 0; i < streams; ++i) {
      const auto stream = static_cast<uint32_t>(2 * i + 1);
      frames +=
          Headers(stream, kGetServerInfo) + Data(stream, "") + Reset(stream);
    }
    EXPECT_TRUE(connection.Send(frames));
  };
  flood(3'000);
  ExpectService();
  const uint64_t before = Memory();
  for (int i = 0; i < 5; ++i) flood(3'000);
  ExpectService();
  // It would be 300 MiB if nothing were given back.
  EXPECT_TRUE(WaitUntil(kTimeout, [&] {
    return Memory() < before + 150 * kMiB;
  })) << (Memory() - before) / kMiB;
}

}  // namespace
}  // namespace ledgerd::integration
