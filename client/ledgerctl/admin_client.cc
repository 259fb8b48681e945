#include "client/ledgerctl/admin_client.h"

#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

#include "client/endpoints.h"
#include "client/rpc_status.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {

namespace v1 = ::admin::v1;

AdminClient::AdminClient(const std::string& address,
                         std::chrono::milliseconds timeout)
    : address_(address),
      timeout_(timeout),
      stub_(v1::AdminService::NewStub(MakeChannel(address))) {}

absl::Status AdminClient::Located(const absl::Status& status) const {
  absl::Status located(status.code(),
                       absl::StrCat(address_, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    located.SetPayload(url, payload);
  });
  return located;
}

absl::StatusOr<v1::GetStatusResponse> AdminClient::GetStatus() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
  v1::GetStatusResponse response;
  const grpc::Status status = stub_->GetStatus(&context, {}, &response);
  if (!status.ok()) return Located(FromGrpc(status).status);
  return response;
}

absl::Status AdminClient::ReadJournal(const Range& range,
                                      const OnEntry& on_entry) {
  // Sees that somebody is there within the timeout: the reading itself may take
  // as long as the journal is, or for ever.
  LEDGERD_RETURN_IF_ERROR(GetStatus().status());
  grpc::ClientContext context;
  v1::ReadJournalRequest request;
  request.set_from_sequence(range.from.value());
  request.set_to_sequence(range.to.value());
  request.set_follow(range.follow);
  const auto reader = stub_->ReadJournal(&context, request);
  v1::ReadJournalResponse response;
  while (reader->Read(&response)) {
    const absl::Status status = on_entry(response.entry());
    if (status.ok()) continue;
    context.TryCancel();
    while (reader->Read(&response)) continue;
    reader->Finish();
    return status;
  }
  const grpc::Status status = reader->Finish();
  return status.ok() ? absl::OkStatus() : Located(FromGrpc(status).status);
}

}  // namespace ledgerd::client
