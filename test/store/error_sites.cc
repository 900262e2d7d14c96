// SPDX-License-Identifier: Apache-2.0
#include "test/store/error_sites.h"

#include <algorithm>

namespace orbitmq::store {
namespace {
using std::chrono::seconds;
constexpr int kOpensMax = 3;
// Space that returned is noticed within this.
constexpr Duration kSpaceNoticed = seconds(5);
}  // namespace

ErrorSite::ErrorSite(Options options)
    : options_(std::move(options)),
      plan_(std::make_shared<FaultyFiles::Plan>()),
      harness_(std::make_unique<FaultyHarness>(plan_)) {
  plan_->fault = options_.fault;
  StoreStory::SetOptions(harness_->options, options_.mode);
}

ErrorSite::~ErrorSite() = default;

bool ErrorSite::Open() {
  for (int i = 0; i < kOpensMax; ++i) {
    const Status opened = harness_->TryOpen();
    if (opened.ok()) return true;
    opened_always_ = false;
    if (opened.text().empty()) complaints_.push_back("the store does not open and does not say why");
    // As an operator would: look at the reason, and start it again.
    harness_->Crash(StoreHarness::Loss::kProcess);
    harness_->ForgetProcess();
    down_by_ = std::max(down_by_, Loss::kProcess);
  }
  return false;
}

void ErrorSite::Send(int count) {
  if (!harness_->is_open()) return;
  const size_t before = journal_.sent().size();
  for (int i = 0; i < count; ++i) {
    journal_.Send(*harness_, {.queue = {StrCat("topic", i % 3), i % 2}, .count = i % 5 == 4 ? 3 : 1});
  }
  if (!journal_.AwaitAll(*harness_)) complaints_.push_back("an append got no answer");
  for (size_t i = before; i < journal_.sent().size(); ++i) {
    const Sent& sent = journal_.sent()[i];
    if (sent.outcome == Outcome::kAcked) continue;
    wrote_always_ = false;
    if (sent.why.text().empty()) complaints_.push_back("an append is refused without a reason");
  }
}

void ErrorSite::Leave() {
  if (!harness_->is_open()) return;
  const bool healthy = harness_->store().writable().ok();
  const Status closed = harness_->Close();
  harness_->ForgetProcess();
  journal_.ProcessDied();
  if (!closed.ok()) down_by_ = std::max(down_by_, Loss::kProcess);
  if (!closed.ok() && closed.text().empty()) complaints_.push_back("a close fails without a reason");
  if (!closed.ok() && healthy && plan_->hit.empty()) {
    complaints_.push_back(StrCat("a close without faults fails: ", closed.ToString()));
  }
}

std::vector<std::string> ErrorSite::Run() {
  if (Open()) {
    Send(12);
    harness_->Pass(seconds(1));
    Send(70);  // Some rolls.
    harness_->Pass(seconds(1));
    (void)journal_.DeleteTopic(*harness_, "topic2");
    harness_->Pass(seconds(1));
    Send(10);
    harness_->Pass(seconds(30));  // The first files expire.
    Send(10);
    Leave();
  }
  if (Open()) {
    Send(10);
    harness_->Pass(std::chrono::milliseconds(300));
    Send(10);
    journal_.NoteFlushed(*harness_);
    harness_->Crash(StoreHarness::Loss::kProcess);
    harness_->ForgetProcess();
    journal_.ProcessDied();
    down_by_ = std::max(down_by_, Loss::kProcess);
  }
  if (Open()) {
    Send(10);
    CheckSpaceComesBack();
    Leave();
  }
  CheckAfterwards();
  return complaints_;
}

void ErrorSite::CheckSpaceComesBack() {
  if (options_.fault.error != Fault::Error::kSpace) return;
  plan_->fault.at = 0;
  // A failed sync stops the store for good; everything else waits for space.
  if (plan_->hit_sync || plan_->hits.contains("fdatasync") || plan_->hits.contains("msync") ||
      plan_->hits.contains("fsync"))
    return;
  harness_->Pass(kSpaceNoticed);
  const size_t before = journal_.sent().size();
  Send(3);
  for (size_t i = before; i < journal_.sent().size(); ++i) {
    const Sent& sent = journal_.sent()[i];
    if (sent.outcome == Outcome::kAcked) continue;
    complaints_.push_back(
        StrCat("five seconds after space returned writes are refused: ", sent.why.ToString()));
    return;
  }
}

void ErrorSite::CheckAfterwards() {
  plan_->fault.at = 0;
  if (harness_->is_open()) {
    harness_->Crash(StoreHarness::Loss::kProcess);
    harness_->ForgetProcess();
    down_by_ = std::max(down_by_, Loss::kProcess);
  }
  journal_.ProcessDied();
  if (const Status opened = harness_->TryOpen(); !opened.ok()) {
    complaints_.push_back(StrCat("without faults it does not open: ", opened.ToString()));
    return;
  }
  StoreOracle oracle(*harness_, journal_);
  oracle.AllowLateBegins();
  for (std::string& complaint : oracle.Check(std::max(down_by_, Loss::kProcess))) {
    complaints_.push_back(std::move(complaint));
  }
  if (!complaints_.empty()) return;
  for (std::string& complaint : oracle.CheckTakesMore()) complaints_.push_back(std::move(complaint));
}

}  // namespace orbitmq::store
