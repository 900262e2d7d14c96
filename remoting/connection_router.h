// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/network.h"

namespace orbitmq::net {

// A Connection whose events can be handed to somebody else while it runs: the server looks at the first byte
// of a connection and then puts a TLS filter between it and itself. Every Start redirects; the first one
// starts the connection below. A redirection inside OnInput must return 0: the new consumer gets the same
// input.
std::unique_ptr<Connection> NewConnectionRouter(std::unique_ptr<Connection> raw);

}  // namespace orbitmq::net
