// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/message_codec.h"

namespace orbitmq::broker {

// Who this broker is, once its ports are known: what stays the same whatever its role (its brokerId does not:
// LiveOptions has it). A value.
struct BrokerIdentity {
  std::string name;
  std::string cluster;
  std::string ip;          // brokerIP1.
  std::string address;     // "ip:port" that clients use.
  std::string ha_address;  // "ip:port" that slaves would use while it leads.
  HostAddress store_host;  // The address as records carry it.
};

}  // namespace orbitmq::broker
