// SIGTERM while clients are slow to take their answers: those still have a
// moment to leave, where HTTP/2 holds them back, and where the kernel does.
//
// The moment is a second, of which a test needs a fraction; on a machine that
// takes that from it, it tries again.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "ledger/v1/ledger.pb.h"
#include "tests/integration/connection.h"
#include "tests/integration/http2_frames.h"
#include "tests/integration/live_ledger.h"
#include "tests/integration/raw_client.h"
#include "tests/integration/subprocess.h"
#include "tests/integration/two_accounts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ledgerd::integration {
namespace {

namespace v1 = ::ledger::v1;
using std::chrono::milliseconds;

constexpr milliseconds kLimit(60'000);
constexpr int kTries = 5;
// Of the second that answers have; a daemon that does not wait is gone in it.
constexpr milliseconds kPartOfTheMoment(200);
constexpr milliseconds kLook(10);
constexpr uint32_t kStream = 1;
constexpr uint32_t kMuch = 1 << 20;
// The answer with so many transfers is about 55 KB: less than HTTP/2 lets
// through unasked, and more than a client's kernel keeps of it.
constexpr uint64_t kTransfers = 900;
constexpr int kFewBytes = 16 << 10;

bool IsOpen(const std::string& address) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(
      static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const bool accepted =
      connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  close(descriptor);
  return accepted;
}

// Whether the one message of the stream is there to its end.
bool HasWholeAnswer(const std::string& bytes) {
  constexpr size_t kPrefixBytes = 5;
  const std::string data = DataIn(bytes, kStream);
  return data.size() > kPrefixBytes &&
         data.size() == kPrefixBytes + ReadBigEndian(data, 1, 4);
}

class StopAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    RawClient raw(ledger_.address());
    ASSERT_NO_FATAL_FAILURE(StartWithTwoAccounts(ledger_, raw));
    std::vector<Transfer> transfers;
    for (uint64_t id = 1; id <= kTransfers; ++id) {
      transfers.push_back(PayOne(id));
    }
    const Ending ending = raw.CreateTransfers(transfers, kLimit);
    ASSERT_EQ(ending.outcome, Outcome::kAnswered) << ending.error;
  }

  // What the client has got when the daemon is gone.
  std::string ReadToTheEnd(Connection& client, std::string bytes) {
    EXPECT_TRUE(
        WaitUntil(kLimit, [&] { return !client.Receive(bytes, kLook); }));
    EXPECT_EQ(ledger_.daemon().process().WaitFor(kLimit), 0)
        << ledger_.daemon().Log();
    const absl::Status started = ledger_.Start();
    EXPECT_TRUE(started.ok()) << started;
    return bytes;
  }

  LiveLedger ledger_;
};

// The replica has answered, and gRPC may not send it yet.
TEST_F(StopAnswersTest, WaitForAWindowToOpen) {
  bool reached = false;
  for (int i = 0; i < kTries && !reached && !HasFailure(); ++i) {
    RawClient raw(ledger_.address());
    const uint64_t id = 10'000 + static_cast<uint64_t>(i);
    v1::CreateTransfersRequest request;
    ToProto(PayOne(id), request.add_transfers());
    Connection client(ledger_.address());
    ASSERT_TRUE(client.Send(
        Preface() + WindowSetting(0) +
        Headers(kStream, "/ledger.v1.LedgerService/CreateTransfers") +
        Data(kStream, request.SerializeAsString())));
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return !raw.LookupTransfers({TransferId(id)}, kLimit).found.empty();
    }));
    ledger_.daemon().process().Signal(SIGTERM);
    // Draining, or gone already.
    ASSERT_TRUE(WaitUntil(kLimit, [&] {
      return raw.CreateTransfers({PayOne(1)}, kLimit).outcome !=
             Outcome::kAnswered;
    }));
    std::string bytes;
    if (client.Receive(bytes, kPartOfTheMoment)) {
      EXPECT_FALSE(HasWholeAnswer(bytes)) << "nothing held it back";
      client.Send(WindowUpdate(kStream, kMuch));
    }
    reached = HasWholeAnswer(ReadToTheEnd(client, bytes));
  }
  EXPECT_TRUE(reached) << "no answer left";
}

// gRPC has sent it, and the client's kernel has no room for it yet. What a
// client sends to a connection that was ended takes what is on its way to it.
TEST_F(StopAnswersTest, WaitForWhatIsOnItsWay) {
  bool reached = false;
  for (int i = 0; i < kTries && !reached && !HasFailure(); ++i) {
    v1::LookupTransfersRequest request;
    for (uint64_t id = 1; id <= kTransfers; ++id) {
      request.add_ids()->set_low(id);
    }
    Connection client(ledger_.address(), kFewBytes);
    ASSERT_TRUE(client.Send(
        Preface() + Settings() +
        Headers(kStream, "/ledger.v1.LedgerService/LookupTransfers") +
        Data(kStream, request.SerializeAsString())));
    ASSERT_TRUE(WaitUntil(kLimit, [&] { return client.Waiting() > 1'000; }));
    ledger_.daemon().process().Signal(SIGTERM);
    ASSERT_TRUE(WaitUntil(kLimit, [&] { return !IsOpen(ledger_.address()); }));
    client.Send(Ping());
    reached = HasWholeAnswer(ReadToTheEnd(client, ""));
  }
  EXPECT_TRUE(reached) << "no answer reached its client";
}

}  // namespace
}  // namespace ledgerd::integration
