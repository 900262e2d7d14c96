// SPDX-License-Identifier: Apache-2.0
#include "test/e2e/journal_sender.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

namespace orbitmq::e2e {
namespace {

// Between two tries while the broker is away, so that the journal does not fill with refusals.
constexpr Millis kPauseAfterFailure{20};
constexpr int kAcksPerLine = 20;

// Of SendStatus, in its order.
constexpr const char* kStatusNames[] = {"OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT",
                                        "SLAVE_NOT_AVAILABLE"};

// The state of one run: what to send next, and what is under way.
class Run final {
 public:
  Run(const JournalOptions& options, Producer& producer, std::FILE* journal)
      : options_(options), producer_(producer), journal_(journal), next_(options.first) {}

  void Go() {
    std::thread waiting([this] {
      while (std::getchar() != EOF) {
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    });
    for (;;) {
      const int64_t number = Take();
      if (number < 0) break;
      Send(number);
    }
    waiting.join();
  }

 private:
  // The next number to send, old failures first; -1 when input ended and everything was acknowledged.
  int64_t Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      if (failed_last_) {
        failed_last_ = false;
        changed_.wait_for(lock, kPauseAfterFailure);
      }
      const bool all_acked = under_way_ == 0 && again_.empty();
      if (ending_ && all_acked) return -1;
      const bool may_send = under_way_ < options_.window && (!again_.empty() || !ending_);
      if (may_send) break;
      changed_.wait(lock);
    }
    ++under_way_;
    int64_t number = next_;
    if (again_.empty()) {
      if (options_.rate > 0) {
        next_due_ += std::chrono::microseconds(1'000'000 / options_.rate);
        changed_.wait_until(lock, next_due_, [] { return false; });
      }
      ++next_;
    } else {
      number = again_.front();
      again_.pop_front();
    }
    std::fprintf(journal_, "try %lld\n", static_cast<long long>(number));
    std::fflush(journal_);
    return number;
  }

  void Send(int64_t number) {
    Message message;
    message.topic = options_.topic;
    message.body = JournalBody(number);
    message.wait_store_ok = true;
    producer_.SendAsync(std::move(message), {},
                        [this, number](const Result<SendResult>& result) { Note(number, result); });
  }

  void Note(int64_t number, const Result<SendResult>& result) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --under_way_;
    const bool acked = result.ok() && result->status == SendStatus::kOk;
    if (result.ok()) {
      const std::string status = kStatusNames[static_cast<size_t>(result->status)];
      const std::string word = acked ? "acked" : "kept:" + status;
      std::fprintf(journal_, "%s %lld %d %lld %s\n", word.c_str(), static_cast<long long>(number),
                   result->queue.queue_id, static_cast<long long>(result->queue_offset),
                   result->queue.broker_name.c_str());
    } else {
      std::fprintf(journal_, "failed %lld %s\n", static_cast<long long>(number),
                   result.status().ToString().c_str());
    }
    if (acked && ++acks_ % kAcksPerLine == 0) {
      std::printf("progress %d\n", acks_);
      std::fflush(stdout);
    }
    if (!acked) {
      again_.push_back(number);
      failed_last_ = true;
    }
    std::fflush(journal_);
    changed_.notify_all();
  }

  const JournalOptions& options_;
  Producer& producer_;
  std::FILE* const journal_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int64_t> again_;
  int64_t next_;
  std::chrono::steady_clock::time_point next_due_ = std::chrono::steady_clock::now();
  int under_way_ = 0;
  int acks_ = 0;
  bool failed_last_ = false;
  bool ending_ = false;
};

}  // namespace

std::string JournalBody(int64_t number) {
  std::string body = "message " + std::to_string(number) + ":";
  body.append(static_cast<size_t>(number * 37 % 1400), static_cast<char>('a' + number % 26));
  return body;
}

int RunJournalSender(const JournalOptions& options, Producer& producer) {
  std::FILE* const journal = std::fopen(options.path.c_str(), "w");
  if (journal == nullptr) {
    std::fprintf(stderr, "cannot write the journal %s\n", options.path.c_str());
    return 1;
  }
  Run(options, producer, journal).Go();
  std::fclose(journal);
  return 0;
}

}  // namespace orbitmq::e2e
