// SPDX-License-Identifier: Apache-2.0
#include "test/store/power_cut.h"

#include <algorithm>
#include <cstdio>

namespace orbitmq::store {
namespace {

using Cut = sim::SimDisk::Cut;

// Where in a recovery the second cut falls: recoveries of these small stores change the disk some ten to a
// hundred times.
constexpr uint64_t kSecondCutMax = 60;
constexpr size_t kLogLinesShown = 25;

std::string KindName(sim::SimDisk::Operation::Kind kind) {
  static constexpr const char* kNames[] = {"write",  "sync",   "truncate",     "make",
                                           "remove", "rename", "sync names of"};
  return kNames[static_cast<size_t>(kind)];
}

struct Way {
  const char* name;
  Loss loss;
  Cut cut;
};
constexpr Way kWays[] = {
    {"killed", Loss::kProcess, Cut::kAll},
    {"power, mixed pages", Loss::kPower, Cut::kMixed},
    {"power, any sectors", Loss::kPower, Cut::kSectors},
    {"power, nothing", Loss::kPower, Cut::kNothing},
    {"power, mixed pages", Loss::kPower, Cut::kMixed},
    {"power, all pages", Loss::kPower, Cut::kAll},
};

}  // namespace

PowerCut::PowerCut(Options options)
    : options_(options), live_(options.seed), story_(live_, journal_, options.seed, {}) {
  StoreStory::SetOptions(live_.options, options_.mode);
}

std::vector<std::string> PowerCut::Run() {
  live_.disk().SetObserver([this](const sim::SimDisk::Operation& operation) { OnOperation(operation); });
  if (const Status opened = live_.TryOpen(); !opened.ok()) return {opened.ToString()};
  for (int i = 0; i < options_.steps && complaints_.empty() && story_.complaints().empty(); ++i)
    story_.Step();
  live_.disk().SetObserver({});
  for (const std::string& complaint : story_.complaints()) Complain(live_, "the story itself", complaint);
  return complaints_;
}

void PowerCut::OnOperation(const sim::SimDisk::Operation& operation) {
  ++operations_;
  if (options_.trace) {
    std::printf("  %llu %s %s\n", static_cast<unsigned long long>(operations_),
                KindName(operation.kind).c_str(), operation.path.c_str());
  }
  const bool chosen = options_.only_operation != 0
                          ? operations_ == options_.only_operation
                          : operations_ % options_.every == options_.seed % options_.every;
  if (!chosen || !complaints_.empty() || images_ >= options_.images_max) return;
  at_ = StrCat("operation ", operations_, " (", KindName(operation.kind), " ", operation.path, ")");
  Journal journal = journal_;
  journal.NoteFlushed(live_);
  journal.ProcessDied();
  TryImage(live_.disk(), journal, story_.down_by(), Random(options_.seed * 1'000'003 + operations_), 0);
}

void PowerCut::TryImage(const sim::SimDisk& disk, const Journal& journal, Loss before, Random random,
                        int depth) {
  ++images_;
  const Way& way = kWays[random.Below(std::size(kWays))];
  const Loss loss = std::max(before, way.loss);
  const std::string where = StrCat(at_, depth == 0 ? "" : " and again in recovery", ", ", way.name);
  ++tally_[StrCat(way.name, depth == 0 ? "" : ", in recovery")];
  StoreHarness image(random.Next());
  image.options = live_.options;
  image.Pass(live_.scheduler().now() - MonoTime{});
  image.disk().CloneFrom(disk);
  if (way.loss == Loss::kPower) image.disk().Crash(way.cut);
  uint64_t until_second = depth == 0 && random.Chance(1, 4) ? 1 + random.Below(kSecondCutMax) : 0;
  if (until_second > 0) {
    image.disk().SetObserver([&, this](const sim::SimDisk::Operation&) {
      if (--until_second == 0) TryImage(image.disk(), journal, loss, Random(random), depth + 1);
    });
  }
  const Status opened = image.TryOpen();
  image.disk().SetObserver({});
  if (!complaints_.empty()) return;
  if (!opened.ok()) return Complain(image, where, StrCat("it does not open: ", opened.ToString()));
  Journal own = journal;
  Judge(image, own, loss, random, where);
}

void PowerCut::Judge(StoreHarness& image, Journal& journal, Loss loss, Random random,
                     const std::string& where) {
  StoreOracle oracle(image, journal);
  oracle.AllowLateBegins();
  auto complaints = oracle.Check(loss);
  if (complaints.empty() && random.Chance(1, 2)) complaints = oracle.CheckTakesMore();
  if (complaints.empty() && random.Chance(1, 2)) {
    if (const Status closed = image.Close(); !closed.ok()) {
      complaints = {StrCat("it does not close: ", closed.ToString())};
    } else if (const Status opened = image.TryOpen(); !opened.ok()) {
      complaints = {StrCat("it does not open after a clean close: ", opened.ToString())};
    } else if (!image.store().recovery().clean_shutdown) {
      complaints = {"a clean close is taken for a crash"};
    } else {
      complaints = oracle.Check(Loss::kNone);
    }
  }
  for (const std::string& complaint : complaints) Complain(image, where, complaint);
}

void PowerCut::Complain(const StoreHarness& harness, const std::string& where, const std::string& text) {
  complaints_.push_back(StrCat(where, ": ", text));
  if (options_.only_operation == 0 || complaints_.size() > 1) return;
  const auto& lines = harness.log_lines();
  for (size_t i = lines.size() - std::min(lines.size(), kLogLinesShown); i < lines.size(); ++i) {
    complaints_.push_back(StrCat("  log: ", lines[i]));
  }
}

}  // namespace orbitmq::store
