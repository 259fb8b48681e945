#include "server/grpc/operator_log.h"

namespace ledgerd::server {
namespace {

// At most kWhyBytesMax, and no half of a character at the end.
std::string Shortened(const std::string& text) {
  if (text.size() <= kWhyBytesMax) return text;
  size_t end = kWhyBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return text.substr(0, end) + "...";
}

}  // namespace

absl::Status LogRequest(Logger& logger, const OperatorRequestWords& words,
                        const std::function<absl::Status()>& act) {
  logger.Info("operator asks", {{"call", words.call},
                                {"who", words.who},
                                {"what", words.what},
                                {"why", Shortened(words.why)}});
  const absl::Status outcome = act();
  constexpr char kEnded[] = "operator's request ended";
  if (outcome.ok()) {
    logger.Info(
        kEnded,
        {{"call", words.call}, {"who", words.who}, {"outcome", "done"}});
  } else {
    logger.Warning(kEnded, {{"call", words.call},
                            {"who", words.who},
                            {"outcome", std::string(outcome.message())}});
  }
  return outcome;
}

}  // namespace ledgerd::server
