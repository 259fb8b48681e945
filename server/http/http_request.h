// What the head of an HTTP/1 request asks, as far as monitoring goes.
//
//   const ParsedHead head = ParseHead("GET /standby?lag=100 HTTP/1.1\r\n...");
//   if (head.refusal != 0) ...          // 400, 405 or 505: an answer's status
//   head.request.path, head.request.parameters ...
//
// Shape   GET and HEAD. Headers are passed over, a body has no meaning. Nothing
//         is decoded: what monitoring asks has no character that needs it.
// Source  RFC 9112.
#ifndef LEDGERD_SERVER_HTTP_HTTP_REQUEST_H_
#define LEDGERD_SERVER_HTTP_HTTP_REQUEST_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace ledgerd::server {

struct HttpRequest {
  std::string path;
  // Of the query; the last one of a name counts.
  std::map<std::string, std::string> parameters;
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};

struct ParsedHead {
  // The status of the answer when it is refused; else 0.
  int refusal = 0;
  bool wants_body = true;
  HttpRequest request;
};

ParsedHead ParseHead(absl::string_view head);

// The answer as it is sent: the connection ends after it.
std::string Serialize(const HttpAnswer& answer, bool with_body);

}  // namespace ledgerd::server

#endif  // LEDGERD_SERVER_HTTP_HTTP_REQUEST_H_
