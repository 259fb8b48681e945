// Structured logs: a message that is always the same words, and what differs as
// keys and values.
//
//   Logger logger(LogLevel::kInfo, LogFormat::kText);
//   logger.Info("serving", {{"client_address", address}, {"pid", pid}});
//
//   2026-11-25T04:10:07.123Z info  serving client_address=127.0.0.1:7300 pid=77
//   {"time":"2026-11-25T04:10:07.123Z","level":"info","message":"serving",
//    "client_address":"127.0.0.1:7300","pid":77}           (one line)
//
// Shape    One line a message, to standard error: standard output is for data.
//          Text that has spaces, quotes or control characters is quoted.
// Threads  Safe from any thread.
#ifndef LEDGERD_SERVER_LOGGING_H_
#define LEDGERD_SERVER_LOGGING_H_

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace spdlog {
class logger;
}  // namespace spdlog

namespace ledgerd::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// As in the configuration; kInfo and kText for anything else.
LogLevel ParseLogLevel(absl::string_view name);
LogFormat ParseLogFormat(absl::string_view name);

class LogField {
 public:
  LogField(absl::string_view key, absl::string_view text)
      : key_(key), value_(text), quoted_(true) {}

  LogField(absl::string_view key, const char* text)
      : LogField(key, absl::string_view(text)) {}

  LogField(absl::string_view key, const std::string& text)
      : LogField(key, absl::string_view(text)) {}

  LogField(absl::string_view key, std::integral auto number)
      : key_(key), value_(absl::StrCat(number)), quoted_(false) {}

  absl::string_view key() const { return key_; }

  absl::string_view value() const { return value_; }

  // Text, as opposed to a number.
  bool quoted() const { return quoted_; }

 private:
  std::string key_;
  std::string value_;
  bool quoted_;
};

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  Logger(LogLevel level, LogFormat format);

  // Lines go to `sink` instead of standard error, each without its newline.
  Logger(LogLevel level, LogFormat format,
         std::function<void(absl::string_view)> sink);

  void Debug(absl::string_view message, Fields fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }

  void Info(absl::string_view message, Fields fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }

  void Warning(absl::string_view message, Fields fields = {}) {
    Write(LogLevel::kWarning, message, fields);
  }

  void Error(absl::string_view message, Fields fields = {}) {
    Write(LogLevel::kError, message, fields);
  }

 private:
  void Write(LogLevel level, absl::string_view message, Fields fields);

  const LogFormat format_;
  const std::shared_ptr<spdlog::logger> out_;
};

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_LOGGING_H_
