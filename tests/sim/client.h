// A Client asks one thing after the other, and each until it is answered: from
// another replica, with the same ids, when it is not.
//
//   Client client(1, around, nodes);
//   client.Begin();
//
// Shape   Accounts first, then transfers, single, in batches, pending and
//         posted or voided later, and linearizable reads.
// Checked Every answer, by the History.
#ifndef LEDGERD_TESTS_SIM_CLIENT_H_
#define LEDGERD_TESTS_SIM_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/entry.h"
#include "proto/results.h"
#include "proto/types.h"
#include "tests/sim/node.h"

namespace ledgerd::sim {

using Nodes = std::map<ReplicaId, std::unique_ptr<Node>>;

class Client {
 public:
  Client(uint64_t id, const Surroundings& around, Nodes& nodes)
      : id_(id), around_(around), nodes_(nodes) {}

  // Asks on and on, until Stop.
  void Begin();

  // Asks nothing new.
  void Stop() { stopped_ = true; }

  bool idle() const { return stopped_ && !waiting_; }

  // Asks again. Requires: it has been idle for longer than it ever thinks.
  void GoOn() {
    stopped_ = false;
    Think();
  }

  // Writes that were both asked and answered since the last call of this.
  uint64_t written() const { return written_; }

  void ResetWritten() {
    written_ = 0;
    counts_from_ = request_ + 1;
  }

 private:
  void Think();
  void DrawWrite();
  Transfer DrawTransfer();
  Command MakeRequest() const;
  void Ask();
  void AskWrite(Node& node);
  void AskRead(Node& node);
  void OnRefused(uint64_t attempt);
  void OnWritten(uint64_t request, uint64_t attempt,
                 const absl::StatusOr<EntryResult>& result);
  void OnRead(uint64_t request, uint64_t attempt,
              const absl::StatusOr<Sequence>& at);
  void OnAnswered();
  bool Lost();
  microseconds Way();

  const uint64_t id_;
  const Surroundings& around_;
  Nodes& nodes_;
  bool stopped_ = false;
  bool waiting_ = false;
  // Numbers what it asks, and how often it asked.
  uint64_t request_ = 0;
  uint64_t attempt_ = 0;
  uint64_t target_ = 0;
  uint64_t counts_from_ = 0;
  uint64_t written_ = 0;
  uint64_t last_transfer_ = 0;
  // Pending transfers of its own.
  std::vector<Transfer> pending_;
  // Of what it asks now.
  bool read_ = false;
  Sequence floor_;
  std::vector<Account> accounts_;
  std::vector<Transfer> transfers_;
};

}  // namespace ledgerd::sim

#endif  // LEDGERD_TESTS_SIM_CLIENT_H_
