#include "server/http/http_request.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ledgerd::server {
namespace {

absl::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

HttpRequest ParseTarget(absl::string_view target) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(target, absl::MaxSplits('?', 1));
  HttpRequest request;
  request.path = std::string(parts.first);
  for (const absl::string_view parameter :
       absl::StrSplit(parts.second, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    request.parameters[std::string(pair.first)] = std::string(pair.second);
  }
  return request;
}

}  // namespace

ParsedHead ParseHead(absl::string_view head) {
  ParsedHead parsed;
  const absl::string_view line = head.substr(0, head.find("\r\n"));
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words.size() != 3 || !absl::StartsWith(words[1], "/") ||
      !absl::StartsWith(words[2], "HTTP/")) {
    parsed.refusal = 400;
  } else if (!absl::StartsWith(words[2], "HTTP/1.")) {
    parsed.refusal = 505;
  } else if (words[0] != "GET" && words[0] != "HEAD") {
    parsed.refusal = 405;
  } else {
    parsed.wants_body = words[0] == "GET";
    parsed.request = ParseTarget(words[1]);
  }
  return parsed;
}

std::string Serialize(const HttpAnswer& answer, bool with_body) {
  return absl::StrCat(
      "HTTP/1.1 ", answer.status, " ", ReasonOf(answer.status),
      "\r\nContent-Type: ", answer.type,
      "\r\nContent-Length: ", answer.body.size(),
      answer.status == 405 ? "\r\nAllow: GET, HEAD" : "",
      "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
      with_body ? absl::string_view(answer.body) : absl::string_view());
}

}  // namespace ledgerd::server
