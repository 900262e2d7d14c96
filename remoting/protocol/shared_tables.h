// SPDX-License-Identifier: Apache-2.0
#pragma once

// Wire tables and names of types that other modules own and several bodies carry.

#include <string_view>
#include <utility>

#include "common/subscription.h"
#include "orbitmq/message_queue.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/enum_names.h"
#include "remoting/protocol/field_table.h"

namespace orbitmq::proto {

template <>
struct ForeignFields<MessageQueue> {
  static constexpr auto Fields() {
    using Self = MessageQueue;
    return MakeFields(ORBITMQ_OPTIONAL(broker_name), ORBITMQ_OPTIONAL(queue_id), ORBITMQ_OPTIONAL(topic));
  }
};

template <>
struct ForeignFields<SubscriptionData> {
  static constexpr auto Fields() {
    using Self = SubscriptionData;
    return MakeFields(ORBITMQ_OPTIONAL(class_filter_mode), ORBITMQ_OPTIONAL(code_set),
                      ORBITMQ_OPTIONAL(expression_type), ORBITMQ_OPTIONAL(sub_string),
                      ORBITMQ_OPTIONAL(sub_version), ORBITMQ_OPTIONAL(tags_set), ORBITMQ_REQUIRED(topic));
  }
};

// The ordinals are Java's LanguageCode.
template <>
struct EnumNames<Language> {
  static constexpr std::pair<Language, std::string_view> kNames[] = {
      {Language::kJava, "JAVA"},     {Language::kCpp, "CPP"},        {Language::kDotnet, "DOTNET"},
      {Language::kPython, "PYTHON"}, {Language::kDelphi, "DELPHI"},  {Language::kErlang, "ERLANG"},
      {Language::kRuby, "RUBY"},     {Language::kOther, "OTHER"},    {Language::kHttp, "HTTP"},
      {Language::kGo, "GO"},         {Language::kPhp, "PHP"},        {Language::kOms, "OMS"},
      {Language::kRust, "RUST"},     {Language::kNodeJs, "NODE_JS"},
  };
};

}  // namespace orbitmq::proto
