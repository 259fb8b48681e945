#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "client/bench/drivers.h"
#include "client/ledger_client.h"

namespace ledgerd::bench {
namespace {

using client::LedgerClient;
using client::TransferStream;

std::vector<Transfer> TransfersOf(const Workload& workload,
                                  const Request& request) {
  std::vector<Transfer> transfers;
  transfers.reserve(request.count);
  for (uint64_t i = 0; i < request.count; ++i) {
    transfers.push_back(workload.Get(request.first + i));
  }
  return transfers;
}

uint64_t CountCreated(const client::TransferResults& results) {
  uint64_t created = 0;
  for (const TransferResult& result : results) {
    created += result.status == TransferStatus::kCreated ? 1 : 0;
  }
  return created;
}

// One stream; its messages on their way are lanes, used in turn.
class StreamClient {
 public:
  StreamClient(const Target& target, Run& run)
      : ledger_({.addresses = {target.address}, .timeout = target.timeout}),
        workload_(run.source.workload()),
        window_(static_cast<size_t>(target.in_flight)) {
    for (size_t i = 0; i < window_; ++i) {
      free_.push_back(std::make_unique<Lane>(run));
    }
  }

  void Drive() {
    Open();
    while (!free_.empty() || !waiting_.empty()) {
      if (broken_ && waiting_.empty()) Open();
      if (broken_ || free_.empty()) {
        Receive();
      } else {
        Send();
      }
    }
  }

  LaneCounts counts() const {
    LaneCounts counts;
    for (const auto& lane : finished_) counts.Add(lane->counts());
    return counts;
  }

 private:
  void Open() {
    stream_ = ledger_.StreamTransfers({.window = window_});
    broken_ = false;
  }

  void Send() {
    std::unique_ptr<Lane> lane = std::move(free_.front());
    free_.pop_front();
    const auto request = lane->Next();
    if (!request.has_value()) {
      finished_.push_back(std::move(lane));
      return;
    }
    stream_->Send(TransfersOf(workload_, *request));
    waiting_.push_back(std::move(lane));
  }

  // After an error a stream is over: what waits gets that error too.
  void Receive() {
    const auto answer = stream_->Receive();
    std::unique_ptr<Lane> lane = std::move(waiting_.front());
    waiting_.pop_front();
    if (answer.ok()) {
      lane->Executed(CountCreated(answer->results));
    } else {
      lane->NotExecuted(answer.status());
      broken_ = true;
    }
    free_.push_back(std::move(lane));
  }

  LedgerClient ledger_;
  const Workload& workload_;
  const size_t window_;
  std::unique_ptr<TransferStream> stream_;
  std::deque<std::unique_ptr<Lane>> free_;
  std::deque<std::unique_ptr<Lane>> waiting_;
  std::vector<std::unique_ptr<Lane>> finished_;
  bool broken_ = false;
};

}  // namespace

LaneCounts DriveStreams(const Target& target, Run& run) {
  std::vector<std::unique_ptr<StreamClient>> clients;
  clients.reserve(static_cast<size_t>(target.clients));
  for (int i = 0; i < target.clients; ++i) {
    clients.push_back(std::make_unique<StreamClient>(target, run));
  }
  std::vector<std::thread> threads;
  threads.reserve(clients.size());
  for (const auto& client : clients) {
    threads.emplace_back([&client] { client->Drive(); });
  }
  for (std::thread& thread : threads) thread.join();
  LaneCounts counts;
  for (const auto& client : clients) counts.Add(client->counts());
  return counts;
}

}  // namespace ledgerd::bench
