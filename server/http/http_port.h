// An HttpPort answers HTTP GETs, one a connection: for probes and scrapers.
//
//   LEDGERD_ASSIGN_OR_RETURN(
//       auto port, HttpPort::Start(listener, [&](const HttpRequest& request) {
//         return monitoring.Answer(request);
//       }));
//   port->address();
//
// Limits   Those of ConnectionListener to connections and descriptors, so that
//          the journal's stay free; kHeadMax of a request; kPatience for it to
//          arrive and for its answer to be taken. A slow client holds up
//          nobody.
// Errors   Of Start: those of ConnectionListener::Bind.
// Threads  One of its own for all connections, on which the handler runs: it
//          should not wait for long.
#ifndef LEDGERD_SERVER_HTTP_HTTP_PORT_H_
#define LEDGERD_SERVER_HTTP_HTTP_PORT_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/base/mutex.h"
#include "server/connection_listener.h"
#include "server/file_descriptor.h"
#include "server/http/http_request.h"

namespace ledgerd::server {

class HttpPort {
 public:
  static constexpr size_t kHeadMax = size_t{8} << 10;
  static constexpr std::chrono::seconds kPatience{2};

  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  static absl::StatusOr<std::unique_ptr<HttpPort>> Start(
      ConnectionListenerOptions options, Handler handler);

  // Ends all connections at once.
  ~HttpPort();

  // With the port that was bound.
  const std::string& address() const { return listener_->address(); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct Connection {
    FileDescriptor socket;
    // What has come, until it is answered.
    std::string head;
    std::string answer;
    size_t sent = 0;
    Time until;
  };

  HttpPort(std::unique_ptr<ConnectionListener> listener, FileDescriptor wake,
           Handler handler);

  void Take(int descriptor) LEDGERD_EXCLUDES(mutex_);
  void Loop();
  void Admit() LEDGERD_EXCLUDES(mutex_);
  void Wait();
  // Goes on with it as far as that is possible now; false: it is over.
  bool Advance(Connection& connection, int16_t events);
  bool Receive(Connection& connection);
  static bool Send(Connection& connection);
  void Answer(Connection& connection);

  const Handler handler_;
  const FileDescriptor wake_;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  std::vector<FileDescriptor> taken_ LEDGERD_GUARDED_BY(mutex_);
  // The thread's own.
  std::vector<Connection> connections_;
  const std::unique_ptr<ConnectionListener> listener_;
  std::thread thread_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_HTTP_PORT_H_
