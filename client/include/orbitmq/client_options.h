// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "orbitmq/time.h"

namespace orbitmq {

enum class ClientLogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

// Receives one finished line without a newline ("message key=value ..."), never a body or a credential.
// Called on any SDK thread, several at a time; must not block and must not call the SDK.
using ClientLogCallback = std::function<void(ClientLogLevel level, std::string_view line)>;

// TLS towards NameServers and brokers. Paths are PEM files; an empty path is not used.
struct ClientTlsOptions {
  bool enabled = false;
  std::string trusted_ca_path;  // Empty = the system's store.
  std::string certificate_path;
  std::string private_key_path;
  std::string private_key_password;
  // Check the chain and the host name. Switch it off for tests only.
  bool verify_peer = true;
};

// What producers and consumers have in common. Those with the same client id in one process share
// connections, routes and heartbeats; the options of the first one count then.
struct ClientOptions {
  // "host:port;host:port": every NameServer. Empty = the environment variable NAMESRV_ADDR.
  // Host names, IPv4 and bracketed IPv6 literals.
  std::string namesrv_addr;
  // The address in the client id. Empty = the first address of this machine that is not loopback.
  std::string client_ip;
  // The client id is client_ip@instance_name. "DEFAULT" becomes pid#number: one number per NameServer list,
  // and a further one when the group is taken already, so that two members of a group need no names.
  std::string instance_name = "DEFAULT";
  // Appended to the client id as @unit_name. Empty = none.
  std::string unit_name;
  // Of one request that is neither a send nor a pull: 1 ms and up.
  Millis request_timeout{3000};
  // 1 s and up each.
  Millis route_poll_interval{30000};
  Millis heartbeat_interval{30000};
  Millis offset_persist_interval{5000};
  ClientTlsOptions tls;
  // Unset = silent. The SDK writes to no stream and no file by itself. Called until everything that shares
  // the client id is shut down, never afterwards.
  ClientLogCallback log;
  ClientLogLevel log_level = ClientLogLevel::kInfo;
};

}  // namespace orbitmq
