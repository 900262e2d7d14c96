// SPDX-License-Identifier: Apache-2.0
// What mqadmin says and does where nobody, or next to nobody, answers: help, usage, streams, files.
#include <sys/stat.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/log.h"
#include "common/strings.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/json.h"
#include "remoting/real_env.h"
#include "remoting/rpc_server.h"
#include "test/common/temp_directory.h"
#include "tools/mqadmin/counted.h"
#include "tools/mqadmin/driver.h"
#include "tools/mqadmin/group_verdict.h"
#include "tools/mqadmin/help.h"
#include "tools/mqadmin/line_source.h"
#include "tools/mqadmin/message_view.h"
#include "tools/mqadmin/properties_view.h"

namespace orbitmq::tools {
namespace {

constexpr CommandSpec kShow = {"show", "message", "Shows", {}, "mqadmin show"};

using Words = std::vector<std::string>;

// mqadmin in this process: its streams are texts, and no server is there.
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

class MqadminMannersTest : public MqadminDriverTest {
 protected:
  // Shows a message with this body as queryMsgByOffset does.
  void Show(const std::string& id, const std::string& body, const Words& words) {
    out_.str("");
    Output out(out_, OutputForm::kText);
    AdminClient admin(*env_, {});
    Session session({.env = *env_,
                     .surroundings = around_,
                     .command = kShow,
                     .arguments = *Arguments::Parse(kShow, words),
                     .out = out,
                     .errors = errors_,
                     .input = input_},
                    admin);
    ShownMessage message;
    message.view.topic = "T";
    message.body = body;
    message.properties = {{"UNIQ_KEY", id}};
    EXPECT_TRUE(ShowMessage(session, message, {}).ok());
  }
};

TEST_F(MqadminMannersTest, DryRun_KeepsNoBody) {
  const std::string id = StrCat("orbitmq-test-", env_->clock().WallMillis());
  const auto path = [this] {
    const std::string text = out_.str();
    const size_t at = text.find('/');  // Of the line Message Body Path.
    return text.substr(at, text.find('\n', at) - at);
  };
  Show(id, "hello", {"--dry-run"});
  EXPECT_TRUE(path().ends_with(id)) << out_.str();
  EXPECT_NE(out_.str().find("would write 5 bytes to " + path()), std::string::npos) << out_.str();
  EXPECT_FALSE(env_->files().Exists(path()));
  Show(id, "hello", {});
  EXPECT_EQ(*ReadWholeFile(env_->files(), path(), 100), "hello");
  struct stat info = {};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u) << "bodies are nobody else's business";
  EXPECT_TRUE(env_->files().Remove(path()).ok());
}

TEST_F(MqadminMannersTest, Json_AlsoOfHelpVersionAndUsage) {
  const auto json = [this](const Words& words, int code) {
    EXPECT_EQ(Run(words), code) << words[0];
    EXPECT_TRUE(proto::JsonDocument::Parse(out_.str()).ok()) << out_.str();
    return out_.str();
  };
  EXPECT_NE(json({"help", "--json"}, 0).find("{\"name\":\"topicList\",\"subject\":\"topic\","),
            std::string::npos);
  for (const Words& words : {Words{"help", "topicStatus", "--json"}, Words{"topicStatus", "--help", "--json"},
                             Words{"--json", "help", "topicStatus"}}) {
    const std::string page = json(words, 0);
    EXPECT_NE(page.find("\"name\":\"topic\",\"letters\":\"t\",\"value\":\"<topic>\",\"need\":\"required\""),
              std::string::npos)
        << page;
  }
  EXPECT_TRUE(json({"--version", "--json"}, 0).starts_with("{\"version\":\""));
  EXPECT_EQ(json({"topicStatus", "--json"}, kExitUsage),
            "{\"error\":\"option -t/--topic is missing: the topic\"}\n");
  EXPECT_NE(errors_.str().find("option -t/--topic is missing"), std::string::npos);
  EXPECT_EQ(json({"topicStatus", "--json", "--java-exit"}, 1),
            "{\"error\":\"option -t/--topic is missing: the topic\"}\n");
  EXPECT_TRUE(json({"topiclst", "--json"}, kExitUsage).starts_with("{\"error\":\"The sub command topiclst"));
  EXPECT_TRUE(json({"topicList", "--json"}, kExitUsage).starts_with("{\"error\":\"no NameServer is named"));
  EXPECT_TRUE(json({"topicList", "-n", "127.0.0.1:1", "--json"}, kExitUnreachable)
                  .starts_with("{\"error\":\"127.0.0.1:1: "));
}

TEST(MqadminMan, Synopsis_IsNoUsageLineAndLinesAreNotAdjusted) {
  const std::string page = ManPage(*FindCommand("topicStatus"), "1");
  EXPECT_NE(page.find(".SH SYNOPSIS\n.nf\nmqadmin topicStatus"), std::string::npos) << page;
  EXPECT_EQ(page.find("usage:"), std::string::npos);
  for (const std::string& text : {page, ManPage("1")}) {
    EXPECT_LT(text.find("\n.ad l\n"), text.find(".SH NAME")) << "long words make wide gaps";
  }
}

TEST_F(MqadminMannersTest, OptionsOfAllCommands_MayStandInFront) {
  for (const Words& words :
       {Words{"-n", "127.0.0.1:1", "topicList"}, Words{"-n=127.0.0.1:1", "topicList"},
        Words{"--json", "-n127.0.0.1:1", "topicList"}, Words{"--namesrvAddr", "127.0.0.1:1", "topicList"},
        Words{"--rpc-timeout=100", "topicList", "-n", "127.0.0.1:1"}}) {
    EXPECT_EQ(Run(words), kExitUnreachable) << words[0] << ": " << errors_.str();
    EXPECT_NE(errors_.str().find("127.0.0.1:1"), std::string::npos) << errors_.str();
  }
  // Their letters may mean something else to the command.
  EXPECT_EQ(Run({"-n", "127.0.0.1:1", "clusterRT", "-a", "1"}), kExitUnreachable) << errors_.str();
  EXPECT_EQ(Run({"-n", "127.0.0.1:1"}), kExitUsage);
  EXPECT_NE(errors_.str().find("there is no command"), std::string::npos) << errors_.str();
  EXPECT_EQ(Run({"-t", "T", "topicStatus"}), kExitUsage);
  EXPECT_NE(errors_.str().find("unknown option '-t' in front of the command"), std::string::npos)
      << errors_.str();
  EXPECT_EQ(Run({"-n"}), kExitUsage);
  EXPECT_NE(errors_.str().find("option -n/--namesrvAddr needs a value"), std::string::npos) << errors_.str();
}

TEST_F(MqadminMannersTest, Version_HasItsUsualSpellings) {
  EXPECT_EQ(Run({"--version"}), 0);
  const std::string version = out_.str();
  for (const char* word : {"version", "-v", "-version"}) {
    EXPECT_EQ(Run({word}), 0) << errors_.str();
    EXPECT_EQ(out_.str(), version);
  }
}

TEST_F(MqadminMannersTest, Why_TakesItsGroupLikeOtherCommands) {
  EXPECT_EQ(Run({"why", "-g", "G", "-n", "127.0.0.1:1"}), kExitUnreachable) << errors_.str();
  EXPECT_EQ(Run({"why", "-g", "G", "H", "-n", "127.0.0.1:1"}), kExitUsage);
  EXPECT_EQ(Run({"why", "-n", "127.0.0.1:1"}), kExitUsage);
}

// A stream on a full disk.
class FullDisk final : public std::streambuf {
  int_type overflow(int_type) override { return traits_type::eof(); }
};

TEST_F(MqadminMannersTest, OutputThatCannotBeWritten_IsTold) {
  for (const Words& words : {Words{"help"}, Words{"--version"}, Words{"completion", "bash"}, Words{"man"}}) {
    FullDisk disk;
    std::ostream full(&disk);
    errors_.str("");
    Driver driver({.env = *env_, .surroundings = around_, .out = full, .errors = errors_, .input = input_});
    EXPECT_EQ(driver.Run(words), kExitFailed) << words[0];
    EXPECT_NE(errors_.str().find("the output cannot be written"), std::string::npos) << words[0];
    EXPECT_EQ(errors_.str().find('\n'), errors_.str().size() - 1) << errors_.str();
  }
}

TEST_F(MqadminMannersTest, Interrupted_ReadingEnds) {
  std::istringstream stream("one\ntwo");
  int asked = 0;
  LineSource lines(stream, 100, [&asked] { return ++asked < 1; });
  EXPECT_EQ((*lines.Next()).value(), "one") << "what was read already needs no waiting";
  const auto refused = lines.Next();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kCancelled);
}

TEST(CommandTable, Heading_StandsOnce) {
  std::set<std::string_view> subjects;
  std::string_view last;
  for (const CommandSpec* command : AllCommands()) {
    if (command->subject == last) continue;
    last = command->subject;
    EXPECT_TRUE(subjects.insert(last).second) << last << " is there twice";
  }
}

TEST(Output, Lines_AreCutToTheTerminal) {
  EXPECT_EQ(CutToColumns("abcdef\ngh\n", 4), "abcd\ngh\n");
  EXPECT_EQ(CutToColumns("\033[1m\xC3\xBC\xC3\xBC\xC3\xBC\033[0m\n", 2), "\033[1m\xC3\xBC\xC3\xBC\033[0m\n");
}

TEST(Counted, OneIsNoPlural) {
  EXPECT_EQ(Counted(0, "message"), "0 messages");
  EXPECT_EQ(Counted(1, "message"), "1 message");
  EXPECT_EQ(CountedBytes(1), "1 byte");
  EXPECT_EQ(CountedBytes(5000), "5000 bytes");
  EXPECT_EQ(CountedBytes(89562100), "89562100 bytes (85.4 MiB)");
  EXPECT_EQ(CountedBytes(int64_t{3} << 50), "3377699720527872 bytes (3072.0 TiB)");
}

TEST(Why, OneMessage_Waits) {
  GroupFacts facts;
  facts.queues.push_back({.queue = {"T", "b", 0}, .lag = 1});
  EXPECT_EQ(Judge(facts).text, "nobody consumes: no member is online, 1 message waits");
}

TEST(Config, UnknownKey_IsToldFromOtherRemarks) {
  EXPECT_TRUE(
      SaysKeyIsUnknown("UPDATE_BROKER_CONFIG:1: flushDiskTyp: unknown key, ignored; did you mean x?"));
  EXPECT_FALSE(SaysKeyIsUnknown("counts until the restart: the broker was started without -c"));
}

// A NameServer that knows one topic, or takes questions and says nothing.
class OneNameServer {
 public:
  enum class Manner : uint8_t { kAnswers, kSilent };
  OneNameServer(Env& env, Manner manner)
      : io_(env.NewExecutor({.name = "namesrv", .kind = ExecutorKind::kIo})),
        server_(net::RpcServer::New(env, {.listen = {{"127.0.0.1", 0}}, .name = "namesrv"}, {io_.get()})) {
    server_->Handle(proto::RequestCode::kGetAllTopicListFromNameserver, nullptr,
                    [this, manner](net::ServerRequest request) {
                      if (manner == Manner::kSilent) {
                        unanswered_.push_back(std::move(request));
                        return;
                      }
                      net::Response response;
                      response.body.emplace_back(std::string(R"({"topicList":["KnownTopic"]})"));
                      request.Reply(std::move(response));
                    });
    const Status started = server_->Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
  }
  ~OneNameServer() {
    io_->Stop();
    for (net::ServerRequest& request : unanswered_) request.Abandon();
  }
  std::string address() const { return server_->local_endpoints()[0].ToString(); }

 private:
  std::unique_ptr<Executor> io_;
  std::unique_ptr<net::RpcServer> server_;
  std::vector<net::ServerRequest> unanswered_;
};

TEST_F(MqadminDriverTest, SilentNameServer_TheNextOneIsAskedAndTheSilentOneNamed) {
  const OneNameServer silent(*env_, OneNameServer::Manner::kSilent);
  const OneNameServer other(*env_, OneNameServer::Manner::kAnswers);
  // With all the patience in the world for one answer.
  EXPECT_EQ(
      Run({"topicList", "-n", StrCat(silent.address(), ";", other.address()), "--rpc-timeout", "3600000"}),
      kExitDone);
  EXPECT_EQ(out_.str(), "KnownTopic\n");
  EXPECT_NE(errors_.str().find(StrCat("the NameServer ", silent.address(), " did not answer within 1 s")),
            std::string::npos)
      << errors_.str();
  EXPECT_EQ(Run({"topicList", "-n", StrCat(other.address(), ";", silent.address())}), kExitDone);
  EXPECT_EQ(errors_.str(), "");
}

// NameServer and broker in one; the cluster is there for one look, and gone for the next.
class VanishingCluster {
 public:
  explicit VanishingCluster(Env& env)
      : io_(env.NewExecutor({.name = "vanishing", .kind = ExecutorKind::kIo})),
        server_(net::RpcServer::New(env, {.listen = {{"127.0.0.1", 0}}, .name = "vanishing"}, {io_.get()})) {
    server_->Handle(proto::RequestCode::kGetBrokerClusterInfo, nullptr, [this](net::ServerRequest request) {
      net::Response response;
      response.body.emplace_back(
          looks_++ > 0
              ? std::string(R"({"brokerAddrTable":{},"clusterAddrTable":{}})")
              : StrCat(R"({"brokerAddrTable":{"b":{"brokerName":"b","cluster":"c","brokerAddrs":{"0":")",
                       address(), R"("}}},"clusterAddrTable":{"c":["b"]}})"));
      request.Reply(std::move(response));
    });
    server_->Handle(proto::RequestCode::kUpdateAndCreateTopic, nullptr,
                    [](net::ServerRequest request) { request.Reply({}); });
    const Status started = server_->Start();
    EXPECT_TRUE(started.ok()) << started.ToString();
  }
  ~VanishingCluster() { io_->Stop(); }
  std::string address() const { return server_->local_endpoints()[0].ToString(); }

 private:
  std::unique_ptr<Executor> io_;
  std::unique_ptr<net::RpcServer> server_;
  int looks_ = 0;  // io_'s.
};

TEST_F(MqadminDriverTest, UpdateTopic_ClusterIsGoneWhenItsOrderIsToBeTold) {
  const VanishingCluster cluster(*env_);
  EXPECT_EQ(Run({"updateTopic", "-n", cluster.address(), "-c", "c", "-t", "T", "-o", "true"}), kExitFailed);
  EXPECT_NE(errors_.str().find("does not know the cluster c any more"), std::string::npos) << errors_.str();
}

}  // namespace
}  // namespace orbitmq::tools
