// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/network.h"

namespace orbitmq::net {

// TCP over IPv4 and IPv6 for executors made by the same RealEnv. Names are resolved on a thread of its own,
// which starts with the first name that is no address literal; all addresses of a name are tried in turn.
std::unique_ptr<Network> NewTcpNetwork();

}  // namespace orbitmq::net
