// Where the servers are, and which one to ask next.
//
//   Endpoints::Round round;                     // of one call
//   const auto endpoint = endpoints.Current();
//   ... a call by endpoint->stub fails ...
//   const bool at_once = endpoints.OnFailure(*endpoint, error, round);
//
// Shape    A list of addresses and a place in it, which is where the primary
//          was last. Who cannot serve is left: for whom its hint names, else
//          for the next of the list.
// Rounds   A call asks each server once before it asks one twice. So a hint
//          that leads to nobody, or back, is followed once in a round, and the
//          servers that no hint names get their turn. Between rounds there is a
//          pause, within one there is none.
// Hints    One of an older epoch than another hint is late, and is passed over.
// Channels A broken connection is tried again after 50 .. 100 ms (gRPC's own
//          default stays in back-off for seconds), and one that is silent for
//          two seconds while calls wait is broken. One that does not come about
//          within 100 ms fails its calls, which go elsewhere; meanwhile a
//          second one, which has seconds, is tried beside it, for a server that
//          is alive and far away.
// Threads  Thread-safe; a Round is its call's own.
// Source   gRPC 1.51, grpc/impl/codegen/grpc_types.h.
#ifndef LEDGERD_CLIENT_ENDPOINTS_H_
#define LEDGERD_CLIENT_ENDPOINTS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"

#include "client/rpc_status.h"
#include "ledger/v1/ledger.grpc.pb.h"
#include "proto/base/mutex.h"

namespace ledgerd::client {

// One server. Thread-safe.
class Endpoint {
 public:
  // So long a call waits for a connection.
  static constexpr std::chrono::milliseconds kConnectPatience{100};
  // So long a server that is far away has to connect.
  static constexpr std::chrono::milliseconds kFarPatience{5'000};

  using LedgerStub = ::ledger::v1::LedgerService::Stub;
  using HealthStub = ::grpc::health::v1::Health::Stub;

  explicit Endpoint(std::string where);

  // For the next call. They live as long as this.
  LedgerStub& stub() const { return *Choose().stub; }

  HealthStub& health() const { return *Choose().health; }

  const std::string address;

 private:
  struct Line {
    Line(const std::string& address, std::chrono::milliseconds patience);

    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<LedgerStub> stub;
    std::unique_ptr<HealthStub> health;
  };

  // The one that is connected; the far one connects when the near one has been
  // waited for in vain.
  const Line& Choose() const;

  const Line near_;
  const Line far_;
  // The first choice since which the near one has not been seen connected, on
  // the steady clock; 0: there is none.
  mutable std::atomic<std::chrono::steady_clock::rep> waits_since_ = 0;
};

class Endpoints {
 public:
  using Shared = std::shared_ptr<const Endpoint>;

  // Whom a call has asked since it paused last.
  class Round {
   public:
    void Clear() { asked_.clear(); }

   private:
    friend class Endpoints;
    bool Has(const Shared& endpoint) const;

    std::vector<Shared> asked_;
  };

  // Requires: at least one address.
  explicit Endpoints(const std::vector<std::string>& addresses);

  // The primary, as far as is known.
  Shared Current();

  // For what any replica answers: each time another one, of those that the
  // round has not asked yet.
  Shared Any(const Round& round);

  // `endpoint`, found by Current, has answered `error`. True when Current is
  // one now that the round has not asked; else the round is over, and begins
  // again. Late news about one that is not current changes only the round.
  bool OnFailure(const Shared& endpoint, const RpcError& error, Round& round);

  // The same for one found by Any.
  bool OnFailureOfAny(const Shared& endpoint, Round& round);

  // Calls will ask `primary` from now on.
  void MoveTo(const Shared& primary);

  std::vector<Shared> all();
  size_t size();

 private:
  // The place that the hint leads to; that of none: all_.size().
  size_t Hinted(const RpcError& error, const Round& round)
      LEDGERD_REQUIRES(mutex_);
  size_t PlaceOf(const std::string& address) LEDGERD_REQUIRES(mutex_);
  // The first from `begin` on, around, that the round has not asked; or none.
  size_t NextNotAsked(size_t begin, const Round& round) const
      LEDGERD_REQUIRES(mutex_);

  const size_t configured_;
  Mutex mutex_;
  std::vector<Shared> all_ LEDGERD_GUARDED_BY(mutex_);
  size_t current_ LEDGERD_GUARDED_BY(mutex_) = 0;
  size_t next_any_ LEDGERD_GUARDED_BY(mutex_) = 0;
  // Of the newest hint.
  uint64_t epoch_ LEDGERD_GUARDED_BY(mutex_) = 0;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_ENDPOINTS_H_
