// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/file_system.h"
#include "common/log.h"
#include "common/snapshot_cell.h"

namespace orbitmq::namesrv {

// The namespaces of key/value pairs that operators keep in the NameServer, in Apache's kvConfig.json:
// {"configTable":{"ns":{"k":"v"}}}. `ORDER_TOPIC_CONFIG` holds the order confs of topics.
//
// Threads: Put and Delete on the NameServer's `disk` executor only; Find and List from any thread.
class KvConfig final {
 public:
  using Table = std::map<std::string, std::map<std::string, std::string>>;

  // A missing file is an empty table. kCorrupt when neither it nor the .bak beside it can be used; the log
  // says which one was (common/replaced_file.h).
  static Result<std::unique_ptr<KvConfig>> Load(FileSystem& files, Logger& log, std::string path);

  // Both write the file before they return; on an error the table is as before.
  Status Put(const std::string& ns, const std::string& key, const std::string& value);
  Status Delete(const std::string& ns, const std::string& key);

  std::optional<std::string> Find(const std::string& ns, const std::string& key) const;
  // nullopt when the namespace does not exist.
  std::optional<std::map<std::string, std::string>> List(const std::string& ns) const;
  const std::string& path() const { return path_; }

 private:
  KvConfig(FileSystem& files, std::string path, Table table);
  Status Replace(Table next);

  FileSystem& files_;
  const std::string path_;
  SnapshotCell<Table> table_;
};

}  // namespace orbitmq::namesrv
