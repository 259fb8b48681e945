// Clients that pay without pause, by every way into the daemon, and write down
// what they asked and were told.
//
//   History history(directory.Path("history.txt"));
//   Load load({.addresses = {port.address()}, .seed = seed}, &history);
//   ASSERT_TRUE(load.Prepare().ok());        // accounts, funds
//   load.Start();
//   history.WaitForAnswers(1'000, 30s);  daemon->Kill9();  ... start it again
//   load.Hold();  ... no call is under way ...  load.GoOn();
//   ASSERT_TRUE(load.Settle());              // every outcome is known now
//
// Shape    A thread for each client. Some calls go through LedgerClient, with a
//          long deadline (it waits out a crash) or a short one (it gives up),
//          some through a bare stub of one attempt. What ended without a
//          definite answer is sent again later, by any of these ways, with the
//          same ids.
// Threads  The owner's thread alone.
#ifndef LEDGERD_TESTS_INTEGRATION_LOAD_H_
#define LEDGERD_TESTS_INTEGRATION_LOAD_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "client/ledger_client.h"
#include "proto/base/mutex.h"
#include "tests/integration/caller.h"
#include "tests/integration/history.h"

namespace ledgerd::integration {

struct LoadOptions {
  // Of the ledger's replicas, or its only one.
  std::vector<std::string> addresses;
  uint64_t seed = 0;
  int clients = 4;
  // More clients, that make one payment after the other through the library,
  // and so are the first to see when payments go through again.
  int payers = 0;
};

class Load {
 public:
  Load(LoadOptions options, History* history);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  // Settles.
  ~Load();

  // Creates the accounts and funds those that need it.
  absl::Status Prepare();

  void Start();

  // Waits until no call is under way; none begins until GoOn. What has no
  // definite answer then is sent again after it.
  void Hold() LEDGERD_EXCLUDES(mutex_);
  void GoOn() LEDGERD_EXCLUDES(mutex_);

  // No new payments; what is open is sent until it is answered, and what was
  // refused for good is asked for once more. Needs a daemon that serves: false
  // when something has no answer after a minute.
  bool Settle() LEDGERD_EXCLUDES(mutex_);

  // For reading the ledger when all is settled.
  client::LedgerClient& client() { return ways_.patient; }

 private:
  // A client's, between two calls: waits while they are held. False: no more.
  bool MayGoOn() LEDGERD_EXCLUDES(mutex_);

  const LoadOptions options_;
  History* const history_;
  Ways ways_;
  std::atomic<bool> all_settled_ = true;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ LEDGERD_GUARDED_BY(mutex_) = false;
  bool held_ LEDGERD_GUARDED_BY(mutex_) = false;
  // Clients that do not wait for GoOn.
  size_t busy_ LEDGERD_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_LOAD_H_
