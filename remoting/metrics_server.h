// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "common/config.h"
#include "remoting/http_server.h"

namespace orbitmq::net {

// Apache's metricsExporterType, in the order of its names in the table.
enum class MetricsExporter : uint8_t { kDisable, kOtlpGrpc, kProm, kLog };

// Where a server shows its figures; the names are Apache's broker's, and the NameServer takes them too.
struct MetricsSettings {
  MetricsExporter exporter = MetricsExporter::kDisable;
  std::string host;  // Empty = where the server listens.
  int32_t port = 5557;
  int32_t series_max = 50'000;

  // With another default of the port.
  static MetricsSettings OnPort(int32_t port) {
    MetricsSettings settings;
    settings.port = port;
    return settings;
  }
};

const OptionTable<MetricsSettings>& MetricsOptionTable();

// Serves what `make` writes (Prometheus text, common/exposition.h) at /metrics. Null when nothing is to be
// exported; an exporter that is not built is told to the log. kAlreadyExists names the option and the port in
// use.
// Threads: as HttpServer.
struct MetricsPlace {
  std::string host;  // Where the server listens.
  Executor* io = nullptr;
  Executor* worker = nullptr;
};
Result<std::unique_ptr<HttpServer>> StartMetricsServer(Env& env, const MetricsSettings& settings,
                                                       const MetricsPlace& place,
                                                       UniqueFunction<std::string()> make);

}  // namespace orbitmq::net
