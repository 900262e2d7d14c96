// SPDX-License-Identifier: Apache-2.0
#include "broker/persisted_file.h"

#include <utility>

#include "common/limits.h"

namespace orbitmq::broker {

PersistedFile::PersistedFile(Env& env, Executor& disk, std::string path, Render render)
    : env_(env), disk_(disk), path_(std::move(path)), render_(std::move(render)), pulse_(disk, [this] {
        return Write();
      }) {}

void PersistedFile::Save(Completion<Done> done) {
  if (done) {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  pulse_.Signal();
}

Status PersistedFile::SaveNow() { return WriteFileAtomically(env_.files(), path_, render_()); }

Progress PersistedFile::Write() {
  std::vector<Completion<Done>> waiting;
  {
    // Taken before rendering: whoever comes later gets the next write.
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
  }
  const Status status = WriteFileAtomically(env_.files(), path_, render_());
  if (!status.ok()) {
    env_.log().Error("a configuration file could not be written; will try again",
                     {{"path", path_}, {"error", status.ToString()}});
    retry_ = disk_.PostAt(env_.clock().Monotonic() + kRetryAfter, [this] { pulse_.Signal(); });
  }
  for (Completion<Done>& done : waiting) {
    if (status.ok()) {
      done(Done{});
    } else {
      done(status);
    }
  }
  return Progress::kIdle;
}

Result<std::string> PersistedFile::Load(FileSystem& files, const std::string& path) {
  for (const std::string& candidate : {path, path + ".bak"}) {
    if (!files.Exists(candidate)) continue;
    auto text = ReadWholeFile(files, candidate, limits::kTableFileBytesMax);
    if (!text.ok()) return text.status();
    if (!text->empty()) return text;
  }
  return std::string();
}

}  // namespace orbitmq::broker
