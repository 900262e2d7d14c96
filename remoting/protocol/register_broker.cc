// SPDX-License-Identifier: Apache-2.0
#include "remoting/protocol/register_broker.h"

#include <map>
#include <optional>
#include <utility>

#include "common/bytes.h"
#include "common/compression.h"
#include "common/crc32.h"
#include "common/limits.h"
#include "common/strings.h"
#include "remoting/protocol/body_binding.h"

namespace orbitmq::proto {

ORBITMQ_BODY_CODEC(RegisterBrokerBody)

namespace {

using StringList = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

constexpr int kPackLevel = 9;  // Apache's for registrations.

void AppendPiece(std::string_view piece, std::string& out) {
  ByteWriter writer(out);
  writer.Write<int32_t>(static_cast<int32_t>(piece.size()));
  writer.WriteBytes(piece);
}

// "<topic> <read queues> <write queues> <perm> <filter type>", since 5.0 " <attributes as JSON>" behind it.
std::string TopicLine(const TopicConfig& topic, int32_t version) {
  std::string line = StrCat(topic.topic_name, " ", topic.read_queue_nums, " ", topic.write_queue_nums, " ",
                            topic.perm, " ", EnumName(topic.topic_filter_type));
  if (version >= kVersionRegisterBrokerMapping) StrAppend(line, " ", EncodeBody(topic.attributes));
  return line;
}

Status BadPart(std::string_view part, std::string_view detail) {
  return {StatusCode::kCorrupt, StrCat("compressed registration: ", part, ": ", detail)};
}

Result<TopicConfig> ParseTopicLine(std::string_view line) {
  // Only the first five blanks separate: attribute values may hold blanks of their own.
  std::string_view rest = line;
  std::vector<std::string_view> words;
  for (int i = 0; i < 5; ++i) {
    const size_t blank = rest.find(' ');
    words.push_back(rest.substr(0, blank));
    rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
  }
  TopicConfig topic;
  topic.topic_name = std::string(words[0]);
  const auto read_queues = ParseInt<int32_t>(words[1]);
  const auto write_queues = ParseInt<int32_t>(words[2]);
  const auto perm = ParseInt<int32_t>(words[3]);
  if (topic.topic_name.empty() || !read_queues || !write_queues || !perm) {
    return BadPart("topic", StrCat("'", Printable(line), "' is not '<name> <read> <write> <perm> <type>'"));
  }
  topic.read_queue_nums = *read_queues;
  topic.write_queue_nums = *write_queues;
  topic.perm = *perm;
  topic.topic_filter_type = EnumFromName<TopicFilterType>(words[4]).value_or(TopicFilterType::kSingleTag);
  // Apache goes on without attributes that do not parse, so a newer broker's form costs no topic.
  if (!rest.empty()) {
    Result<StringMap> attributes = DecodeBody<StringMap>(rest);
    if (attributes.ok()) topic.attributes = *std::move(attributes);
  }
  return topic;
}

// Cuts the length-prefixed pieces of the inflated stream.
class PieceReader final {
 public:
  explicit PieceReader(std::string_view bytes) : reader_(bytes) {}

  // nullopt when the length does not fit.
  std::optional<std::string_view> Piece() {
    const std::string_view piece = reader_.ReadBytes(reader_.Read<int32_t>());
    if (!reader_.ok()) return std::nullopt;
    return piece;
  }
  // A count of pieces to follow, each at least a length word long.
  std::optional<int32_t> Count() {
    const auto count = reader_.Read<int32_t>();
    if (!reader_.ok() || count < 0 || static_cast<size_t>(count) > reader_.remaining() / 4)
      return std::nullopt;
    return count;
  }
  bool done() const { return reader_.remaining() == 0; }

 private:
  ByteReader reader_;
};

Status ReadTopics(PieceReader& reader, RegisterBrokerBody& body) {
  const std::optional<int32_t> count = reader.Count();
  if (!count) return BadPart("number of topics", "cut or out of range");
  for (int32_t i = 0; i < *count; ++i) {
    const std::optional<std::string_view> line = reader.Piece();
    if (!line) return BadPart(StrCat("topic ", i), "cut");
    Result<TopicConfig> topic = ParseTopicLine(*line);
    if (!topic.ok()) return topic.status();
    std::string name = topic->topic_name;
    body.topic_config_serialize_wrapper.topic_config_table.insert_or_assign(std::move(name),
                                                                            *std::move(topic));
  }
  return {};
}

Status ReadMappings(PieceReader& reader, RegisterBrokerBody& body) {
  const std::optional<int32_t> count = reader.Count();
  if (!count) return BadPart("number of topic queue mappings", "cut or out of range");
  for (int32_t i = 0; i < *count; ++i) {
    const std::optional<std::string_view> json = reader.Piece();
    if (!json) return BadPart(StrCat("topic queue mapping ", i), "cut");
    Result<TopicQueueMappingInfo> mapping = DecodeBody<TopicQueueMappingInfo>(*json);
    if (!mapping.ok()) return mapping.status().Annotate(StrCat("topic queue mapping ", i));
    std::string topic = mapping->topic;
    body.topic_config_serialize_wrapper.topic_queue_mapping_info_map.insert_or_assign(std::move(topic),
                                                                                      *std::move(mapping));
  }
  return {};
}

Result<RegisterBrokerBody> DecodeCompressed(std::string_view packed, int32_t version) {
  Result<std::string> plain = Decompress(packed, Compression::kZlib, limits::kInflatedBytesMax);
  if (!plain.ok()) return plain.status().Annotate("compressed registration");
  PieceReader reader(*plain);
  RegisterBrokerBody body;

  const std::optional<std::string_view> data_version = reader.Piece();
  if (!data_version) return BadPart("data version", "cut");
  Result<DataVersion> parsed_version = DecodeBody<DataVersion>(*data_version);
  if (!parsed_version.ok()) return parsed_version.status().Annotate("data version");
  body.topic_config_serialize_wrapper.data_version = *parsed_version;

  if (Status status = ReadTopics(reader, body); !status.ok()) return status;

  const std::optional<std::string_view> filter_servers = reader.Piece();
  if (!filter_servers) return BadPart("filter servers", "cut");
  Result<StringList> parsed_servers = DecodeBody<StringList>(*filter_servers);
  if (!parsed_servers.ok()) return parsed_servers.status().Annotate("filter servers");
  body.filter_server_list = *std::move(parsed_servers);

  if (version >= kVersionRegisterBrokerMapping) {
    if (Status status = ReadMappings(reader, body); !status.ok()) return status;
  }
  return body;
}

}  // namespace

Result<std::string> EncodeCompressedRegistration(const RegisterBrokerBody& body, int32_t version) {
  const TopicConfigAndMappingSerializeWrapper& wrapper = body.topic_config_serialize_wrapper;
  std::string plain;
  AppendPiece(EncodeBody(wrapper.data_version), plain);
  ByteWriter(plain).Write<int32_t>(static_cast<int32_t>(wrapper.topic_config_table.size()));
  for (const auto& [name, topic] : wrapper.topic_config_table) AppendPiece(TopicLine(topic, version), plain);
  AppendPiece(EncodeBody(body.filter_server_list), plain);
  if (version >= kVersionRegisterBrokerMapping) {
    ByteWriter(plain).Write<int32_t>(static_cast<int32_t>(wrapper.topic_queue_mapping_info_map.size()));
    for (const auto& [topic, mapping] : wrapper.topic_queue_mapping_info_map) {
      AppendPiece(EncodeBody(mapping), plain);
    }
  }
  return Compress(plain, Compression::kZlib, kPackLevel);
}

Result<RegisterBrokerBody> DecodeRegistration(std::string_view body,
                                              const RegisterBrokerRequestHeader& header, int32_t version) {
  if (header.body_crc32 != 0 && static_cast<uint32_t>(header.body_crc32) != BodyCrc(body)) {
    return Status(StatusCode::kCorrupt, "crc32 not match");
  }
  if (body.empty()) return RegisterBrokerBody();
  // 5.5.0 with compressedRegister=true sends compressed bodies that it calls plain; no JSON begins like zlib.
  constexpr char kZlibMagic = 0x78;
  if (header.compressed || body[0] == kZlibMagic) return DecodeCompressed(body, version);
  if (version >= kVersionRegisterBrokerBody) return DecodeBody<RegisterBrokerBody>(body);
  auto wrapper = DecodeBody<TopicConfigAndMappingSerializeWrapper>(body);
  if (!wrapper.ok()) return wrapper.status();
  return RegisterBrokerBody{.topic_config_serialize_wrapper = *std::move(wrapper)};
}

}  // namespace orbitmq::proto
