// Both ports of a daemon over a FakeReplica, on the loopback, with stubs.
//
//   ServicesHarness harness;
//   harness.ledger().CreateTransfers(&context, request, &response);
#ifndef LEDGERD_SERVER_GRPC_SERVICES_HARNESS_H_
#define LEDGERD_SERVER_GRPC_SERVICES_HARNESS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

#include "admin/v1/admin.grpc.pb.h"
#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/base/check.h"
#include "proto/base/mutex.h"
#include "replication/clock.h"
#include "server/answer_thread.h"
#include "server/damage_alarms.h"
#include "server/fake_replica.h"
#include "server/grpc/admin_service.h"
#include "server/grpc/grpc_server.h"
#include "server/grpc/ledger_service.h"
#include "server/incidents/incident_testing.h"
#include "server/logging.h"
#include "server/served_group.h"
#include "storage/memory_journal.h"
#include "storage/memory_state_store.h"

namespace ledgerd::server {

// The system's steady clock, and what a test adds to it.
class HarnessClock final : public replication::Clock {
 public:
  void Advance(std::chrono::seconds by) { ahead_ = ahead_.load() + by.count(); }

  Timestamp WallNow() const override { return system_.WallNow(); }

  std::chrono::steady_clock::time_point SteadyNow() const override {
    return system_.SteadyNow() + std::chrono::seconds(ahead_.load());
  }

 private:
  const replication::SystemClock system_;
  std::atomic<int64_t> ahead_{0};
};

class ServicesHarness {
 public:
  explicit ServicesHarness(ServiceLimits limits = {},
                           storage::MemoryStateStore::Options store = {})
      : limits_(limits), store_(store) {
    addresses_.Set({client_->address(), admin_->address()});
  }

  ~ServicesHarness() { Stop(); }

  // As the daemon does it, once the replica has answered what it took.
  void Stop() {
    service_.EndStreams(MakeError(Reason::kDraining, "stopping"));
    admin_service_.Drain();
    service_.WaitUntilAnswered(std::chrono::seconds(10));
    client_->Shutdown(std::chrono::seconds(10));
    admin_->Shutdown(std::chrono::seconds(10));
  }

  FakeReplica& replica() { return replica_; }

  // What reads that go on look at.
  HarnessClock& clock() { return clock_; }

  storage::MemoryStateStore& store() { return store_; }

  storage::Journal& journal() { return *journal_; }

  storage::MemoryJournalDisk& journal_disk() { return disk_; }

  DamageAlarms& damage() { return damage_; }

  // How often a service has wanted it to be looked through.
  int looks_at_journal() const { return looks_at_journal_; }

  SharedAddresses& addresses() { return addresses_; }

  IncidentKeeper& incidents() { return *incidents_; }

  // What the services have logged.
  std::string log() const {
    const MutexLock lock(log_mutex_);
    return log_;
  }

  AdminService& admin_service() { return admin_service_; }

  LedgerService& service() { return service_; }

  GrpcServer& client_port() { return *client_; }

  GrpcServer& admin_port() { return *admin_; }

  static std::shared_ptr<grpc::Channel> Connect(const GrpcServer& server) {
    grpc::ChannelArguments arguments;
    // Its own connection, not one shared with other tests.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        server.address(), grpc::InsecureChannelCredentials(), arguments);
  }

  ledger::v1::LedgerService::Stub& ledger() { return ledger_; }

  admin::v1::AdminService::Stub& admin() { return admin_stub_; }

 private:
  static std::unique_ptr<GrpcServer> Start(GrpcServerOptions options) {
    options.listener.address = "127.0.0.1:0";
    auto server = GrpcServer::Start(options);
    LEDGERD_CHECK_OK(server.status());
    return *std::move(server);
  }

  const ServiceLimits limits_;
  FakeReplica replica_;
  storage::MemoryStateStore store_;
  storage::MemoryJournalDisk disk_;
  std::unique_ptr<storage::Journal> journal_ =
      *storage::MemoryJournal::Open(disk_, {});
  SharedAddresses addresses_;
  DamageAlarms damage_;
  IncidentWorld incident_world_;
  std::unique_ptr<IncidentKeeper> incidents_ = incident_world_.Start();
  ServedGroup group_{replica_,
                     store_,
                     *journal_,
                     addresses_,
                     damage_,
                     ClusterId(0xabc),
                     ::testing::TempDir(),
                     std::chrono::system_clock::now(),
                     /*marks=*/nullptr,
                     /*peers=*/nullptr,
                     /*archiver=*/nullptr,
                     /*scrub_passes=*/nullptr,
                     incidents_.get()};
  mutable Mutex log_mutex_;
  std::string log_ LEDGERD_GUARDED_BY(log_mutex_);
  Logger logger_{LogLevel::kInfo, LogFormat::kText,
                 [this](absl::string_view line) {
                   const MutexLock lock(log_mutex_);
                   log_.append(line.data(), line.size()).append("\n");
                 }};
  AnswerThread answers_;
  HarnessClock clock_;
  LedgerService service_{CallContext{group_, answers_, limits_, clock_}};
  std::atomic<int> looks_at_journal_{0};
  AdminService admin_service_{group_, logger_, [this] { ++looks_at_journal_; }};
  std::unique_ptr<GrpcServer> client_ =
      Start({.services = {&service_},
             .health_names = {"ledger.v1.LedgerService"},
             .services_refuse_long_messages = true});
  std::unique_ptr<GrpcServer> admin_ =
      Start({.services = {&admin_service_},
             .health_names = {"ledger.v1.LedgerService"},
             .channelz = true,
             .waits_for_calls = true,
             .refuses_no_messages = true});
  ledger::v1::LedgerService::Stub ledger_{Connect(*client_)};
  admin::v1::AdminService::Stub admin_stub_{Connect(*admin_)};
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_SERVICES_HARNESS_H_
