// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "orbitmq/client_options.h"
#include "orbitmq/result.h"
#include "tools/mqadmin/arguments.h"

namespace orbitmq::tools {

// What one place says about TLS, by the names of the options: "tls", "tls-ca", "tls-cert", "tls-key",
// "tls-insecure". Flags have the value true or false. Nothing: that place says nothing.
using TlsSettings = std::map<std::string, std::string, std::less<>>;

// kInvalidArgument names what is no setting, or no value of one.
Status CheckTlsSetting(std::string_view name, std::string_view value);

// Those on a command line.
TlsSettings TlsSettingsOf(const Arguments& arguments);
// "tls-ca=/etc/ca.pem tls-insecure"; empty for none.
std::string TlsSettingsText(const TlsSettings& settings);

struct TlsPlaces {
  TlsSettings options{};      // Of the command line.
  TlsSettings context{};      // Of the context that names the servers.
  TlsSettings environment{};  // MQADMIN_TLS, MQADMIN_TLS_CA, ..
  std::string key_password{};  // MQADMIN_TLS_KEY_PASSWORD; for whichever key is taken.
};
// The first place that says anything counts, and counts alone: half of one and half of another is what nobody
// has tried. To name a file is to want TLS. kInvalidArgument says what is missing.
Result<ClientTlsOptions> ChooseTls(const TlsPlaces& places);

// What to do about a connection that failed; empty if TLS had nothing to do with it. `wanted`: TLS was used.
std::string TlsRemedy(std::string_view failure, bool wanted);

}  // namespace orbitmq::tools
