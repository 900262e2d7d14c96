// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/broker_admin.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "broker/admin/ha_admin.h"
#include "common/config_file.h"
#include "common/strings.h"
#include "remoting/protocol/admin_bodies.h"
#include "remoting/protocol/json.h"
#include "remoting/replies.h"

namespace orbitmq::broker {

using proto::ResponseCode;

namespace {

// Apache refuses these by name (configBlackList).
constexpr std::string_view kForbiddenKeys[] = {"brokerConfigPath", "rocketmqHome", "configBlackList"};

// "1.5 GiB", as Apache's humanReadableByteCount(bytes, false).
std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return StrCat(bytes, " B");
  constexpr std::string_view kUnits = "KMGTPE";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %ciB", value, kUnits[unit]);
  return text;
}

bool Contains(const std::vector<std::string>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string RuntimeText(Millis up) {
  const int64_t seconds = up.count() / 1000;
  return StrCat("[ ", seconds / 86400, " days, ", seconds / 3600 % 24, " hours, ", seconds / 60 % 60,
                " minutes, ", seconds % 60, " seconds ]");
}

}  // namespace

void BrokerAdmin::UpdateConfig(net::ServerRequest request) {
  auto entries = ParseProperties(request.command().body, "UPDATE_BROKER_CONFIG");
  if (!entries.ok()) return ReplyBadRequest(request, entries.status());
  for (const ConfigEntry& entry : *entries) {
    if (std::find(std::begin(kForbiddenKeys), std::end(kForbiddenKeys), entry.key) ==
        std::end(kForbiddenKeys)) {
      continue;
    }
    return ReplyError(request, ResponseCode::kNoPermission,
                      StrCat("Can not update config in black list: ", entry.key));
  }
  if (parts_.role_change.busy()) {
    return ReplyError(request, ResponseCode::kSystemBusy,
                      "nothing was changed: the broker changes its role; ask again when that is done");
  }
  const auto before = parts_.options.Get();
  BrokerOptions options = *before;
  const auto bindings = BindBrokerOptions(options);
  const ConfigReport report = ApplyConfig(bindings, *entries, ApplyMode::kReload);
  if (Status applied = report.status(); !applied.ok()) return ReplyBadRequest(request, applied);
  // Java's mqadmin sends one key at a time, and a master's id is known.
  if (options.broker_role != before->broker_role && options.broker_role != BrokerRole::kSlave &&
      !Contains(report.changed, "brokerId")) {
    options.broker_id = kMasterId;
    entries->push_back({"brokerId", StrCat(kMasterId), "brokerRole"});
  }
  if (Status fits = CheckReplication(options); !fits.ok()) return ReplyBadRequest(request, fits);
  auto cleaning = ToCleaningRules(options);
  if (!cleaning.ok()) return ReplyBadRequest(request, cleaning.status());
  // These two come last: into the file, too, when the broker is what they say.
  RoleWanted role{options.broker_role, options.broker_id, {}, {}};
  options.broker_role = before->broker_role;
  options.broker_id = before->broker_id;
  const bool role_changes = role.role != before->broker_role || role.id != before->broker_id;
  std::erase_if(*entries, [&role](const ConfigEntry& entry) {
    if (entry.key != "brokerRole" && entry.key != "brokerId") return false;
    role.entries.push_back(entry);
    return true;
  });
  for (const std::string& warning : report.warnings) StrAppend(role.remark, warning, "; ");
  if (Status written = entries->empty() ? Status() : Write(*entries, role.remark); !written.ok()) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("nothing was changed: ", options.config_file, ": ", written.text()));
  }
  if (!report.changed.empty()) {
    parts_.store.replication().SetDemand(ToReplicaDemand(options));
    parts_.store.SetCleaning(*std::move(cleaning));
    parts_.options.Set(std::move(options));
    ++version_.counter;
    version_.timestamp = parts_.env.clock().WallMillis();
    parts_.env.log().Info("configuration changed", {{"keys", Join(report.changed, ",")},
                                                    {"peer", request.peer()->remote().ToString()}});
    if (Contains(report.changed, "brokerPermission")) parts_.topics.RaiseVersion();
    if (parts_.on_reload) parts_.on_reload();
  }
  if (role_changes) return ChangeRole(std::move(request), std::move(role));
  ReplyOk(request, std::move(role.remark));
}

Status BrokerAdmin::Write(std::span<const ConfigEntry> entries, std::string& remark) {
  BrokerOptions options = *parts_.options.Get();
  const std::string& file = options.config_file;
  if (file.empty()) {
    remark = StrCat(remark, "counts until the restart: the broker was started without -c");
    return {};
  }
  Status written = WriteChangedOptions(parts_.env.files(), file, BindBrokerOptions(options), entries);
  // A service may read its configuration and not write it.
  if (written.code() != StatusCode::kPermissionDenied) return written;
  remark = StrCat(remark, "counts until the restart, unless you write it into ", file,
                  ", which this broker may not: ", written.text());
  return {};
}

void BrokerAdmin::ChangeRole(net::ServerRequest request, RoleWanted wanted) {
  const BrokerRole role = wanted.role;
  const int64_t id = wanted.id;
  parts_.role_change.To(
      role, id,
      [this, wanted = std::move(wanted), request = std::move(request)](const Result<Done>& changed) mutable {
        if (!changed.ok()) {
          return ReplyError(request, ResponseCode::kSystemError,
                            StrCat("the role was not changed: ", changed.status().text()));
        }
        if (Status written = Write(wanted.entries, wanted.remark); !written.ok()) {
          return ReplyError(request, ResponseCode::kSystemError,
                            StrCat("the role was changed, but not in the file, so that the next start brings "
                                   "the old one back: ",
                                   written.text()));
        }
        ReplyOk(request, std::move(wanted.remark));
      });
}

void BrokerAdmin::GetConfig(net::ServerRequest request) {
  BrokerOptions options = *parts_.options.Get();
  const proto::GetBrokerConfigResponseHeader header{.version = proto::EncodeBody(version_)};
  // Without the TLS table: it holds a password.
  ReplyHeader(
      request, header,
      RenderProperties({BrokerOptionTable().Bind(options), net::MetricsOptionTable().Bind(options.metrics)}));
}

void BrokerAdmin::AddIdentity(Table& table) const {
  const WallTime now = parts_.env.clock().Wall();
  table["bootTimestamp"] = StrCat(ToEpochMillis(parts_.booted));
  table["runtime"] = RuntimeText(now - parts_.booted);
  // Of a slave as well that acts for its master.
  table["brokerActive"] = parts_.delay.active() ? "true" : "false";
  table["brokerVersionDesc"] = "V5_5_0";
  table["brokerVersion"] = StrCat(proto::kProtocolVersion);
  table["startAcceptSendRequestTimeStamp"] =
      StrCat(parts_.options.Get()->start_accept_send_request_time_stamp);
}

void BrokerAdmin::AddTraffic(Table& table) const {
  using Rate = BrokerStats::Rate;
  const BrokerStats::Totals totals = parts_.stats.totals();
  table["msgPutTotalYesterdayMorning"] = StrCat(totals.put_yesterday_morning);
  table["msgPutTotalTodayMorning"] = StrCat(totals.put_today_morning);
  table["msgPutTotalTodayNow"] = StrCat(totals.put);
  table["msgGetTotalYesterdayMorning"] = StrCat(totals.got_yesterday_morning);
  table["msgGetTotalTodayMorning"] = StrCat(totals.got_today_morning);
  table["msgGetTotalTodayNow"] = StrCat(totals.got);
  table["putTps"] = parts_.stats.RateText(Rate::kPut);
  table["getFoundTps"] = parts_.stats.RateText(Rate::kGetFound);
  table["getMissTps"] = parts_.stats.RateText(Rate::kGetMiss);
  table["getTotalTps"] = parts_.stats.RateText(Rate::kGetTotal);
  table["getTransferredTps"] = parts_.stats.RateText(Rate::kTransferred);
  table["getTransferedTps"] = table["getTransferredTps"];  // The name that 4.x tools read.
  table["putMessageEntireTimeMax"] = StrCat(totals.put_ms_max);
  table["putMessageTimesTotal"] = StrCat(totals.put);
  table["putMessageFailedTimes"] = StrCat(totals.put_failed);
  table["putMessageSizeTotal"] = StrCat(totals.put_bytes);
  table["putMessageAverageSize"] = proto::FormatJavaDouble(
      totals.put == 0 ? 0.0 : static_cast<double>(totals.put_bytes) / static_cast<double>(totals.put));
  table["putMessageDistributeTime"] = "";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", parts_.stats.put_ms_quantile(0.99));
  table["putLatency99"] = text;
  std::snprintf(text, sizeof(text), "%.2f", parts_.stats.put_ms_quantile(0.999));
  table["putLatency999"] = text;
  table["getMessageEntireTimeMax"] = "0";
  // There are no such queues here; tools want the numbers.
  for (const char* queue : {"send", "pull", "litePull", "query", "ack"}) {
    table[StrCat(queue, "ThreadPoolQueueSize")] = "0";
    table[StrCat(queue, "ThreadPoolQueueCapacity")] = "10000";
    table[StrCat(queue, "ThreadPoolQueueHeadWaitTimeMills")] = "0";
  }
  table["EndTransactionQueueSize"] = "0";
  table["EndTransactionThreadPoolQueueCapacity"] = "0";
}

// Not among Apache's keys: whether the store takes writes, and what this start found.
void BrokerAdmin::AddCondition(Table& table) const {
  const Status writable = parts_.store.writable();
  table["storeWritable"] = writable.ok() ? "true" : "false";
  table["storeWriteRefusal"] = writable.ok() ? std::string() : std::string(writable.text());
  const store::RecoveryReport& recovery = parts_.store.recovery();
  table["recoveryExit"] = recovery.clean_shutdown ? "clean" : "crash";
  table["recoveryEndsFrom"] = recovery.ends_from == store::EndsFrom::kCheckpoint ? "checkpoint" : "files";
  table["recoveryLogEnd"] = StrCat(recovery.log_end.value);
  table["recoveryTruncatedBytes"] = StrCat(recovery.truncated_bytes);
  table["recoveryCutBecause"] = recovery.cut_because;
  table["recoveryRecordsScanned"] = StrCat(recovery.records_scanned);
  table["recoveryMillis"] = StrCat(std::chrono::duration_cast<Millis>(recovery.took).count());
  table["recoveryOffsetsLowered"] = StrCat(parts_.offsets_lowered);
}

// Not among Apache's keys either.
void BrokerAdmin::AddReplication(Table& table) const {
  const HaStatus status = parts_.ha.status();
  table["haRole"] = status.master ? "master" : "slave";
  if (!status.master) {
    table["haState"] = NameOf(status.slave.state);
    table["haMaster"] = status.slave.master;
    table["haReportedOffset"] = StrCat(status.slave.reported.value);
    table["haHealCount"] = StrCat(status.slave.heal_count);
    return;
  }
  table["haInSyncReplicas"] = StrCat(status.in_sync_count);
  table["haReplicatedOffset"] = StrCat(status.replicated.value);
  for (const HaReplica& replica : status.replicas) {
    table[StrCat("haReplica_", replica.address)] =
        StrCat("acked ", replica.acked.value, ", behind ", replica.lag_bytes, " bytes, ", replica.lag_ms,
               " ms, ", proto::InStep(ConnectionInfo(replica)) ? "in step" : "not in step");
  }
}

void BrokerAdmin::AddStore(Table& table) const {
  const auto options = parts_.options.Get();
  const store::Watermarks marks = parts_.store.watermarks();
  const store::MessageStore::Stats stats = parts_.store.stats();
  const auto earliest = parts_.store.EarliestStoreTime();
  table["commitLogMinOffset"] = StrCat(marks.min.value);
  table["commitLogMaxOffset"] = StrCat(marks.appended.value);
  AddCondition(table);
  table["dispatchBehindBytes"] = StrCat(stats.dispatch_behind_bytes);
  table["dispatchMaxBuffer"] = "0";
  table["pageCacheLockTimeMills"] = "0";
  table["earliestMessageTimeStamp"] = StrCat(earliest ? ToEpochMillis(*earliest) : -1);
  table["remainTransientStoreBufferNumbs"] = "2147483647";
  table["remainHowManyDataToFlush"] = HumanBytes(static_cast<uint64_t>(marks.appended - marks.flushed));
  const std::string ratio = proto::FormatJavaDouble(stats.disk_used_ratio);
  table["commitLogDiskRatio"] = ratio;
  table["consumeQueueDiskRatio"] = proto::FormatJavaDouble(stats.root_disk_used_ratio);
  const std::string log_dir = options->store_path_commit_log.empty()
                                  ? StrCat(options->store_path_root_dir, "/commitlog")
                                  : options->store_path_commit_log;
  table[StrCat("commitLogDiskRatio_", log_dir)] = ratio;
  if (auto space = parts_.env.files().Space(options->store_path_root_dir); space.ok()) {
    table["commitLogDirCapacity"] =
        StrCat("Total : ", HumanBytes(space->total_bytes), ", Free : ", HumanBytes(space->free_bytes), ".");
  }
  for (const auto& [level, standing] : parts_.delay.Standing()) {
    table[StrCat("scheduleMessageOffset_", level)] = StrCat(standing.first, ",", standing.second);
  }
  table["timerReadBehind"] = "0";
  table["timerOffsetBehind"] = "0";
  table["timerCongestNum"] = "0";
  table["timerEnqueueTps"] = "0.0";
  table["timerDequeueTps"] = "0.0";
}

void BrokerAdmin::RuntimeInfo(net::ServerRequest request) {
  proto::KVTable body;
  AddIdentity(body.table);
  AddTraffic(body.table);
  AddStore(body.table);
  AddReplication(body.table);
  ReplyBody(request, proto::EncodeBody(body));
}

void BrokerAdmin::ViewStats(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::ViewBrokerStatsDataRequestHeader>(request);
  if (!header) return;
  const auto data = parts_.stats.Named(header->stats_name, header->stats_key);
  if (!data) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat("The stats <", header->stats_name, "> <", header->stats_key, "> not exist"));
  }
  ReplyBody(request, proto::EncodeBody(*data));
}

void BrokerAdmin::QueryConsumeQueue(net::ServerRequest request) {
  const auto header = HeaderOrReply<proto::QueryConsumeQueueRequestHeader>(request);
  if (!header) return;
  const QueueKey queue{header->topic, header->queue_id};
  const auto range = parts_.store.Range(queue);
  if (!range) {
    return ReplyError(request, ResponseCode::kSystemError,
                      StrCat(header->queue_id, "@", header->topic, " is not exist!"));
  }
  proto::QueryConsumeQueueResponseBody body;
  body.min_queue_index = range->min.value;
  body.max_queue_index = range->max.value;
  const GroupView view = parts_.clients.View(header->consumer_group, header->topic);
  if (view.subscription != nullptr) {
    body.subscription_data = view.subscription->data;
    body.filter_data = "null";  // There is none but for SQL92.
  } else if (!header->consumer_group.empty()) {
    body.filter_data = StrCat(header->consumer_group, "@", header->topic, " is not online!");
  }
  const size_t count = static_cast<size_t>(std::clamp(header->count, 0, 1024));
  const QueueOffset from{std::max(header->index, range->min.value)};
  for (const store::QueueUnit& unit : parts_.store.ReadUnits(queue, from, count)) {
    proto::ConsumeQueueData data;
    data.physic_offset = unit.log_offset.value;
    data.physic_size = unit.record_bytes;
    data.tags_code = unit.tags_code;
    body.queue_data.push_back(std::move(data));
  }
  ReplyBody(request, proto::EncodeBody(body));
}

void BrokerAdmin::CleanExpiredQueues(net::ServerRequest request) { ReplyOk(request); }

void BrokerAdmin::DeleteExpiredLog(net::ServerRequest request) {
  parts_.env.log().Info("expired log files are deleted on demand",
                        {{"peer", request.peer()->remote().ToString()}});
  parts_.store.DeleteExpired();
  ReplyOk(request);
}

}  // namespace orbitmq::broker
