// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "tools/mqadmin/command_table.h"
#include "tools/mqadmin/help.h"

namespace orbitmq::tools {
namespace {

// Those of Java's mqadmin 5.5.0 that concern what there is here: not controllers, access control, static
// topics, containers, cold data, RocksDB and pop records.
constexpr const char* kJavas[] = {"addWritePerm",
                                  "allocateMQ",
                                  "brokerConsumeStats",
                                  "brokerStatus",
                                  "checkMsgSendRT",
                                  "cleanExpiredCQ",
                                  "cleanUnusedTopic",
                                  "cloneGroupOffset",
                                  "clusterList",
                                  "clusterRT",
                                  "consumeMessage",
                                  "consumerConnection",
                                  "consumerProgress",
                                  "consumerStatus",
                                  "deleteExpiredCommitLog",
                                  "deleteKvConfig",
                                  "deleteSubGroup",
                                  "deleteTopic",
                                  "dumpCompactionLog",
                                  "exportConfigs",
                                  "exportMetadata",
                                  "exportMetrics",
                                  "getBrokerConfig",
                                  "getConsumerConfig",
                                  "getNamesrvConfig",
                                  "haStatus",
                                  "printMsg",
                                  "printMsgByQueue",
                                  "producer",
                                  "producerConnection",
                                  "queryCq",
                                  "queryMsgById",
                                  "queryMsgByKey",
                                  "queryMsgByOffset",
                                  "queryMsgByUniqueKey",
                                  "queryMsgTraceById",
                                  "resetMasterFlushOffset",
                                  "resetOffsetByTime",
                                  "sendMessage",
                                  "sendMsgStatus",
                                  "setConsumeMode",
                                  "skipAccumulatedMessage",
                                  "startMonitoring",
                                  "statsAll",
                                  "topicClusterList",
                                  "topicList",
                                  "topicRoute",
                                  "topicStatus",
                                  "updateBrokerConfig",
                                  "updateKvConfig",
                                  "updateNamesrvConfig",
                                  "updateOrderConf",
                                  "updateSubGroup",
                                  "updateSubGroupList",
                                  "updateTopic",
                                  "updateTopicList",
                                  "updateTopicPerm",
                                  "wipeWritePerm"};

TEST(CommandTable, JavasCommands_AreThere) {
  for (const char* name : kJavas) {
    const CommandSpec* command = FindCommand(name);
    ASSERT_NE(command, nullptr) << name;
    EXPECT_EQ(command->name, name) << "in another letter case";
  }
}

TEST(CommandTable, EveryEntryIsWhole) {
  std::set<std::string> names;
  for (const CommandSpec* command : AllCommands()) {
    const std::string name(command->name);
    EXPECT_TRUE(names.insert(AsciiLower(name)).second) << name << " is there twice";
    EXPECT_FALSE(command->description.empty()) << name;
    EXPECT_FALSE(command->subject.empty()) << name;
    EXPECT_NE(command->example.find(name), std::string_view::npos) << name << " has no example";
    EXPECT_NE(command->run, nullptr) << name;
    EXPECT_EQ(FindCommand(AsciiLower(name)), command) << name;
    std::set<std::string_view> letters;
    std::set<std::string_view> options;
    for (const OptionSpec& option : command->options) {
      EXPECT_TRUE(options.insert(option.name).second) << name << " --" << option.name;
      EXPECT_TRUE(option.letters.empty() || letters.insert(option.letters).second)
          << name << " " << option.name;
      EXPECT_FALSE(option.text.empty()) << name << " " << option.name;
      EXPECT_EQ(option.kind == ValueKind::kChoice, !option.choices.empty()) << name << " " << option.name;
    }
  }
  EXPECT_GT(names.size(), 50u);
}

TEST(CommandTable, Texts_NameEveryCommandAndOption) {
  const std::string list = HelpList();
  const std::string man = ManPage("1");
  const std::string bash = CompletionScript(Shell::kBash);
  const std::string zsh = CompletionScript(Shell::kZsh);
  const std::string fish = CompletionScript(Shell::kFish);
  for (const CommandSpec* command : AllCommands()) {
    const std::string name(command->name);
    for (const std::string* text : {&list, &man, &bash, &zsh, &fish}) {
      EXPECT_NE(text->find(name), std::string::npos) << name;
    }
    const std::string page = HelpPage(*command);
    EXPECT_NE(page.find("usage: mqadmin " + name), std::string::npos);
    EXPECT_NE(page.find(command->example), std::string::npos) << name;
    EXPECT_NE(ManPage(*command, "1").find(".SH EXAMPLE"), std::string::npos);
    for (const OptionSpec& option : command->options) {
      EXPECT_NE(page.find("--" + std::string(option.name)), std::string::npos) << name << " " << option.name;
      EXPECT_NE(fish.find("-l " + std::string(option.name)), std::string::npos) << name << " " << option.name;
    }
  }
}

TEST(CommandTable, WordsWithoutOptions_AreInEveryText) {
  const std::string man = ManPage("1");
  const std::string bash = CompletionScript(Shell::kBash);
  const std::string zsh = CompletionScript(Shell::kZsh);
  const std::string fish = CompletionScript(Shell::kFish);
  for (const CommandSpec* command : AllCommands()) {
    EXPECT_EQ(command->words.empty(), command->word_values.empty()) << command->name;
    if (command->words.empty()) continue;
    EXPECT_NE(man.find(StrCat(".B mqadmin ", command->name, "\n", command->words, "\n")), std::string::npos)
        << command->name;
  }
  const auto expect = [](const std::string& script, std::string_view piece) {
    EXPECT_NE(script.find(piece), std::string::npos) << piece;
  };
  expect(bash, "'why 2 '*)");
  expect(bash, "'context 3 '*)");
  expect(zsh, "'1:word:{compadd -- $(printf '\\''%s\\n'\\'' bash zsh fish)}'");
  expect(zsh, "'help:");
  expect(fish, "-n __mqadmin_no_command -a help ");
  expect(fish, "-n '__fish_seen_subcommand_from why' -a '(mqadmin consumerProgress");
  const std::string chosen = "__fish_seen_subcommand_from list use set delete' -a '(";
  expect(fish, "-n '__fish_seen_subcommand_from context; and not " + chosen + "printf ");
  expect(fish, "-n '__fish_seen_subcommand_from context; and " + chosen + "mqadmin context list");
}

}  // namespace
}  // namespace orbitmq::tools
