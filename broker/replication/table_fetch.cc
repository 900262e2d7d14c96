// SPDX-License-Identifier: Apache-2.0
#include "broker/replication/table_fetch.h"

#include <utility>

#include "common/check.h"
#include "remoting/stubs/stub_call.h"

namespace orbitmq::broker {

template <class F>
auto TableFetch::WhileFetching(F fn) {
  return [this, fetch = fetch_, alive = std::weak_ptr<bool>(alive_),
          fn = std::move(fn)](auto&&... args) mutable {
    if (!alive.expired() && fetch == fetch_) fn(std::forward<decltype(args)>(args)...);
  };
}

void TableFetch::Start(const Endpoint& from, std::vector<Table> tables, Ended ended) {
  ORBITMQ_CHECK(!tables.empty(), "there is nothing to fetch");
  ++fetch_;
  from_ = from;
  tables_ = std::make_shared<std::vector<Table>>(std::move(tables));
  ended_ = std::move(ended);
  Ask(0);
}

void TableFetch::Stop() {
  ++fetch_;
  ended_ = nullptr;
}

void TableFetch::Ask(size_t index) {
  parts_.rpc.Call(from_, net::BareRequest((*tables_)[index].code), parts_.timeout,
                  WhileFetching([this, index](Result<proto::Command> reply) {
                    if (!reply.ok()) return End(index, reply.status());
                    Take(index, *std::move(reply));
                  }));
}

void TableFetch::Take(size_t index, proto::Command reply) {
  auto taken = WhileFetching([this, index](const Status& status) { Taken(index, status); });
  parts_.worker.Post([&loop = parts_.loop, tables = tables_, index, r = std::move(reply),
                      taken = std::move(taken)]() mutable {
    loop.Post([taken = std::move(taken), status = (*tables)[index].take(r)]() mutable { taken(status); });
  });
}

void TableFetch::Taken(size_t index, const Status& status) {
  if (status.ok() && index + 1 < tables_->size()) return Ask(index + 1);
  End(index, status);
}

void TableFetch::End(size_t index, const Status& status) {
  // It may start the next fetch.
  Ended ended = std::move(ended_);
  ended(status, (*tables_)[index].name);
}

}  // namespace orbitmq::broker
