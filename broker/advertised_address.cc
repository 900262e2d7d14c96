// SPDX-License-Identifier: Apache-2.0
#include "broker/advertised_address.h"

#include <algorithm>

#include "common/endpoint.h"
#include "common/strings.h"

namespace orbitmq::broker {
namespace {

constexpr size_t kHostNameBytesMax = 253;  // RFC 1035, without the last dot.

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// "172.17." of an IPv4 address: Docker's bridges are this wide unless the operator chose otherwise.
std::string_view NetworkOf(std::string_view host) {
  if (!ParseHostAddress(host, 0).ok()) return {};
  const size_t dot = host.find('.', host.find('.') + 1);
  return dot == std::string_view::npos ? std::string_view() : host.substr(0, dot + 1);
}

bool IsDockerBridge(std::string_view host, const ProcessIdentity& identity) {
  return host.starts_with("172.17.") ||
         std::ranges::find(identity.bridge_ips, host) != identity.bridge_ips.end();
}

bool IsHostNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

}  // namespace

Status CheckAdvertisedHost(std::string_view host) {
  if (ParseHostAddress(host, 0).ok()) return {};
  // A name of digits and dots only is a mistyped address.
  const bool all_digits =
      std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  const bool name = !host.empty() && host.size() <= kHostNameBytesMax && !all_digits && host.front() != '-' &&
                    host.front() != '.' && std::ranges::all_of(host, IsHostNameByte);
  if (name) return {};
  return {StatusCode::kInvalidArgument,
          StrCat("'", Printable(host), "' is neither an IP address nor a host name")};
}

HostAddress StoreHostOf(const BrokerOptions& options, const ProcessIdentity& identity, uint16_t port) {
  if (auto host = ParseHostAddress(options.broker_ip1, port); host.ok()) return *host;
  if (auto host = ParseHostAddress(identity.ip, port); host.ok()) return *host;
  HostAddress none;
  none.port = port;
  return none;
}

std::optional<std::string> AdvertisedAddressWarning(const BrokerOptions& options,
                                                    const ProcessIdentity& identity) {
  const std::string& told = options.broker_ip1;
  const bool loopback = IsLoopback(told);
  if (!loopback && !IsDockerBridge(told, identity)) return std::nullopt;
  const auto nameservers = ParseEndpoints(options.namesrv_addr);
  if (!nameservers.ok()) return std::nullopt;  // There is none.
  const auto elsewhere = std::ranges::find_if(*nameservers, [&](const Endpoint& server) {
    return !IsLoopback(server.host) && (loopback || NetworkOf(server.host) != NetworkOf(told));
  });
  if (elsewhere == nameservers->end()) return std::nullopt;
  return StrCat("the NameServer ", elsewhere->ToString(), " will tell clients that this broker is at ", told,
                loopback ? ", which on every machine is that machine itself"
                         : ", which looks like Docker's bridge and is reachable on this machine only",
                "; set brokerIP1 to an address or host name that clients can reach");
}

}  // namespace orbitmq::broker
