// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every typed request and response header (struct names are Apache's class names, members are the Java fields
// in snake_case) and the codec for them. A new one is a struct with its ORBITMQ_FIELDS line.
//
// Nullable fields: numbers and booleans are std::optional; a string that is absent is empty, as the binary
// header cannot tell the two apart.

#include <cstdint>

#include "remoting/protocol/codes.h"
#include "remoting/protocol/header_codec.h"
#include "remoting/protocol/headers_admin.h"
#include "remoting/protocol/headers_client.h"
#include "remoting/protocol/headers_common.h"
#include "remoting/protocol/headers_message.h"
#include "remoting/protocol/headers_namesrv.h"
#include "remoting/protocol/headers_offset.h"

namespace orbitmq::proto {

// The form of the SendMessageRequestHeader that goes with a send code.
constexpr NameForm SendNameForm(int32_t code) {
  return code == RequestCode::kSendMessage || code == RequestCode::kSendReplyMessage ? NameForm::kLong
                                                                                     : NameForm::kShort;
}

}  // namespace orbitmq::proto
