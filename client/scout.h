// A Scout looks for the primary by health while calls wait in vain.
//
//   Scout scout(endpoints, calls, 500ms);   // runs until the calls are closed
//
// A server that has stalled, or is cut off from its group, answers nothing and
// does not break its connections either. Once a call has waited for `patience`,
// the others are asked how they are (grpc.health.v1, by the ledger's name:
// SERVING on the primary alone). When one of them is the primary, all calls
// that wait elsewhere go there, with the same ids. A busy primary is waited
// for: nobody else says that it is the primary.
//
// Threads  One of its own; idle while there are no calls. Ends with the
//          CallSet: closed before this is destroyed.
#ifndef LEDGERD_CLIENT_SCOUT_H_
#define LEDGERD_CLIENT_SCOUT_H_

#include <chrono>
#include <thread>

#include "client/call.h"
#include "client/endpoints.h"

namespace ledgerd::client {

class Scout {
 public:
  // Both outlive this.
  Scout(Endpoints& endpoints, CallSet& calls,
        std::chrono::milliseconds patience);
  Scout(const Scout&) = delete;
  Scout& operator=(const Scout&) = delete;
  ~Scout();

 private:
  void Run();
  // Of all but `silent`; null when none of them is.
  Endpoints::Shared FindPrimary(const Endpoint& silent);

  Endpoints& endpoints_;
  CallSet& calls_;
  const std::chrono::milliseconds patience_;
  std::thread thread_;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_SCOUT_H_
