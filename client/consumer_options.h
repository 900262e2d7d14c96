// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/subscription.h"
#include "orbitmq/push_consumer.h"

namespace orbitmq::client {

// kInvalidArgument names the option and the allowed range.
Status CheckConsumerOptions(const PushConsumerOptions& options);
Result<SubscriptionData> ParseSubscription(const Subscription& subscription);

}  // namespace orbitmq::client
