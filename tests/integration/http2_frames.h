// HTTP/2 frames, as bytes, for clients that break the rules of gRPC but not
// those of HTTP/2.
//
//   connection.Send(Preface() + Settings());
//   connection.Send(Headers(1, "/ledger.v1.LedgerService/GetServerInfo"));
//   connection.Send(Reset(1));
//
// Source  RFC 9113, section 4.1; RFC 7541, appendix A (the static table).
#ifndef LEDGERD_TESTS_INTEGRATION_HTTP2_FRAMES_H_
#define LEDGERD_TESTS_INTEGRATION_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace ledgerd::integration {

inline std::string BigEndian(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

inline std::string Frame(uint32_t type, uint32_t flags, uint32_t stream,
                         const std::string& payload) {
  return BigEndian(static_cast<uint32_t>(payload.size()), 3) +
         BigEndian(type, 1) + BigEndian(flags, 1) + BigEndian(stream, 4) +
         payload;
}

inline std::string Preface() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; }

inline std::string Settings() { return Frame(4, 0, 0, ""); }

// SETTINGS_INITIAL_WINDOW_SIZE: how much of an answer may come unasked.
inline std::string WindowSetting(uint32_t bytes) {
  return Frame(4, 0, 0, BigEndian(4, 2) + BigEndian(bytes, 4));
}

inline std::string WindowUpdate(uint32_t stream, uint32_t bytes) {
  return Frame(8, 0, stream, BigEndian(bytes, 4));
}

inline std::string Ping() { return Frame(6, 0, 0, "12345678"); }

// A string literal of HPACK, of less than 127 bytes.
inline std::string Literal(const std::string& text) {
  return BigEndian(static_cast<uint32_t>(text.size()), 1) + text;
}

// A gRPC call that begins, and has not sent its message yet.
inline std::string Headers(uint32_t stream, const std::string& path) {
  const std::string block = "\x83\x86\x04" + Literal(path) + "\x01" +
                            Literal("ledgerd") + "\x0f\x10" +
                            Literal("application/grpc") + std::string(1, '\0') +
                            Literal("te") + Literal("trailers");
  return Frame(1, 4, stream, block);
}

// The whole message of a call, which ends it from the client's side.
inline std::string Data(uint32_t stream, const std::string& message) {
  return Frame(0, 1, stream,
               std::string(1, '\0') +
                   BigEndian(static_cast<uint32_t>(message.size()), 4) +
                   message);
}

inline uint32_t ReadBigEndian(const std::string& bytes, size_t at, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return value;
}

// What of a stream's messages is in `bytes`, all that a server has sent.
inline std::string DataIn(const std::string& bytes, uint32_t stream) {
  constexpr size_t kHeaderBytes = 9;
  std::string data;
  for (size_t at = 0; at + kHeaderBytes <= bytes.size();) {
    const size_t size = ReadBigEndian(bytes, at, 3);
    if (bytes[at + 3] == 0 && ReadBigEndian(bytes, at + 5, 4) == stream) {
      data += bytes.substr(at + kHeaderBytes, size);
    }
    at += kHeaderBytes + size;
  }
  return data;
}

// RST_STREAM: CANCEL.
inline std::string Reset(uint32_t stream) {
  return Frame(3, 0, stream, BigEndian(8, 4));
}

}  // namespace ledgerd::integration

#endif  // LEDGERD_TESTS_INTEGRATION_HTTP2_FRAMES_H_
