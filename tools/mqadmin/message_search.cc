// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/message_search.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"

namespace orbitmq::tools {
namespace {

// The index knows hashes only: whether a message really has the key.
bool HasKey(const ShownMessage& message, const KeyQuery& query) {
  if (message.view.topic != query.topic) return false;
  if (query.unique) return message.UniqueKey() == query.key;
  if (query.type == "T") return message.Property(property::kTags, "") == query.key;
  const std::string keys = message.Property(property::kKeys, "");
  for (const std::string_view key : Split(keys, property::kKeySeparator)) {
    if (key == query.key) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<ShownMessage>> FindByKey(Session& session, const KeyQuery& query) {
  const auto route = session.Route(query.cluster.empty() ? query.topic : query.cluster);
  if (!route.ok()) return route.status();
  std::vector<Endpoint> brokers;
  std::vector<std::string> names;
  for (const proto::BrokerData& broker : route->broker_datas) {
    auto address = SelectAddress(broker);
    if (!address) continue;
    brokers.push_back(*std::move(address));
    names.push_back(broker.broker_name);
  }
  proto::QueryMessageRequestHeader header;
  header.topic = query.topic;
  header.key = query.key;
  header.max_num = query.count;
  header.begin_timestamp = query.begin;
  header.end_timestamp = query.end;
  if (query.type != "K") header.index_type = query.type;
  if (query.unique) header.unique_key_query = true;
  std::vector<ShownMessage> found;
  Status failure;
  const auto replies = session.admin().CallAll(&net::AdminStub::QueryMessages, brokers, header);
  for (size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) {
      if (replies[i].status().wire_code() == proto::ResponseCode::kQueryNotFound) continue;
      if (failure.ok()) failure = replies[i].status();
      session.Unanswered(replies[i].status());
      continue;
    }
    auto messages = DecodeMessages(replies[i]->view(), names[i]);
    if (!messages.ok()) return messages.status().Annotate(brokers[i].ToString());
    for (ShownMessage& message : *messages) {
      if (HasKey(message, query)) found.push_back(std::move(message));
    }
  }
  if (!found.empty()) return found;
  if (!failure.ok()) return failure;
  return Status(StatusCode::kNotFound, StrCat("query message by key finished, but no message: the topic ",
                                              query.topic, " has none with the key ", query.key))
      .WithWireCode(proto::ResponseCode::kNoMessage);
}

}  // namespace orbitmq::tools
