// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/completion.h"
#include "common/env.h"
#include "common/mutex.h"
#include "common/pulse.h"

namespace orbitmq::broker {

// One of Apache's config/*.json files: a table's content, rendered and replaced atomically on the disk
// executor, however often the table changes meanwhile.
//
// Threads: Save from any thread. Destroy after the disk executor was stopped.
// Invariants: (1) when a Save's completion is OK, the file holds everything that the table held at the call;
// (2) after a failed write the next try comes by itself after kRetryAfter.
class PersistedFile final {
 public:
  // Called on the disk executor; must be thread-safe.
  using Render = UniqueFunction<std::string()>;
  PersistedFile(Env& env, Executor& disk, std::string path, Render render);

  // `done` (may be empty) is called on the disk executor.
  void Save(Completion<Done> done = {});
  // On the calling thread, which may block; only before the first Save.
  Status SaveNow();

  // Gives the file's content to `read`, or its .bak's when it is missing or `read` refuses it; the log says
  // which. Nothing is given when neither exists. kCorrupt when none is whole (common/replaced_file.h).
  // Blocks.
  static Status Load(Env& env, const std::string& path, UniqueFunction<Status(std::string_view)> read);

 private:
  Progress Write();

  static constexpr Duration kRetryAfter = std::chrono::seconds(1);
  Env& env_;
  Executor& disk_;
  const std::string path_;
  Render render_;
  Timer retry_;  // Of the disk executor.
  Mutex mutex_;
  std::vector<Completion<Done>> waiting_ ORBITMQ_GUARDED_BY(mutex_);
  Pulse pulse_;
};

}  // namespace orbitmq::broker
