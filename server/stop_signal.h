// A StopSignal waits for SIGTERM or SIGINT, or for a thread of our own that
// wants the process to end.
//
//   StopSignal stop;            // before any thread is started
//   ... start threads; one of them may call stop.Wake() ...
//   stop.Wait();                // main thread
//
// Threads  Construct it on the main thread, before others are started, so that
//          they inherit the blocked signals. Wake: any thread. A second signal
//          after Wait has returned ends the process at once: it is always safe
//          to lose it.
#ifndef LEDGERD_SERVER_STOP_SIGNAL_H_
#define LEDGERD_SERVER_STOP_SIGNAL_H_

#include <string>

namespace ledgerd::server {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();

  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void Wake() const;

  // The name of the signal, or "" when Wake was called.
  std::string Wait();

 private:
  int signals_ = -1;
  int wakes_ = -1;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_STOP_SIGNAL_H_
