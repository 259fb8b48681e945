#include "client/ledgerctl/context.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "client/ledgerctl/values.h"
#include "proto/base/status_macros.h"

namespace ledgerd::client {
namespace {

bool UseColor() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets the environment.
  const char* no_color = std::getenv("NO_COLOR");
  return Context::IsTerminal() && (no_color == nullptr || *no_color == '\0');
}

std::string Label(absl::string_view label, absl::string_view color) {
  if (!UseColor()) return absl::StrCat(label, ": ");
  return absl::StrCat("\033[", color, "m", label, ":\033[0m ");
}

// What to do about an error, by what it is.
std::string Advice(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (reason == Reason::kOutcomeUnknown) {
    return "Run the same command again with the same ids: what was done is "
           "found, and nothing is done twice. For a change of the group see "
           "'ledgerctl status' first.";
  }
  if (reason == Reason::kOverloaded || reason == Reason::kDiskFull) {
    return "Nothing was done. See 'ledgerctl status', and try again later.";
  }
  if (ExitCodeOf(status) == ExitCode::kUnhealthy) {
    return "Nothing was done. See 'ledgerctl status' for why it cannot serve.";
  }
  if (ExitCodeOf(status) == ExitCode::kNoConnection) {
    return "Is ledgerd running? Name its address with --address "
           "(LEDGERCTL_ADDRESS); for status, journal and what changes the "
           "group with --admin-address (LEDGERCTL_ADMIN_ADDRESS).";
  }
  return "";
}

absl::Status At(const std::string& address, const absl::Status& status) {
  absl::Status located(status.code(),
                       absl::StrCat(address, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    located.SetPayload(url, payload);
  });
  return located;
}

}  // namespace

void Context::Run(const Body& body) {
  const absl::StatusOr<ExitCode> result = body();
  if (result.ok()) {
    exit_code_ = *result;
  } else {
    Fail(result.status());
  }
}

void Context::Fail(const absl::Status& status) {
  exit_code_ = ExitCodeOf(status);
  const auto reason = ReasonOf(status);
  std::cerr << Label("error", "31") << status.message();
  if (reason.has_value()) std::cerr << " [" << Name(*reason) << "]";
  std::cerr << "\n";
  if (const std::string advice = Advice(status); !advice.empty()) {
    Say(advice);
  }
}

absl::StatusOr<LedgerClient*> Context::Connect() {
  LEDGERD_ASSIGN_OR_RETURN(const auto timeout, ParseDuration(options_.timeout));
  client_ = std::make_unique<LedgerClient>(ClientOptions{
      .addresses =
          absl::StrSplit(options_.address, ',', absl::SkipWhitespace()),
      .timeout = timeout});
  const auto info = client_->GetServerInfo();
  if (!info.ok()) return At(options_.address, info.status());
  batch_max_ = info->max_batch_size == 0
                   ? kMaxBatchSize
                   : std::min(kMaxBatchSize, info->max_batch_size);
  return client_.get();
}

absl::StatusOr<AdminClient*> Context::ConnectAdmin() {
  LEDGERD_ASSIGN_OR_RETURN(const auto timeout, ParseDuration(options_.timeout));
  const std::vector<std::string> addresses =
      absl::StrSplit(options_.admin_address, ',', absl::SkipWhitespace());
  if (addresses.empty()) {
    return absl::InvalidArgumentError("--admin-address: names nobody");
  }
  admin_ = std::make_unique<AdminClient>(addresses, timeout);
  return admin_.get();
}

Printer Context::MakePrinter() const {
  const Format format = options_.output == "json"   ? Format::kJson
                        : options_.output == "yaml" ? Format::kYaml
                                                    : Format::kTable;
  return Printer(format, std::cout);
}

bool Context::Confirm(const std::string& question, const std::string& word) {
  std::cerr << question << " " << std::flush;
  std::string line;
  return std::getline(std::cin, line) && line == word;
}

void Context::Say(const std::string& words) { std::cerr << words << "\n"; }

void Context::Warn(const std::string& words) {
  std::cerr << Label("warning", "33") << words << "\n";
}

bool Context::IsTerminal() { return isatty(STDERR_FILENO) == 1; }

}  // namespace ledgerd::client
