// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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
#include "tools/mqadmin/first_answer.h"

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
    ClientTlsOptions tls{};                          // For clients of the SDK that a command starts.
    std::shared_ptr<net::TlsContext> tls_context{};  // The same for the calls here; null: plain.
    // What a user should know and is no failure.
    std::function<void(std::string_view text)> tell{};
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
    if (const auto mute = mute_.find(to); mute != mute_.end()) return mute->second;
    client::BlockingWait<ValueOf<Method>> wait;
    Start(method, to, wait.done(), args...);
    auto result = Named(to, wait.Wait());
    NoteMute(to, result.status());
    return result;
  }
  // The same call to many servers, at most kAtOnce under way; results in the order of the servers.
  template <class Method, class... Args>
  std::vector<Result<ValueOf<Method>>> CallAll(Method method, const std::vector<Endpoint>& to,
                                               const Args&... args) {
    auto results = Gather<ValueOf<Method>>(
        to.size(), [&](size_t i) { return to[i]; },
        [&](size_t i, auto& wait) { Start(method, to[i], wait.done(), args...); });
    for (size_t i = 0; i < to.size(); ++i) NoteMute(to[i], results[i].status());
    return results;
  }
  // As CallAll, and between what times each was asked and answered, for what an answer says of time.
  template <class T>
  struct Timed {
    Result<T> answer;
    int64_t asked_ms;  // Since 1970.
    int64_t answered_ms;
  };
  template <class Method, class... Args>
  std::vector<Timed<ValueOf<Method>>> CallAllTimed(Method method, const std::vector<Endpoint>& to,
                                                   const Args&... args) {
    using Value = ValueOf<Method>;
    const Clock& clock = env_.clock();
    std::vector<std::pair<int64_t, int64_t>> times(to.size());
    std::vector<Result<Value>> answers = Gather<Value>(
        to.size(), [&](size_t i) { return to[i]; },
        [&](size_t i, auto& wait) {
          times[i].first = clock.WallMillis();
          Completion<Value> noting = [&answered = times[i].second, &clock,
                                      done = wait.done()](Result<Value> answer) mutable {
            answered = clock.WallMillis();
            done(std::move(answer));
          };
          Start(method, to[i], std::move(noting), args...);
        });
    std::vector<Timed<Value>> timed;
    for (size_t i = 0; i < to.size(); ++i) {
      timed.push_back({std::move(answers[i]), times[i].first, times[i].second});
    }
    return timed;
  }
  // One argument per call, as above.
  template <class Method, class Arg>
  std::vector<Result<ValueOf<Method>>> CallEach(Method method,
                                                const std::vector<std::pair<Endpoint, Arg>>& calls) {
    return Gather<ValueOf<Method>>(
        calls.size(), [&](size_t i) { return calls[i].first; },
        [&](size_t i, auto& wait) { Start(method, calls[i].first, wait.done(), calls[i].second); });
  }
  // What any NameServer tells: asks the next one when one cannot be reached, and also, without leaving off to
  // wait for it, when one is silent for kFirstPatience. For questions only: several may get them.
  template <class Method, class... Args>
  Result<ValueOf<Method>> CallNamesrv(Method method, const Args&... args) {
    using Value = ValueOf<Method>;
    const std::vector<Endpoint> servers = PreferredNameServers();
    if (servers.empty()) return Status(StatusCode::kInvalidArgument, kNoNameServer);
    FirstAnswer<Value> answers(
        [](const Result<Value>& answer) { return answer.ok() || !Unreachable(answer.status()); });
    for (size_t next = 0;;) {
      Start(method, servers[next++], answers.done(), args...);
      const bool more = next < servers.size();
      Timer impatient = more ? After(kFirstPatience, answers.nudge()) : Timer();
      do {
        answers.Wait();
      } while (!more && !answers.best() && !answers.all_ended());
      const auto best = answers.best();
      for (size_t i = 0; i < next; ++i) {
        if (!answers.ended(i) && best != i) NoteSilent(servers[i]);
      }
      if (best || !more)
        return Named(servers[best.value_or(next - 1)], answers.Take(best.value_or(next - 1)));
    }
  }
  // Those that were silent come last.
  std::vector<Endpoint> PreferredNameServers() const;
  bool silent(const Endpoint& name_server) const {
    return std::find(silent_.begin(), silent_.end(), name_server) != silent_.end();
  }

  // For commands that ask much of many: from now on whoever does not answer Call or CallAll is waited for
  // once, and all later calls to it fail at once as that did. (Who does not answer CallEach may only pass on
  // what somebody else should answer.) Who was mute before gets another chance.
  void WaitOncePerServer() {
    waits_once_ = true;
    mute_.clear();
  }
  void ForgetMute() { mute_.clear(); }
  bool mute(const Endpoint& server) const { return mute_.contains(server); }

  // No connection, or no answer in time.
  static bool Unreachable(const Status& status);
  // Waits for so long; for --watch and intervals.
  void Pause(Duration span);

  Env& env() { return env_; }
  net::RpcClient& rpc();

 private:
  static constexpr size_t kAtOnce = 64;
  static constexpr Duration kFirstPatience = std::chrono::seconds(1);

  void NoteMute(const Endpoint& server, const Status& status) {
    if (waits_once_ && Unreachable(status)) mute_.emplace(server, status);
  }
  Timer After(Duration span, Completion<Done> over);
  void NoteSilent(const Endpoint& name_server);

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
  template <class Method, class... Args>
  void Start(Method method, const Endpoint& to, Completion<ValueOf<Method>> done, const Args&... args) {
    auto& stub = StubOf<typename admin_internal::MethodShape<Method>::Stub>();
    (stub.*method)(to, args..., options_.timeout, std::move(done));
  }
  template <class T, class Server, class StartOne>
  std::vector<Result<T>> Gather(size_t count, Server server, StartOne start) {
    std::vector<Result<T>> results;
    for (size_t first = 0; first < count; first += kAtOnce) {
      std::vector<client::BlockingWait<T>> waits(std::min(kAtOnce, count - first));
      for (size_t i = 0; i < waits.size(); ++i) {
        if (!mute(server(first + i))) start(first + i, waits[i]);
      }
      for (size_t i = 0; i < waits.size(); ++i) {
        const auto mute = mute_.find(server(first + i));
        results.push_back(mute != mute_.end() ? mute->second : Named(server(first + i), waits[i].Wait()));
      }
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
  std::vector<Endpoint> silent_;  // NameServers, of which the user was told.
  bool waits_once_ = false;
  std::map<Endpoint, Status> mute_;  // How whoever did not answer failed.
  std::unique_ptr<Executor> loop_;
  std::unique_ptr<net::RpcClient> rpc_;
  std::unique_ptr<net::AdminStub> admin_;
  std::unique_ptr<net::BrokerStub> broker_;
  std::unique_ptr<net::NamesrvStub> namesrv_;
};

}  // namespace orbitmq::tools
