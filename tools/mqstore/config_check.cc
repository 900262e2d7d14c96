// SPDX-License-Identifier: Apache-2.0
// The part of verify that looks at checkpoints and at the JSON files in config/.
#include <algorithm>

#include "common/strings.h"
#include "remoting/protocol/json.h"
#include "store/checkpoint.h"
#include "tools/mqstore/verify.h"

namespace orbitmq::tools {
namespace {

constexpr int64_t kYear2200Ms = 7'258'118'400'000;
constexpr uint64_t kConfigBytesMax = uint64_t{1} << 30;

// What the next start works with: the file, or its .bak when it is missing or empty; nothing without both.
struct ReadConfig {
  std::string path;
  std::string text;
};

std::optional<ReadConfig> ReadOne(StoreDirectory& store, const std::string& name, Findings& findings) {
  const std::string path = store.Path(StrCat("config/", name));
  for (const std::string& candidate : {path, path + ".bak"}) {
    auto text = ReadWholeFile(store.files(), candidate, kConfigBytesMax);
    if (!text.ok()) {
      if (text.status().code() == StatusCode::kNotFound) continue;
      findings.Add("config files", {Severity::kDamage, candidate, -1, std::string(text.status().text()),
                                    "make it readable for the broker's user"});
      return std::nullopt;
    }
    if (IsBlank(*text)) continue;
    return ReadConfig{candidate, *std::move(text)};
  }
  return std::nullopt;
}

std::optional<proto::JsonDocument> Parse(const ReadConfig& config, Findings& findings) {
  auto document = proto::JsonDocument::Parse(config.text);
  if (document.ok() && document->root().is_object()) return *std::move(document);
  const std::string why = document.ok() ? "it holds no JSON object" : std::string(document.status().text());
  findings.Add("config files",
               {Severity::kDamage, config.path, -1, StrCat("is no JSON that a broker can read: ", why),
                StrCat("stop the broker and put ", config.path, ".bak, the version before, in its place")});
  return std::nullopt;
}

// "topic@group" -> {queue: offset}: an offset beyond the end of its queue would skip messages.
void CheckOffsets(const ReadConfig& config, proto::JsonRef table, const LogFacts& facts, Findings& findings) {
  for (const auto [key, queues] : table.members()) {
    const std::string name(key.Text().value_or(""));
    const std::string topic = name.substr(0, name.find('@'));
    for (const auto [id, offset] : queues.members()) {
      const auto queue = facts.queue_ends.find({topic, static_cast<QueueId>(id.Int64().value_or(-1))});
      if (queue == facts.queue_ends.end() || !offset.Int64()) continue;
      if (*offset.Int64() <= queue->second.value) continue;
      findings.Add("offsets beyond the end",
                   {Severity::kNote, config.path, -1,
                    StrCat(name, " queue ", id.Int64().value_or(-1), " was consumed up to ", *offset.Int64(),
                           ", the log holds messages up to ", queue->second.value),
                    "none needed, the broker lowers it at its start and logs that"});
    }
  }
}

}  // namespace

void CheckCheckpoints(StoreDirectory& store, const LogFacts& facts, Findings& findings) {
  const std::string& root = store.options().root;
  auto apache = store::LoadApacheCheckpoint(store.files(), NullLogger(), FromEpochMillis(kYear2200Ms), root);
  if (!apache.ok()) {
    findings.Add("checkpoint",
                 {Severity::kDamage, root + "/checkpoint", -1, std::string(apache.status().text()),
                  "delete it: the next start then scans the whole log"});
  } else if (facts.newest_store_time_ms > 0 && apache->physic_time_ms > facts.newest_store_time_ms) {
    findings.Add(
        "checkpoint",
        {Severity::kDamage, root + "/checkpoint", 0,
         StrCat("says that messages up to the time ", apache->physic_time_ms,
                " ms are on the disk; the newest in the log is of ", facts.newest_store_time_ms),
         "messages may have been lost from the end of the log; restore it from a copy if there is one"});
  }
  auto exact = store::LoadExactCheckpoint(store.files(), NullLogger(), root);
  const std::string path = root + "/orbitmq/checkpoint";
  if (!exact.ok()) {
    if (exact.status().code() == StatusCode::kNotFound) return;
    findings.Add("checkpoint", {Severity::kNote, path, -1, std::string(exact.status().text()),
                                "none needed, the next start scans more of the log"});
    return;
  }
  if (exact->dispatched <= facts.end) return;
  findings.Add(
      "checkpoint",
      {Severity::kDamage, path, -1,
       StrCat("says that the log reached ", exact->dispatched.value, ", it ends at ", facts.end.value),
       "messages were lost from the end of the log; restore it from a copy if there is one"});
}

void CheckConfig(StoreDirectory& store, const LogFacts& facts, Findings& findings) {
  for (const char* name : {"topics.json", "subscriptionGroup.json", "delayOffset.json"}) {
    const auto config = ReadOne(store, name, findings);
    if (!config) continue;
    const auto document = Parse(*config, findings);
    if (!document || std::string_view(name) != "topics.json") continue;
    const proto::JsonRef topics = document->root()["topicConfigTable"];
    std::string_view told;
    for (const auto& [key, end] : facts.queue_ends) {
      if (key.topic == told || !topics[key.topic].missing()) continue;
      told = key.topic;
      findings.Add("unknown topics", {Severity::kNote, config->path, -1,
                                      StrCat("does not know the topic ", Printable(key.topic),
                                             ", of which the log holds messages"),
                                      "none needed if it was deleted; else create the topic again"});
    }
  }
  if (const auto config = ReadOne(store, "consumerOffset.json", findings)) {
    if (const auto document = Parse(*config, findings)) {
      CheckOffsets(*config, document->root()["offsetTable"], facts, findings);
    }
  }
}

}  // namespace orbitmq::tools
