// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "tools/mqadmin/arguments.h"
#include "tools/mqadmin/driver.h"
#include "tools/mqadmin/group_verdict.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/line_format.h"
#include "tools/mqadmin/line_source.h"
#include "tools/mqadmin/message_view.h"
#include "tools/mqadmin/properties_view.h"

namespace orbitmq::tools {
namespace {

using Words = std::vector<std::string>;

constexpr OptionSpec kOptions[] = {
    {"t", "topic", ValueKind::kTopic, Need::kRequired, "the topic"},
    {"b", "brokerAddr", ValueKind::kAddress, Need::kOneOf, "the broker"},
    {"c", "clusterName", ValueKind::kCluster, Need::kOneOf, "the cluster"},
    {"a", "all", ValueKind::kFlag, Need::kOptional, "all"},
    {"l", "list", ValueKind::kFlag, Need::kOptional, "list"},
    {"o", "offset", ValueKind::kLong, Need::kOptional, "an offset"},
    {"", "attributes", ValueKind::kText, Need::kOptional, "attributes"},
    {"m", "method", ValueKind::kChoice, Need::kOptional, "what to do", "get|put"},
};
constexpr OptionSpec kAnyOptions[] = {
    {"b", "brokerAddr", ValueKind::kAddress, Need::kAnyOf, "the broker"},
    {"c", "clusterName", ValueKind::kCluster, Need::kAnyOf, "the cluster"},
    {"p", "perm", ValueKind::kPerm, Need::kOptional, "the permission"},
};
constexpr CommandSpec kAny = {"any", "test", "Tests", kAnyOptions, "mqadmin any -c y"};
constexpr CommandSpec kCommand = {"test", "test", "Tests", kOptions, "mqadmin test -t x -c y"};

Result<Arguments> Parse(const Words& words) { return Arguments::Parse(kCommand, words); }

std::string Refusal(const Words& words) {
  const auto parsed = Parse(words);
  return parsed.ok() ? "taken" : std::string(parsed.status().text());
}

TEST(MqadminArguments, EveryForm_IsTaken) {
  for (const Words& words : {Words{"-t", "T", "-c", "C"}, Words{"-tT", "-cC"}, Words{"-t=T", "-c=C"},
                             Words{"--topic", "T", "--clusterName=C"}, Words{"-topic", "T", "--cluster", "C"},
                             Words{"--topic=T", "-alc", "C"}, Words{"-c", " C ", "-t", " T"}}) {
    const auto parsed = Parse(words);
    ASSERT_TRUE(parsed.ok()) << parsed.status().text();
    EXPECT_EQ(parsed->Text("topic"), "T");
    EXPECT_EQ(parsed->Text("clusterName"), "C");
  }
}

TEST(MqadminArguments, Flags_StandTogether) {
  const auto parsed = Parse({"-al", "-t", "T", "-c", "C"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().text();
  EXPECT_TRUE(parsed->Has("all"));
  EXPECT_TRUE(parsed->Has("list"));
}

TEST(MqadminArguments, NegativeNumber_IsAValue) {
  const auto parsed = Parse({"-t", "T", "-c", "C", "-o", "-1"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().text();
  EXPECT_EQ(parsed->Number("offset", 7), -1);
  EXPECT_EQ(parsed->Number("absent", 7), 7);
}

TEST(MqadminArguments, WrongUsage_NamesWhatAndWhatToDo) {
  EXPECT_EQ(Refusal({"-c", "C"}), "option -t/--topic is missing: the topic");
  EXPECT_EQ(Refusal({"-t", "T"}), "give exactly one of -b/--brokerAddr and -c/--clusterName");
  EXPECT_EQ(Refusal({"-t", "T", "-c", "C", "-b", "h:1"}),
            "give exactly one of -b/--brokerAddr and -c/--clusterName");
  EXPECT_EQ(Refusal({"-t", "-c", "C"}), "option -t/--topic needs a value: the topic");
  EXPECT_EQ(Refusal({"-t"}), "option -t/--topic needs a value: the topic");
  EXPECT_EQ(Refusal({"-t", "T", "-c", "C", "-o", "x"}),
            "option -o/--offset: 'x' is no whole number of 64 bits");
  EXPECT_EQ(Refusal({"-t", "T", "-c", "C", "-m", "del"}), "option -m/--method: 'del' is none of get|put");
  EXPECT_EQ(Refusal({"-t", "T", "-c", "C", "--all=1"}), "option -a/--all takes no value");
  EXPECT_EQ(Refusal({"-t", "T", "-t", "U", "-c", "C"}), "option -t/--topic is given twice");
  EXPECT_EQ(Refusal({"-t", "T", "-c", "C", "stray"}), "'stray' stands alone; every value follows its option");
  EXPECT_NE(Refusal({"-t", "T", "-b", "nowhere"}).find("-b/--brokerAddr"), std::string::npos);
}

TEST(MqadminArguments, BrokerAndCluster_MayBothBeGivenWhereJavasTakesBoth) {
  EXPECT_TRUE(Arguments::Parse(kAny, Words{"-b", "h:1", "-c", "C"}).ok());
  EXPECT_TRUE(Arguments::Parse(kAny, Words{"-c", "C"}).ok());
  EXPECT_EQ(Arguments::Parse(kAny, Words{}).status().text(),
            "give one of -b/--brokerAddr and -c/--clusterName");
  for (const char* name : {"updateTopicPerm", "deleteSubGroup", "setConsumeMode", "updateSubGroup",
                           "getBrokerConfig", "updateBrokerConfig", "exportMetadata", "haStatus"}) {
    size_t any = 0;
    for (const OptionSpec& option : FindCommand(name)->options) any += option.need == Need::kAnyOf ? 1 : 0;
    EXPECT_EQ(any, 2u) << name;
  }
}

TEST(MqadminArguments, Permission_IsASumOfBits) {
  for (const char* perm : {"0", "1", "2", "4", "6", "7"}) {
    EXPECT_TRUE(Arguments::Parse(kAny, Words{"-c", "C", "-p", perm}).ok()) << perm;
  }
  for (const char* perm : {"8", "-1", "06", "RW", "10"}) {
    EXPECT_FALSE(Arguments::Parse(kAny, Words{"-c", "C", "-p", perm}).ok()) << perm;
  }
}

TEST(MqadminArguments, UnknownOption_SuggestsTheNearest) {
  const std::string text = Refusal({"-t", "T", "--clustername", "C"});
  EXPECT_NE(text.find("did you mean --clusterName?"), std::string::npos) << text;
  EXPECT_NE(Refusal({"-t", "T", "-x"}).find("unknown option '-x'"), std::string::npos);
  EXPECT_NE(Refusal({"--a", "x"}).find("may be --all or --attributes"), std::string::npos);
}

TEST(MqadminArguments, Names_AreNeitherEmptyNorEndless) {
  const std::string longest(255, 't');
  EXPECT_TRUE(Parse({"-t", longest, "-c", "x"}).ok());
  const auto refused = Parse({"-t", longest + "t", "-c", "x"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().text().find("has 256 bytes; a name has at most 255"), std::string::npos)
      << refused.status().text();
  EXPECT_LT(refused.status().text().size(), 150u);
  EXPECT_FALSE(Parse({"-t", " ", "-c", "x"}).ok());
  const CommandSpec* why = FindCommand("why");
  for (const std::string& group : {std::string(), std::string(" "), longest + "g"}) {
    EXPECT_FALSE(Arguments::Parse(*why, Words{group}).ok()) << group.size();
  }
  EXPECT_TRUE(Arguments::Parse(*why, Words{"billing"}).ok());
}

TEST(MqadminArguments, Help_NeedsNothingElse) {
  const auto parsed = Parse({"-h"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().text();
  EXPECT_TRUE(parsed->Has("help"));
}

TEST(JavaFormat, PadsByCharactersAsJava) {
  const std::string arguments[] = {"ab", "c", "7"};
  EXPECT_EQ(JavaFormat("%-4s|%3s|%03d%n", arguments), "ab  |  c|007\n");
  const std::string wide[] = {"gr\xC3\xBC\xC3\x9F"};
  EXPECT_EQ(JavaFormat("%-6s|%%", wide), "gr\xC3\xBC\xC3\x9F  |%");
}

TEST(JavaFormat, Fixed_RoundsHalfUpOnTheDecimalDigits) {
  EXPECT_EQ(JavaFixed(0.125, 2), "0.13");
  EXPECT_EQ(JavaFixed(1.005, 2), "1.01");
  EXPECT_EQ(JavaFixed(99.995, 2), "100.00");
  EXPECT_EQ(JavaFixed(-2.5, 0), "-3");
  EXPECT_EQ(JavaFixed(12, 2), "12.00");
  EXPECT_EQ(JavaFixed(1e21, 1), "1000000000000000000000.0");
}

TEST(JavaFormat, FrontCharacters_CutsNoCharacterInTwo) {
  EXPECT_EQ(FrontCharacters("abc", 5), "abc");
  EXPECT_EQ(FrontCharacters("abc", 2), "ab");
  EXPECT_EQ(FrontCharacters("\xC3\xBC\xC3\x9F!", 2), "\xC3\xBC\xC3\x9F");
}

TEST(JavaFormat, ToolTime_GoesBothWays) {
  EXPECT_EQ(*ParseToolTime("1700000000123"), 1700000000123);
  const auto local = ParseToolTime("2026-01-31#13:45:10:123");
  ASSERT_TRUE(local.ok());
  EXPECT_EQ(HumanMillis(*local), "2026-01-31 13:45:10,123");
  EXPECT_EQ(HumanMillis(*ParseToolTime("2026-01-31 13:45")), "2026-01-31 13:45:00,000");
  EXPECT_EQ(HumanMillis(*ParseToolTime("2026-01-31T13:45:10.123")), "2026-01-31 13:45:10,123");
  EXPECT_EQ(*ParseToolTime("2023-11-14T22:13:20Z"), 1700000000000);
  EXPECT_EQ(HumanSeconds(*local), "2026-01-31 13:45:10");
  for (const char* text : {"", "soon", "2026-13-01#00:00:00:000", "2026-02-30", "1x"}) {
    EXPECT_FALSE(ParseToolTime(text).ok()) << text;
  }
}

TEST(JavaText, SpellsWhatJavaPrints) {
  proto::TopicConfig topic;
  topic.topic_name = "T";
  topic.attributes = {{"+b", "2"}, {"+a", "1"}};
  EXPECT_EQ(TopicConfigText(topic),
            "TopicConfig [topicName=T, readQueueNums=16, writeQueueNums=16, perm=RW-, "
            "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={+a=1, +b=2}]");
  EXPECT_EQ(QueueText({"T", "b", 3}), "MessageQueue [topic=T, brokerName=b, queueId=3]");
  EXPECT_EQ(JavaString("a\xFF z"), "a\xEF\xBF\xBD z");
}

TEST(JavaText, Versions) {
  for (const auto& [number, name] :
       std::vector<std::pair<int32_t, std::string>>{{513, "V5_5_0"},
                                                    {413, "V5_0_0"},
                                                    {401, "V4_9_4"},
                                                    {400, "V4_9_4_SNAPSHOT"},
                                                    {211, "V3_9_9"},
                                                    {47, "V3_1_0"},
                                                    {87, "V3_3_1"},
                                                    {100000, "HIGHER_VERSION"}}) {
    EXPECT_EQ(JavaVersion(number), name);
  }
}

TEST(JavaText, Attributes) {
  const auto parsed = ParseAttributes("+a=b,-c");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->at("+a"), "b");
  EXPECT_EQ(parsed->at("-c"), "");
  for (const char* text : {"a=b", "+a", "-", "+a=1,+a=2"}) EXPECT_FALSE(ParseAttributes(text).ok()) << text;
}

TEST(Properties, EscapesGoBothWays) {
  const std::string line = PropertyLine("a=b", "c:\\d");
  const auto parsed = ParseProperties("# comment\nplain = value\nempty=\n" + line);
  EXPECT_EQ(parsed.at("plain"), "value");
  EXPECT_EQ(parsed.at("empty"), "");
  EXPECT_EQ(parsed.at("a=b"), "c:\\d");
  EXPECT_EQ(parsed.size(), 3u);
}

TEST(Output, HeadsBecomeJsonNames) {
  EXPECT_EQ(JsonNameOfHead("#Broker Name"), "brokerName");
  EXPECT_EQ(JsonNameOfHead("#QID"), "qid");
  EXPECT_EQ(JsonNameOfHead("#InTPS(LOAD)"), "inTPS");
  EXPECT_EQ(JsonNameOfHead("#PCWait(ms)=waitMs"), "waitMs");
}

TEST(Output, OneTableInBothForms) {
  constexpr TableShape kShape = {"rows", "%-6s %s%n", "%-6s %s%n", "#Name|#Size"};
  std::ostringstream text;
  std::ostringstream json;
  for (Output out : {Output(text, OutputForm::kText), Output(json, OutputForm::kJson)}) {
    out.Head(kShape);
    out.Row(kShape, {"a\"b", 7});
    out.Fact("total", 7, "Total: 7");
    out.Message("done");
    out.Finish();
  }
  EXPECT_EQ(text.str(), "#Name  #Size\na\"b    7\nTotal: 7\ndone\n");
  EXPECT_EQ(json.str(),
            "{\"rows\":[{\"name\":\"a\\\"b\",\"size\":7}],\"total\":7,\"messages\":[\"done\"]}\n");
}

ShownMessage SampleMessage() {
  ShownMessage message;
  message.view.topic = "T";
  message.view.queue_id = 3;
  message.view.queue_offset = QueueOffset{17};
  message.broker_name = "b";
  message.body = "hello";
  message.properties = {{"KEYS", "k1 k2"}, {"TAGS", "red"}, {"UNIQ_KEY", "ID"}, {"x", "1"}, {"y", "2"}};
  return message;
}

TEST(LineFormat, EveryPlaceholder_IsFilled) {
  const auto format = LineFormat::Parse("%t %B %q %o %k %g %p %b %s %i%%\\t\\x41\\n");
  ASSERT_TRUE(format.ok()) << format.status().text();
  EXPECT_EQ(format->Apply(SampleMessage()), "T b 3 17 k1 k2 red x=1,y=2 hello 5 ID%\tA\n");
  EXPECT_EQ(LineFormat::Parse("%k|%g|%p")->Apply(ShownMessage()), "||");
  ShownMessage dated;
  dated.view.store_time = FromEpochMillis(*ParseToolTime("2026-01-31#13:45:10:123"));
  EXPECT_EQ(LineFormat::Parse("%d")->Apply(dated), "2026-01-31 13:45:10,123");
}

TEST(MessageJson, BodyThatIsNoText_IsWhole) {
  ShownMessage message = SampleMessage();
  EXPECT_NE(MessageJson(message).find("\"body\":\"hello\""), std::string::npos);
  message.body =
      "c\xFF\xFE"
      "d";
  const std::string json = MessageJson(message);
  EXPECT_NE(json.find("\"bodyBase64\":\"Y//+ZA==\""), std::string::npos) << json;
  EXPECT_EQ(json.find("\"body\""), std::string::npos) << json;
}

TEST(LineFormat, WrongText_IsRefusedByName) {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{{"%z", "'%z'"},
                                                                                    {"%", "'%'"},
                                                                                    {"\\q", "'\\q'"},
                                                                                    {"\\", "'\\'"},
                                                                                    {"\\x4", "'\\x'"},
                                                                                    {"\\xzz", "'\\x'"}}) {
    const auto format = LineFormat::Parse(text);
    ASSERT_FALSE(format.ok()) << text;
    EXPECT_NE(format.status().text().find(named), std::string_view::npos) << format.status().text();
  }
}

TEST(LineSource, Lines_AreCutAndCounted) {
  std::istringstream stream("one\n\nthree");
  LineSource lines(stream, 5);
  for (const char* line : {"one", "", "three"}) EXPECT_EQ((*lines.Next()).value(), line);
  EXPECT_EQ(lines.number(), 3);
  EXPECT_FALSE(lines.Next()->has_value());
}

TEST(LineSource, TooLongALine_IsNamed) {
  std::istringstream stream("a\nabcdef\n");
  LineSource lines(stream, 5);
  ASSERT_TRUE(lines.Next().ok());
  const auto refused = lines.Next();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().text(), "line 2 is longer than 5 bytes, a message's limit");
}

TEST(LineSource, InputThatCannotBeRead_IsAFailure) {
  std::ifstream folder("/");
  LineSource lines(folder, 5);
  const auto refused = lines.Next();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kIoError);
  EXPECT_EQ(refused.status().text(), "line 1 of the input cannot be read: Is a directory");
}

TEST(LineSource, Key_StandsBeforeTheFirstSeparator) {
  const auto keyed = SplitKey("k=>a=>b", "=>");
  ASSERT_TRUE(keyed.ok());
  EXPECT_EQ(keyed->key, "k");
  EXPECT_EQ(keyed->body, "a=>b");
  EXPECT_FALSE(SplitKey("=>a", "=>").ok());
  EXPECT_FALSE(SplitKey("a", "=>").ok());
}

TEST(Output, Lines_AreObjectsOfTheirOwn) {
  std::ostringstream text;
  Output out(text, OutputForm::kJson);
  out.BeginLines();
  out.JsonLine("{\"a\":1}");
  EXPECT_TRUE(out.Flush().ok());
  out.Finish();
  EXPECT_EQ(text.str(), "{\"a\":1}\n");
  text.setstate(std::ios::badbit);
  EXPECT_EQ(out.Flush().code(), StatusCode::kIoError);
}

// Two members share two queues and are done with all.
GroupFacts HealthyGroup() {
  GroupFacts facts;
  facts.now_ms = 10'000'000;
  facts.members = facts.members_that_answer = 2;
  for (int32_t id = 0; id < 2; ++id) {
    facts.queues.push_back({.queue = {"T", "b", id},
                            .last_commit_ms = facts.now_ms - 1000,
                            .owner = StrCat("client-", id),
                            .last_pull_ms = facts.now_ms,
                            .last_consume_ms = facts.now_ms});
  }
  return facts;
}

TEST(Why, HealthyGroup_IsFine) {
  GroupFacts facts = HealthyGroup();
  EXPECT_EQ(Judge(facts).text, "fine: nothing waits");
  facts.queues[1].lag = 3;
  EXPECT_EQ(Judge(facts).text, "fine: 3 messages wait, none for long");
  EXPECT_EQ(Judge(facts).remedy, "");
  EXPECT_EQ(SlowestQueue(facts), &facts.queues[1]);
}

TEST(Why, BrokersThatCannotTell_AreNoReasonToSayFine) {
  GroupFacts facts = HealthyGroup();
  facts.unknown = {"broker-b (last seen at 10.0.0.2:10911)"};
  GroupVerdict verdict = Judge(facts);
  EXPECT_EQ(verdict.state, GroupState::kUnknown);
  EXPECT_EQ(GroupStateName(verdict.state), "unknown");
  EXPECT_EQ(verdict.text,
            "fine: nothing waits; what waits at broker-b (last seen at 10.0.0.2:10911) is not known");
  EXPECT_FALSE(verdict.remedy.empty());
  facts.members = 0;
  verdict = Judge(facts);
  EXPECT_EQ(verdict.state, GroupState::kNobody);
  EXPECT_TRUE(verdict.text.ends_with("is not known")) << verdict.text;
}

TEST(Why, EveryTrouble_IsNamedWithItsRemedy) {
  const auto expect = [](const GroupFacts& facts, GroupState state, std::string_view text) {
    const GroupVerdict verdict = Judge(facts);
    EXPECT_EQ(verdict.state, state) << verdict.text;
    EXPECT_EQ(verdict.text, text);
    EXPECT_FALSE(verdict.remedy.empty());
    EXPECT_FALSE(GroupStateName(state).empty());
  };
  GroupFacts facts = HealthyGroup();
  facts.members = facts.members_that_answer = 0;
  expect(facts, GroupState::kNobody, "nobody consumes: no member is online, and nothing waits");
  facts.queues[0].lag = 7;
  expect(facts, GroupState::kNobody, "nobody consumes: no member is online, 7 messages wait");
  facts.switched_off = {"10.0.0.1:10911", "10.0.0.2:10911"};
  expect(facts, GroupState::kOff,
         "switched off: 10.0.0.1:10911, 10.0.0.2:10911 gives this group no message (consumeEnable=false), "
         "7 messages wait");
  facts = HealthyGroup();
  facts.same_subscriptions = false;
  expect(facts, GroupState::kConflict,
         "subscription conflict: members of the group subscribe to different things");
  facts = HealthyGroup();
  facts.queues[1].cached = 4;
  facts.queues[1].last_consume_ms = facts.now_ms - 61'000;
  expect(facts, GroupState::kStuck,
         "stuck queue: T queue 1 of b, client-1 has 4 messages and has finished none for 61 s");
  facts = HealthyGroup();
  facts.queues[0].owner.clear();
  facts.queues[0].lag = 1;
  expect(facts, GroupState::kUnowned, "queue without an owner: T queue 0 of b");
  facts.members_that_answer = 1;
  EXPECT_EQ(Judge(facts).state, GroupState::kFine) << "the silent member may own it";
  facts = HealthyGroup();
  facts.failed_tps = 2;
  facts.ok_tps = 1;
  expect(facts, GroupState::kFailing, "failing consumer: listeners refuse 2.00 messages/s and finish 1.00");
  facts = HealthyGroup();
  facts.queues[0].lag = 9;
  facts.queues[0].last_commit_ms = facts.now_ms - 90'000;
  expect(facts, GroupState::kSlow,
         "slow consumer: 9 messages wait, the slowest queue is T queue 0 of b, "
         "at messages that are 90 s old");
}

TEST(ExitCodes, FollowTheKindOfFailure) {
  EXPECT_EQ(ExitCodeOf(Status()), 0);
  EXPECT_EQ(ExitCodeOf({StatusCode::kNotFound, "x"}), 1);
  EXPECT_EQ(ExitCodeOf(UsageError("x")), 2);
  EXPECT_EQ(ExitCodeOf({StatusCode::kUnavailable, "x"}), 3);
  EXPECT_EQ(ExitCodeOf({StatusCode::kUnknown, "x"}), 3);
  EXPECT_EQ(ExitCodeOf(proto::StatusFromResponse(proto::ResponseCode::kNoPermission, "x")), 4);
  EXPECT_EQ(ExitCodeOf(proto::StatusFromResponse(proto::ResponseCode::kSystemError, "x")), 1);
}

}  // namespace
}  // namespace orbitmq::tools
