// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "common/endpoint.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

TEST(Endpoint, EveryWrittenForm_IsUnderstood) {
  const struct {
    const char* text;
    const char* host;
    uint16_t port;
    const char* written;
  } cases[] = {
      {"127.0.0.1:9876", "127.0.0.1", 9876, "127.0.0.1:9876"},
      {"broker-1.example_x.com:1", "broker-1.example_x.com", 1, "broker-1.example_x.com:1"},
      {" localhost:65535 ", "localhost", 65535, "localhost:65535"},
      {"[::1]:10911", "::1", 10911, "[::1]:10911"},
      {"[fe80::1%eth0]:1", "fe80::1%eth0", 1, "[fe80::1%eth0]:1"},
      {"0:0:0:0:0:0:0:1:10911", "0:0:0:0:0:0:0:1", 10911, "[0:0:0:0:0:0:0:1]:10911"},
      {"h:0", "h", 0, "h:0"},
  };
  for (const auto& c : cases) {
    const auto endpoint = ParseEndpoint(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text << ": " << endpoint.status().text();
    EXPECT_EQ(endpoint->host, c.host);
    EXPECT_EQ(endpoint->port, c.port);
    EXPECT_EQ(endpoint->ToString(), c.written);
  }
}

TEST(Endpoint, BadText_IsRefusedWithTheReason) {
  for (const char* text : {"", ":", "host", "host:", ":1", "host:65536", "host:-1", "host:1x", "[::1]",
                           "[::1:1", "[host]:1", "[]:1", "a b:1", "a/b:1", "s//x:1", "a\n:1"}) {
    const auto endpoint = ParseEndpoint(text);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(endpoint.status().text().find("expected host:port"), std::string_view::npos);
  }
  EXPECT_FALSE(ParseEndpoint(StrCat(std::string(300, 'a'), ":1")).ok());
}

TEST(Endpoints, List_SkipsEmptyEntries) {
  const auto list = ParseEndpoints("a:1;; b:2 ;");
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[1].ToString(), "b:2");
}

TEST(Endpoints, EmptyOrBadList_IsRefused) {
  EXPECT_FALSE(ParseEndpoints("").ok());
  EXPECT_FALSE(ParseEndpoints(" ; ;").ok());
  const auto bad = ParseEndpoints("a:1;b");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.status().text().find("\"b\""), std::string_view::npos);
}

}  // namespace
}  // namespace orbitmq
