// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/rpc_server.h"

namespace orbitmq::namesrv {

// The few shapes a reply of the NameServer has.
inline net::Response ErrorReply(int32_t code, std::string remark) {
  net::Response response;
  response.code = code;
  response.remark = std::move(remark);
  return response;
}
inline net::Response BodyReply(std::string body) {
  net::Response response;
  response.body.emplace_back(std::move(body));
  return response;
}
template <class Header>
net::Response HeaderReply(const Header& header) {
  net::Response response;
  proto::EncodeHeader(header, response.ext);
  return response;
}
inline net::Response BadHeader(const Status& why) {
  return ErrorReply(proto::ResponseCode::kSystemError, std::string(why.text()));
}

}  // namespace orbitmq::namesrv
