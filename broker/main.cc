// SPDX-License-Identifier: Apache-2.0
// mqbroker: the broker process, and with --standalone broker and NameServer in one.
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gflags/gflags.h>

#include "broker/broker.h"
#include "common/posix_file_system.h"
#include "common/process/file_logger.h"
#include "common/process/flags.h"
#include "common/process/serving.h"
#include "common/process/signals.h"
#include "common/strings.h"
#include "namesrv/namesrv.h"
#include "remoting/real_env.h"

DEFINE_string(c, "", "configuration file, Apache's broker.conf unchanged");
DEFINE_string(n, "", "NameServers, host:port separated by ';' (wins over namesrvAddr)");
DEFINE_bool(p, false, "print every option with its value, then exit");
DEFINE_bool(m, false, "print the important options with their values, then exit");
DEFINE_bool(h, false, "print this help, then exit");
DEFINE_string(set, "",
              "options that win over the file: key=value, several separated by commas, or --set again");
DEFINE_bool(standalone, false, "run a NameServer in this process too, both on loopback");
DEFINE_int32(namesrv_port, 9876, "with --standalone: the NameServer's port; 0 = any free one");
DEFINE_string(data_dir, "", "data directory (wins over storePathRootDir); empty: ./data");
DEFINE_string(log, "", "log file; empty or -: standard error");
DEFINE_string(log_level, "info", "debug, info, warn, error or off");

namespace orbitmq::broker {
namespace {

constexpr Duration kRegisterWithin = std::chrono::seconds(1);
constexpr Duration kStopWithin = std::chrono::seconds(10);
constexpr const char* kLoopback = "127.0.0.1";

// What -m prints: the fields that Apache 5.x marks with @ImportantField (BrokerIdentity, BrokerConfig,
// MessageStoreConfig), as far as there are such options here, and where it listens.
constexpr std::string_view kImportantOptions[] = {
    "brokerName",
    "brokerClusterName",
    "brokerId",
    "namesrvAddr",
    "listenPort",
    "brokerIP1",
    "bindAddress",
    "autoCreateTopicEnable",
    "autoCreateSubscriptionGroup",
    "msgTraceTopicName",
    "traceTopicEnable",
    "rejectTransactionMessage",
    "storePathRootDir",
    "storePathCommitLog",
    "flushIntervalCommitLog",
    "deleteWhen",
    "fileReservedTime",
    "maxTransferBytesOnMessageInMemory",
    "maxTransferCountOnMessageInMemory",
    "maxTransferBytesOnMessageInDisk",
    "maxTransferCountOnMessageInDisk",
    "accessMessageInMemoryMaxRatio",
    "messageIndexEnable",
    "haMasterAddress",
    "brokerRole",
    "flushDiskType",
    "totalReplicas",
    "inSyncReplicas",
    "minInSyncReplicas",
    "allAckInSyncStateSet",
    "enableAutoInSyncReplicas",
};

// Every option, or the important ones, as lines that a configuration file can hold.
void PrintOptions(BrokerOptions& options, bool important_only) {
  for (const OptionBinding& binding : BindBrokerOptions(options)) {
    for (const OptionSpec& spec : binding.rows->options) {
      if (important_only && std::ranges::find(kImportantOptions, spec.name) == std::end(kImportantOptions)) {
        continue;
      }
      std::fputs(RenderSetting(spec.name, RenderOption(spec, binding.object)).c_str(), stdout);
    }
  }
}

int Fail(const Status& why) {
  std::fprintf(stderr, "mqbroker: %.*s\n", static_cast<int>(why.text().size()), why.text().data());
  return process::ExitCodeOf(why);
}

struct Configured {
  BrokerOptions options;
  ConfigReport report;
};

// Default < file < command line.
Result<Configured> ReadOptions(FileSystem& files) {
  auto entries = process::ReadConfigEntries(files, FLAGS_c, FLAGS_set);
  if (!entries.ok()) return entries.status();
  Configured configured;
  BrokerOptions& options = configured.options;
  if (const char* from_environment = std::getenv("NAMESRV_ADDR")) options.namesrv_addr = from_environment;
  if (FLAGS_standalone) {
    options.bind_address = kLoopback;
    options.broker_ip1 = kLoopback;
    options.namesrv_addr.clear();
  }
  if (FLAGS_namesrv_port < 0 || FLAGS_namesrv_port > 65535) {
    return Status(StatusCode::kInvalidArgument,
                  StrCat("--namesrv_port: ", FLAGS_namesrv_port, " not in range 0..65535"));
  }
  const auto bindings = BindBrokerOptions(options);
  configured.report = ApplyConfig(bindings, *entries, ApplyMode::kStart);
  if (Status applied = configured.report.status(); !applied.ok()) return applied;
  if (!FLAGS_n.empty()) {
    if (auto parsed = ParseEndpoints(FLAGS_n); !parsed.ok()) return parsed.status().Annotate("-n");
    options.namesrv_addr = FLAGS_n;
  }
  options.config_file = FLAGS_c;
  if (FLAGS_standalone && !options.namesrv_addr.empty()) {
    configured.report.warnings.push_back(
        StrCat("--standalone: the broker registers with its own NameServer and also with ",
               options.namesrv_addr, " (from ", FLAGS_n.empty() ? "namesrvAddr" : "-n", ")"));
  }
  if (!FLAGS_data_dir.empty()) options.store_path_root_dir = FLAGS_data_dir;
  if (options.store_path_root_dir.empty()) options.store_path_root_dir = "./data";
  if (get_phys_pages() > 0) options.machine_memory_bytes = int64_t{get_phys_pages()} * getpagesize();
  if (options.server_selector_threads == 0) options.server_selector_threads = std::clamp(get_nprocs(), 1, 4);
  return configured;
}

// Before anything is written into the directory or a port is taken: a second start on it has to hear of the
// lock, and one that may not be written of the directory. The store takes the lock for good later.
Status CheckDataDirectory(FileSystem& files, const std::string& root) {
  const std::string named = StrCat("data directory ", root, " (--data-dir or storePathRootDir)");
  if (Status made = CreateDirectoriesDurably(files, root); !made.ok()) return made.Annotate(named);
  const auto lock = files.Lock(StrCat(root, "/lock"));
  if (lock.ok()) return {};
  if (lock.status().code() != StatusCode::kAlreadyExists) return lock.status().Annotate(named);
  return lock.status().Annotate(
      StrCat(named, ": another broker is running on it; stop that one or choose another directory"));
}

Result<std::unique_ptr<namesrv::Namesrv>> StartNamesrv(Env& env, BrokerOptions& options) {
  namesrv::NamesrvOptions settings;
  settings.bind_address = kLoopback;
  settings.listen_port = FLAGS_namesrv_port;
  settings.io_threads = 1;
  settings.kv_config_path = StrCat(options.store_path_root_dir, "/namesrv/kvConfig.json");
  auto started = namesrv::Namesrv::Start(env, std::move(settings));
  if (!started.ok()) return started.status();
  const std::string address = (*started)->local().ToString();
  options.namesrv_addr = options.namesrv_addr.empty() ? address : StrCat(address, ";", options.namesrv_addr);
  return started;
}

// Serves until a signal says stop; a second one skips the waits.
int Serve(process::FileLogger& log, BrokerOptions options) {
  const std::unique_ptr<Env> env = net::NewRealEnv(log);
  std::unique_ptr<namesrv::Namesrv> nameserver;
  if (FLAGS_standalone) {
    auto started = StartNamesrv(*env, options);
    if (!started.ok()) return Fail(started.status());
    nameserver = *std::move(started);
  }
  auto broker = Broker::Start(*env, std::move(options));
  if (!broker.ok()) return Fail(broker.status());
  // Scripts wait for "boot success" and send then; neither line is there before both serve and clients are
  // told of it, unless NameServers are not there.
  (*broker)->AwaitRegistration(kRegisterWithin);
  if (nameserver != nullptr) {
    std::printf("The Name Server boot success. serializeType=JSON, address %s\n",
                nameserver->local().ToString().c_str());
  }
  std::printf("%s\n", (*broker)->boot_line().c_str());
  std::fflush(stdout);

  process::WaitForStop(log);
  log.Info("stopping on a signal");
  const bool in_order =
      process::StopAndWait(*env, kStopWithin + std::chrono::seconds(1),
                           [&](Completion<Done> done) { (*broker)->Shutdown(kStopWithin, std::move(done)); });
  if (!in_order) {
    // What still runs would have to be waited for; the next start recovers, as after a crash.
    log.Error("stopped without waiting; the next start will recover the store");
    log.Flush();
    std::_Exit(process::kExitFailed);
  }
  broker->reset();
  if (nameserver != nullptr) {
    process::StopAndWait(*env, std::chrono::seconds(2),
                         [&](Completion<Done> done) { nameserver->Shutdown(std::move(done)); });
  }
  return 0;
}

int Run() {
  const auto files = NewPosixFileSystem();
  auto configured = ReadOptions(*files);
  if (!configured.ok()) return Fail(configured.status());
  if (FLAGS_p || FLAGS_m) {
    PrintOptions(configured->options, !FLAGS_p);
    return 0;
  }
  process::BlockSignals();
  const Status usable = CheckDataDirectory(*files, configured->options.store_path_root_dir);
  if (!usable.ok()) return Fail(usable);
  auto log = process::OpenLog(*files, FLAGS_log, FLAGS_log_level);
  if (!log.ok()) return Fail(log.status());
  for (const std::string& warning : configured->report.warnings) {
    // Whoever starts it by hand sees them although the log is a file.
    if (!FLAGS_log.empty() && FLAGS_log != "-") {
      std::fprintf(stderr, "mqbroker: warning: %s\n", warning.c_str());
    }
    (*log)->Warn(warning);
  }
  for (const std::string& note : configured->report.notes) (*log)->Info(note);
  const int code = Serve(**log, std::move(configured->options));
  (*log)->Flush();
  return code;
}

}  // namespace
}  // namespace orbitmq::broker

int main(int argc, char** argv) {
  constexpr std::string_view kLists[] = {"set"};
  // Apache's long names, and its scripts' -d.
  constexpr orbitmq::process::FlagAlias kAliases[] = {
      {"configFile", "c", ""},
      {"namesrvAddr", "n", ""},
      {"printConfigItem", "p", ""},
      {"printImportantConfig", "m", ""},
      {"d", "data_dir", ""},
      {"enable_proxy", "", "there is no proxy in this broker: clients speak the remoting protocol to it"},
  };
  const auto ended = orbitmq::process::ReadFlags(
      {.name = "mqbroker",
       .source = "broker/main",
       .description = "a message broker\n\n"
                      "  mqbroker [-c broker.conf] [-n host:port] [--set key=value,...] [--data-dir DIR] "
                      "[--standalone] [-p|-m]",
       .version = "OrbitMQ " ORBITMQ_VERSION,
       .lists = kLists,
       .aliases = kAliases},
      argc, argv);
  return ended ? *ended : orbitmq::broker::Run();
}
