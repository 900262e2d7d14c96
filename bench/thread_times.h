// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace orbitmq::bench {

// CPU time of this process's threads, in nanoseconds, summed by thread name. Linux only
// (/proc/self/task/*/schedstat); threads that ended are not in it. Kernel threads that write dirty pages to
// the disk belong to nobody and are not counted.
using ThreadTimes = std::map<std::string, int64_t>;
ThreadTimes ReadThreadTimes();

// What was spent between two readings; names without any are left out.
ThreadTimes Spent(const ThreadTimes& before, const ThreadTimes& after);
int64_t Total(const ThreadTimes& times);

}  // namespace orbitmq::bench
