// SPDX-License-Identifier: Apache-2.0
#include "broker/state/persisted_file.h"

#include <utility>

#include "common/limits.h"
#include "common/replaced_file.h"

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

Status PersistedFile::Load(Env& env, const std::string& path, UniqueFunction<Status(std::string_view)> read) {
  auto version =
      LoadReplacedFile(env.files(), env.log(), {.path = path, .bytes_max = limits::kTableFileBytesMax},
                       [&read](std::string_view text) -> Status {
                         const Status taken = read(text);
                         if (taken.ok()) return taken;
                         // Whatever is wrong with it, the version before may be better.
                         return {StatusCode::kCorrupt, std::string(taken.text())};
                       });
  return version.ok() ? Status() : version.status();
}

}  // namespace orbitmq::broker
