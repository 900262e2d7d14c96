// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "client/blocking_wait.h"
#include "client/client_tls.h"
#include "common/endpoint.h"
#include "common/env.h"
#include "remoting/rpc_client.h"
#include "remoting/stubs/admin_stub.h"
#include "remoting/stubs/broker_stub.h"
#include "remoting/stubs/namesrv_stub.h"

namespace orbitmq::tools {

inline constexpr char kNoNameServer[] =
    "no NameServer is named; give -n host:port, set NAMESRV_ADDR, or make a context: "
    "mqadmin context set NAME host:port";

namespace admin_internal {
// Of a stub's method: the stub, and what its Completion delivers.
template <class Method>
struct MethodShape;
template <class StubType, class... Parameters>
struct MethodShape<void (StubType::*)(Parameters...)> {
  template <class T>
  static T Delivered(const Completion<T>*);
  using Stub = StubType;
  using Last = std::tuple_element_t<sizeof...(Parameters) - 1, std::tuple<Parameters...>>;
  using Value = decltype(Delivered(static_cast<const Last*>(nullptr)));
};
}  // namespace admin_internal

// The connections of one run of mqadmin: calls of the stubs' methods that wait for their end, one at a time
// or to many servers at once. One thread for all of them, which starts with the first call.
// Threads: the main thread only.
class AdminClient final {
 public:
  struct Options {
    std::vector<Endpoint> name_servers;
    Duration timeout = std::chrono::seconds(5);
    ClientTlsOptions tls{};  // For clients of the SDK that a command starts.
    std::shared_ptr<net::TlsContext> tls_context{};  // The same for the calls here; null: plain.
  };
  AdminClient(Env& env, Options options);
  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  template <class Method>
  using ValueOf = typename admin_internal::MethodShape<Method>::Value;

  // What to wait for at most from now on; a command that asks for much may need longer than the default.
  void set_timeout(Duration timeout) { options_.timeout = timeout; }
  Duration timeout() const { return options_.timeout; }
  const std::vector<Endpoint>& name_servers() const { return options_.name_servers; }
  const ClientTlsOptions& tls() const { return options_.tls; }

  // stub.method(to, args..., timeout, completion), waited for. A failure names the server.
  template <class Method, class... Args>
  Result<ValueOf<Method>> Call(Method method, const Endpoint& to, const Args&... args) {
    client::BlockingWait<ValueOf<Method>> wait;
    Start(method, to, wait, args...);
    return Named(to, wait.Wait());
  }
  // The same call to many servers, at most kAtOnce under way; results in the order of the servers.
  template <class Method, class... Args>
  std::vector<Result<ValueOf<Method>>> CallAll(Method method, const std::vector<Endpoint>& to,
                                               const Args&... args) {
    return Gather<ValueOf<Method>>(
        to.size(), [&](size_t i) { return to[i]; },
        [&](size_t i, auto& wait) { Start(method, to[i], wait, args...); });
  }
  // One argument per call, as above.
  template <class Method, class Arg>
  std::vector<Result<ValueOf<Method>>> CallEach(Method method,
                                                const std::vector<std::pair<Endpoint, Arg>>& calls) {
    return Gather<ValueOf<Method>>(
        calls.size(), [&](size_t i) { return calls[i].first; },
        [&](size_t i, auto& wait) { Start(method, calls[i].first, wait, calls[i].second); });
  }
  // Asks the NameServers one after the other until one can be reached.
  template <class Method, class... Args>
  Result<ValueOf<Method>> CallNamesrv(Method method, const Args&... args) {
    Result<ValueOf<Method>> last(Status(StatusCode::kInvalidArgument, kNoNameServer));
    for (const Endpoint& server : options_.name_servers) {
      last = Call(method, server, args...);
      if (last.ok() || !Unreachable(last.status())) return last;
    }
    return last;
  }

  // No connection, or no answer in time.
  static bool Unreachable(const Status& status);
  // Waits for so long; for --watch and intervals.
  void Pause(Duration span);

  Env& env() { return env_; }
  net::RpcClient& rpc();

 private:
  static constexpr size_t kAtOnce = 64;

  template <class Stub>
  Stub& StubOf() {
    rpc();
    if constexpr (std::is_same_v<Stub, net::AdminStub>) {
      return *admin_;
    } else if constexpr (std::is_same_v<Stub, net::BrokerStub>) {
      return *broker_;
    } else {
      return *namesrv_;
    }
  }
  template <class Method, class Wait, class... Args>
  void Start(Method method, const Endpoint& to, Wait& wait, const Args&... args) {
    auto& stub = StubOf<typename admin_internal::MethodShape<Method>::Stub>();
    (stub.*method)(to, args..., options_.timeout, wait.done());
  }
  template <class T, class Server, class StartOne>
  std::vector<Result<T>> Gather(size_t count, Server server, StartOne start) {
    std::vector<Result<T>> results;
    for (size_t first = 0; first < count; first += kAtOnce) {
      std::vector<client::BlockingWait<T>> waits(std::min(kAtOnce, count - first));
      for (size_t i = 0; i < waits.size(); ++i) start(first + i, waits[i]);
      for (size_t i = 0; i < waits.size(); ++i) results.push_back(Named(server(first + i), waits[i].Wait()));
    }
    return results;
  }
  template <class T>
  static Result<T> Named(const Endpoint& server, Result<T> result) {
    if (result.ok()) return result;
    return result.status().Annotate(server.ToString());
  }

  Env& env_;
  Options options_;
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> rpc_;
  std::unique_ptr<net::AdminStub> admin_;
  std::unique_ptr<net::BrokerStub> broker_;
  std::unique_ptr<net::NamesrvStub> namesrv_;
};

}  // namespace orbitmq::tools
