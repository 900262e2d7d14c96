// SPDX-License-Identifier: Apache-2.0
#include "common/names.h"

#include <algorithm>
#include <array>

#include "common/limits.h"
#include "common/strings.h"

namespace orbitmq {
namespace {

constexpr std::string_view kAllowed = "^[%|a-zA-Z0-9_-]+$";

bool NameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '%' || c == '|' ||
         c == '_' || c == '-';
}

bool HasIllegalCharacter(std::string_view name) {
  return !std::all_of(name.begin(), name.end(), NameCharacter);
}

template <size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status Bad(std::string text) { return {StatusCode::kInvalidArgument, text}; }

// The remark repeats the name; one of a hostile peer may have megabytes.
std::string Shown(std::string_view name) { return Printable(name, 1024); }

}  // namespace

Status CheckTopicName(std::string_view topic) {
  if (IsBlank(topic)) return Bad("The specified topic is blank.");
  if (HasIllegalCharacter(topic)) {
    return Bad(StrCat("The specified topic: ", Shown(topic), ", contains illegal characters, allowing only ",
                      kAllowed));
  }
  if (IsRetryTopic(topic) || IsDlqTopic(topic)) {
    if (topic.size() <= limits::kRetryTopicBytesMax) return Status::Ok();
    return Bad(StrCat("The specified topic is DLQ or Retry topic: ", Shown(topic),
                      ", and it's longer than topic max length: ", limits::kRetryTopicBytesMax));
  }
  if (topic.size() <= limits::kTopicBytesMax) return Status::Ok();
  return Bad(StrCat("The specified topic: ", Shown(topic),
                    ", is longer than topic max length: ", limits::kTopicBytesMax));
}

Status CheckGroupName(std::string_view group) {
  if (IsBlank(group)) return Bad("The specified group is blank.");
  if (HasIllegalCharacter(group)) {
    return Bad(StrCat("The specified group: ", Shown(group), ", contains illegal characters, allowing only ",
                      kAllowed));
  }
  if (group.size() <= limits::kGroupBytesMax) return Status::Ok();
  return Bad(StrCat("The specified group: ", Shown(group),
                    ", is longer than group max length: ", limits::kGroupBytesMax));
}

bool IsSystemTopic(std::string_view topic) {
  static constexpr auto kTopics = std::to_array<std::string_view>({
      names::kAutoCreateTopic,
      names::kScheduleTopic,
      names::kBenchmarkTopic,
      names::kTransHalfTopic,
      names::kTraceTopic,
      names::kTransOpHalfTopic,
      names::kTransCheckMaxTimeTopic,
      names::kSelfTestTopic,
      names::kOffsetMovedTopic,
      names::kCheckpointTopic,
  });
  return topic.starts_with(names::kSystemTopicPrefix) || Contains(kTopics, topic);
}

bool IsSendForbiddenTopic(std::string_view topic) {
  static constexpr auto kTopics = std::to_array<std::string_view>({
      names::kScheduleTopic,
      names::kTransHalfTopic,
      names::kTransOpHalfTopic,
      names::kTransCheckMaxTimeTopic,
      names::kSelfTestTopic,
      names::kOffsetMovedTopic,
  });
  return Contains(kTopics, topic);
}

bool IsSystemGroup(std::string_view group) { return group.starts_with(names::kSystemGroupPrefix); }

bool IsPredefinedGroup(std::string_view group) {
  static constexpr auto kGroups = std::to_array<std::string_view>({
      names::kDefaultConsumerGroup,
      names::kDefaultProducerGroup,
      names::kToolsConsumerGroup,
      names::kScheduleConsumerGroup,
      names::kFilterServerGroup,
      names::kMonitorConsumerGroup,
      names::kClientInnerProducerGroup,
      names::kSelfTestProducerGroup,
      names::kSelfTestConsumerGroup,
      names::kOnsHttpProxyGroup,
      names::kOnsApiPermissionGroup,
      names::kOnsApiOwnerGroup,
      names::kOnsApiPullGroup,
      names::kTransConsumerGroup,
  });
  return Contains(kGroups, group);
}

std::string RetryTopic(std::string_view group) { return StrCat(names::kRetryPrefix, group); }
std::string DlqTopic(std::string_view group) { return StrCat(names::kDlqPrefix, group); }
std::string ReplyTopic(std::string_view cluster) { return StrCat(cluster, names::kReplyTopicSuffix); }
std::string PopRetryTopic(std::string_view topic, std::string_view group) {
  return StrCat(names::kRetryPrefix, group, '_', topic);
}
std::string PopRetryTopicV2(std::string_view topic, std::string_view group) {
  return StrCat(names::kRetryPrefix, group, '+', topic);
}

std::string_view GroupOfRetryOrDlqTopic(std::string_view topic) {
  if (IsRetryTopic(topic)) return topic.substr(names::kRetryPrefix.size());
  if (IsDlqTopic(topic)) return topic.substr(names::kDlqPrefix.size());
  return {};
}

}  // namespace orbitmq
