// SPDX-License-Identifier: Apache-2.0
// Prints docs/CONFIG.md from the option tables, or checks that the committed file is what it would print:
//   config_doc > docs/CONFIG.md
//   config_doc --check docs/CONFIG.md
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "broker/broker_options.h"
#include "namesrv/namesrv_options.h"
#include "remoting/server_options.h"

namespace orbitmq {
namespace {

std::string Render() {
  namesrv::NamesrvOptions namesrv;
  broker::BrokerOptions broker;
  std::string out =
      "# Configuration\n\n"
      "Made by the program `config_doc` from the option tables of the servers; a test fails when it is "
      "stale.\n"
      "Names are Apache RocketMQ's, so that a `broker.conf` or `namesrv.conf` can be used unchanged. Files "
      "are Java\n"
      "properties; the command line (`--set key=value`) wins over the file. Unknown keys are warned of with "
      "the\n"
      "nearest known name, bad values are refused with file, line, key and range.\n\n";
  out +=
      RenderMarkdown("NameServer (`mqnamesrv -c FILE`)", namesrv::NamesrvOptionTable().Bind(namesrv)) + "\n";
  out += RenderMarkdown("Broker (`mqbroker -c FILE`)", broker::BrokerOptionTable().Bind(broker)) + "\n";
  out += RenderMarkdown("TLS, in the files of both", net::TlsServerOptionTable().Bind(namesrv.tls)) + "\n";
  out += RenderMarkdown("Figures, in the files of both", net::MetricsOptionTable().Bind(broker.metrics));
  return out;
}

int Check(const char* path) {
  std::ifstream file(path);
  const std::string committed((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const bool same = committed == Render();
  if (!same) std::printf("%s is stale; make it anew with: config_doc > docs/CONFIG.md\n", path);
  std::printf("%d passed, %d failed\n", same ? 1 : 0, same ? 0 : 1);
  return same ? 0 : 1;
}

}  // namespace
}  // namespace orbitmq

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--check") return orbitmq::Check(argv[2]);
  if (argc != 1) {
    std::fprintf(stderr, "usage: config_doc [--check FILE]\n");
    return 2;
  }
  std::fputs(orbitmq::Render().c_str(), stdout);
  return 0;
}
