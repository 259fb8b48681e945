#include <latch>
#include <memory>
#include <vector>

#include "client/bench/drivers.h"
#include "client/ledger_client.h"

namespace ledgerd::bench {
namespace {

using client::LedgerClient;

class CoalescedLane {
 public:
  CoalescedLane(LedgerClient& ledger, Run& run, std::latch& done)
      : ledger_(ledger),
        workload_(run.source.workload()),
        lane_(run),
        done_(done) {}

  void Send() {
    const auto request = lane_.Next();
    if (!request.has_value()) return done_.count_down();
    ledger_.CreateTransfer(
        workload_.Get(request->first),
        [this](const absl::StatusOr<TransferResult>& result) {
          Answered(result);
        });
  }

  const LaneCounts& counts() const { return lane_.counts(); }

 private:
  void Answered(const absl::StatusOr<TransferResult>& result) {
    if (result.ok()) {
      lane_.Executed(result->status == TransferStatus::kCreated ? 1 : 0);
    } else {
      lane_.NotExecuted(result.status());
    }
    Send();
  }

  LedgerClient& ledger_;
  const Workload& workload_;
  Lane lane_;
  std::latch& done_;
};

}  // namespace

LaneCounts DriveCoalesced(const Target& target, Run& run) {
  std::latch done(ptrdiff_t{target.clients} * target.in_flight);
  std::vector<std::unique_ptr<LedgerClient>> clients;
  std::vector<std::unique_ptr<CoalescedLane>> lanes;
  for (int i = 0; i < target.clients; ++i) {
    clients.push_back(std::make_unique<LedgerClient>(client::ClientOptions{
        .addresses = {target.address}, .timeout = target.timeout}));
    for (int j = 0; j < target.in_flight; ++j) {
      lanes.push_back(
          std::make_unique<CoalescedLane>(*clients.back(), run, done));
    }
  }
  for (const auto& lane : lanes) lane->Send();
  done.wait();
  clients.clear();
  LaneCounts counts;
  for (const auto& lane : lanes) counts.Add(lane->counts());
  return counts;
}

}  // namespace ledgerd::bench
