// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/strings.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_server.h"

namespace orbitmq::broker {

// The shapes in which handlers answer.

// What Apache appends to errors that its documentation explains; tools and people search for the text.
inline constexpr std::string_view kFaq =
    "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

inline void ReplyError(net::ServerRequest& request, int32_t code, std::string remark) {
  request.Reply(net::Response{.code = code, .remark = std::move(remark), .ext = {}, .body = {}});
}

// For a header or body that does not decode: Apache answers SYSTEM_ERROR too, with the text of an exception.
inline void ReplyBadRequest(net::ServerRequest& request, const Status& why) {
  ReplyError(request, proto::ResponseCode::kSystemError, std::string(why.text()));
}

inline void ReplyOk(net::ServerRequest& request, std::string remark = {}) {
  request.Reply(net::Response{
      .code = proto::ResponseCode::kSuccess, .remark = std::move(remark), .ext = {}, .body = {}});
}

inline void ReplyBody(net::ServerRequest& request, std::string body) {
  net::Response response;
  if (!body.empty()) response.body.emplace_back(std::move(body));
  request.Reply(std::move(response));
}

template <class H>
void ReplyHeader(net::ServerRequest& request, const H& header, std::string body = {}) {
  net::Response response;
  proto::EncodeHeader(header, response.ext);
  if (!body.empty()) response.body.emplace_back(std::move(body));
  request.Reply(std::move(response));
}

// The typed header of a request; replies and returns nullopt when it does not decode.
template <class H>
std::optional<H> HeaderOrReply(net::ServerRequest& request) {
  auto header = proto::DecodeHeader<H>(request.command());
  if (header.ok()) return *std::move(header);
  ReplyBadRequest(request, header.status());
  return std::nullopt;
}

// The typed body of a request; replies and returns nullopt when it does not decode.
template <class Body>
std::optional<Body> BodyOrReply(net::ServerRequest& request) {
  auto body = proto::DecodeBody<Body>(request.command().body);
  if (body.ok()) return *std::move(body);
  ReplyBadRequest(request, body.status());
  return std::nullopt;
}

}  // namespace orbitmq::broker
