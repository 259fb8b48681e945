#include "server/logging.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

#include "spdlog/sinks/base_sink.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace ledgerd::server {
namespace {

// To a function, for tests.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(absl::string_view)> write)
      : write_(std::move(write)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_(absl::string_view(message.payload.data(), message.payload.size()));
  }

  void flush_() override {}

 private:
  std::function<void(absl::string_view)> write_;
};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

absl::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::shared_ptr<spdlog::logger> MakeLogger(LogLevel level,
                                           spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("ledgerd", std::move(sink));
  logger->set_level(ToSpdlog(level));
  // The lines are ours; spdlog adds nothing to them.
  logger->set_pattern("%v");
  return logger;
}

// RFC 3339, in UTC, to the millisecond.
std::string TimeNow() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          now.time_since_epoch())
                          .count() %
                      1'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const size_t size = std::strftime(text, sizeof(text), "%FT%T", &utc);
  return absl::StrFormat("%s.%03dZ", absl::string_view(text, size), millis);
}

// As in JSON: RFC 8259, section 7.
std::string Quote(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<int>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

bool IsPlain(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' &&
           c != '\\' && c != '=';
  });
}

std::string FormatText(LogLevel level, absl::string_view message,
                       Logger::Fields fields) {
  std::string line =
      absl::StrFormat("%s %-7s %s", TimeNow(), Name(level), message);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key(), "=",
                    IsPlain(field.value()) ? std::string(field.value())
                                           : Quote(field.value()));
  }
  return line;
}

std::string FormatJson(LogLevel level, absl::string_view message,
                       Logger::Fields fields) {
  std::string line =
      absl::StrCat(R"({"time":)", Quote(TimeNow()), R"(,"level":)",
                   Quote(Name(level)), R"(,"message":)", Quote(message));
  for (const LogField& field : fields) {
    absl::StrAppend(
        &line, ",", Quote(field.key()), ":",
        field.quoted() ? Quote(field.value()) : std::string(field.value()));
  }
  return line + "}";
}

}  // namespace

LogLevel ParseLogLevel(absl::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kWarning, LogLevel::kError}) {
    if (name == Name(level)) return level;
  }
  return LogLevel::kInfo;
}

LogFormat ParseLogFormat(absl::string_view name) {
  return name == "json" ? LogFormat::kJson : LogFormat::kText;
}

Logger::Logger(LogLevel level, LogFormat format)
    : format_(format),
      out_(MakeLogger(level,
                      std::make_shared<spdlog::sinks::stderr_sink_mt>())) {}

Logger::Logger(LogLevel level, LogFormat format,
               std::function<void(absl::string_view)> sink)
    : format_(format),
      out_(MakeLogger(level, std::make_shared<FunctionSink>(std::move(sink)))) {
}

void Logger::Write(LogLevel level, absl::string_view message, Fields fields) {
  const auto severity = ToSpdlog(level);
  if (!out_->should_log(severity)) return;
  const std::string line = format_ == LogFormat::kJson
                               ? FormatJson(level, message, fields)
                               : FormatText(level, message, fields);
  out_->log(severity, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace ledgerd::server
