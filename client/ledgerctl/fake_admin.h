// An AdminService in this process that answers as told. For tests.
//
//   FakeAdmin admin;
//   admin.Change([](auto& status) { status.set_role(v1::ROLE_HALTED); });
//   RunLedgerctl({"status", "--admin-address=" + admin.address()});
//
// Shape    Status and journal as the test sets them before it asks; all of the
//          journal but its first entry was rolled back, too. What changes a
//          group is noted, and done or refused.
// Threads  Everything from any.
#ifndef LEDGERD_CLIENT_LEDGERCTL_FAKE_ADMIN_H_
#define LEDGERD_CLIENT_LEDGERCTL_FAKE_ADMIN_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

#include "admin/v1/admin.grpc.pb.h"
#include "proto/base/mutex.h"
#include "proto/entry.h"

namespace ledgerd::client {

class FakeAdmin final : public ::admin::v1::AdminService::Service {
 public:
  FakeAdmin() {
    status_.set_role(::admin::v1::ROLE_PRIMARY);
    status_.set_primary_id(1);
    status_.set_journal_first_sequence(1);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }

  ~FakeAdmin() override { server_->Shutdown(); }

  const std::string& address() const { return address_; }

  template <typename F>
  void Change(const F& change) {
    const MutexLock lock(mutex_);
    change(status_);
  }

  // Of what changes the group, from now on.
  void Refuse(grpc::Status error) {
    const MutexLock lock(mutex_);
    refusal_ = std::move(error);
  }

  // What VerifyReplicas answers.
  void SetVerified(::admin::v1::VerifyReplicasResponse verified) {
    const MutexLock lock(mutex_);
    verified_ = std::move(verified);
  }

  // What was asked for, in its order: each request's name and text.
  std::vector<std::string> asked() const {
    const MutexLock lock(mutex_);
    return asked_;
  }

  // The last byte of an entry's differs from what its hash says.
  void Damage(size_t index) {
    const MutexLock lock(mutex_);
    journal_.at(index).mutable_raw()->back() ^= 1;
  }

  void Append(Command command) {
    const MutexLock lock(mutex_);
    const Entry entry = Entry::Seal(std::move(command), Epoch(1),
                                    Timestamp(journal_.size() + 1), last_);
    last_ = entry.id();
    ::admin::v1::JournalEntry shown;
    shown.set_sequence(entry.sequence().value());
    shown.set_epoch(entry.epoch().value());
    shown.set_timestamp(entry.timestamp().value());
    shown.set_previous_hash(std::string(AsBytes(entry.previous_hash())));
    shown.set_hash(std::string(AsBytes(entry.hash())));
    shown.set_operation(std::string(Name(entry.kind())));
    shown.set_raw(std::string(entry.bytes()));
    journal_.push_back(shown);
    status_.set_commit_sequence(journal_.size());
  }

  grpc::Status GetStatus(grpc::ServerContext*,
                         const ::admin::v1::GetStatusRequest*,
                         ::admin::v1::GetStatusResponse* response) override {
    const MutexLock lock(mutex_);
    *response = status_;
    return grpc::Status::OK;
  }

  grpc::Status ListAlarms(grpc::ServerContext*,
                          const ::admin::v1::ListAlarmsRequest*,
                          ::admin::v1::ListAlarmsResponse* response) override {
    const MutexLock lock(mutex_);
    *response->mutable_alarms() = status_.alarms();
    return grpc::Status::OK;
  }

  grpc::Status ClearAlarm(grpc::ServerContext*,
                          const ::admin::v1::ClearAlarmRequest* request,
                          ::admin::v1::ClearAlarmResponse*) override {
    return Take(*request);
  }

  grpc::Status ReadJournal(
      grpc::ServerContext*, const ::admin::v1::ReadJournalRequest* request,
      grpc::ServerWriter<::admin::v1::ReadJournalResponse>* writer) override {
    const MutexLock lock(mutex_);
    for (const auto& entry : journal_) {
      if (entry.sequence() < request->from_sequence()) continue;
      ::admin::v1::ReadJournalResponse response;
      *response.mutable_entry() = entry;
      writer->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status ListRolledBack(
      grpc::ServerContext*, const ::admin::v1::ListRolledBackRequest*,
      ::admin::v1::ListRolledBackResponse* response) override {
    const MutexLock lock(mutex_);
    for (size_t i = 1; i < journal_.size(); ++i) {
      auto& cut = *response->add_entries();
      *cut.mutable_entry() = journal_[i];
      cut.mutable_rolled_back_at()->set_seconds(1'800'000'000);
      cut.set_new_epoch(6);
    }
    return grpc::Status::OK;
  }

  grpc::Status GetRecoveryCounters(
      grpc::ServerContext*,
      const ::admin::v1::GetRecoveryCountersRequest* asked,
      ::admin::v1::GetRecoveryCountersResponse* response) override {
    response->set_sequence(12);
    auto& recovery = *response->mutable_recovery();
    recovery.set_successful(3);
    recovery.set_total(4);
    recovery.set_ratio(0.75);
    recovery.mutable_max()->set_seconds(2);
    auto& kind = *recovery.add_by_kind();
    kind.set_kind(::admin::v1::INCIDENT_KIND_CRASH_REPLAY);
    kind.set_successful(3);
    kind.set_total(4);
    auto& companions = *response->mutable_companions();
    companions.set_unneeded_promotions(1);
    companions.set_consistency_checks_passed(5);
    companions.mutable_last_verified_backup()->set_seconds(1'800'000'000);
    return Take(*asked);
  }

  grpc::Status ListIncidents(
      grpc::ServerContext*, const ::admin::v1::ListIncidentsRequest* request,
      ::admin::v1::ListIncidentsResponse* response) override {
    FillIncident(*response->add_incidents());
    if (request->page_token().empty()) response->set_next_page_token("more");
    return Take(*request);
  }

  grpc::Status WatchIncidents(
      grpc::ServerContext*, const ::admin::v1::WatchIncidentsRequest*,
      grpc::ServerWriter<::admin::v1::WatchIncidentsResponse>* writer)
      override {
    ::admin::v1::WatchIncidentsResponse response;
    FillIncident(*response.mutable_incident());
    writer->Write(response);
    return grpc::Status::OK;
  }

  grpc::Status VerifyReplicas(
      grpc::ServerContext*, const ::admin::v1::VerifyReplicasRequest* request,
      ::admin::v1::VerifyReplicasResponse* response) override {
    {
      const MutexLock lock(mutex_);
      *response = verified_;
    }
    return Take(*request);
  }

  grpc::Status Switchover(grpc::ServerContext*,
                          const ::admin::v1::SwitchoverRequest* request,
                          ::admin::v1::SwitchoverResponse* response) override {
    response->set_primary_id(request->target_replica_id());
    response->set_epoch(4);
    response->mutable_write_pause()->set_nanos(12'500'000);
    return Take(*request);
  }

  grpc::Status ForcePromote(
      grpc::ServerContext*, const ::admin::v1::ForcePromoteRequest* request,
      ::admin::v1::ForcePromoteResponse* response) override {
    response->set_epoch(9);
    response->set_last_sequence(77);
    return Take(*request);
  }

  grpc::Status PauseFailover(grpc::ServerContext*,
                             const ::admin::v1::PauseFailoverRequest* request,
                             ::admin::v1::PauseFailoverResponse*) override {
    return Take(*request);
  }

  grpc::Status ResumeFailover(grpc::ServerContext*,
                              const ::admin::v1::ResumeFailoverRequest* request,
                              ::admin::v1::ResumeFailoverResponse*) override {
    return Take(*request);
  }

  grpc::Status AddReplica(grpc::ServerContext*,
                          const ::admin::v1::AddReplicaRequest* request,
                          ::admin::v1::AddReplicaResponse*) override {
    return Take(*request);
  }

  grpc::Status RemoveReplica(grpc::ServerContext*,
                             const ::admin::v1::RemoveReplicaRequest* request,
                             ::admin::v1::RemoveReplicaResponse*) override {
    return Take(*request);
  }

 private:
  static void FillIncident(::admin::v1::Incident& incident) {
    incident.set_id("1-7-1");
    incident.set_kind(::admin::v1::INCIDENT_KIND_DISK_FULL);
    incident.set_outcome(::admin::v1::INCIDENT_OUTCOME_IN_PROGRESS);
    incident.mutable_started_at()->set_seconds(1'800'000'000);
    incident.set_cause("no space");
    auto& phase = *incident.add_phases();
    phase.set_name("detect");
    phase.mutable_duration()->set_nanos(512'000'000);
  }

  grpc::Status Take(const google::protobuf::Message& request) {
    const MutexLock lock(mutex_);
    asked_.push_back(request.GetDescriptor()->name() + ": " +
                     request.ShortDebugString());
    return refusal_;
  }

  mutable Mutex mutex_;
  grpc::Status refusal_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<std::string> asked_ LEDGERD_GUARDED_BY(mutex_);
  ::admin::v1::GetStatusResponse status_ LEDGERD_GUARDED_BY(mutex_);
  ::admin::v1::VerifyReplicasResponse verified_ LEDGERD_GUARDED_BY(mutex_);
  std::vector<::admin::v1::JournalEntry> journal_ LEDGERD_GUARDED_BY(mutex_);
  EntryId last_ LEDGERD_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_FAKE_ADMIN_H_
