// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/message_codec.h"

namespace orbitmq::golden {

// What has to be encoded to get the record again that was decoded. Points into the record.
inline RecordFields FieldsOf(const MessageView& view) {
  RecordFields fields;
  fields.topic = view.topic;
  fields.queue_id = view.queue_id;
  fields.flag = view.flag;
  fields.sys_flag = view.sys_flag;
  fields.born_time = view.born_time;
  fields.born_host = view.born_host;
  fields.store_host = view.store_host;
  fields.reconsume_times = view.reconsume_times;
  fields.prepared_transaction_offset = view.prepared_transaction_offset;
  fields.body = view.body;
  fields.properties = view.properties;
  return fields;
}

}  // namespace orbitmq::golden
