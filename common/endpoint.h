// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"

namespace orbitmq {

// A host name, IPv4 or IPv6 literal (without brackets), and a TCP port.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  // "host:port"; an IPv6 literal is written "[::1]:9876".
  std::string ToString() const;
};

// Accepts "host:port", "[v6]:port" and, as Java peers write it, "v6-without-brackets:port" (last colon
// splits). kInvalidArgument names the text and the rule.
Result<Endpoint> ParseEndpoint(std::string_view text);
// "a:1;b:2" as in namesrvAddr; empty entries are skipped; an empty list is kInvalidArgument.
Result<std::vector<Endpoint>> ParseEndpoints(std::string_view text);

struct EndpointHash {
  size_t operator()(const Endpoint& e) const noexcept {
    return std::hash<std::string>()(e.host) * 31 + e.port;
  }
};

}  // namespace orbitmq
