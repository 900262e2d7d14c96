// SPDX-License-Identifier: Apache-2.0
#include "client/client_tls.h"

namespace orbitmq::client {

Result<std::shared_ptr<net::TlsContext>> NewClientTls(const ClientTlsOptions& options) {
  if (!options.enabled) return std::shared_ptr<net::TlsContext>();
  return net::TlsContext::NewClient({.certificate_path = options.certificate_path,
                                     .private_key_path = options.private_key_path,
                                     .private_key_password = options.private_key_password,
                                     .trusted_ca_path = options.trusted_ca_path,
                                     .verify_peer = options.verify_peer,
                                     .test_mode_self_signed = false});
}

}  // namespace orbitmq::client
