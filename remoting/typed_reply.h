// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "remoting/protocol/header_codec.h"
#include "remoting/rpc_server.h"

namespace orbitmq::net {

// Answers with a typed header, which is written into the frame without ExtFields in between: the hot paths'
// way. A header that does not fit a frame is answered with SYSTEM_ERROR.
template <class H>
void ReplyTyped(ServerRequest& request, int32_t code, const H& header, std::string remark = {},
                BytesChain body = {}) {
  proto::Command command = request.response_command();
  command.code = code;
  command.remark = std::move(remark);
  command.body = std::move(body);
  auto head = proto::EncodeFrameHead(command, header, request.command().serialize);
  if (head.ok()) return request.ReplyFrame(*std::move(head), std::move(command.body));
  // Fails in the same way, and says so.
  Response response{.code = code, .remark = std::move(command.remark), .ext = {}, .body = {}};
  proto::EncodeHeader(header, response.ext);
  response.body = std::move(command.body);
  request.Reply(std::move(response));
}

}  // namespace orbitmq::net
