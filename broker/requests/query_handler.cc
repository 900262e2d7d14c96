// SPDX-License-Identifier: Apache-2.0
#include "broker/requests/query_handler.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/strings.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

void QueryHandler::ViewById(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::ViewMessageRequestHeader>(request);
  if (!header) return;
  auto record = store_.ReadAt(LogOffset{header->offset});
  if (!record.ok()) {
    return ReplyError(
        request, ResponseCode::kSystemError,
        StrCat("can not find message by the offset, ", header->offset, ": ", record.status().text()));
  }
  net::Response response;
  response.body.push_back(*std::move(record));
  request.Reply(std::move(response));
}

void QueryHandler::ByKey(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryMessageRequestHeader>(request);
  if (!header) return;
  store::QueryRequest query;
  query.topic = header->topic;
  query.key = header->key;
  query.messages_max = header->max_num;
  // Unique keys share the index with keys, so the answer is not cut to what the caller thinks is enough.
  if (header->unique_key_query.value_or(false)) query.messages_max = options_.Get()->default_query_max_num;
  query.messages_max = std::clamp(query.messages_max, 1, static_cast<int32_t>(limits::kPullMessagesMax));
  if (header->index_type == "T") query.type = store::KeyType::kTag;
  query.begin = FromEpochMillis(header->begin_timestamp);
  query.end = FromEpochMillis(header->end_timestamp);
  auto found = store_.Query(query);
  if (!found.ok()) return ReplyError(request, ResponseCode::kSystemError, found.status().ToString());
  if (found->records.empty()) {
    return ReplyError(request, ResponseCode::kQueryNotFound,
                      "can not find message, maybe time range not correct");
  }
  net::Response response;
  proto::QueryMessageResponseHeader reply;
  reply.index_last_update_timestamp = ToEpochMillis(found->index_update_time);
  reply.index_last_update_phyoffset = found->index_update_offset.value;
  proto::EncodeHeader(reply, response.ext);
  response.body = std::move(found->records);
  request.Reply(std::move(response));
}

}  // namespace orbitmq::broker
