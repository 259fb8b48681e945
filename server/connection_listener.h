// A ConnectionListener accepts a port's connections, and knows them until they
// are closed. Whoever speaks on them (gRPC) is given each one's descriptor.
//
//   LEDGERD_ASSIGN_OR_RETURN(auto listener, ConnectionListener::Bind(options));
//   listener->Start([&](int descriptor) { Serve(descriptor); });
//   listener->Stop(1s);
//
// Why      gRPC 1.51's own listener never accepts again once it has run out of
//          file descriptors, has no limit to connections, and tells calls that
//          arrive while it shuts down that their client has cancelled them.
// Limits   `connections_max`, and the process's file descriptors but for
//          `descriptors_kept`, which are the journal's and the state's. What
//          comes beyond is refused at once (a reset), and accepted again as
//          soon as there is room. A client that takes nothing of what it was
//          sent is cut off after kSilenceMax, and as soon as it goes on asking
//          all the same: gRPC gives back what calls took only when what it is
//          writing has been taken.
// Threads  One of its own, which calls `take` and `notice`. Start and Stop are
//          the owner's, in this order.
#ifndef LEDGERD_SERVER_CONNECTION_LISTENER_H_
#define LEDGERD_SERVER_CONNECTION_LISTENER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "server/file_descriptor.h"
#include "server/listen_sockets.h"
#include "server/log_throttle.h"

namespace ledgerd::server {

struct ConnectionListenerOptions {
  // host:port; port 0 is any that is free.
  std::string address;
  size_t connections_max = 10'000;
  // Of the process's, or half of them where there are not so many.
  size_t descriptors_kept = 1'024;
  // Told what an operator should know, at most once in kNoticeEvery; may be
  // empty.
  std::function<void(absl::string_view what, size_t times)> notice;
};

class ConnectionListener {
 public:
  static constexpr std::chrono::seconds kSilenceMax{10};
  // Asking all the same: so much, over so long.
  static constexpr uint64_t kDeafBytes = uint64_t{256} << 10;
  static constexpr std::chrono::milliseconds kDeafTime{500};
  static constexpr std::chrono::seconds kNoticeEvery{10};

  // Errors: those of Listen.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Bind(
      ConnectionListenerOptions options);

  // Stops at once, if Stop was not called.
  ~ConnectionListener();

  // With the port that was bound.
  const std::string& address() const { return sockets_.address; }

  // `take` owns the descriptor that it is given: not blocking, close on exec.
  // It calls shutdown() before it closes it, which is how its end is seen here.
  void Start(std::function<void(int descriptor)> take);

  // Accepts nothing more; waits until what was sent to clients has reached
  // them, `patience` at most; then ends all connections.
  void Stop(std::chrono::milliseconds patience);

  // Open now.
  size_t connections() const { return open_; }

 private:
  // What the kernel had sent and received when the client last took something.
  struct Stall {
    uint64_t acknowledged = 0;
    uint64_t received = 0;
    std::chrono::steady_clock::time_point since;
  };

  // A second descriptor, which lives as long as the connection.
  struct Watched {
    FileDescriptor descriptor;
    std::optional<Stall> stall;
  };

  explicit ConnectionListener(ConnectionListenerOptions options);

  void Loop();
  // Handles what has happened within `timeout`.
  void Wait(std::chrono::milliseconds timeout);
  void AcceptAll(int listener);
  void Take(FileDescriptor accepted);
  // Accepting failed for want of something: looks away from the listeners for
  // a moment, since they stay readable.
  void PauseAccepting(int error);
  void ResumeAccepting();
  void Watch(int descriptor, bool readable, bool add);
  void Forget(int watched);
  void CutOffTheDeaf();
  static bool IsDeaf(Watched& connection,
                     std::chrono::steady_clock::time_point now);
  bool AllHaveReached() const;
  void Notice(LogThrottle& throttle, absl::string_view what);

  const ConnectionListenerOptions options_;
  ListenSockets sockets_;
  std::function<void(int)> take_;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::map<int, Watched> watched_;  // By number.
  bool paused_ = false;
  std::chrono::steady_clock::time_point next_look_;
  LogThrottle refused_{1, kNoticeEvery};
  LogThrottle exhausted_{1, kNoticeEvery};
  LogThrottle deaf_{1, kNoticeEvery};
  std::atomic<size_t> open_ = 0;
  std::atomic<bool> stopping_ = false;
  std::chrono::milliseconds patience_{};
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_CONNECTION_LISTENER_H_
