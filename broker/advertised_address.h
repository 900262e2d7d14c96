// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/broker_options.h"
#include "common/env.h"
#include "common/message_codec.h"

namespace orbitmq::broker {

// brokerIP1 and brokerIP2, the addresses that others are told. Pure functions.

// OK for an IPv4 or IPv6 literal, and for a host name (letters, digits, '-', '.', at most 253 bytes); else
// kInvalidArgument.
Status CheckAdvertisedHost(std::string_view host);

// The address that records and message ids carry, which hold no names: brokerIP1, or this machine's address
// when brokerIP1 is a host name.
HostAddress StoreHostOf(const BrokerOptions& options, const ProcessIdentity& identity, uint16_t port);

// What an operator should know before clients are told of brokerIP1: it is loopback, in Docker's default
// bridge (172.17.0.0/16), or this machine's address in another bridge of Docker's, while a NameServer is
// elsewhere. With the remedy; nullopt when all is well.
std::optional<std::string> AdvertisedAddressWarning(const BrokerOptions& options,
                                                    const ProcessIdentity& identity);

}  // namespace orbitmq::broker
