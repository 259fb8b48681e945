// A TcpProxy stands between a client and a server, and can fall silent: it
// takes connections and bytes, and passes nothing on, as a network that is cut.
//
//   TcpProxy proxy("127.0.0.1:7302");
//   ... somebody connects to proxy.address() ...
//   proxy.Block(true);     // nobody is told: no reset, no end
//   proxy.Block(false);    // what waited goes on
//   proxy.SetFar(150ms);   // a connection takes so long to come about
//
// Threads  One of its own. Any thread may call it.
#ifndef LEDGERD_TESTS_INTEGRATION_TCP_PROXY_H_
#define LEDGERD_TESTS_INTEGRATION_TCP_PROXY_H_

#include <atomic>
#include <chrono>
#include <list>
#include <string>
#include <thread>

namespace ledgerd::integration {

class TcpProxy {
 public:
  // `port` of 127.0.0.1, where the server is.
  explicit TcpProxy(int port);
  // Ends all connections.
  ~TcpProxy();

  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::string address() const;

  void Block(bool blocked) { blocked_ = blocked; }

  // The first bytes of each connection wait for so long, as they do where a
  // round trip takes long.
  void SetFar(std::chrono::milliseconds delay) { delay_ = delay; }

 private:
  // A connection's two ends; -1 where one is not there any more.
  struct Pair {
    int client = -1;
    int server = -1;
    std::chrono::steady_clock::time_point since;
  };

  void Loop();
  void Accept();
  // False when the pair has come to its end.
  static bool Pass(int from, int to);
  bool IsOpen(const Pair& pair) const;
  void PassAll();

  const int port_;
  int listener_ = -1;
  int own_port_ = 0;
  std::list<Pair> pairs_;
  std::atomic<bool> blocked_ = false;
  std::atomic<std::chrono::milliseconds> delay_{};
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_TCP_PROXY_H_
