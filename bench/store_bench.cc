// SPDX-License-Identifier: Apache-2.0
// Big stores and many queues: makes a store directory, opens one, and measures what looking up queues costs.
//
//   store_bench make   --dir D --topics N --queues N --bytes N [--body_bytes N] [--crash]
//   store_bench open   --dir D [--crash]
//   store_bench lookup --dir D [--readers N]
//
// Each prints one line of JSON. --crash ends the process without closing the store, as kill -9 would.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gflags/gflags.h>
#include <malloc.h>

#include "common/log_sinks.h"
#include "common/strings.h"
#include "remoting/real_env.h"
#include "store/message_store.h"

DEFINE_string(dir, "", "the store's directory");
DEFINE_int64(topics, 100, "topics to make, named BigTopicNNNNN");
DEFINE_int32(queues, 8, "queues of each topic");
DEFINE_int64(bytes, 0, "bytes of log to write; at least one message goes to each queue");
DEFINE_int64(body_bytes, 1024, "bytes of each body");
DEFINE_int64(segment_bytes, 1LL << 30, "mappedFileSizeCommitLog");
DEFINE_bool(index, true, "messageIndexEnable");
DEFINE_bool(crash, false, "end without closing the store");
DEFINE_int64(tail_bytes, 0, "make: bytes of log to write behind the checkpoint that ends the rest");
DEFINE_int32(readers, 1, "lookup: executors that look up at once");
DEFINE_int64(lookups, 2'000'000, "lookup: lookups of each reader");

namespace orbitmq::store {
namespace {

constexpr int64_t kInFlightBytesMax = int64_t{16} << 20;
constexpr int kCalmPolls = 400;  // Of 5 ms.
constexpr Duration kCloseWithin = std::chrono::minutes(5);

std::string TopicName(int64_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "BigTopic%05" PRId64, number);
  return name;
}

// A figure of /proc/self/status in KiB.
int64_t StatusKib(FileSystem& files, std::string_view name) {
  auto file = files.Open("/proc/self/status", OpenMode::kReadOnly);
  if (!file.ok()) return -1;
  std::string text(8192, '\0');
  auto got = (*file)->ReadAt(0, text);
  if (!got.ok()) return -1;
  text.resize(*got);
  const size_t at = text.find(StrCat(name, ":"));
  if (at == std::string::npos) return -1;
  return std::strtoll(text.c_str() + at + name.size() + 1, nullptr, 10);
}

int64_t Entries(FileSystem& files, const std::string& directory) {
  auto listed = files.List(directory);
  return listed.ok() ? static_cast<int64_t>(listed->size()) : -1;
}

int64_t CountLines(FileSystem& files, const std::string& path) {
  auto file = files.Open(path, OpenMode::kReadOnly);
  if (!file.ok()) return -1;
  int64_t lines = 0;
  std::string text(1 << 16, '\0');
  for (uint64_t at = 0;;) {
    auto got = (*file)->ReadAt(at, text);
    if (!got.ok() || *got == 0) return lines;
    lines += std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*got), '\n');
    at += *got;
  }
}

double CpuNanos() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const auto nanos = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return nanos(used.ru_utime) + nanos(used.ru_stime);
}

size_t HeapBytes() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

// Waits until a condition that other threads bring about holds.
class Waiting final {
 public:
  template <class Condition>
  void Until(Condition condition) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!condition()) changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  void Wake() { changed_.notify_all(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class StoreBench final {
 public:
  StoreBench() : env_(net::NewRealEnv(log_)) {
    options_.root = FLAGS_dir;
    options_.segment_bytes = FLAGS_segment_bytes;
    options_.index_enabled = FLAGS_index;
    options_.disk_ratio_refuse = 0.99;
    options_.append_queue_age_max = std::chrono::minutes(1);
  }

  Status Open() {
    heap_before_ = HeapBytes();
    const MonoTime begin = env_->clock().Monotonic();
    auto opened = MessageStore::Open(*env_, options_, nullptr);
    if (!opened.ok()) return opened.status();
    open_ms_ = MillisSince(begin);
    store_ = *std::move(opened);
    return {};
  }

  Status Make() {
    if (Status s = Open(); !s.ok()) return s;
    const MonoTime begin = env_->clock().Monotonic();
    Write(FLAGS_bytes, FLAGS_topics * FLAGS_queues);
    Settle();
    const double seconds = MillisSince(begin) / 1e3;
    if (FLAGS_tail_bytes > 0) {
      // A clean close writes the checkpoint behind which the tail then lies.
      if (Status s = store_->Close(kCloseWithin); !s.ok()) return s;
      store_.reset();
      if (Status s = Open(); !s.ok()) return s;
      Write(FLAGS_tail_bytes, 0);
      Settle();
    }
    std::printf("{\"made_bytes\": %" PRId64 ", \"records\": %" PRId64
                ", \"queues\": %zu, \"seconds\": %.2f, \"failed\": %" PRId64 "}\n",
                store_->watermarks().appended.value, sent_, store_->Queues().size(), seconds, failed_.load());
    return End();
  }

  Status Measure() {
    if (Status s = Open(); !s.ok()) return s;
    const size_t heap_ready = HeapBytes();
    const RecoveryReport& report = store_->recovery();
    const size_t queues = store_->Queues().size();
    const double heap = static_cast<double>(SettledHeapBytes()) - static_cast<double>(heap_before_);
    const double per_queue = queues == 0 ? 0 : heap / static_cast<double>(queues);
    malloc_trim(0);
    std::printf("{\"open_ms\": %.1f, \"clean\": %s, \"log_end\": %" PRId64 ", \"scanned_bytes\": %" PRId64
                ", \"records_scanned\": %" PRId64 ", \"truncated_bytes\": %" PRId64
                ", \"queues\": %zu, \"heap_ready\": %zu, \"heap_per_queue\": %.1f, \"rss_kib\": %" PRId64
                ", \"rss_anon_kib\": %" PRId64 ", \"descriptors\": %" PRId64 ", \"mappings\": %" PRId64 "}\n",
                open_ms_, report.clean_shutdown ? "true" : "false", report.log_end.value,
                report.log_end - report.scan_begin, report.records_scanned, report.truncated_bytes, queues,
                heap_ready, per_queue, StatusKib(env_->files(), "VmRSS"), StatusKib(env_->files(), "RssAnon"),
                Entries(env_->files(), "/proc/self/fd"), CountLines(env_->files(), "/proc/self/maps"));
    return End();
  }

  // Range and one unit of queues in a scattered order, by several threads at once.
  Status Lookup() {
    if (Status s = Open(); !s.ok()) return s;
    const auto keys = store_->Queues();
    if (keys.empty()) return {StatusCode::kFailedPrecondition, "the store has no queues; make some first"};
    const Cost range =
        TimeReaders([this, &keys](size_t i) { return store_->Range(keys[i % keys.size()]).has_value(); });
    // As many queues as are read by a busy broker: their files stay open.
    const size_t hot = std::min<size_t>(keys.size(), 64);
    const Cost unit = TimeReaders(
        [this, &keys, hot](size_t i) { return !store_->ReadUnits(keys[i % hot], {0}, 1).empty(); });
    std::printf(
        "{\"queues\": %zu, \"readers\": %d, \"range_ns\": %.1f, \"range_cpu_ns\": %.1f, \"unit_ns\": %.1f, "
        "\"unit_cpu_ns\": %.1f}\n",
        keys.size(), FLAGS_readers, range.wall_ns, range.cpu_ns, unit.wall_ns, unit.cpu_ns);
    return End();
  }

 private:
  double MillisSince(MonoTime begin) {
    return std::chrono::duration<double, std::milli>(env_->clock().Monotonic() - begin).count();
  }

  // When the work of starting (the first checkpoint) has given back what it took: the least of a while.
  size_t SettledHeapBytes() {
    size_t least = HeapBytes();
    int calm = 0;
    waiting_.Until([&least, &calm] {
      const size_t now = HeapBytes();
      calm = now < least ? 0 : calm + 1;
      least = std::min(least, now);
      return calm > kCalmPolls;
    });
    return least;
  }

  void Write(int64_t bytes, int64_t records_min) {
    const std::string body(static_cast<size_t>(FLAGS_body_bytes), 'b');
    const int64_t queues = FLAGS_topics * FLAGS_queues;
    const LogOffset begin = store_->watermarks().appended;
    int64_t written = 0;
    for (int64_t i = 0; i < records_min || written < bytes; ++i) {
      const QueueKey key{TopicName(i % queues / FLAGS_queues), static_cast<QueueId>(i % FLAGS_queues)};
      const std::string properties = StrCat("UNIQ_KEY\x01", begin.value + i, "\x02TAGS\x01t\x02");
      RecordDraft draft;
      const Status added = AppendRecord({.topic = key.topic,
                                         .queue_id = key.queue_id,
                                         .born_time = env_->clock().Wall(),
                                         .born_host = *ParseHostAddress("127.0.0.1", 1),
                                         .store_host = *ParseHostAddress("127.0.0.1", 2),
                                         .body = body,
                                         .properties = properties},
                                        draft);
      if (!added.ok()) {
        failed_.fetch_add(1);
        return;
      }
      const auto size = static_cast<int64_t>(draft.bytes.size());
      written += size;
      if (in_flight_.load() > kInFlightBytesMax) {
        waiting_.Until([this] { return in_flight_.load() < kInFlightBytesMax / 2; });
      }
      in_flight_.fetch_add(size);
      ++sent_;
      store_->Append({.queue = key, .draft = std::move(draft), .done = [this, size](const auto& result) {
                        if (!result.ok()) failed_.fetch_add(1);
                        in_flight_.fetch_sub(size);
                      }});
    }
  }

  void Settle() {
    waiting_.Until([this] {
      const Watermarks marks = store_->watermarks();
      return in_flight_.load() == 0 && marks.dispatched == marks.appended;
    });
  }

  struct Cost {
    double wall_ns = 0;
    double cpu_ns = 0;  // Of all threads: what counts on a machine that others use too.
  };
  template <class One>
  Cost TimeReaders(One one) {
    std::vector<std::unique_ptr<Executor>> readers;
    std::atomic<int> running{FLAGS_readers};
    std::atomic<int64_t> missed{0};
    const MonoTime begin = env_->clock().Monotonic();
    const double cpu_begin = CpuNanos();
    for (int r = 0; r < FLAGS_readers; ++r) {
      readers.push_back(env_->NewExecutor({.name = "reader", .kind = ExecutorKind::kMayBlock}));
      (void)readers.back()->Post([&, r] {
        size_t at = static_cast<size_t>(r) * 7919;
        for (int64_t i = 0; i < FLAGS_lookups; ++i, at += 104729) {
          if (!one(at)) missed.fetch_add(1);
        }
        running.fetch_sub(1);
      });
    }
    waiting_.Until([&running] { return running.load() == 0; });
    const auto lookups = static_cast<double>(FLAGS_lookups);
    const Cost cost{MillisSince(begin) * 1e6 / lookups, (CpuNanos() - cpu_begin) / lookups / FLAGS_readers};
    if (missed.load() > 0) {
      std::fprintf(stderr, "store_bench: %" PRId64 " lookups found nothing\n", missed.load());
    }
    return cost;
  }

  Status End() {
    std::fflush(stdout);
    if (failed_.load() > 0) {
      return {StatusCode::kInternal, StrCat(failed_.load(), " messages could not be stored")};
    }
    if (FLAGS_crash) std::_Exit(0);
    return store_->Close(kCloseWithin);
  }

  CallbackLogger log_{LogLevel::kWarn, [](LogLevel, std::string_view line) {
                        std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
                      }};
  std::unique_ptr<Env> env_;
  StoreOptions options_;
  std::unique_ptr<MessageStore> store_;
  Waiting waiting_;
  size_t heap_before_ = 0;
  double open_ms_ = 0;
  int64_t sent_ = 0;
  std::atomic<int64_t> in_flight_{0};
  std::atomic<int64_t> failed_{0};
};

int Run(std::string_view command) {
  StoreBench bench;
  Status done(StatusCode::kInvalidArgument, StrCat("unknown command '", command, "': make, open or lookup"));
  if (command == "make") done = bench.Make();
  if (command == "open") done = bench.Measure();
  if (command == "lookup") done = bench.Lookup();
  if (done.ok()) return 0;
  std::fprintf(stderr, "store_bench: %s\n", done.ToString().c_str());
  return done.code() == StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace
}  // namespace orbitmq::store

int main(int argc, char** argv) {
  gflags::SetUsageMessage("store_bench make|open|lookup --dir D ...");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc != 2 || FLAGS_dir.empty()) {
    std::fprintf(stderr, "usage: store_bench make|open|lookup --dir D ...; see store_bench --help\n");
    return 2;
  }
  return orbitmq::store::Run(argv[1]);
}
