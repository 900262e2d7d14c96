// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/tls_choice.h"

#include <algorithm>
#include <array>

#include "common/strings.h"

namespace orbitmq::tools {
namespace {

constexpr auto kFlags = std::to_array<std::string_view>({"tls", "tls-insecure"});
constexpr auto kPaths = std::to_array<std::string_view>({"tls-ca", "tls-cert", "tls-key"});

template <class Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Path(const TlsSettings& settings, std::string_view name) {
  const auto at = settings.find(name);
  return at == settings.end() ? std::string() : at->second;
}

bool Flag(const TlsSettings& settings, std::string_view name, bool otherwise) {
  const auto at = settings.find(name);
  return at == settings.end() ? otherwise : ParseBool(at->second).value_or(otherwise);
}

}  // namespace

Status CheckTlsSetting(std::string_view name, std::string_view value) {
  if (Contains(kFlags, name)) {
    if (ParseBool(value)) return {};
    return {StatusCode::kInvalidArgument,
            StrCat(name, " is '", Printable(value), "', which is neither true nor false")};
  }
  if (!Contains(kPaths, name)) {
    return {StatusCode::kInvalidArgument,
            StrCat("'", Printable(name), "' is no setting; there are ", Join(kFlags, ", "), ", ",
                   Join(kPaths, ", "))};
  }
  if (!value.empty()) return {};
  return {StatusCode::kInvalidArgument, StrCat(name, " names no file")};
}

TlsSettings TlsSettingsOf(const Arguments& arguments) {
  TlsSettings settings;
  for (const std::string_view name : kFlags) {
    if (arguments.Has(name)) settings.emplace(name, "true");
  }
  for (const std::string_view name : kPaths) {
    if (arguments.Has(name)) settings.emplace(name, arguments.Text(name));
  }
  return settings;
}

std::string TlsSettingsText(const TlsSettings& settings) {
  std::string out;
  for (const auto& [name, value] : settings) {
    StrAppend(out, out.empty() ? "" : " ", name, value == "true" ? "" : StrCat("=", value));
  }
  return out;
}

Result<ClientTlsOptions> ChooseTls(const TlsPlaces& places) {
  const TlsSettings& chosen = !places.options.empty()   ? places.options
                              : !places.context.empty() ? places.context
                                                        : places.environment;
  for (const auto& [name, value] : chosen) {
    if (Status sound = CheckTlsSetting(name, value); !sound.ok()) return sound;
  }
  ClientTlsOptions tls;
  tls.enabled = Flag(chosen, "tls", !chosen.empty());
  tls.trusted_ca_path = Path(chosen, "tls-ca");
  tls.certificate_path = Path(chosen, "tls-cert");
  tls.private_key_path = Path(chosen, "tls-key");
  tls.private_key_password = places.key_password;
  tls.verify_peer = !Flag(chosen, "tls-insecure", false);
  if (tls.certificate_path.empty() != tls.private_key_path.empty()) {
    return Status(StatusCode::kInvalidArgument, "give --tls-cert and --tls-key together, or neither");
  }
  return tls;
}

std::string TlsRemedy(std::string_view failure, bool wanted) {
  const auto says = [failure](std::string_view text) { return failure.find(text) != std::string_view::npos; };
  if (!wanted) {
    if (!says("closed the connection")) return "";
    return "; a server that enforces TLS closes plain connections: try --tls";
  }
  if (says("closed the connection during the handshake") || says("wrong version number")) {
    return "; it seems to serve no TLS: leave --tls and the TLS settings of context and environment away, or "
           "set its tls.server.mode";
  }
  if (says("mismatch")) {
    return "; its certificate is for another name: use a name or address that is in it, or --tls-insecure";
  }
  if (says("certificate verify failed")) {
    return "; --tls-ca names the file with the authority that signed it, --tls-insecure trusts any";
  }
  if (says("certificate required") || says("handshake failure") || says("bad certificate") ||
      says("unknown ca")) {
    return "; it wants a client certificate that it trusts: --tls-cert and --tls-key";
  }
  if (says("closed the connection")) {
    return "; did it stop, or does it want a client certificate (--tls-cert, --tls-key)?";
  }
  return "";
}

}  // namespace orbitmq::tools
