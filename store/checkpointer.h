// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <vector>

#include "common/env.h"
#include "store/checkpoint.h"
#include "store/dispatcher.h"
#include "store/flusher.h"

namespace orbitmq::store {

// Writes checkpoints: captures the ends of queues and index on the dispatch executor, has the log synced up
// to there, syncs the queue files and the index on the disk executor, and only then writes ours and Apache's.
//
// Threads: the disk executor, except where noted. Invariant: one at a time; a request during one causes one
// more.
class Checkpointer final {
 public:
  struct Parts {
    FileSystem& files;
    Clock& clock;
    Logger& log;
    Executor& dispatch_executor;
    Executor& disk_executor;
    CommitLog& commit_log;
    QueueTable& queues;
    KeyIndex& index;
    Dispatcher& dispatcher;
    Flusher& flusher;
    WriteGate& gate;
    const StoreOptions& options;
  };
  Checkpointer(Parts parts, const ApacheCheckpoint& found)
      : parts_(std::move(parts)), apache_(found), file_(parts_.files, parts_.options.root) {}

  void Start();
  // Writes one now (any thread). `done` runs on the disk executor with the outcome.
  void Write(Completion<Done> done);
  // Queues were removed: what was captured before is not true any more. Dispatch executor; Write follows.
  void QueuesRemoved() { removals_.fetch_add(1); }
  // Makes every checkpoint of ours that was written void, lastingly, before the log is cut below it.
  Status Drop() {
    file_.Spoil();
    return DropExactCheckpoint(parts_.files, parts_.options.root);
  }

 private:
  struct Capture {
    ExactCheckpoint exact;
    ConsumeQueue::Touched touched;
    int64_t removals = 0;
    bool whole = false;  // `exact` holds all queues, not only those that changed.
  };
  void ArmTimer();
  void Begin();
  // Dispatch executor. Tails are written out in `steps` of some first, so that dispatch is not held up by
  // thousands of them.
  void WriteOutTails(bool whole, size_t steps);
  void CaptureEnds(bool whole);
  void SyncSome();
  Result<bool> SyncAtOnce();
  Status SyncFile(const std::string& path);
  void CaptureAgain();
  Status Save();
  void End(const Status& status);

  Parts parts_;
  ApacheCheckpoint apache_;  // As it stands in the file.
  ExactCheckpointFile file_;
  LogOffset saved_dispatched_{-1};
  std::atomic<int64_t> removals_{0};
  bool busy_ = false;
  std::vector<Completion<Done>> waiting_;
  std::vector<Completion<Done>> running_;
  std::unique_ptr<Capture> capture_;
  Timer timer_;
};

}  // namespace orbitmq::store
