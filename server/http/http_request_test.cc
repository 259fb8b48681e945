#include "server/http/http_request.h"

#include <string>

#include "gtest/gtest.h"

namespace ledgerd::server {
namespace {

TEST(HttpRequestTest, APathAndItsParameters) {
  const ParsedHead head =
      ParseHead("GET /standby?lag=10&x&lag=20 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.refusal, 0);
  EXPECT_TRUE(head.wants_body);
  EXPECT_EQ(head.request.path, "/standby");
  EXPECT_EQ(head.request.parameters.at("lag"), "20");
  EXPECT_EQ(head.request.parameters.at("x"), "");
}

TEST(HttpRequestTest, AHeadAlone) {
  const ParsedHead head = ParseHead("HEAD /livez HTTP/1.0\r\n\r\n");
  EXPECT_EQ(head.refusal, 0);
  EXPECT_FALSE(head.wants_body);
  EXPECT_TRUE(head.request.parameters.empty());
}

TEST(HttpRequestTest, WhatIsRefused) {
  EXPECT_EQ(ParseHead("POST /livez HTTP/1.1\r\n\r\n").refusal, 405);
  EXPECT_EQ(ParseHead("GET /livez HTTP/2.0\r\n\r\n").refusal, 505);
  for (const char* head :
       {"", "\r\n\r\n", "GET /livez\r\n\r\n", "GET  /livez HTTP/1.1\r\n\r\n",
        "GET livez HTTP/1.1\r\n\r\n", "GET /livez GOPHER\r\n\r\n"}) {
    EXPECT_EQ(ParseHead(head).refusal, 400) << head;
  }
}

TEST(HttpRequestTest, AnAnswerIsWhole) {
  const HttpAnswer answer = {.status = 503, .body = "no\n"};
  EXPECT_EQ(Serialize(answer, /*with_body=*/true),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 3\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n\r\nno\n");
  const std::string head = Serialize(answer, /*with_body=*/false);
  EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 3\r\n"), std::string::npos);
}

}  // namespace
}  // namespace ledgerd::server
