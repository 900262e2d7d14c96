// SPDX-License-Identifier: Apache-2.0
#include "namesrv/kv_config.h"

#include <utility>

#include "common/limits.h"
#include "common/replaced_file.h"
#include "common/strings.h"
#include "remoting/protocol/json.h"

namespace orbitmq::namesrv {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;

using Table = KvConfig::Table;

Result<Table> Parse(std::string_view text) {
  Result<proto::JsonDocument> document = proto::JsonDocument::Parse(text);
  if (!document.ok()) return document.status();
  Table table;
  for (const auto& [ns, entries] : document->root()["configTable"].members()) {
    auto& target = table[std::string(ns.Text().value_or(""))];
    for (const auto& [key, value] : entries.members()) {
      if (key.Text() && value.Text()) target[std::string(*key.Text())] = std::string(*value.Text());
    }
  }
  return table;
}

std::string Render(const Table& table) {
  proto::JsonWriter writer({.layout = proto::JsonWriter::Layout::kPretty});
  writer.BeginObject();
  writer.Key("configTable");
  writer.BeginObject();
  for (const auto& [ns, entries] : table) {
    writer.Key(ns);
    writer.BeginObject();
    for (const auto& [key, value] : entries) {
      writer.Key(key);
      writer.String(value);
    }
    writer.EndObject();
  }
  writer.EndObject();
  writer.EndObject();
  return writer.Take();
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

KvConfig::KvConfig(FileSystem& files, std::string path, Table table)
    : files_(files), path_(std::move(path)), table_(std::make_shared<const Table>(std::move(table))) {}

Result<std::unique_ptr<KvConfig>> KvConfig::Load(FileSystem& files, Logger& log, std::string path) {
  Table table;
  const auto version = LoadReplacedFile(
      files, log, {.path = path, .bytes_max = kFileBytesMax}, [&table](std::string_view text) -> Status {
        auto parsed = Parse(text);
        if (!parsed.ok()) {
          return {StatusCode::kCorrupt, std::string(parsed.status().text())};
        }
        table = *std::move(parsed);
        return {};
      });
  if (!version.ok()) return version.status();
  return std::unique_ptr<KvConfig>(new KvConfig(files, std::move(path), std::move(table)));
}

Status KvConfig::Replace(Table next) {
  if (Status s = CreateDirectoriesDurably(files_, ParentOf(path_)); !s.ok())
    return s.Annotate("keep KV config");
  if (Status s = WriteFileAtomically(files_, path_, Render(next)); !s.ok())
    return s.Annotate("keep KV config");
  table_.Store(std::make_shared<const Table>(std::move(next)));
  return {};
}

Status KvConfig::Put(const std::string& ns, const std::string& key, const std::string& value) {
  Table next = *table_.Load();
  size_t entries = next.size();
  for (const auto& [name, values] : next) entries += values.size();
  if (entries >= limits::kKvEntriesMax && !Find(ns, key)) {
    return {StatusCode::kResourceExhausted,
            StrCat("the KV config holds ", entries, " entries, the most there may be; delete some first")};
  }
  next[ns][key] = value;
  return Replace(std::move(next));
}

Status KvConfig::Delete(const std::string& ns, const std::string& key) {
  if (!Find(ns, key)) return {};
  Table next = *table_.Load();
  next[ns].erase(key);
  return Replace(std::move(next));
}

std::optional<std::string> KvConfig::Find(const std::string& ns, const std::string& key) const {
  const auto table = table_.Load();
  const auto entries = table->find(ns);
  if (entries == table->end()) return std::nullopt;
  const auto value = entries->second.find(key);
  if (value == entries->second.end()) return std::nullopt;
  return value->second;
}

std::optional<std::map<std::string, std::string>> KvConfig::List(const std::string& ns) const {
  const auto table = table_.Load();
  const auto entries = table->find(ns);
  if (entries == table->end()) return std::nullopt;
  return entries->second;
}

}  // namespace orbitmq::namesrv
