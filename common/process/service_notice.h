// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace orbitmq::process {

// Tells the service manager what this process does, if one asked for it: a datagram to the socket that
// $NOTIFY_SOCKET names (sd_notify(3), which needs no library for this). `state`: "READY=1", "STOPPING=1".
// Nobody to tell, or a manager that does not listen, is no error. On the main thread.
void NotifyService(std::string_view state);

}  // namespace orbitmq::process
