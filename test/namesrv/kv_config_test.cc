// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "common/posix_file_system.h"
#include "namesrv/kv_config.h"
#include "test/sim/file_damage.h"

namespace orbitmq::namesrv {
namespace {

// Keeps the messages of what is logged.
class MemoryLogger final : public Logger {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Write(LogLevel, std::string_view message, std::initializer_list<LogField>) override {
    text_.append(message).push_back('\n');
  }
  bool Has(std::string_view words) const { return text_.find(words) != std::string::npos; }

 private:
  std::string text_;
};

class KvConfigTest : public testing::Test {
 protected:
  KvConfigTest() : files_(NewPosixFileSystem()) {
    directory_ = testing::TempDir() + "kv_config_test_" + std::to_string(::getpid());
    std::filesystem::remove_all(directory_);
  }
  ~KvConfigTest() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/namesrv/kvConfig.json"; }
  Result<std::unique_ptr<KvConfig>> Load() { return KvConfig::Load(*files_, NullLogger(), path()); }
  void WriteRaw(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  std::unique_ptr<FileSystem> files_;
  std::string directory_;
};

TEST_F(KvConfigTest, Missing_IsEmpty) {
  auto config = Load();
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE((*config)->Find("ns", "k"));
  EXPECT_FALSE((*config)->List("ns"));
}

TEST_F(KvConfigTest, PutAndDelete_SurviveReloading) {
  auto config = Load();
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE((*config)->Put("ORDER_TOPIC_CONFIG", "T1", "b0:4;b1:4").ok());
  ASSERT_TRUE((*config)->Put("ns", "k\"\n", "v\t\xE4\xBD\xA0").ok());
  ASSERT_TRUE((*config)->Put("ns", "gone", "1").ok());
  ASSERT_TRUE((*config)->Delete("ns", "gone").ok());
  ASSERT_TRUE((*config)->Delete("ns", "never there").ok());
  config = Load();
  ASSERT_TRUE(config.ok());
  EXPECT_EQ((*config)->Find("ORDER_TOPIC_CONFIG", "T1"), "b0:4;b1:4");
  EXPECT_EQ((*config)->Find("ns", "k\"\n"), "v\t\xE4\xBD\xA0");
  EXPECT_EQ((*config)->List("ns")->size(), 1u);
}

TEST_F(KvConfigTest, ApacheFile_IsRead) {
  std::filesystem::create_directories(directory_ + "/namesrv");
  WriteRaw(path(), R"({"configTable":{"ORDER_TOPIC_CONFIG":{"UnitTest":"test"},"empty":{}}})");
  auto config = Load();
  ASSERT_TRUE(config.ok());
  EXPECT_EQ((*config)->Find("ORDER_TOPIC_CONFIG", "UnitTest"), "test");
  EXPECT_TRUE((*config)->List("empty"));
}

TEST_F(KvConfigTest, CorruptFile_BackupIsUsed_ElseRefusedByName) {
  auto config = Load();
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE((*config)->Put("ns", "k", "old").ok());
  ASSERT_TRUE((*config)->Put("ns", "k", "new").ok());
  WriteRaw(path(), "{\"configTable\":{\"ns\":{\"k\"");
  config = Load();
  ASSERT_TRUE(config.ok());
  EXPECT_EQ((*config)->Find("ns", "k"), "old");
  WriteRaw(path() + ".bak", "");
  config = Load();
  ASSERT_FALSE(config.ok());
  EXPECT_NE(std::string(config.status().text()).find(path()), std::string::npos);
}

// Bit rot: one of two versions is always whole, and a damaged one is never taken for an empty table.
TEST_F(KvConfigTest, RandomDamage_IsReadOrReplacedByTheVersionBefore) {
  {
    auto config = Load();
    ASSERT_TRUE(config.ok());
    ASSERT_TRUE((*config)->Put("ns", "first", "1").ok());
    ASSERT_TRUE((*config)->Put("ns", "second", "2").ok());
  }
  const std::string original = directory_ + "_original";
  std::filesystem::copy(directory_, original, std::filesystem::copy_options::recursive);
  Random random(23);
  int fallbacks = 0;
  for (int i = 0; i < 60; ++i) {
    std::filesystem::remove_all(directory_);
    std::filesystem::copy(original, directory_, std::filesystem::copy_options::recursive);
    const auto damage = sim::DamageFile(*files_, path(), random);
    MemoryLogger log;
    auto config = KvConfig::Load(*files_, log, path());
    ASSERT_TRUE(config.ok()) << damage.what << " at " << damage.begin << ": " << config.status().ToString();
    if (!log.Has("the version before")) continue;
    EXPECT_EQ((*config)->Find("ns", "first"), "1") << damage.what;
    EXPECT_FALSE((*config)->Find("ns", "second")) << damage.what;
    if (++fallbacks % 10 != 0) continue;
    ASSERT_TRUE((*config)->Put("ns", "third", "3").ok());
    EXPECT_EQ((*Load())->Find("ns", "third"), "3");
  }
  std::filesystem::remove_all(original);
  EXPECT_GT(fallbacks, 20);
}

}  // namespace
}  // namespace orbitmq::namesrv
