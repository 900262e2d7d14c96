// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/order_conf.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::tools {
namespace {

constexpr char kNamespace[] = "ORDER_TOPIC_CONFIG";

}  // namespace

Result<std::string> GetOrderConf(Session& session, const std::string& topic) {
  const auto reply = session.admin().CallNamesrv(&net::NamesrvStub::GetKv,
                                                 proto::GetKVConfigRequestHeader{kNamespace, topic});
  if (!reply.ok()) return reply.status();
  return reply->value;
}

Status PutOrderConf(Session& session, const std::string& topic, const std::string& conf) {
  return session.ChangeAll(
      StrCat("set the order of topic ", topic, " to ", conf), session.admin().name_servers(),
      [](const Endpoint&) {}, &net::NamesrvStub::PutKv,
      proto::PutKVConfigRequestHeader{kNamespace, topic, conf});
}

Status DeleteOrderConf(Session& session, const std::string& topic) {
  return session.ChangeAll(
      StrCat("delete the order of topic ", topic), session.admin().name_servers(), [](const Endpoint&) {},
      &net::NamesrvStub::DeleteKv, proto::DeleteKVConfigRequestHeader{kNamespace, topic});
}

Status MergeOrderConf(Session& session, const std::string& topic, const std::string& broker, int32_t queues) {
  const auto old = GetOrderConf(session, topic);
  if (!old.ok() && old.status().wire_code() != proto::ResponseCode::kQueryNotFound) return old.status();
  std::map<std::string, std::string> by_broker;
  for (const std::string_view piece : Split(old.ok() ? std::string_view(*old) : "", ';')) {
    const size_t colon = piece.rfind(':');
    if (colon != std::string_view::npos)
      by_broker[std::string(piece.substr(0, colon))] = piece.substr(colon + 1);
  }
  by_broker[broker] = StrCat(queues);
  std::string conf;
  for (const auto& [name, count] : by_broker) {
    StrAppend(conf, conf.empty() ? "" : ";", name, ":", count);
  }
  return PutOrderConf(session, topic, conf);
}

}  // namespace orbitmq::tools
