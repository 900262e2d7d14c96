// SPDX-License-Identifier: Apache-2.0
#include "common/endpoint.h"

#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr size_t kHostBytesMax = 255;

Status Bad(std::string_view text, std::string_view why) {
  return {StatusCode::kInvalidArgument,
          StrCat("address \"", Printable(text), "\": ", why, "; expected host:port or [ipv6]:port")};
}

bool HostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

}  // namespace

std::string Endpoint::ToString() const {
  if (host.find(':') != std::string::npos) return StrCat('[', host, "]:", port);
  return StrCat(host, ':', port);
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  const size_t colon = trimmed.rfind(':');
  if (colon == std::string_view::npos) return Bad(text, "no port");
  std::string_view host = trimmed.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return Bad(text, "no ']' before the port");
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return Bad(text, "no IPv6 address in brackets");
  }
  if (host.empty()) return Bad(text, "no host");
  if (host.size() > kHostBytesMax) return Bad(text, "the host is longer than 255 characters");
  for (const char c : host) {
    if (!HostCharacter(c)) return Bad(text, "a character that no host may have");
  }
  const auto port = ParseInt<uint16_t>(trimmed.substr(colon + 1));
  if (!port) return Bad(text, "the port is not a number in 0..65535");
  return Endpoint{std::string(host), *port};
}

Result<std::vector<Endpoint>> ParseEndpoints(std::string_view text) {
  std::vector<Endpoint> out;
  for (const std::string_view piece : Split(text, ';')) {
    if (IsBlank(piece)) continue;
    auto endpoint = ParseEndpoint(piece);
    if (!endpoint) return endpoint.status();
    out.push_back(*std::move(endpoint));
  }
  if (out.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the list of addresses is empty; expected host:port, several separated by ';'");
  }
  return out;
}

}  // namespace orbitmq
