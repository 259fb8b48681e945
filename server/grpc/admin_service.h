// The AdminService: what operators call. Of it GetStatus and ReadJournal are
// served; all other methods answer UNIMPLEMENTED.
//
//   AdminService service(group);
//   ...
//   service.Drain();  // ends the readers that follow the journal
//
// Threads  gRPC's own, one for each call. Outlives its server.
#ifndef LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_
#define LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/sync_stream.h"

#include "admin/v1/admin.grpc.pb.h"
#include "proto/entry.h"
#include "proto/types.h"
#include "server/grpc/error_details.h"
#include "server/served_group.h"

namespace ledgerd::server {

class AdminService final : public admin::v1::AdminService::Service {
 public:
  explicit AdminService(ServedGroup& group) : group_(group) {}

  // Those who wait for new entries get DRAINING.
  void Drain() { draining_ = true; }

  grpc::Status GetStatus(grpc::ServerContext* context,
                         const admin::v1::GetStatusRequest* request,
                         admin::v1::GetStatusResponse* response) override;

  // from_sequence 0 is the oldest kept. OUT_OF_RANGE (COMPACTED) when it has
  // been let go of.
  grpc::Status ReadJournal(
      grpc::ServerContext* context,
      const admin::v1::ReadJournalRequest* request,
      grpc::ServerWriter<admin::v1::ReadJournalResponse>* writer) override;

  // ---- not served yet

#define LEDGERD_UNARY(method)                                                  \
  grpc::Status method(grpc::ServerContext*, const admin::v1::method##Request*, \
                      admin::v1::method##Response*) override {                 \
    return Unimplemented(#method);                                             \
  }
#define LEDGERD_STREAM(method)                                                 \
  grpc::Status method(grpc::ServerContext*, const admin::v1::method##Request*, \
                      grpc::ServerWriter<admin::v1::method##Response>*)        \
      override {                                                               \
    return Unimplemented(#method);                                             \
  }
  LEDGERD_UNARY(GetRecoveryCounters)
  LEDGERD_UNARY(ListIncidents)
  LEDGERD_STREAM(WatchIncidents)
  LEDGERD_UNARY(Switchover)
  LEDGERD_UNARY(ForcePromote)
  LEDGERD_UNARY(PauseFailover)
  LEDGERD_UNARY(ResumeFailover)
  LEDGERD_UNARY(AddReplica)
  LEDGERD_UNARY(RemoveReplica)
  LEDGERD_UNARY(VerifyReplicas)
  LEDGERD_UNARY(ListRolledBack)
  LEDGERD_STREAM(CreateBackup)
  LEDGERD_UNARY(ListAlarms)
  LEDGERD_UNARY(ClearAlarm)
#undef LEDGERD_UNARY
#undef LEDGERD_STREAM

 private:
  using JournalWriter = grpc::ServerWriter<admin::v1::ReadJournalResponse>;

  // What of a ReadJournal is left to send.
  struct Range {
    Sequence next;
    Sequence last;
    bool follow = false;
  };

  // Sends the entries through `through`; false when the reader is gone.
  absl::StatusOr<bool> SendThrough(Sequence through, Range& range,
                                   JournalWriter& writer) const;
  absl::Status SendRange(Range range, const grpc::ServerContext& context,
                         JournalWriter& writer) const;

  ServedGroup& group_;
  std::atomic<bool> draining_ = false;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_GRPC_ADMIN_SERVICE_H_
