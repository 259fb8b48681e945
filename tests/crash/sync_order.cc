#include "tests/crash/sync_order.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ledgerd::crash {
namespace {

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderBytes = 9;
constexpr uint32_t kDataFrame = 0;

// What one side said on a connection, and where in the trace it began to say
// each piece, by the piece's first byte.
struct Speech {
  std::string bytes;
  std::map<size_t, size_t> begun;

  size_t PlaceOf(size_t offset) const {
    return std::prev(begun.upper_bound(offset))->second;
  }
};

// A piece of a message.
struct DataFrame {
  uint32_t stream = 0;
  absl::string_view payload;
  // Where in the trace it began.
  size_t place = 0;
};

uint32_t BigEndianAt(absl::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(at, size)) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

std::vector<DataFrame> DataFramesOf(const Speech& speech) {
  const absl::string_view bytes = speech.bytes;
  std::vector<DataFrame> frames;
  size_t at = absl::StartsWith(bytes, kPreface) ? kPreface.size() : 0;
  while (at + kFrameHeaderBytes <= bytes.size()) {
    const size_t size = BigEndianAt(bytes, at, 3);
    if (BigEndianAt(bytes, at + 3, 1) == kDataFrame) {
      frames.push_back({.stream = BigEndianAt(bytes, at + 5, 4),
                        .payload = bytes.substr(at + kFrameHeaderBytes, size),
                        .place = speech.PlaceOf(at)});
    }
    at += kFrameHeaderBytes + size;
  }
  return frames;
}

// The bytes of a recvmsg or sendmsg; nothing when the trace has not all.
std::optional<std::string> BytesOf(const TracedCall& call) {
  constexpr absl::string_view kPiece = "iov_base=";
  const absl::string_view text = call.text;
  const auto size = static_cast<size_t>(call.result());
  std::string bytes;
  for (size_t at = text.find(kPiece);
       at != absl::string_view::npos && bytes.size() < size;) {
    const auto piece = ReadQuoted(text, at + kPiece.size());
    if (!piece.has_value()) return std::nullopt;
    bytes += piece->bytes;
    at = text.find(kPiece, piece->end);
  }
  if (bytes.size() < size) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

// What was written into a segment.
struct Write {
  const TracedCall* call = nullptr;
  std::string bytes;
};

struct Connection {
  Speech in;
  Speech out;
  // The trace does not have all: strace shows some messages (netlink's) in
  // another way, and long ones in part.
  bool cut = false;
};

class SyncOrderCheck {
 public:
  explicit SyncOrderCheck(const std::vector<TracedCall>& calls)
      : calls_(calls) {
    for (const TracedCall& call : calls) {
      if (call.name == "recvmsg") Add(call, &Connection::in);
      if (call.name == "sendmsg") Add(call, &Connection::out);
      if (call.name == "pwrite64") AddWrite(call);
    }
  }

  void Look(const std::string& marker) {
    const std::string name =
        absl::StrCat("marker ", absl::BytesToHexString(marker));
    const std::optional<size_t> answer = AnswerTo(marker);
    if (!answer.has_value()) {
      found_.violations.push_back(name +
                                  ": no whole request, or no whole answer");
      return;
    }
    ++found_.answers;
    const TracedCall* write = WriteOf(marker);
    if (write == nullptr || *write->ended > *answer) {
      found_.violations.push_back(name + ": answered before it was written");
    } else if (!IsSyncedBefore(*write, *answer)) {
      found_.violations.push_back(name + ": answered before it was synced");
    }
  }

  SyncOrder TakeFound() { return std::move(found_); }

 private:
  void Add(const TracedCall& call, Speech Connection::*side) {
    if (call.result() <= 0) return;
    const std::optional<std::string> bytes = BytesOf(call);
    Connection& connection = connections_[std::string(call.file())];
    if (!bytes.has_value()) {
      connection.cut = true;
      return;
    }
    Speech& speech = connection.*side;
    speech.begun[speech.bytes.size()] = call.begun;
    speech.bytes += *bytes;
  }

  // Where in the trace the answer to the request with this marker begins.
  std::optional<size_t> AnswerTo(const std::string& marker) const {
    for (const auto& [name, connection] : connections_) {
      if (connection.cut) continue;
      for (const DataFrame& request : DataFramesOf(connection.in)) {
        if (!absl::StrContains(request.payload, marker)) continue;
        for (const DataFrame& answer : DataFramesOf(connection.out)) {
          if (answer.stream == request.stream) return answer.place;
        }
      }
    }
    return std::nullopt;
  }

  void AddWrite(const TracedCall& call) {
    if (call.result() <= 0 || !absl::StrContains(call.file(), "/journal/") ||
        !absl::EndsWith(call.file(), ".segment")) {
      return;
    }
    auto written = ReadQuoted(call.text, call.text.find('"'));
    if (written.has_value()) {
      writes_.push_back({&call, std::move(written->bytes)});
    } else {
      found_.violations.push_back("the trace lacks bytes of " + call.text);
    }
  }

  const TracedCall* WriteOf(const std::string& marker) const {
    for (const Write& write : writes_) {
      if (absl::StrContains(write.bytes, marker)) return write.call;
    }
    return nullptr;
  }

  bool IsSyncedBefore(const TracedCall& write, size_t place) const {
    for (const TracedCall& call : calls_) {
      if (call.name == "fdatasync" && call.file() == write.file() &&
          call.begun > *write.ended && call.result() == 0 &&
          *call.ended < place) {
        return true;
      }
    }
    return false;
  }

  const std::vector<TracedCall>& calls_;
  std::map<std::string, Connection> connections_;
  std::vector<Write> writes_;
  SyncOrder found_;
};

}  // namespace

SyncOrder CheckSyncOrder(const std::vector<TracedCall>& calls,
                         const std::vector<std::string>& markers) {
  SyncOrderCheck check(calls);
  for (const std::string& marker : markers) check.Look(marker);
  return check.TakeFound();
}

}  // namespace ledgerd::crash
