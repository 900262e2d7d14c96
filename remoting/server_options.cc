// SPDX-License-Identifier: Apache-2.0
#include "remoting/server_options.h"

namespace orbitmq::net {
namespace {

constexpr std::string_view kModes[] = {"disabled", "permissive", "enforcing"};

}  // namespace

const OptionTable<TlsServerSettings>& TlsServerOptionTable() {
  using S = TlsServerSettings;
  static const OptionTable<S> table({
      ChoiceOption<&S::mode>("tls.server.mode", kModes, Reload::kNo,
                             "Whether connections use TLS: never, as the client likes, or always."),
      BoolOption<&S::test_mode>("tls.test.mode.enable", Reload::kNo,
                                "Without certificate files serve TLS with a self-signed certificate."),
      TextOption<&S::certificate_path>("tls.server.certPath", Reload::kNo,
                                       "PEM file with the server's certificate chain."),
      TextOption<&S::private_key_path>("tls.server.keyPath", Reload::kNo, "PEM file with its private key."),
      TextOption<&S::private_key_password>("tls.server.keyPassword", Reload::kNo,
                                           "Password of the key file."),
      TextOption<&S::trusted_ca_path>("tls.server.trustCertPath", Reload::kNo,
                                      "PEM file with the authorities that may sign client certificates."),
      BoolOption<&S::need_client_certificate>("tls.server.authClient", Reload::kNo,
                                              "Refuse clients without a certificate signed by one of those."),
      BoolOption<&S::client_enable>("tls.enable", Reload::kNo,
                                    "Use TLS for outgoing connections (a broker's to its NameServers)."),
      BoolOption<&S::client_verify>("tls.client.authServer", Reload::kNo,
                                    "Check chain and host name of the server that is called."),
      TextOption<&S::client_trusted_ca_path>(
          "tls.client.trustCertPath", Reload::kNo,
          "PEM file with the authorities trusted for that; empty: the system's."),
  });
  return table;
}

Result<std::shared_ptr<TlsContext>> NewServerTlsContext(const TlsServerSettings& settings) {
  if (settings.mode == TlsMode::kDisabled) return std::shared_ptr<TlsContext>();
  const bool files = !settings.certificate_path.empty() || !settings.private_key_path.empty();
  if (!files && !settings.test_mode) {
    if (settings.mode == TlsMode::kPermissive) return std::shared_ptr<TlsContext>();
    return Status(StatusCode::kInvalidArgument,
                  "tls.server.mode=enforcing needs tls.server.certPath and tls.server.keyPath");
  }
  if (settings.need_client_certificate && settings.trusted_ca_path.empty()) {
    return Status(StatusCode::kInvalidArgument, "tls.server.authClient=true needs tls.server.trustCertPath");
  }
  TlsOptions options;
  options.certificate_path = settings.certificate_path;
  options.private_key_path = settings.private_key_path;
  options.private_key_password = settings.private_key_password;
  options.trusted_ca_path = settings.trusted_ca_path;
  options.verify_peer = settings.need_client_certificate;
  options.test_mode_self_signed = !files;
  Result<std::shared_ptr<TlsContext>> context = TlsContext::NewServer(options);
  if (!context.ok()) return context.status().Annotate("TLS");
  return context;
}

Result<std::shared_ptr<TlsContext>> NewOutgoingTlsContext(const TlsServerSettings& settings) {
  if (!settings.client_enable) return std::shared_ptr<TlsContext>();
  TlsOptions options;
  options.trusted_ca_path = settings.client_trusted_ca_path;
  options.verify_peer = settings.client_verify;
  Result<std::shared_ptr<TlsContext>> context = TlsContext::NewClient(options);
  if (!context.ok()) return context.status().Annotate("outgoing TLS");
  return context;
}

}  // namespace orbitmq::net
