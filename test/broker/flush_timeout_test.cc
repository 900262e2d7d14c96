// SPDX-License-Identifier: Apache-2.0
// FLUSH_DISK_TIMEOUT: a broker on a disk that stands still. On real threads, because only there a sync that
// does not return leaves the others running.
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "broker/broker.h"
#include "common/log.h"
#include "common/message_codec.h"
#include "common/message_id.h"
#include "common/sys_flag.h"
#include "remoting/protocol/headers.h"
#include "remoting/real_env.h"
#include "remoting/rpc_client.h"
#include "test/common/temp_directory.h"
#include "test/store/held_disk.h"

namespace orbitmq::broker {
namespace {

using proto::Command;
using proto::RequestCode;
using proto::ResponseCode;
using std::chrono::seconds;

// Generous: what is waited for comes as soon as it can.
constexpr Duration kAnswerWithin = seconds(60);

class FlushTimeoutTest : public testing::Test {
 protected:
  FlushTimeoutTest()
      : env_(net::NewRealEnv(NullLogger())),
        held_(*env_, hold_),
        loop_(env_->NewExecutor({"test-io", ExecutorKind::kIo})),
        client_(net::RpcClient::New(*env_, {}, *loop_)) {
    auto started = Broker::Start(held_, Options("data"));
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    broker_ = *std::move(started);
  }
  ~FlushTimeoutTest() override {
    hold_.LetGo();
    std::promise<void> ended;
    loop_->Post([&] {
      client_->Shutdown();
      ended.set_value();
    });
    ended.get_future().wait();
    loop_->Stop();
    broker_.reset();
  }
  BrokerOptions Options(const char* directory) const {
    BrokerOptions options;
    options.broker_name = "b0";
    options.broker_ip1 = options.broker_ip2 = options.bind_address = "127.0.0.1";
    options.listen_port = 0;
    options.server_selector_threads = 1;
    options.store_path_root_dir = directory_ / directory;
    options.mapped_file_size_commit_log = 8 << 20;
    options.max_message_size = 1 << 20;
    options.max_hash_slot_num = 1000;
    options.max_index_num = 4000;
    options.tls.mode = net::TlsMode::kDisabled;
    options.flush_disk_type = store::FlushMode::kSync;
    options.sync_flush_timeout = std::chrono::milliseconds(300);
    options.wait_time_in_send_queue = seconds(60);  // A busy machine's disk refuses nothing here.
    return options;
  }
  Command Call(Command request) { return CallAt(broker_->local(), std::move(request)); }
  Command CallAt(const Endpoint& at, Command request) {
    std::promise<Result<Command>> promise;
    client_->Call(at, std::move(request), kAnswerWithin,
                  [&promise](Result<Command> reply) { promise.set_value(std::move(reply)); });
    Result<Command> reply = promise.get_future().get();
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? *std::move(reply) : Command{};
  }
  Command Send(std::string body) {
    proto::SendMessageRequestHeader header;
    header.producer_group = "P";
    header.topic = "T";
    header.default_topic = "TBW102";
    header.default_topic_queue_nums = 4;
    Command request = proto::MakeRequest(RequestCode::kSendMessage, header);
    request.body.emplace_back(std::move(body));
    return Call(std::move(request));
  }
  // A busy machine's disk may take longer than the timeout at any moment: stored all the same.
  static bool Stored(const Command& reply) {
    return reply.code == ResponseCode::kSuccess || reply.code == ResponseCode::kFlushDiskTimeout;
  }
  // With `wait`, until there is something.
  Command Pull(int64_t offset, bool wait) {
    proto::PullMessageRequestHeader header;
    header.consumer_group = "G";
    header.topic = "T";
    header.queue_offset = offset;
    header.max_msg_nums = 32;
    header.sys_flag = pull_flag::kSubscription | (wait ? pull_flag::kSuspend : 0);
    header.suspend_timeout_millis = 30'000;
    header.subscription = "*";
    header.expression_type = "TAG";
    header.sub_version = 1;
    return Call(proto::MakeRequest(RequestCode::kPullMessage, header));
  }

  int64_t EndAt(const Endpoint& at) {
    proto::GetMaxOffsetRequestHeader header;
    header.topic = "T";
    const auto end = proto::DecodeHeader<proto::GetMaxOffsetResponseHeader>(
        CallAt(at, proto::MakeRequest(RequestCode::kGetMaxOffset, header)));
    return end.ok() ? end->offset : -1;
  }

  TempDirectory directory_;
  store::SyncHold hold_{"/commitlog/"};
  std::unique_ptr<Env> env_;
  store::HeldEnv held_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> client_;
  std::unique_ptr<Broker> broker_;
};

// The producer hears FLUSH_DISK_TIMEOUT with the whole header of a stored message; nobody sees the message
// before it is safe, and then everybody does.
TEST_F(FlushTimeoutTest, SyncThatStandsStill_IsFlushDiskTimeoutAndTheMessageIsKept) {
  ASSERT_TRUE(Stored(Send("before")));
  hold_.Hold();
  const Command late = Send("late");
  EXPECT_EQ(late.code, ResponseCode::kFlushDiskTimeout) << late.remark;
  const auto header = proto::DecodeHeader<proto::SendMessageResponseHeader>(late);
  ASSERT_TRUE(header.ok()) << header.status().ToString();
  EXPECT_EQ(header->queue_id, 0);
  EXPECT_EQ(header->queue_offset, 1);
  EXPECT_EQ(Pull(1, false).code, ResponseCode::kPullNotFound) << "shown before it is safe";
  hold_.LetGo();
  const Command found = Pull(1, true);
  ASSERT_EQ(found.code, ResponseCode::kSuccess) << found.remark;
  const Bytes body = found.JoinedBody();
  const auto message = DecodeMessage(body.view(), BodyCheck::kVerifyCrc);
  ASSERT_TRUE(message.ok()) << message.status().ToString();
  EXPECT_EQ(message->body, "late");
  EXPECT_EQ(DecodeOffsetMessageId(header->msg_id)->log_offset, message->log_offset);
  EXPECT_TRUE(Stored(Send("after"))) << "it goes on";
}

// Nor at a slave: a consumer there could read what the master loses with its power, and skip what gets these
// places afterwards.
TEST_F(FlushTimeoutTest, SyncThatStandsStill_NothingUnsyncedGoesToSlaves) {
  ASSERT_TRUE(Stored(Send("before")));
  BrokerOptions options = Options("slave");
  options.broker_role = BrokerRole::kSlave;
  options.broker_id = 1;
  options.ha_master_address = broker_->identity().ha_address;
  auto slave = Broker::Start(*env_, std::move(options));
  ASSERT_TRUE(slave.ok()) << slave.status().ToString();
  const Endpoint at = (*slave)->local();
  while (EndAt(at) < 1) std::this_thread::yield();
  hold_.Hold();
  EXPECT_EQ(Send("late").code, ResponseCode::kFlushDiskTimeout);
  EXPECT_EQ(EndAt(at), 1);
  hold_.LetGo();
  while (EndAt(at) < 2) std::this_thread::yield();
}

}  // namespace
}  // namespace orbitmq::broker
