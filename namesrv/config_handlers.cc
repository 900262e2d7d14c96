// SPDX-License-Identifier: Apache-2.0
#include "namesrv/config_handlers.h"

#include <algorithm>
#include <utility>

#include "common/config_file.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/headers.h"
#include "remoting/replies.h"

namespace orbitmq::namesrv {
namespace {

using proto::RequestCode;
using proto::ResponseCode;

// Where files lie is no peer's business to change; Apache's configBlackList.
constexpr std::string_view kNeverByPeer[] = {"configBlackList", "configStorePath", "kvConfigPath",
                                             "rocketmqHome"};

net::Response StatusReply(const Status& status) {
  if (status.ok()) return {};
  return net::ErrorResponse(ResponseCode::kSystemError, std::string(status.text()));
}

}  // namespace

void ConfigHandlers::AddTo(net::RpcServer& server) {
  const auto add = [&](int32_t code, auto handler) {
    server.Handle(code, &disk_,
                  [this, handler](net::ServerRequest request) { request.Reply((this->*handler)(request)); });
  };
  add(RequestCode::kPutKvConfig, &ConfigHandlers::PutKv);
  add(RequestCode::kGetKvConfig, &ConfigHandlers::GetKv);
  add(RequestCode::kDeleteKvConfig, &ConfigHandlers::DeleteKv);
  add(RequestCode::kGetKvlistByNamespace, &ConfigHandlers::ListKv);
  add(RequestCode::kUpdateNamesrvConfig, &ConfigHandlers::UpdateOptions);
  add(RequestCode::kGetNamesrvConfig, &ConfigHandlers::GetOptions);
}

net::Response ConfigHandlers::PutKv(const net::ServerRequest& request) {
  const auto header = proto::DecodeHeader<proto::PutKVConfigRequestHeader>(request.command());
  if (!header.ok()) return net::BadRequestResponse(header.status());
  return StatusReply(kv_.Put(header->ns, header->key, header->value));
}

net::Response ConfigHandlers::GetKv(const net::ServerRequest& request) const {
  const auto header = proto::DecodeHeader<proto::GetKVConfigRequestHeader>(request.command());
  if (!header.ok()) return net::BadRequestResponse(header.status());
  std::optional<std::string> value = kv_.Find(header->ns, header->key);
  if (!value) {
    return net::ErrorResponse(ResponseCode::kQueryNotFound,
                              "No config item, Namespace: " + header->ns + " Key: " + header->key);
  }
  return net::HeaderResponse(proto::GetKVConfigResponseHeader{std::move(*value)});
}

net::Response ConfigHandlers::DeleteKv(const net::ServerRequest& request) {
  const auto header = proto::DecodeHeader<proto::DeleteKVConfigRequestHeader>(request.command());
  if (!header.ok()) return net::BadRequestResponse(header.status());
  return StatusReply(kv_.Delete(header->ns, header->key));
}

net::Response ConfigHandlers::ListKv(const net::ServerRequest& request) const {
  const auto header = proto::DecodeHeader<proto::GetKVListByNamespaceRequestHeader>(request.command());
  if (!header.ok()) return net::BadRequestResponse(header.status());
  auto table = kv_.List(header->ns);
  if (!table)
    return net::ErrorResponse(ResponseCode::kQueryNotFound, "No config item, Namespace: " + header->ns);
  return net::BodyResponse(proto::EncodeBody(proto::KVTable{std::move(*table)}));
}

net::Response ConfigHandlers::UpdateOptions(const net::ServerRequest& request) {
  const std::string peer = request.peer()->remote().ToString();
  auto entries = ParseProperties(request.command().body, "request of " + peer);
  if (!entries.ok()) return StatusReply(entries.status());
  for (const ConfigEntry& entry : *entries) {
    if (std::find(std::begin(kNeverByPeer), std::end(kNeverByPeer), entry.key) == std::end(kNeverByPeer))
      continue;
    return net::ErrorResponse(ResponseCode::kNoPermission,
                              "Can not update config in black list: " + entry.key);
  }
  NamesrvOptions next = *options_.Load();
  const auto tables = BindNamesrvOptions(next);
  const ConfigReport report = ApplyConfig(tables, *entries, ApplyMode::kReload);
  if (Status status = report.status(); !status.ok()) return StatusReply(status);
  net::Response reply;
  for (const std::string& warning : report.warnings) StrAppend(reply.remark, warning, "; ");
  if (next.config_file.empty()) {
    StrAppend(reply.remark, "counts until the restart: the NameServer was started without -c");
  } else if (Status written = WriteChangedOptions(env_.files(), next.config_file, tables, *entries);
             !written.ok()) {
    return net::ErrorResponse(ResponseCode::kSystemError, StrCat("nothing was changed: ", next.config_file,
                                                                 ": ", written.text()));
  }
  options_.Store(std::make_shared<const NamesrvOptions>(std::move(next)));
  for (const std::string& name : report.changed) {
    env_.log().Info("option changed by a peer", {{"option", name}, {"peer", peer}});
  }
  return reply;
}

net::Response ConfigHandlers::GetOptions(const net::ServerRequest&) const {
  NamesrvOptions options = *options_.Load();
  // Without the TLS table: it holds a password.
  return net::BodyResponse(RenderProperties(
      {NamesrvOptionTable().Bind(options), net::MetricsOptionTable().Bind(options.metrics)}));
}

}  // namespace orbitmq::namesrv
