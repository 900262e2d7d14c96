// SPDX-License-Identifier: Apache-2.0
#include "namesrv/namesrv_options.h"

namespace orbitmq::namesrv {
namespace {

// Keys of Apache's NamesrvConfig and NettyServerConfig that steer what does not exist here (thread pools,
// buffers).
constexpr std::string_view kIgnoredKeys[] = {
    "productEnvName",
    "clusterTest",
    "clientRequestThreadPoolNums",
    "defaultThreadPoolNums",
    "clientRequestThreadPoolQueueCapacity",
    "defaultThreadPoolQueueCapacity",
    "unRegisterBrokerQueueCapacity",
    "enableControllerInNamesrv",
    "configBlackList",
    "serverWorkerThreads",
    "serverCallbackExecutorThreads",
    "serverOnewaySemaphoreValue",
    "serverAsyncSemaphoreValue",
    "serverPooledByteBufAllocatorEnable",
    "serverSocketSndBufSize",
    "serverSocketRcvBufSize",
    "serverSocketBacklog",
    "writeBufferHighWaterMark",
    "writeBufferLowWaterMark",
    "enableShutdownGracefully",
    "shutdownWaitTimeSeconds",
    "useEpollNativeSelector",
};

}  // namespace

std::string NamesrvOptions::KvConfigPath() const {
  if (!kv_config_path.empty()) return kv_config_path;
  return (home.empty() ? std::string(".") : home) + "/namesrv/kvConfig.json";
}

const OptionTable<NamesrvOptions>& NamesrvOptionTable() {
  using O = NamesrvOptions;
  static const OptionTable<O> table(
      {
          IntOption<&O::listen_port>("listenPort", {0, 65535}, Reload::kNo,
                                     "TCP port to listen on; 0 takes any free one and logs it."),
          TextOption<&O::bind_address>("bindAddress", Reload::kNo, "Address to listen on."),
          TextOption<&O::home>("rocketmqHome", Reload::kNo, "Directory under which namesrv/ is kept."),
          TextOption<&O::kv_config_path>(
              "kvConfigPath", Reload::kNo,
              "File of the KV config; empty: namesrv/kvConfig.json under rocketmqHome."),
          TextOption<&O::config_store_path>(
              "configStorePath", Reload::kNo,
              "Accepted for Apache's tools; the file given with -c is what counts."),
          BoolOption<&O::order_message_enable>("orderMessageEnable", Reload::kYes,
                                               "Put the order conf of a topic into its route."),
          BoolOption<&O::return_order_topic_config_to_broker>(
              "returnOrderTopicConfigToBroker", Reload::kYes,
              "Answer registrations with the namespace ORDER_TOPIC_CONFIG."),
          BoolOption<&O::support_acting_master>(
              "supportActingMaster", Reload::kYes,
              "Show the smallest slave id as master of a group that lost its master."),
          BoolOption<&O::enable_all_topic_list>("enableAllTopicList", Reload::kYes,
                                                "Answer the list of all topics."),
          BoolOption<&O::enable_topic_list>("enableTopicList", Reload::kYes,
                                            "Answer lists of topics by cluster and unit."),
          BoolOption<&O::notify_min_broker_id_changed>(
              "notifyMinBrokerIdChanged", Reload::kYes,
              "Tell the members of a group when its smallest id changes."),
          BoolOption<&O::delete_topic_with_broker_registration>(
              "deleteTopicWithBrokerRegistration", Reload::kNo,
              "Forget a broker's topics that are absent from its next full registration."),
          BoolOption<&O::need_wait_for_service>(
              "needWaitForService", Reload::kYes,
              "Answer no routes until waitSecondsForService after the start."),
          IntOption<&O::wait_seconds_for_service>("waitSecondsForService", {0, 3600}, Reload::kYes,
                                                  "Seconds; see needWaitForService."),
          MillisOption<&O::scan_not_active_broker_interval>("scanNotActiveBrokerInterval", {100, 3600 * 1000},
                                                            Reload::kNo,
                                                            "How often silent brokers are looked for."),
          IntOption<&O::server_channel_max_idle_time_seconds>(
              "serverChannelMaxIdleTimeSeconds", {1, 24 * 3600}, Reload::kNo,
              "Seconds after which a silent connection is closed."),
          IntOption<&O::io_threads>("serverSelectorThreads", {1, 64}, Reload::kNo, "Event loops."),
      },
      kIgnoredKeys);
  return table;
}

std::vector<OptionBinding> BindNamesrvOptions(NamesrvOptions& options) {
  return {NamesrvOptionTable().Bind(options), net::TlsServerOptionTable().Bind(options.tls),
          net::MetricsOptionTable().Bind(options.metrics)};
}

}  // namespace orbitmq::namesrv
