// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "orbitmq/status.h"

namespace orbitmq::proto {

// What a request asks for; Command::code of a request. The enumerators convert to int32_t, so that codes of
// newer peers need no cast: `command.code == RequestCode::kSendMessage`.
struct RequestCode final {
  enum Value : int32_t {
#define ORBITMQ_REQUEST_CODE(name, value) name = value,
#include "remoting/protocol/codes.def"
  };
};

// How a request ended; Command::code of a response.
struct ResponseCode final {
  enum Value : int32_t {
#define ORBITMQ_RESPONSE_CODE(name, value, status, retry, persisted) name = value,
#include "remoting/protocol/codes.def"
  };
};

// Apache's name ("SEND_MESSAGE_V2"); "UNKNOWN" for a number that no release uses.
std::string_view RequestCodeName(int32_t code);
std::string_view ResponseCodeName(int32_t code);

// What a response's code means to a caller. OK for SUCCESS whatever its remark says (errata 20). Else the
// Status carries the wire code, whether a retry can help and whether a sent message is stored all the same:
// FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE and FLUSH_SLAVE_TIMEOUT are kUnknown with Persisted::kYes, which a
// producer turns into a success with a send status. The text is "NAME (code): remark"; remarks are cut at
// 4 KiB. A code that no release uses is kInternal, not retriable, Persisted::kMaybe.
Status StatusFromResponse(int32_t code, std::string_view remark);

}  // namespace orbitmq::proto
