// A line on stderr that shows how far a long work is; nothing when stderr is no
// terminal.
//
//   ProgressBar bar;
//   bar.Show("transfers", 0.4, 19'600);
//   bar.Clear();
#ifndef LEDGERD_CLIENT_LEDGERCTL_PROGRESS_BAR_H_
#define LEDGERD_CLIENT_LEDGERCTL_PROGRESS_BAR_H_

#include <chrono>
#include <cstddef>

#include "absl/strings/string_view.h"

namespace ledgerd::client {

class ProgressBar {
 public:
  ProgressBar();

  ~ProgressBar() { Clear(); }

  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Redraws at most ten times a second.
  void Show(absl::string_view what, double fraction, size_t rows);

  // Takes the line away, for words.
  void Clear();

 private:
  const bool is_terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  bool visible_ = false;
};

}  // namespace ledgerd::client

#endif  // LEDGERD_CLIENT_LEDGERCTL_PROGRESS_BAR_H_
