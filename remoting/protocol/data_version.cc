// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/data_version.h"

#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(DataVersion)

}  // namespace orbitmq::proto
