// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/export_file.h"

#include <set>

#include "common/names.h"
#include "common/strings.h"

namespace orbitmq::tools {
namespace {

// Where files go unless -f says so: Java's folder.
std::string Folder(const Arguments& args) {
  constexpr std::string_view kSeparator = "/";
  return args.Text("filePath", StrCat(kSeparator, "tmp/rocketmq/export"));
}

}  // namespace

Status WriteExport(Session& session, const std::string& name, std::string_view content) {
  const std::string path = StrCat(Folder(session.args()), "/", name);
  if (Status written = session.WriteFile(path, content); !written.ok()) return written;
  session.Did(StrCat("export ", path, " success"));
  return {};
}

Result<std::map<std::string, proto::TopicConfig>> UserTopics(Session& session, const Endpoint& broker,
                                                           bool with_special) {
  auto all = session.admin().Call(&net::AdminStub::GetAllTopics, broker);
  if (!all.ok()) return all.status();
  const auto system = session.admin().Call(&net::AdminStub::GetSystemTopics, broker);
  if (!system.ok()) return system.status();
  const std::set<std::string> hidden(system->topic_list.begin(), system->topic_list.end());
  auto topics = std::move(all->topic_config_table);
  std::erase_if(topics, [&](const auto& entry) {
    const std::string& name = entry.first;
    const bool special = IsRetryTopic(name) || IsDlqTopic(name);
    return hidden.contains(name) || IsSystemTopic(name) || (special && !with_special);
  });
  return topics;
}

Result<std::map<std::string, proto::SubscriptionGroupConfig>> UserGroups(Session& session,
                                                                       const Endpoint& broker) {
  auto all = session.admin().Call(&net::AdminStub::GetAllGroups, broker);
  if (!all.ok()) return all.status();
  auto groups = std::move(all->subscription_group_table);
  std::erase_if(groups, [](const auto& entry) {
    return IsSystemGroup(entry.first) || IsPredefinedGroup(entry.first);
  });
  return groups;
}

}  // namespace orbitmq::tools
