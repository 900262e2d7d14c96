// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "common/completion.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/codes.h"
#include "remoting/protocol/command.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/rpc_client.h"

namespace orbitmq::net {

// Turns the reply of a call into what the stub promises: error codes become a Status with the wire code, a
// header or body that does not decode becomes kCorrupt. `parse` is called with a successful response.
template <class T, class Parse>
Completion<proto::Command> ExpectReply(Completion<T> done, Parse parse) {
  return [done = std::move(done), parse = std::move(parse)](Result<proto::Command> reply) mutable {
    if (!reply.ok()) return done(reply.status());
    const Status status = proto::StatusFromResponse(reply->code, reply->remark);
    if (!status.ok()) return done(status);
    done(parse(*reply));
  };
}

// For replies that say no more than success.
inline Completion<proto::Command> ExpectSuccess(Completion<Done> done) {
  return ExpectReply<Done>(std::move(done), [](const proto::Command&) { return Result<Done>(Done{}); });
}

// For replies that may remark on what was done. Apache's servers leave their first text where nothing
// replaced it.
inline Completion<proto::Command> ExpectRemark(Completion<std::string> done) {
  return ExpectReply<std::string>(std::move(done), [](const proto::Command& reply) {
    return Result<std::string>(reply.remark == "not set any response code" ? std::string() : reply.remark);
  });
}

template <class Header>
Completion<proto::Command> ExpectHeader(Completion<Header> done) {
  return ExpectReply<Header>(std::move(done), [](const proto::Command& reply) -> Result<Header> {
    auto header = proto::DecodeHeader<Header>(reply);
    if (!header.ok()) return Status(StatusCode::kCorrupt, header.status().text()).Annotate("response");
    return header;
  });
}

template <class Body>
Completion<proto::Command> ExpectBody(Completion<Body> done) {
  return ExpectReply<Body>(std::move(done), [](const proto::Command& reply) {
    return proto::DecodeBody<Body>(reply.JoinedBody().view());
  });
}

inline Completion<proto::Command> ExpectText(Completion<std::string> done) {
  return ExpectReply<std::string>(std::move(done), [](const proto::Command& reply) {
    return Result<std::string>(std::string(reply.JoinedBody().view()));
  });
}

// A request whose header names one thing.
template <class Header>
proto::Command NameRequest(int32_t code, std::string Header::*member, const std::string& name) {
  Header header;
  header.*member = name;
  return proto::MakeRequest(code, header);
}

// A request whose fixed header has no fields.
inline proto::Command BareRequest(int32_t code, std::string body = {}) {
  proto::Command request;
  request.code = code;
  if (!body.empty()) request.body.push_back(Bytes(std::move(body)));
  return request;
}

}  // namespace orbitmq::net
