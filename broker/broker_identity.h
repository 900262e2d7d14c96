// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/message_codec.h"

namespace orbitmq::broker {

// Who this broker is, once its port is known. A value.
struct BrokerIdentity {
  std::string name;
  std::string cluster;
  int64_t id = 0;
  std::string ip;          // brokerIP1.
  std::string address;     // "ip:port" that clients use.
  std::string ha_address;  // "ip:port" that slaves would use.
  HostAddress store_host;  // The address as records carry it.
};

}  // namespace orbitmq::broker
