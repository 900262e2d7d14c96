// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/network.h"

namespace orbitmq::net {

// Files are PEM. Empty = not used. Source of the server defaults: Apache's TlsSystemConfig.
struct TlsOptions {
  std::string certificate_path;
  std::string private_key_path;
  std::string private_key_password;
  std::string trusted_ca_path;  // Client: empty = the system's store. Server: needed to verify clients.
  // Client: verifies chain and host name. Server: requires a client certificate, if trusted_ca_path is given.
  bool verify_peer = true;
  bool test_mode_self_signed =
      false;  // Server without files: makes a self-signed certificate (Apache's test mode).
};

// An immutable OpenSSL context, shared by connections. Threads: any.
class TlsContext {
 public:
  // kInvalidArgument / kIoError name the file and OpenSSL's reason.
  static Result<std::shared_ptr<TlsContext>> NewServer(const TlsOptions& options);
  static Result<std::shared_ptr<TlsContext>> NewClient(const TlsOptions& options);
  virtual ~TlsContext() = default;
};

// The first byte of a TLS ClientHello; a plain frame starts with 0x00.
inline constexpr unsigned char kTlsHandshakeByte = 0x16;

// A byte filter above any Connection (memory BIOs), so that TLS runs in the simulator too. The returned
// connection delivers clear text; handshake failures arrive as OnClosed with OpenSSL's reason.
std::unique_ptr<Connection> WrapServerTls(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Connection> raw);
// `host_name` is what the certificate must name.
std::unique_ptr<Connection> WrapClientTls(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Connection> raw, const std::string& host_name);

}  // namespace orbitmq::net
