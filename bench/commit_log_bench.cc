// SPDX-License-Identifier: Apache-2.0
// What the store alone can do, beside what this machine's disk and memory can do, measured in the same run.
// Every run measures everything once, so that several runs are interleaved; the table shows median and range.
//
// usage: commit_log_bench --dir=DIRECTORY [--runs=5] [--records=600000] [--sync_rounds=400] [--threads]
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gflags/gflags.h>

#include "bench/disk_limits.h"
#include "bench/leader_log.h"
#include "bench/store_load.h"
#include "common/log_sinks.h"
#include "common/strings.h"
#include "remoting/real_env.h"

DEFINE_string(dir, "", "an existing directory on the disk to measure; files are made below it and removed");
DEFINE_int32(runs, 1, "interleaved runs; the figures are medians and ranges over them");
DEFINE_int64(records, 600000, "records of the asynchronous append and of the backlog");
DEFINE_int32(sync_rounds, 400, "syncs per depth, in the store and on the bare disk");
DEFINE_int64(body_bytes, 1024, "bytes of a body");
DEFINE_int64(segment_bytes, 1073741824, "bytes of a log file of the store");
DEFINE_int64(machine_mib, 256, "MiB of the sequential write; four times as much is copied in memory");
DEFINE_double(rate, 20000, "records a second in the measurement of producers beside a backlog reader");
DEFINE_double(rate_seconds, 3, "how long that takes, each with and without a reader");
DEFINE_int32(deleted, 2, "full log files that are deleted beside producers");
DEFINE_string(only, "",
              "comma-separated parts to run: machine, sync, async, cold, beside, deletion (async makes the "
              "backlog)");
DEFINE_string(log, "thread",
              "who writes the log: thread, or leader (the appender that finds nobody writing)");
DEFINE_bool(threads, false, "print the CPU time by thread");

namespace orbitmq::bench {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int kDepths[] = {1, 8, 64, 512};
constexpr int kTurns = 10;
constexpr Duration kCleanInterval = std::chrono::milliseconds(300);

// Figures by name, in the order of their first appearance.
class Figures final {
 public:
  void Add(const std::string& name, double value) {
    if (!values_.contains(name)) order_.push_back(name);
    values_[name].push_back(value);
  }
  void Print() const {
    std::printf("\n| figure | median | range |\n|---|---|---|\n");
    for (const std::string& name : order_) {
      std::vector<double> sorted = values_.at(name);
      std::sort(sorted.begin(), sorted.end());
      std::printf("| %s | %s | %s - %s |\n", name.c_str(), Text(sorted[sorted.size() / 2]).c_str(),
                  Text(sorted.front()).c_str(), Text(sorted.back()).c_str());
    }
  }

 private:
  static std::string Text(double value) {
    char text[64];
    std::snprintf(text, sizeof(text), value >= 1000 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    return text;
  }
  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> values_;
};

class CommitLogBench final {
 public:
  CommitLogBench(Env& env, std::string root)
      : env_(env),
        root_(std::move(root)),
        loop_(env.NewExecutor({.name = "bench-io", .kind = ExecutorKind::kCpu})) {}

  Status Run();
  void Print() const { figures_.Print(); }

 private:
  Status MeasureMachine();
  Status MeasureSync();
  Status MeasureDepth(AppendLoad& load, int depth);
  Status MeasureAsync();
  Status MeasureCold();
  Status MeasureBeside();
  Status MeasureDeletion();
  Status Open(store::FlushMode mode, int64_t retention_bytes = 0);
  Status Close();
  // Writes everything of the closed store out and takes it from the page cache.
  Status DropCache(const std::string& directory);
  Status RemoveAll(const std::string& directory);
  Status CheckLoad(const LoadResult& result);
  void Threads(const std::string& what, const LoadResult& result) const;
  int64_t record_bytes() const { return record_bytes_; }

  Env& env_;
  LeaderEnv leader_env_{env_};
  const std::string root_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<store::MessageStore> store_;
  Figures figures_;
  int64_t record_bytes_ = 1024 + 240;
};

Status CommitLogBench::Open(store::FlushMode mode, int64_t retention_bytes) {
  store::StoreOptions options;
  options.root = root_ + "/store";
  options.flush_mode = mode;
  options.segment_bytes = FLAGS_segment_bytes;
  options.retention_bytes = retention_bytes;
  if (retention_bytes > 0) options.clean_interval = kCleanInterval;
  Env& env = FLAGS_log == "leader" ? leader_env_ : env_;
  auto opened = store::MessageStore::Open(env, options, {});
  if (!opened.ok()) return opened.status();
  store_ = *std::move(opened);
  return {};
}

Status CommitLogBench::Close() {
  Status closed = store_->Close(std::chrono::seconds(60));
  store_.reset();
  return closed;
}

Status CommitLogBench::DropCache(const std::string& directory) {
  auto entries = env_.files().List(directory);
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    if (entry.is_directory) {
      if (Status s = DropCache(path); !s.ok()) return s;
      continue;
    }
    auto file = env_.files().Open(path, OpenMode::kReadWrite);
    if (!file.ok()) return file.status();
    if (Status s = (*file)->Sync(); !s.ok()) return s;
    (*file)->Advise(0, entry.size, Access::kDontNeed);
  }
  return {};
}

Status CommitLogBench::RemoveAll(const std::string& directory) {
  auto entries = env_.files().List(directory);
  if (!entries.ok()) return entries.status().code() == StatusCode::kNotFound ? Status() : entries.status();
  for (const DirEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    Status s = entry.is_directory ? RemoveAll(path) : env_.files().Remove(path);
    if (!s.ok()) return s;
  }
  return env_.files().Remove(directory);
}

Status CommitLogBench::CheckLoad(const LoadResult& result) {
  if (result.failed == 0) return {};
  return {StatusCode::kUnknown, StrCat(result.failed, " of ", result.records,
                                       " operations failed, the first one: ", result.first_failure)};
}

void CommitLogBench::Threads(const std::string& what, const LoadResult& result) const {
  if (!FLAGS_threads || result.records == 0) return;
  std::printf("%s, CPU us each:", what.c_str());
  for (const auto& [name, nanos] : result.cpu) {
    std::printf(" %s %.2f", name.c_str(),
                static_cast<double>(nanos) / 1e3 / static_cast<double>(result.records));
  }
  std::printf("\n");
}

Status CommitLogBench::MeasureMachine() {
  DiskLimits limits(env_.files(), env_.clock(), root_);
  auto sequential = limits.SequentialWrite(FLAGS_machine_mib * kMiB);
  if (!sequential.ok()) return sequential.status();
  figures_.Add("machine: sequential write, MB/s", *sequential);
  figures_.Add("machine: memory copy, MB/s", limits.MemoryCopy(4 * FLAGS_machine_mib * kMiB));
  for (const int depth : kDepths) {
    for (const Prepared prepared : {Prepared::kSparse, Prepared::kAllocated, Prepared::kZeroed}) {
      auto cost = limits.MeasureSync(prepared, record_bytes() * depth, FLAGS_sync_rounds / kTurns);
      if (!cost.ok()) return cost.status();
      const std::string what = StrCat("machine: ", depth, " records, ", NameOf(prepared), " file: ");
      figures_.Add(what + "write p50, us", cost->write_us.QuantileMicros(0.5));
      figures_.Add(what + "fdatasync p50, us", cost->sync_us.QuantileMicros(0.5));
    }
  }
  return {};
}

Status CommitLogBench::MeasureSync() {
  if (Status s = Open(store::FlushMode::kSync); !s.ok()) return s;
  AppendLoad load(env_, *loop_, *store_);
  (void)load.Run({.records = 2000, .in_flight = 64, .body_bytes = static_cast<size_t>(FLAGS_body_bytes)});
  for (const int depth : kDepths) {
    if (Status s = MeasureDepth(load, depth); !s.ok()) return s;
  }
  if (Status s = Close(); !s.ok()) return s;
  return RemoveAll(root_ + "/store");
}

// The bare disk and the store take turns, so that a neighbour's load on the disk meets both.
Status CommitLogBench::MeasureDepth(AppendLoad& load, int depth) {
  DiskLimits limits(env_.files(), env_.clock(), root_);
  const int rounds = FLAGS_sync_rounds / kTurns;
  const int64_t flushes = store_->stats().flush_count;
  SyncCost bare;
  LoadResult all;
  for (int turn = 0; turn < kTurns; ++turn) {
    auto cost = limits.MeasureSync(Prepared::kSparse, record_bytes() * depth, rounds);
    if (!cost.ok()) return cost.status();
    bare.Merge(*cost);
    const LoadResult part = load.Run({.records = int64_t{rounds} * depth,
                                      .in_flight = depth,
                                      .body_bytes = static_cast<size_t>(FLAGS_body_bytes)});
    if (Status s = CheckLoad(part); !s.ok()) return s;
    all.Merge(part);
  }
  const double p50 = all.latency.QuantileMicros(0.5);
  const std::string what = StrCat("sync append, ", depth, " waiting: ");
  figures_.Add(what + "records/s", all.per_second());
  figures_.Add(what + "p50, us", p50);
  figures_.Add(what + "p99, us", all.latency.QuantileMicros(0.99));
  figures_.Add(what + "CPU us each, all threads", all.cpu_us_each());
  figures_.Add(what + "records per fdatasync",
               static_cast<double>(all.records) /
                   static_cast<double>(std::max<int64_t>(1, store_->stats().flush_count - flushes)));
  figures_.Add(what + "bare write + fdatasync of as many bytes, mean, us", bare.both_us_mean());
  figures_.Add(what + "bare fdatasync p50, us", bare.sync_us.QuantileMicros(0.5));
  figures_.Add(what + "p50 / bare fdatasync p50", p50 / bare.sync_us.QuantileMicros(0.5));
  figures_.Add(what + "rate / (waiting / bare write + fdatasync)",
               all.per_second() / (depth * 1e6 / bare.both_us_mean()));
  Threads(what, all);
  return {};
}

Status CommitLogBench::MeasureAsync() {
  if (Status s = Open(store::FlushMode::kAsync); !s.ok()) return s;
  AppendLoad load(env_, *loop_, *store_);
  (void)load.Run({.records = 20000, .in_flight = 512, .body_bytes = static_cast<size_t>(FLAGS_body_bytes)});
  const LoadResult appended = load.Run(
      {.records = FLAGS_records, .in_flight = 512, .body_bytes = static_cast<size_t>(FLAGS_body_bytes)});
  if (Status s = CheckLoad(appended); !s.ok()) return s;
  figures_.Add("async append: records/s", appended.per_second());
  figures_.Add("async append: p50, us", appended.latency.QuantileMicros(0.5));
  figures_.Add("async append: p99, us", appended.latency.QuantileMicros(0.99));
  figures_.Add("async append: CPU us each, all threads", appended.cpu_us_each());
  figures_.Add("async append: waits for the next log file",
               static_cast<double>(store_->stats().segment_waits));
  Threads("async append", appended);
  const LoadResult single =
      load.Run({.records = 20000, .in_flight = 1, .body_bytes = static_cast<size_t>(FLAGS_body_bytes)});
  figures_.Add("async append, 1 waiting: p50, us", single.latency.QuantileMicros(0.5));
  figures_.Add("async append, 1 waiting: CPU us each", single.cpu_us_each());
  const store::MessageStore::Stats stats = store_->stats();
  figures_.Add("log bytes per record",
               static_cast<double>(stats.append_bytes) / static_cast<double>(stats.append_count));
  record_bytes_ = stats.append_bytes / stats.append_count;
  const int64_t hot = 200 * kMiB / record_bytes();
  const LoadResult read = ReadBacklog(env_, *store_, {.records_max = std::min(hot, FLAGS_records)});
  figures_.Add("read hot: records/s", read.per_second());
  figures_.Add("read hot: 32 records p50, us", read.latency.QuantileMicros(0.5));
  figures_.Add("read hot: 32 records p99, us", read.latency.QuantileMicros(0.99));
  figures_.Add("read hot: CPU us each", read.cpu_us_each());
  return Close();
}

Status CommitLogBench::MeasureCold() {
  if (Status s = DropCache(root_ + "/store"); !s.ok()) return s;
  if (Status s = Open(store::FlushMode::kAsync); !s.ok()) return s;
  const LoadResult read = ReadBacklog(env_, *store_, {.records_max = FLAGS_records / 2});
  figures_.Add("read cold: records/s", read.per_second());
  figures_.Add("read cold: 32 records p50, us", read.latency.QuantileMicros(0.5));
  figures_.Add("read cold: 32 records p99, us", read.latency.QuantileMicros(0.99));
  figures_.Add("read cold: CPU us each", read.cpu_us_each());
  return Close();
}

// Producers at a fixed rate, alone and beside somebody who reads the backlog from the disk.
Status CommitLogBench::MeasureBeside() {
  const AppendPlan plan{.topic = "beside",
                        .records = static_cast<int64_t>(FLAGS_rate * FLAGS_rate_seconds),
                        .in_flight = 1 << 14,
                        .rate = FLAGS_rate,
                        .body_bytes = static_cast<size_t>(FLAGS_body_bytes)};
  const auto reader = env_.NewExecutor({.name = "bench-read", .kind = ExecutorKind::kMayBlock});
  for (const bool reading : {false, true}) {
    if (Status s = DropCache(root_ + "/store"); !s.ok()) return s;
    if (Status s = Open(store::FlushMode::kAsync); !s.ok()) return s;
    std::atomic<bool> stop{false};
    std::atomic<bool> stopped{!reading};
    LoadResult read;
    if (reading) {
      reader->Post([&] {
        while (!stop) {
          // What the pass before read is in the page cache; whoever reads a real backlog never comes back.
          (void)DropCache(root_ + "/store/commitlog");
          LoadResult more = ReadBacklog(env_, *store_, {.records_max = FLAGS_records / 2, .stop = &stop});
          read.records += more.records;
          read.seconds += more.seconds;
        }
        stopped = true;
        stopped.notify_one();
      });
    }
    AppendLoad load(env_, *loop_, *store_);
    const LoadResult result = load.Run(plan);
    stop = true;
    stopped.wait(false);
    if (Status s = CheckLoad(result); !s.ok()) return s;
    const std::string what = reading ? "producers beside a backlog reader: " : "producers alone: ";
    figures_.Add(what + "p50, us", result.latency.QuantileMicros(0.5));
    figures_.Add(what + "p99, us", result.latency.QuantileMicros(0.99));
    if (reading) figures_.Add(what + "records/s read meanwhile", read.per_second());
    if (Status s = Close(); !s.ok()) return s;
  }
  return {};
}

// Producers at a fixed rate, alone and while the store deletes full log files beside them.
Status CommitLogBench::MeasureDeletion() {
  const AppendPlan filling{.topic = "old",
                           .records = FLAGS_deleted * (FLAGS_segment_bytes / record_bytes() + 1),
                           .in_flight = 512,
                           .body_bytes = static_cast<size_t>(FLAGS_body_bytes)};
  const AppendPlan plan{.topic = "young",
                        .records = static_cast<int64_t>(FLAGS_rate * FLAGS_rate_seconds),
                        .in_flight = 1 << 14,
                        .rate = FLAGS_rate,
                        .body_bytes = static_cast<size_t>(FLAGS_body_bytes)};
  if (Status s = Open(store::FlushMode::kAsync); !s.ok()) return s;
  if (Status s = CheckLoad(AppendLoad(env_, *loop_, *store_).Run(filling)); !s.ok()) return s;
  if (Status s = Close(); !s.ok()) return s;
  for (const bool deleting : {false, true}) {
    if (Status s = Open(store::FlushMode::kAsync, deleting ? 1 : 0); !s.ok()) return s;
    const LogOffset before = store_->watermarks().min;
    const LoadResult result = AppendLoad(env_, *loop_, *store_).Run(plan);
    if (Status s = CheckLoad(result); !s.ok()) return s;
    const std::string what = deleting ? "producers beside deletion: " : "producers without deletion: ";
    figures_.Add(what + "p50, us", result.latency.QuantileMicros(0.5));
    figures_.Add(what + "p99, us", result.latency.QuantileMicros(0.99));
    figures_.Add(what + "max, us", result.latency.MaxMicros());
    const int64_t deleted = (store_->watermarks().min - before) / FLAGS_segment_bytes;
    if (deleting) figures_.Add(what + "log files deleted meanwhile", static_cast<double>(deleted));
    if (Status s = Close(); !s.ok()) return s;
  }
  return {};
}

Status CommitLogBench::Run() {
  if (Status s = env_.files().CreateDirectories(root_); !s.ok()) return s;
  const std::pair<std::string_view, std::function<Status()>> parts[] = {
      {"machine", [this] { return MeasureMachine(); }}, {"sync", [this] { return MeasureSync(); }},
      {"async", [this] { return MeasureAsync(); }},     {"cold", [this] { return MeasureCold(); }},
      {"beside", [this] { return MeasureBeside(); }},   {"deletion", [this] { return MeasureDeletion(); }},
  };
  Status status;
  for (const auto& [name, measure] : parts) {
    if (!FLAGS_only.empty() && StrCat(",", FLAGS_only, ",").find(StrCat(",", name, ",")) == std::string::npos)
      continue;
    status = measure();
    if (!status.ok()) break;
  }
  store_.reset();
  Status removed = RemoveAll(root_);
  return status.ok() ? removed : status;
}

int Main() {
  if (FLAGS_dir.empty() || FLAGS_runs < 1 || FLAGS_records < 1000 || FLAGS_sync_rounds < kTurns ||
      FLAGS_machine_mib < 1 || FLAGS_rate <= 0 || (FLAGS_log != "thread" && FLAGS_log != "leader")) {
    std::fprintf(stderr,
                 "usage: commit_log_bench --dir=DIRECTORY [--runs=5] [--records=600000] [--sync_rounds=400]\n"
                 "DIRECTORY exists, lies on the disk to measure and has a few GiB free (--help for more)\n");
    return 2;
  }
  CallbackLogger log(LogLevel::kWarn, [](LogLevel, std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  });
  const auto env = net::NewRealEnv(log);
  CommitLogBench bench(*env, StrCat(FLAGS_dir, "/commit_log_bench.", env->identity().pid));
  for (int run = 1; run <= FLAGS_runs; ++run) {
    if (Status s = bench.Run(); !s.ok()) {
      std::fprintf(stderr, "commit_log_bench: run %d: %s\n", run, s.ToString().c_str());
      return 1;
    }
    std::fprintf(stderr, "run %d of %d done\n", run, FLAGS_runs);
  }
  bench.Print();
  return 0;
}

}  // namespace
}  // namespace orbitmq::bench

int main(int argc, char** argv) {
  gflags::SetUsageMessage("measures the message store beside the limits of this machine");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return orbitmq::bench::Main();
}
