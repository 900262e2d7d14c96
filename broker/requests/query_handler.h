// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/broker_options.h"
#include "remoting/rpc_server.h"
#include "store/message_store.h"

namespace orbitmq::broker {

// Single messages: by physical offset (VIEW_MESSAGE_BY_ID, 33) and by key or unique key (QUERY_MESSAGE, 12).
// Threads: a read executor; both read the disk.
class QueryHandler final {
 public:
  QueryHandler(const LiveOptions& options, store::MessageStore& store) : options_(options), store_(store) {}

  void ViewById(net::ServerRequest request);
  void ByKey(net::ServerRequest request);

 private:
  const LiveOptions& options_;
  store::MessageStore& store_;
};

}  // namespace orbitmq::broker
