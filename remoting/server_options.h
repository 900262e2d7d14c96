// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/config.h"
#include "remoting/rpc_server.h"
#include "remoting/tls.h"

namespace orbitmq::net {

// What broker and NameServer are told about TLS. Apache takes these names as Java system properties or from
// the file tls.config.file; here they stand in the same file as all other options.
struct TlsServerSettings {
  TlsMode mode = TlsMode::kPermissive;
  bool test_mode = true;  // As in Apache: without files a self-signed certificate is made.
  std::string certificate_path;
  std::string private_key_path;
  std::string private_key_password;
  std::string trusted_ca_path;
  bool need_client_certificate = false;
  // What the process itself does when it calls others (a broker its NameServers).
  bool client_enable = false;
  bool client_verify = false;  // As in Apache; the SDK's own default is to verify.
  std::string client_trusted_ca_path;
};

const OptionTable<TlsServerSettings>& TlsServerOptionTable();

// Null when the mode is disabled. Errors name the option and the file.
Result<std::shared_ptr<TlsContext>> NewServerTlsContext(const TlsServerSettings& settings);
// For outgoing connections; null unless tls.enable is set.
Result<std::shared_ptr<TlsContext>> NewOutgoingTlsContext(const TlsServerSettings& settings);

}  // namespace orbitmq::net
