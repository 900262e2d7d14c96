// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/queue_reading.h"

#include <algorithm>

namespace orbitmq::tools {

Result<std::vector<QueueSpan>> ReadableQueues(Session& session, const std::string& topic,
                                              const std::string& route_topic) {
  const auto route = session.Route(route_topic);
  if (!route.ok()) return route.status();
  std::vector<QueueSpan> queues;
  for (const proto::QueueData& data : route->queue_datas) {
    if ((data.perm & proto::kPermRead) == 0) continue;
    for (const proto::BrokerData& broker : route->broker_datas) {
      const auto address = SelectAddress(broker);
      if (broker.broker_name != data.broker_name || !address) continue;
      for (int32_t i = 0; i < data.read_queue_nums; ++i) {
        queues.push_back({{topic, data.broker_name, i}, *address});
      }
    }
  }
  std::sort(queues.begin(), queues.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
  return queues;
}

Result<int64_t> OffsetAt(Session& session, const QueueSpan& span, const QueuePlace& place) {
  AdminClient& admin = session.admin();
  if (const int64_t* time_ms = std::get_if<int64_t>(&place)) {
    proto::SearchOffsetRequestHeader header;
    header.topic = span.queue.topic;
    header.queue_id = span.queue.queue_id;
    header.timestamp = *time_ms;
    return admin.Call(&net::BrokerStub::SearchOffset, span.broker, header);
  }
  const bool first = std::get<QueueEdge>(place) == QueueEdge::kFirst;
  return admin.Call(first ? &net::BrokerStub::GetMinOffset : &net::BrokerStub::GetMaxOffset, span.broker,
                    span.queue.topic, span.queue.queue_id);
}

}  // namespace orbitmq::tools
