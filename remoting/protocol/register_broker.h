// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orbitmq/result.h"
#include "remoting/protocol/body_codec.h"
#include "remoting/protocol/field_table.h"
#include "remoting/protocol/headers_namesrv.h"
#include "remoting/protocol/topic_config.h"

namespace orbitmq::proto {

// The body of REGISTER_BROKER (103).
struct RegisterBrokerBody {
  std::vector<std::string> filter_server_list{};
  TopicConfigAndMappingSerializeWrapper topic_config_serialize_wrapper{};
  ORBITMQ_FIELDS(RegisterBrokerBody, ORBITMQ_OPTIONAL(filter_server_list),
                 ORBITMQ_OPTIONAL(topic_config_serialize_wrapper))
};

// The frame versions from which on the body looks different (remoting.md 1.7).
inline constexpr int32_t kVersionRegisterBrokerBody = 37;      // V3_0_11: before, the bare wrapper.
inline constexpr int32_t kVersionRegisterBrokerMapping = 413;  // V5_0_0: the compressed form has mappings.
inline constexpr int32_t kVersionStandardJson = 401;           // V4_9_4: routes in standard JSON.

// The compressed form (remoting.md 7.3): a zlib stream; order and topicSysFlag do not travel.
// `version` is the one that goes into the frame's header.
Result<std::string> EncodeCompressedRegistration(const RegisterBrokerBody& body, int32_t version);

// The body of a registration in whichever form header and frame version announce, or in the compressed one
// when it is that although the header denies it (an oversight of 5.5.0's). An empty body is an empty
// registration. kCorrupt: "crc32 not match" when header.body_crc32 is neither 0 nor the body's, or what does
// not decode; kResourceExhausted when it inflates to more than limits.h allows.
Result<RegisterBrokerBody> DecodeRegistration(std::string_view body,
                                              const RegisterBrokerRequestHeader& header, int32_t version);

}  // namespace orbitmq::proto
