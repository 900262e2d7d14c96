// SPDX-License-Identifier: Apache-2.0
// Bit rot of config/*.json: whatever is done to one file, the broker starts with it, or with the version
// before and says so, and never takes damage for "nothing there".
#include <algorithm>

#include "common/strings.h"
#include "test/broker/broker_fixture.h"
#include "test/sim/file_damage.h"

namespace orbitmq::broker {
namespace {

using proto::ResponseCode;
using std::chrono::seconds;

constexpr int kDamages = 120;
constexpr const char* kTables[] = {"topics.json", "subscriptionGroup.json", "consumerOffset.json",
                                   "delayOffset.json"};

class ConfigRotTest : public BrokerFixture {
 protected:
  // A broker whose tables were all written several times, so that each has a version before.
  void MakeOriginal() {
    Start();
    for (int i = 0; i < 3; ++i) {
      const std::string topic = StrCat("T", i);
      ASSERT_EQ(CreateTopic(topic).code, ResponseCode::kSuccess);
      ASSERT_EQ(Send({.topic = topic, .properties = "DELAY\x01" "1\x02"}).code, ResponseCode::kSuccess);
      ASSERT_EQ(Pull({.group = StrCat("G", i), .topic = topic}).code, ResponseCode::kPullNotFound);
      Run(seconds(6));
      ASSERT_EQ(CommitOffset(topic, 1, StrCat("G", i)).code, ResponseCode::kSuccess);
      Run(seconds(12));
    }
    Stop();
    original_.CloneFrom(broker_host_.disk);
  }
  static std::string PathOf(const std::string& table) { return StrCat("/data/config/", table); }
  static bool Says(const sim::SimLog& log, std::string_view text, std::string_view about) {
    return std::any_of(log.lines().begin(), log.lines().end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos && line.find(about) != std::string::npos;
    });
  }

  sim::SimDisk original_{3};
};

TEST_F(ConfigRotTest, RandomDamage_IsReadOrReplacedByTheVersionBefore) {
  MakeOriginal();
  Random random(17);
  int fallbacks = 0;
  for (int i = 0; i < kDamages && !HasFailure(); ++i) {
    const std::string table = kTables[i % 4];
    broker_host_.disk.CloneFrom(original_);
    sim::SimLog log;
    broker_env_ = std::make_unique<sim::SimEnv>(scheduler_, network_, broker_host_, log);
    ASSERT_TRUE(broker_env_->files().Exists(PathOf(table) + ".bak")) << table;
    const auto damage = sim::DamageFile(broker_env_->files(), PathOf(table), random);
    SCOPED_TRACE(StrCat("damage ", i, ": ", table, ' ', damage.what, " at ", damage.begin));
    const Status started = TryStart();
    ASSERT_TRUE(started.ok()) << "the version before is whole: " << started.ToString();
    const bool current = Says(log, "version=current", PathOf(table));
    const bool previous = Says(log, "version=previous", PathOf(table));
    EXPECT_NE(current, previous) << "it says which version it took";
    if (previous) {
      ++fallbacks;
      EXPECT_TRUE(Says(log, "WARN", "the version before")) << "loudly";
      const bool gone = damage.what == "removed";
      EXPECT_EQ(Says(log, "ERROR a file is damaged", PathOf(table)), !gone);
      EXPECT_EQ(broker_env_->files().Exists(PathOf(table) + ".damaged"), !gone);
      // The version before has all but the last change.
      EXPECT_EQ(Send({.topic = "T0", .queue_id = 3}).code, ResponseCode::kSuccess);
      EXPECT_EQ(Offset("T0", 0, "G0"), 1);
    }
    // Not by the template, whose name the damage may have changed.
    ASSERT_EQ(CreateTopic(StrCat("Fresh", i)).code, ResponseCode::kSuccess);
    EXPECT_EQ(Send({.topic = StrCat("Fresh", i)}).code, ResponseCode::kSuccess);
    Stop();
    // What it wrote then is whole again.
    Start();
    EXPECT_EQ(PullAll(StrCat("Fresh", i)).size(), 1u);
    Stop();
  }
  EXPECT_GT(fallbacks, kDamages / 4);
}

TEST_F(ConfigRotTest, BothVersionsDamaged_IsARefusalThatNamesTheFile) {
  MakeOriginal();
  Random random(18);
  int refusals = 0;
  for (int i = 0; i < kDamages / 4 && !HasFailure(); ++i) {
    const std::string table = kTables[i % 4];
    broker_host_.disk.CloneFrom(original_);
    Boot();
    for (const char* version : {"", ".bak"}) {
      sim::DamageFile(broker_env_->files(), PathOf(table) + version, random);
    }
    SCOPED_TRACE(StrCat("damage ", i, ": ", table));
    const bool none = !broker_env_->files().Exists(PathOf(table)) &&
                      !broker_env_->files().Exists(PathOf(table) + ".bak");
    if (const Status started = TryStart(); !started.ok()) {
      ++refusals;
      EXPECT_FALSE(none);
      EXPECT_EQ(started.code(), StatusCode::kCorrupt);
      EXPECT_NE(started.text().find(PathOf(table)), std::string_view::npos) << started.ToString();
      EXPECT_NE(started.text().find("put a good copy"), std::string_view::npos) << started.ToString();
      Crash();
      continue;
    }
    ASSERT_EQ(CreateTopic("Fresh").code, ResponseCode::kSuccess);
    EXPECT_EQ(Send({.topic = "Fresh"}).code, ResponseCode::kSuccess);
    Stop();
  }
  EXPECT_GT(refusals, 4);
}

}  // namespace
}  // namespace orbitmq::broker
