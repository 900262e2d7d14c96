// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/headers.h"
#include "remoting/rpc_server.h"

namespace orbitmq::net {

// The shapes that answers of brokers and NameServers have: first as values, then as ways to answer with them.

// What Apache appends to errors that its documentation explains; tools and people search for the text.
inline constexpr std::string_view kFaq =
    "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

inline Response ErrorResponse(int32_t code, std::string remark) {
  return {.code = code, .remark = std::move(remark), .ext = {}, .body = {}};
}

// For a header or body that does not decode: Apache answers SYSTEM_ERROR too, with the text of an exception.
inline Response BadRequestResponse(const Status& why) {
  return ErrorResponse(proto::ResponseCode::kSystemError, std::string(why.text()));
}

inline Response BodyResponse(std::string body) {
  Response response;
  if (!body.empty()) response.body.emplace_back(std::move(body));
  return response;
}

template <class H>
Response HeaderResponse(const H& header, std::string body = {}) {
  Response response = BodyResponse(std::move(body));
  proto::EncodeHeader(header, response.ext);
  return response;
}

inline void ReplyError(ServerRequest& request, int32_t code, std::string remark) {
  request.Reply(ErrorResponse(code, std::move(remark)));
}
inline void ReplyBadRequest(ServerRequest& request, const Status& why) {
  request.Reply(BadRequestResponse(why));
}
// Success; the remark is for people, clients do not look at it.
inline void ReplyOk(ServerRequest& request, std::string remark = {}) {
  request.Reply(ErrorResponse(proto::ResponseCode::kSuccess, std::move(remark)));
}
inline void ReplyBody(ServerRequest& request, std::string body) {
  request.Reply(BodyResponse(std::move(body)));
}
template <class H>
void ReplyHeader(ServerRequest& request, const H& header, std::string body = {}) {
  request.Reply(HeaderResponse(header, std::move(body)));
}

// The typed header of a request; replies and returns nullopt when it does not decode.
template <class H>
std::optional<H> HeaderOrReply(ServerRequest& request) {
  auto header = proto::DecodeHeader<H>(request.command());
  if (header.ok()) return *std::move(header);
  ReplyBadRequest(request, header.status());
  return std::nullopt;
}

// The typed body of a request; replies and returns nullopt when it does not decode.
template <class Body>
std::optional<Body> BodyOrReply(ServerRequest& request) {
  auto body = proto::DecodeBody<Body>(request.command().body);
  if (body.ok()) return *std::move(body);
  ReplyBadRequest(request, body.status());
  return std::nullopt;
}

}  // namespace orbitmq::net
