#include "client/ledgerctl/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"

namespace ledgerd::client {
namespace {

constexpr int kWidth = 30;

}  // namespace

ProgressBar::ProgressBar()
    : is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

void ProgressBar::Show(absl::string_view what, double fraction, size_t rows) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  visible_ = true;
  const double part = std::clamp(fraction, 0.0, 1.0);
  const auto filled = static_cast<size_t>(part * kWidth);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = absl::StrFormat(
      "\r\033[K%s [%s%s] %3.0f%%  %d  %.0f/s", what, std::string(filled, '#'),
      std::string(kWidth - filled, '.'), 100 * part, rows,
      static_cast<double>(rows) / std::max(seconds, 1e-3));
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void ProgressBar::Clear() {
  if (!visible_) return;
  visible_ = false;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace ledgerd::client
