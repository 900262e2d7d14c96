// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "orbitmq/client_options.h"
#include "remoting/tls.h"

namespace orbitmq::client {

// What connections are wrapped with; null unless TLS is enabled. kInvalidArgument and kIoError name the file.
Result<std::shared_ptr<net::TlsContext>> NewClientTls(const ClientTlsOptions& options);

}  // namespace orbitmq::client
