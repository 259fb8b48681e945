// The operators' API, as far as ledgerctl uses it.
//
//   AdminClient admin("127.0.0.1:7301", 10s);
//   const auto status = admin.GetStatus();
//   admin.ReadJournal({.from = Sequence(1)},
//                     [](const JournalEntry& entry) { ... });
//
// Errors   As in proto/errors.h; without a reason when nobody answers.
#ifndef LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_
#define LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "admin/v1/admin.grpc.pb.h"
#include "proto/types.h"

namespace ledgerd::client {

class AdminClient {
 public:
  struct Range {
    Sequence from{1};
    Sequence to{0};  // 0: through the commit point.
    bool follow = false;
  };

  // An error ends the reading, and is returned.
  using OnEntry = std::function<absl::Status(const ::admin::v1::JournalEntry&)>;

  // The timeout is of GetStatus, and of the first entry.
  AdminClient(const std::string& address, std::chrono::milliseconds timeout);

  absl::StatusOr<::admin::v1::GetStatusResponse> GetStatus();

  absl::Status ReadJournal(const Range& range, const OnEntry& on_entry);

 private:
  absl::Status Located(const absl::Status& status) const;

  const std::string address_;
  const std::chrono::milliseconds timeout_;
  const std::unique_ptr<::admin::v1::AdminService::Stub> stub_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_ADMIN_CLIENT_H_
