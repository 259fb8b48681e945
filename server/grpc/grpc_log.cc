#include "server/grpc/grpc_log.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpc/support/log.h"

#include "proto/base/mutex.h"
#include "server/log_throttle.h"

namespace ledgerd::server {
namespace {

// gRPC calls a function without a context, so what it needs is here.
class GrpcLog {
 public:
  void SetLogger(Logger* logger) {
    const MutexLock lock(mutex_);
    logger_ = logger;
  }

  void Write(const gpr_log_func_args& line) {
    const MutexLock lock(mutex_);
    if (logger_ == nullptr) return;
    const auto times = throttle_.Pass(std::chrono::steady_clock::now());
    if (!times.has_value()) return;
    const absl::string_view path = line.file;
    const std::string place =
        absl::StrCat(path.substr(path.rfind('/') + 1), ":", line.line);
    const auto write = line.severity == GPR_LOG_SEVERITY_ERROR
                           ? &Logger::Warning
                           : &Logger::Debug;
    (logger_->*write)(
        "grpc", {{"says", line.message}, {"place", place}, {"times", *times}});
  }

 private:
  Mutex mutex_;
  Logger* logger_ LEDGERD_GUARDED_BY(mutex_) = nullptr;
  LogThrottle throttle_ LEDGERD_GUARDED_BY(mutex_){10,
                                                   std::chrono::seconds(10)};
};

GrpcLog& TheLog() {
  // Never destroyed: gRPC's threads may speak until the process ends.
  static GrpcLog& log = *new GrpcLog();
  return log;
}

void Write(gpr_log_func_args* line) { TheLog().Write(*line); }

}  // namespace

void RouteGrpcLog(Logger* logger) {
  gpr_log_verbosity_init();
  TheLog().SetLogger(logger);
  gpr_set_log_function(&Write);
}

}  // namespace ledgerd::server
