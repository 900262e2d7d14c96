// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

// Clang checks at compile time (-Wthread-safety) what these say; other compilers ignore them.
#if defined(__clang__)
#define ORBITMQ_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ORBITMQ_THREAD_ANNOTATION(x)
#endif
#define ORBITMQ_GUARDED_BY(mutex) ORBITMQ_THREAD_ANNOTATION(guarded_by(mutex))
#define ORBITMQ_REQUIRES(...) ORBITMQ_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ORBITMQ_EXCLUDES(...) ORBITMQ_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace orbitmq {

// A leaf lock: nothing foreign is called and nothing waited for while it is held.
class ORBITMQ_THREAD_ANNOTATION(capability("mutex")) Mutex final {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void Lock() ORBITMQ_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() ORBITMQ_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  // For std::condition_variable at the SDK's edge, the one place that may wait.
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

class ORBITMQ_THREAD_ANNOTATION(scoped_lockable) MutexLock final {
 public:
  explicit MutexLock(Mutex& mutex) ORBITMQ_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ORBITMQ_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace orbitmq
