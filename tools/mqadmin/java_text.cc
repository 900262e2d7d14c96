// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/java_text.h"

#include "common/strings.h"
#include "common/utf8.h"

namespace orbitmq::tools {

std::string JavaMapText(const std::map<std::string, std::string>& map) {
  std::string out = "{";
  for (const auto& [key, value] : map) StrAppend(out, out.size() == 1 ? "" : ", ", key, "=", value);
  return out + "}";
}

std::string PermText(int32_t perm) {
  std::string text = "---";
  if ((perm & proto::kPermRead) != 0) text[0] = 'R';
  if ((perm & proto::kPermWrite) != 0) text[1] = 'W';
  if ((perm & proto::kPermInherit) != 0) text[2] = 'X';
  return text;
}

std::string QueueText(const MessageQueue& queue) {
  return StrCat("MessageQueue [topic=", queue.topic, ", brokerName=", queue.broker_name,
                ", queueId=", queue.queue_id, "]");
}

std::string TopicConfigText(const proto::TopicConfig& topic) {
  return StrCat("TopicConfig [topicName=", topic.topic_name, ", readQueueNums=", topic.read_queue_nums,
                ", writeQueueNums=", topic.write_queue_nums, ", perm=", PermText(topic.perm),
                ", topicFilterType=", proto::EnumName(topic.topic_filter_type),
                ", topicSysFlag=", topic.topic_sys_flag, ", order=", topic.order,
                ", attributes=", JavaMapText(topic.attributes), "]");
}

std::string JavaVersion(int32_t version) {
  // Two numbers per release, the snapshot first. Before 3.1.0 the names follow no rule; from 3.3 to 3.9 there
  // are no releases x.y.0.
  constexpr int32_t k310 = 46;
  constexpr int32_t k331 = 86;
  constexpr int32_t k400 = 212;
  constexpr int32_t kHighest = 512 + 400;
  if (version < k310) return "V3_0_0";
  if (version >= kHighest) return "HIGHER_VERSION";
  int32_t major = 3;
  int32_t minor = 0;
  int32_t patch = 0;
  if (version >= k400) {
    major = 4 + (version - k400) / 200;
    minor = (version - k400) % 200 / 20;
    patch = (version - k400) % 20 / 2;
  } else if (version >= k331) {
    minor = 3 + (version - k331) / 18;
    patch = 1 + (version - k331) % 18 / 2;
  } else {
    minor = 1 + (version - k310) / 20;
    patch = (version - k310) % 20 / 2;
  }
  return StrCat("V", major, "_", minor, "_", patch, version % 2 == 0 ? "_SNAPSHOT" : "");
}

std::string JavaString(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Step step = DecodeUtf8(bytes);
    AppendUtf8(out, step.code_point);
    bytes.remove_prefix(step.bytes);
  }
  return out;
}

Result<std::map<std::string, std::string>> ParseAttributes(std::string_view text) {
  std::map<std::string, std::string> attributes;
  for (const std::string_view piece : Split(text, ',')) {
    const size_t equals = piece.find('=');
    const std::string_view key = piece.substr(0, equals);
    const bool sets = equals != std::string_view::npos;
    if (key.size() < 2 || key[0] != (sets ? '+' : '-')) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("'", Printable(piece), "' is no attribute; +key=value sets one, -key removes it"));
    }
    if (!attributes.emplace(key, sets ? piece.substr(equals + 1) : "").second) {
      return Status(StatusCode::kInvalidArgument, StrCat("attribute ", Printable(key), " is given twice"));
    }
  }
  return attributes;
}

}  // namespace orbitmq::tools
