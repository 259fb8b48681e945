// A whole daemon in this process: its data directory, ports, journal and state.
#include "server/daemon.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "proto/membership.h"
#include "server/config.h"
#include "server/exit_code.h"
#include "server/file_descriptor.h"
#include "server/peer_socket.h"
#include "storage/data_dir.h"
#include "storage/journal.h"

#include <sys/socket.h>

namespace ledgerd::server {
namespace {

class DaemonTest : public ::testing::Test {
 protected:
  DaemonTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = ::testing::TempDir() + "/" + test->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ConfigSources sources;
    sources.flags = {{"data_dir", directory_ + "/data"},
                     {"client_address", "127.0.0.1:0"},
                     {"admin_address", "127.0.0.1:0"},
                     {"ready_file", directory_ + "/ready"},
                     {"journal.segment_bytes", "8MiB"},
                     {"log.level", "error"}};
    const auto loaded = LoadConfig(sources);
    LEDGERD_CHECK_OK(loaded.status());
    options_.config = loaded->config;
    options_.on_halt = [] {};
    storage::DataDir::FormatOptions format;
    format.cluster = ClusterId(77);
    format.replica = ReplicaId(1);
    format.members = {{ReplicaId(1), Incarnation(1)}};
    format.segment_bytes = options_.config.journal().segment_bytes();
    format.reserve_bytes = uint64_t{1} << 20;
    LEDGERD_CHECK_OK(
        storage::DataDir::Format(options_.config.data_dir(), format));
  }

  std::unique_ptr<Daemon> Start() {
    auto daemon = Daemon::Start(options_, logger_);
    LEDGERD_CHECK_OK(daemon.status());
    while (!std::filesystem::exists(options_.config.ready_file())) {
      std::this_thread::yield();
    }
    channel_ = grpc::CreateChannel((*daemon)->addresses().client,
                                   grpc::InsecureChannelCredentials());
    return *std::move(daemon);
  }

  // The first line of what is answered at the port of probes.
  static std::string Get(const Daemon& daemon, const std::string& path) {
    const std::atomic<bool> stopping = false;
    const Dialled dialled =
        Dial(daemon.addresses().metrics, std::chrono::seconds(10), stopping);
    LEDGERD_CHECK(dialled.socket.valid()) << dialled.error;
    const int socket = dialled.socket.get();
    const std::string request = "GET " + path + " HTTP/1.1\r\n\r\n";
    LEDGERD_CHECK(send(socket, request.data(), request.size(), 0) ==
                  static_cast<ssize_t>(request.size()));
    std::string answer;
    while (answer.find('\r') == std::string::npos) {
      pollfd polled = {.fd = socket, .events = POLLIN, .revents = 0};
      poll(&polled, 1, -1);
      char buffer[4'096];
      const ssize_t size = recv(socket, buffer, sizeof(buffer), 0);
      if (size <= 0) break;
      answer.append(buffer, static_cast<size_t>(size));
    }
    return answer.substr(0, answer.find('\r'));
  }

  absl::Status StartStatus() {
    return Daemon::Start(options_, logger_).status();
  }

  void CreateAccounts() {
    ledger::v1::CreateAccountsRequest request;
    for (const uint64_t id : {1, 2}) {
      ledger::v1::Account& account = *request.add_accounts();
      account.mutable_id()->set_low(id);
      account.set_ledger(1);
      account.set_code(1);
    }
    grpc::ClientContext context;
    ledger::v1::CreateAccountsResponse response;
    const grpc::Status status =
        Ledger().CreateAccounts(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.results(1).status(),
              ledger::v1::CREATE_ACCOUNT_STATUS_CREATED);
  }

  ledger::v1::CreateTransferResult Transfer(uint64_t id, uint64_t amount) {
    ledger::v1::CreateTransfersRequest request;
    ledger::v1::Transfer& transfer = *request.add_transfers();
    transfer.mutable_id()->set_low(id);
    transfer.mutable_debit_account_id()->set_low(1);
    transfer.mutable_credit_account_id()->set_low(2);
    transfer.mutable_amount()->set_low(amount);
    transfer.set_ledger(1);
    transfer.set_code(1);
    grpc::ClientContext context;
    ledger::v1::CreateTransfersResponse response;
    const grpc::Status status =
        Ledger().CreateTransfers(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() ? response.results(0)
                       : ledger::v1::CreateTransferResult();
  }

  uint64_t CreditsPosted() {
    ledger::v1::LookupAccountsRequest request;
    request.add_ids()->set_low(2);
    grpc::ClientContext context;
    ledger::v1::LookupAccountsResponse response;
    const grpc::Status status =
        Ledger().LookupAccounts(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.accounts_size() == 0
               ? 0
               : response.accounts(0).credits_posted().low();
  }

  grpc::health::v1::HealthCheckResponse::ServingStatus Health(
      const std::string& name) {
    grpc::health::v1::Health::Stub stub(channel_);
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    grpc::health::v1::HealthCheckResponse response;
    request.set_service(name);
    EXPECT_TRUE(stub.Check(&context, request, &response).ok());
    return response.status();
  }

  ledger::v1::LedgerService::Stub Ledger() {
    return ledger::v1::LedgerService::Stub(channel_);
  }

  std::string directory_;
  DaemonOptions options_;
  Logger logger_{LogLevel::kError, LogFormat::kText};
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(DaemonTest, OthersAreToldTheAdvertisedAddress) {
  options_.config.set_advertised_client_address("ledger-a:7300");
  const auto daemon = Start();  // Waits at, and for, where it listens.
  grpc::ClientContext context;
  ledger::v1::GetServerInfoResponse info;
  ASSERT_TRUE(Ledger().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.primary_address(), "ledger-a:7300");
}

TEST_F(DaemonTest, NobodyIsToldEveryAddress) {
  options_.config.set_client_address("0.0.0.0:0");
  const auto daemon = Start();
  grpc::ClientContext context;
  ledger::v1::GetServerInfoResponse info;
  ASSERT_TRUE(Ledger().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.primary_address(), "");
}

TEST_F(DaemonTest, WhatItAnsweredIsThereAfterARestart) {
  auto daemon = Start();
  CreateAccounts();
  EXPECT_EQ(Transfer(10, 100).status(),
            ledger::v1::CREATE_TRANSFER_STATUS_CREATED);
  EXPECT_EQ(CreditsPosted(), 100u);
  EXPECT_TRUE(daemon->Stop().ok());
  daemon.reset();
  daemon = Start();
  EXPECT_EQ(CreditsPosted(), 100u);
  EXPECT_EQ(Transfer(10, 100).status(),
            ledger::v1::CREATE_TRANSFER_STATUS_EXISTS);
  EXPECT_EQ(Transfer(11, 5).status(),
            ledger::v1::CREATE_TRANSFER_STATUS_CREATED);
  EXPECT_EQ(CreditsPosted(), 105u);
  EXPECT_TRUE(daemon->Stop().ok());
}

TEST_F(DaemonTest, ItSaysWhenItServes) {
  using Health = grpc::health::v1::HealthCheckResponse;
  auto daemon = Start();
  EXPECT_EQ(this->Health(""), Health::SERVING);
  EXPECT_EQ(this->Health("ledger.v1.LedgerService"), Health::SERVING);
  EXPECT_EQ(this->Health("ledger.v1.reads"), Health::SERVING);
  std::ifstream file(options_.config.ready_file());
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "client_address: " + daemon->addresses().client);
  std::getline(file, line);
  EXPECT_EQ(line, "admin_address: " + daemon->addresses().admin);
  std::getline(file, line);
  EXPECT_EQ(line, "pid: " + std::to_string(getpid()));
  EXPECT_TRUE(daemon->Stop().ok());
  EXPECT_FALSE(std::filesystem::exists(options_.config.ready_file()));
}

TEST_F(DaemonTest, ProbesAreAnsweredWhereThatIsWanted) {
  auto daemon = Start();
  EXPECT_EQ(daemon->addresses().metrics, "");
  EXPECT_TRUE(daemon->Stop().ok());
  daemon.reset();
  options_.config.set_metrics_address("127.0.0.1:0");
  daemon = Start();
  EXPECT_EQ(Get(*daemon, "/livez"), "HTTP/1.1 200 OK");
  EXPECT_EQ(Get(*daemon, "/readyz"), "HTTP/1.1 200 OK");
  EXPECT_EQ(Get(*daemon, "/primary"), "HTTP/1.1 200 OK");
  EXPECT_EQ(Get(*daemon, "/standby"), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(Get(*daemon, "/metrics"), "HTTP/1.1 200 OK");
  EXPECT_TRUE(daemon->Stop().ok());
}

TEST_F(DaemonTest, TwoDoNotShareADataDirectory) {
  const auto daemon = Start();
  const absl::Status status = StartStatus();
  EXPECT_EQ(ExitCodeOfStart(status), ExitCode::kInUse) << status;
}

TEST_F(DaemonTest, AnotherClustersDirectoryIsRefused) {
  options_.cluster = ClusterId(78);
  const absl::Status status = StartStatus();
  EXPECT_EQ(ExitCodeOfStart(status), ExitCode::kUsage) << status;
}

TEST_F(DaemonTest, ADirectoryThatIsNotThereIsRefused) {
  options_.config.set_data_dir(directory_ + "/none");
  const absl::Status status = StartStatus();
  EXPECT_EQ(ExitCodeOfStart(status), ExitCode::kUsage) << status;
}

// What its protocol leaves once it has heard so.
TEST_F(DaemonTest, WhoWasGivenUpIsRefused) {
  {
    auto dir = storage::DataDir::Open(options_.config.data_dir(),
                                      {ClusterId(77), ReplicaId(1)});
    ASSERT_TRUE(dir.ok()) << dir.status();
    auto journal = (*dir)->OpenJournal({});
    ASSERT_TRUE(journal.ok()) << journal.status();
    storage::Superblock superblock = (*journal)->superblock();
    superblock.membership_before = superblock.membership;
    superblock.membership = GivenUp();
    ASSERT_TRUE((*journal)->WriteSuperblock(superblock).ok());
  }
  const absl::Status status = StartStatus();
  EXPECT_EQ(ExitCodeOfStart(status), ExitCode::kCorruption) << status;
}

TEST_F(DaemonTest, ATakenPortIsRefusedAndTheDirectoryIsFreeAgain) {
  {
    const auto other = Start();
    options_.config.set_data_dir(directory_ + "/second");
    storage::DataDir::FormatOptions format;
    format.cluster = ClusterId(77);
    format.replica = ReplicaId(1);
    format.members = {{ReplicaId(1), Incarnation(1)}};
    format.segment_bytes = options_.config.journal().segment_bytes();
    format.reserve_bytes = uint64_t{1} << 20;
    LEDGERD_CHECK_OK(
        storage::DataDir::Format(options_.config.data_dir(), format));
    options_.config.set_client_address(other->addresses().client);
    options_.config.set_ready_file(directory_ + "/second_ready");
    const absl::Status status = StartStatus();
    EXPECT_EQ(ExitCodeOfStart(status), ExitCode::kError) << status;
    EXPECT_EQ(status.message().find("client_address: cannot listen at " +
                                    other->addresses().client),
              0u)
        << status;
  }
  options_.config.set_client_address("127.0.0.1:0");
  EXPECT_TRUE(Start()->Stop().ok());
}

TEST(ExitCodeTest, SaysWhetherStartingAgainHelps) {
  EXPECT_EQ(ExitCodeOfStart(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOfStart(absl::DataLossError("")), ExitCode::kCorruption);
  EXPECT_EQ(ExitCodeOfStart(absl::UnavailableError("")), ExitCode::kError);
  EXPECT_EQ(ExitCodeOfHalt(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOfHalt(absl::DataLossError("")), ExitCode::kCorruption);
  EXPECT_EQ(ExitCodeOfHalt(absl::UnknownError("fdatasync: EIO")),
            ExitCode::kStorageFault);
}

}  // namespace
}  // namespace ledgerd::server
