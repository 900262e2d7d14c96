// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/log.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/real_env.h"
#include "test/common/temp_directory.h"
#include "tools/mqadmin/cluster_findings.h"
#include "tools/mqadmin/contexts.h"
#include "tools/mqadmin/driver.h"
#include "tools/mqadmin/group_verdict.h"
#include "tools/mqadmin/java_format.h"
#include "tools/mqadmin/java_text.h"
#include "tools/mqadmin/line_format.h"
#include "tools/mqadmin/line_source.h"
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

TEST(MqadminArguments, UnknownOption_SuggestsTheNearest) {
  const std::string text = Refusal({"-t", "T", "--clustername", "C"});
  EXPECT_NE(text.find("did you mean --clusterName?"), std::string::npos) << text;
  EXPECT_NE(Refusal({"-t", "T", "-x"}).find("unknown option '-x'"), std::string::npos);
  EXPECT_NE(Refusal({"--a", "x"}).find("may be --all or --attributes"), std::string::npos);
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
  EXPECT_EQ(HumanSeconds(*local), "2026-01-31 13:45:10");
  for (const char* text : {"", "soon", "2026-13-01#00:00:00:000", "2026-01-31 13:45:10", "1x"}) {
    EXPECT_FALSE(ParseToolTime(text).ok()) << text;
  }
}

TEST(JavaText, SpellsWhatJavaPrints) {
  proto::TopicConfig topic;
  topic.topic_name = "T";
  topic.attributes = {{"+a", "1"}};
  EXPECT_EQ(TopicConfigText(topic),
            "TopicConfig [topicName=T, readQueueNums=16, writeQueueNums=16, perm=RW-, "
            "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={+a=1}]");
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

TEST(LineFormat, WrongText_IsRefusedByName) {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{
           {"%z", "'%z'"},
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

// A NameServer, a master and a slave in good health.
ClusterFacts HealthyCluster() {
  ClusterFacts facts;
  for (const char* address : {"10.0.0.9:9876", "10.0.0.8:9876"}) {
    facts.name_servers.push_back({.address = address});
    NameServerFacts& server = facts.name_servers.back();
    server.brokers = {{{"a", 0}, "10.0.0.1:10911"}, {{"a", 1}, "10.0.0.2:10911"}};
    server.config = {{"orderMessageEnable", "false"}, {"listenPort", "9876"}};
  }
  facts.brokers = {{.cluster = "c", .name = "a", .id = 0, .address = "10.0.0.1:10911"},
                   {.cluster = "c", .name = "a", .id = 1, .address = "10.0.0.2:10911"}};
  for (BrokerFacts& broker : facts.brokers) {
    broker.runtime = {{"brokerVersionDesc", "V5_5_0"}, {"commitLogDiskRatio", "0.5"}};
    broker.topics["T"].topic_name = "T";
    broker.clock_ahead_ms = 300;
  }
  facts.brokers[0].config["brokerRole"] = "SYNC_MASTER";
  proto::HARuntimeInfo replication;
  replication.ha_connection_info.emplace_back();
  replication.ha_connection_info[0].in_sync = true;
  facts.brokers[0].replication = replication;
  facts.routes = {{.topic = "T", .broker_names = {"a"}}};
  return facts;
}

// "E where: what" and "W where: what", without remedies, which all must have.
std::string Told(const ClusterFacts& facts) {
  std::string text;
  for (const Finding& finding : Examine(facts)) {
    EXPECT_FALSE(finding.remedy.empty()) << finding.what;
    StrAppend(text, finding.severity == Severity::kError ? "E " : "W ", finding.where, ": ", finding.what,
              "\n");
  }
  return text;
}

TEST(Doctor, HealthyCluster_HasNoFindings) { EXPECT_EQ(Told(HealthyCluster()), ""); }

TEST(Doctor, ServersThatDoNotAnswer_AreErrors) {
  ClusterFacts facts = HealthyCluster();
  facts.name_servers[1].reached = {StatusCode::kUnavailable, "refused"};
  for (BrokerFacts& broker : facts.brokers) broker.reached = {StatusCode::kUnavailable, "gone"};
  EXPECT_EQ(Told(facts),
            "E 10.0.0.8:9876: the NameServer does not answer: refused\n"
            "E a: the routes of 1 topics, such as T, name it, but it is dead\n"
            "E a 10.0.0.1:10911: clients are told this address, but nobody answers: gone\n"
            "E a 10.0.0.2:10911: clients are told this address, but nobody answers: gone\n");
  EXPECT_EQ(Told({}), "E brokers: no broker is registered\n");
}

TEST(Doctor, NameServersThatDisagree_AreTold) {
  ClusterFacts facts = HealthyCluster();
  facts.name_servers[1].brokers.erase({"a", 1});
  facts.name_servers[1].config = {{"orderMessageEnable", "true"}, {"listenPort", "1"}};
  EXPECT_EQ(Told(facts),
            "E 10.0.0.8:9876: it and 10.0.0.9:9876 know different brokers: a:1\n"
            "W 10.0.0.8:9876: orderMessageEnable is true here and false at 10.0.0.9:9876\n");
}

TEST(Doctor, DiskClockAndVersion_AreTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].runtime["commitLogDiskRatio"] = "0.86";
  facts.brokers[0].clock_ahead_ms = -7000;
  facts.brokers[1].runtime["consumeQueueDiskRatio"] = "0.91";
  facts.brokers[1].runtime["brokerVersionDesc"] = "V4_9_7";
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.2:10911: its disk is full to 91 %\n"
            "W a 10.0.0.1:10911: its disk is full to 86 %; files go before their time\n"
            "W a 10.0.0.1:10911: its clock is 7 s behind the one here\n"
            "W brokers: different versions: V4_9_7 (a 10.0.0.2:10911), V5_5_0 (a 10.0.0.1:10911)\n");
  facts = HealthyCluster();
  facts.brokers[0].runtime["storeWritable"] = "false";
  facts.brokers[0].runtime["storeWriteRefusal"] = "fsync failed";
  EXPECT_EQ(Told(facts), "E a 10.0.0.1:10911: takes no messages: fsync failed\n");
}

TEST(Doctor, ReplicationThatDoesNotWork_IsTold) {
  ClusterFacts facts = HealthyCluster();
  facts.brokers[0].replication->ha_connection_info.clear();
  facts.brokers[1].topics["T"].perm = 4;
  EXPECT_EQ(Told(facts),
            "E a 10.0.0.1:10911: 0 of 1 slaves are connected to it\n"
            "W a 10.0.0.2:10911: 1 topics are not as on its master, such as T\n");
  facts = HealthyCluster();
  proto::HAConnectionRuntimeInfo& slave = facts.brokers[0].replication->ha_connection_info[0];
  slave.addr = "10.0.0.2:4";
  slave.diff = 100;
  slave.in_sync = false;
  EXPECT_EQ(Told(facts), "W a 10.0.0.1:10911: its slave 10.0.0.2:4 is 100 bytes behind\n");
  facts.brokers.pop_back();
  EXPECT_NE(Told(facts).find("it is SYNC_MASTER and has no slave"), std::string::npos);
  facts = HealthyCluster();
  facts.brokers.erase(facts.brokers.begin());
  EXPECT_EQ(Told(facts), "E a: no master is registered: it takes no messages\n");
}

TEST(Doctor, BrokerClock_IsBootTimeAndRuntime) {
  const std::string runtime = "[ 1 days, 2 hours, 3 minutes, 4 seconds ]";
  EXPECT_EQ(BrokerClock({{"bootTimestamp", "1000"}, {"runtime", runtime}}), 1000 + 93'784'000);
  EXPECT_EQ(BrokerClock({{"runtime", runtime}}), std::nullopt);
  EXPECT_EQ(BrokerClock({{"bootTimestamp", "1000"}, {"runtime", "[ 1 days ]"}}), std::nullopt);
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
  expect(facts, GroupState::kFailing,
         "failing consumer: listeners refuse 2.00 messages/s and finish 1.00");
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

class MqadminDriverTest : public ::testing::Test {
 protected:
  MqadminDriverTest() : env_(net::NewRealEnv(NullLogger())) { around_.contexts_path = folder_ / "contexts"; }

  int Run(const Words& words) {
    out_.str("");
    errors_.str("");
    Driver driver({.env = *env_, .surroundings = around_, .out = out_, .errors = errors_, .input = input_});
    return driver.Run(words);
  }

  TempDirectory folder_;
  std::unique_ptr<Env> env_;
  Surroundings around_;
  std::ostringstream out_;
  std::ostringstream errors_;
  std::istringstream input_;
};

TEST_F(MqadminDriverTest, UnknownCommand_SuggestsTheNearest) {
  EXPECT_EQ(Run({"topiclst"}), kExitUsage);
  EXPECT_NE(errors_.str().find("The sub command topiclst not exist. Did you mean topicList?"),
            std::string::npos)
      << errors_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(Run({"topiclst", "--java-exit"}), 0);
  EXPECT_EQ(out_.str(), "The sub command topiclst not exist.\n");
}

TEST_F(MqadminDriverTest, NoWords_ListsCommandsAsJava) {
  EXPECT_EQ(Run({}), 0);
  EXPECT_TRUE(out_.str().starts_with("The most commonly used mqadmin commands are:\n")) << out_.str();
  EXPECT_NE(out_.str().find("   topicList                           "), std::string::npos);
}

TEST_F(MqadminDriverTest, WrongUsage_EndsWithTwoOrWithJavasOne) {
  EXPECT_EQ(Run({"topicStatus"}), kExitUsage);
  EXPECT_NE(errors_.str().find("topicStatus: option -t/--topic is missing"), std::string::npos);
  EXPECT_EQ(Run({"topicStatus", "--java-exit"}), 1);
  EXPECT_EQ(Run({"topicList"}), kExitUsage) << "no NameServer is known";
  EXPECT_NE(errors_.str().find("no NameServer is named"), std::string::npos) << errors_.str();
}

TEST_F(MqadminDriverTest, UnreachableNameServer_EndsWithThree) {
  EXPECT_EQ(Run({"topicList", "-n", "127.0.0.1:1"}), kExitUnreachable);
  EXPECT_NE(errors_.str().find("127.0.0.1:1"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"topicList", "-n", "127.0.0.1:1", "--java-exit"}), 0);
}

TEST_F(MqadminDriverTest, ProduceAndConsume_CheckBeforeTheyAsk) {
  for (const Words& words :
       {Words{"produce", "-t", "T", "-r", "0"}, Words{"produce", "-t", "T", "-s", ""},
        Words{"produce", "-t", "T", "-k", "a", "-s", ":"}, Words{"produce", "-t", "T", "--by-key"},
        Words{"produce", "-t", "T", "-p", "a"}, Words{"produce", "-t", "T", "-p", "a=1,a=2"},
        Words{"produce", "-t", "T", "-p", "TAGS=x"}, Words{"produce", "-t", "T", "-d", "19"},
        Words{"consume", "-t", "T", "-c", "0"}, Words{"consume", "-t", "T", "-f", "%y"},
        Words{"consume", "-t", "T", "-s", "never"}, Words{"consume", "-t", "T", "-f", "%b", "--json"}}) {
    Words whole = words;
    whole.insert(whole.end(), {"-n", "127.0.0.1:1"});
    EXPECT_EQ(Run(whole), kExitUsage) << words[0] << " " << words.back() << ": " << errors_.str();
    EXPECT_EQ(out_.str(), "");
  }
  EXPECT_EQ(Run({"produce", "-t", "T", "-n", "127.0.0.1:1"}), kExitUnreachable);
  EXPECT_EQ(Run({"consume", "-t", "T", "--json", "-n", "127.0.0.1:1"}), kExitUnreachable);
  EXPECT_EQ(out_.str(), "") << "no object where nothing was read";
}

TEST_F(MqadminDriverTest, Contexts_AreKeptAndChosen) {
  EXPECT_EQ(Run({"context", "set", "prod", "127.0.0.1:1;127.0.0.1:2"}), 0) << errors_.str();
  EXPECT_EQ(Run({"context", "set", "test", "127.0.0.1:3"}), 0);
  EXPECT_EQ(Run({"context", "list"}), 0);
  EXPECT_NE(out_.str().find("*         prod"), std::string::npos) << out_.str();
  EXPECT_EQ(Run({"topicList"}), kExitUnreachable) << "the current context names a server";
  EXPECT_NE(errors_.str().find("127.0.0.1:2"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"topicList", "--context", "test"}), kExitUnreachable);
  EXPECT_NE(errors_.str().find("127.0.0.1:3"), std::string::npos) << errors_.str();
  around_.namesrv_addr = "127.0.0.1:4";
  EXPECT_EQ(Run({"topicList"}), kExitUnreachable) << "NAMESRV_ADDR comes before the current context";
  EXPECT_NE(errors_.str().find("127.0.0.1:4"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"topicList", "--context", "test"}), kExitUnreachable);
  EXPECT_NE(errors_.str().find("127.0.0.1:3"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"context", "use", "none"}), kExitFailed);
  EXPECT_NE(errors_.str().find("there are: prod, test"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"context", "delete", "prod"}), 0);
  EXPECT_EQ(Run({"context", "set", "a b", "127.0.0.1:1"}), kExitUsage);
  EXPECT_EQ(Run({"context", "set", "x", "nowhere"}), kExitUsage);
}

TEST_F(MqadminDriverTest, DamagedContexts_NameTheLine) {
  ASSERT_TRUE(WriteFileAtomically(env_->files(), around_.contexts_path, "# ok\nprod = nowhere\n").ok());
  EXPECT_EQ(Run({"topicList"}), kExitFailed);
  EXPECT_NE(errors_.str().find("line 2"), std::string::npos) << errors_.str();
}

}  // namespace
}  // namespace orbitmq::tools
