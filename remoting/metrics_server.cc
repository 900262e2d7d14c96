// SPDX-License-Identifier: Apache-2.0
#include "remoting/metrics_server.h"

#include <utility>

namespace orbitmq::net {
namespace {

constexpr std::string_view kExporters[] = {"DISABLE", "OTLP_GRPC", "PROM", "LOG"};

}  // namespace

const OptionTable<MetricsSettings>& MetricsOptionTable() {
  using S = MetricsSettings;
  static const OptionTable<S> table({
      ChoiceOption<&S::exporter>(
          "metricsExporterType", kExporters, Reload::kNo,
          "PROM serves the figures over HTTP at /metrics of that port; OTLP_GRPC and LOG do nothing."),
      TextOption<&S::host>("metricsPromExporterHost", Reload::kNo,
          "Address of that port; empty = bindAddress."),
      IntOption<&S::port>("metricsPromExporterPort", {0, 65535}, Reload::kNo,
                          "The port; the NameServer's default is 5558. 0 takes any free one and logs it."),
      IntOption<&S::series_max>("metricsOtelCardinalityLimit", {1, 10'000'000}, Reload::kNo,
                                "Most series of one name; the page counts what it leaves out."),
  });
  return table;
}

Result<std::unique_ptr<HttpServer>> StartMetricsServer(Env& env, const MetricsSettings& settings,
                                                       const MetricsPlace& place,
                                                       UniqueFunction<std::string()> make) {
  if (settings.exporter == MetricsExporter::kDisable) return std::unique_ptr<HttpServer>();
  if (settings.exporter != MetricsExporter::kProm) {
    env.log().Warn("this metricsExporterType is not built; nothing is exported, use PROM",
                   {{"metricsExporterType", kExporters[static_cast<size_t>(settings.exporter)]}});
    return std::unique_ptr<HttpServer>();
  }
  const std::string& host = settings.host.empty() ? place.host : settings.host;
  auto server = HttpServer::Start(
      env, {.listen = {host, static_cast<uint16_t>(settings.port)}, .io = place.io, .worker = place.worker},
      [make = std::move(make)](std::string_view path) mutable -> HttpPage {
        if (path != "/metrics") return {.status = 404, .body = "The figures are at /metrics.\n"};
        return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = make()};
      });
  if (!server.ok()) return server.status().Annotate("metricsPromExporterPort");
  env.log().Info("figures are served", {{"url", "http://" + (*server)->local().ToString() + "/metrics"}});
  return server;
}

}  // namespace orbitmq::net
