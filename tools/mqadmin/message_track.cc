// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/message_track.h"

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/group_view.h"
#include "tools/mqadmin/message_view.h"

namespace orbitmq::tools {
namespace {

// Whether the group's offset has passed the message, on the broker whose master is the message's store host.
Result<bool> Consumed(Session& session, const ShownMessage& message, const std::string& group) {
  const auto stats = ConsumeStatsOfGroup(session, {.group = group});
  if (!stats.ok()) return stats.status();
  const auto view = session.ClusterView();
  if (!view.ok()) return view.status();
  for (const auto& [queue, offset] : stats->offset_table) {
    if (queue.topic != message.view.topic || queue.queue_id != message.view.queue_id) continue;
    const auto broker = view->broker_addr_table.find(queue.broker_name);
    if (broker == view->broker_addr_table.end()) continue;
    const auto master = MasterAddress(broker->second);
    if (!master || master->ToString() != message.view.store_host.ToString()) continue;
    if (offset.consumer_offset > message.view.queue_offset.value) return true;
  }
  return false;
}

bool FilteredOut(const proto::ConsumerConnection& members, const ShownMessage& message) {
  const auto subscription = members.subscription_table.find(std::string(message.view.topic));
  if (subscription == members.subscription_table.end()) return false;
  const std::set<std::string>& tags = subscription->second.tags_set;
  return !tags.empty() && !tags.contains("*") && !tags.contains(message.Property(property::kTags, ""));
}

// What the broker itself said, without what was put in front of it here.
std::string_view RemarkOf(const Status& status) {
  const std::string_view text = status.text();
  const std::string mark = StrCat(" (", status.wire_code(), "): ");
  const size_t at = text.find(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

MessageTrack TrackOf(Session& session, const ShownMessage& message, const std::string& group) {
  const auto describe = [&group](const Status& why) {
    const bool offline = why.wire_code() == proto::ResponseCode::kConsumerNotOnline;
    return MessageTrack{group, offline ? "NOT_ONLINE" : "UNKNOWN",
                        StrCat("CODE:", why.wire_code(), " DESC:", RemarkOf(why))};
  };
  const auto members = ConsumersOfGroup(session, group);
  if (!members.ok()) return describe(members.status());
  if (members->consume_type == proto::ConsumeType::kConsumeActively) return {group, "PULL"};
  if (members->consume_type != proto::ConsumeType::kConsumePassively) return {group, "UNKNOWN"};
  if (members->message_model == proto::MessageModel::kBroadcasting) return {group, "CONSUME_BROADCASTING"};
  const auto consumed = Consumed(session, message, group);
  if (!consumed.ok()) return describe(consumed.status());
  if (!*consumed) return {group, "NOT_CONSUME_YET"};
  return {group, FilteredOut(*members, message) ? "CONSUMED_BUT_FILTERED" : "CONSUMED"};
}

}  // namespace

Result<std::vector<MessageTrack>> TracksOf(Session& session, const ShownMessage& message) {
  const auto route = session.Route(std::string(message.view.topic));
  if (!route.ok()) return route.status();
  std::set<std::string> groups;
  for (const proto::BrokerData& broker : route->broker_datas) {
    const auto address = SelectAddress(broker);
    if (!address) continue;
    const auto found =
        session.admin().Call(&net::AdminStub::GetGroupsOfTopic, *address, std::string(message.view.topic));
    if (!found.ok()) return found.status();
    groups.insert(found->group_list.begin(), found->group_list.end());
  }
  std::vector<MessageTrack> tracks;
  for (const std::string& group : groups) tracks.push_back(TrackOf(session, message, group));
  return tracks;
}

Status ShowTracks(Session& session, const ShownMessage& message) {
  const auto tracks = TracksOf(session, message);
  if (!tracks.ok()) session.Warn(tracks.status().Annotate("what became of it cannot be told"));
  std::string list = "[";
  session.out().Text(tracks.ok() && tracks->empty() ? "\n\nWARN: No Consumer\n" : "\n\n");
  for (const MessageTrack& track : tracks.ok() ? *tracks : std::vector<MessageTrack>()) {
    session.out().Line(StrCat("MessageTrack [consumerGroup=", track.group, ", trackType=", track.type,
                              ", exceptionDesc=", track.failure, "]"));
    StrAppend(list, list.size() == 1 ? "" : ",", "{\"consumerGroup\":", JsonText(track.group),
              ",\"trackType\":", JsonText(track.type), ",\"exceptionDesc\":", JsonText(track.failure), "}");
  }
  session.out().Append("found", StrCat("{\"message\":", MessageJson(message), ",\"tracks\":", list, "]}"));
  return {};
}

}  // namespace orbitmq::tools
