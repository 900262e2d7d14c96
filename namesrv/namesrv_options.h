// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config.h"
#include "remoting/metrics_server.h"
#include "remoting/server_options.h"

namespace orbitmq::namesrv {

// What `mqnamesrv -c FILE` reads; names, defaults and meaning are Apache's unless the table says otherwise.
struct NamesrvOptions {
  int32_t listen_port = 9876;
  std::string bind_address = "0.0.0.0";
  std::string home;            // rocketmqHome; only the default of kv_config_path hangs on it.
  std::string kv_config_path;  // Empty = <home>/namesrv/kvConfig.json.
  std::string config_store_path;
  std::string config_file;  // Of -c; no option. Empty: changes by peers count until the restart.
  bool order_message_enable = false;
  bool return_order_topic_config_to_broker = true;
  bool support_acting_master = false;
  bool enable_all_topic_list = true;
  bool enable_topic_list = true;
  bool notify_min_broker_id_changed = false;
  bool delete_topic_with_broker_registration = false;
  bool need_wait_for_service = false;
  int32_t wait_seconds_for_service = 45;
  Millis scan_not_active_broker_interval{5000};
  int32_t server_channel_max_idle_time_seconds = 120;
  int32_t io_threads = 2;
  net::TlsServerSettings tls;
  // The broker's default is 5557; they often share a machine.
  net::MetricsSettings metrics = net::MetricsSettings::OnPort(5558);

  std::string KvConfigPath() const;
};

const OptionTable<NamesrvOptions>& NamesrvOptionTable();

// All tables of a namesrv.conf, bound to `options`.
std::vector<OptionBinding> BindNamesrvOptions(NamesrvOptions& options);

}  // namespace orbitmq::namesrv
