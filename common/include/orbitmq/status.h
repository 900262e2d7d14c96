// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "orbitmq/export.h"

namespace orbitmq {

// What kind of failure it was; coarse on purpose, the exact wire code stands in Status::wire_code().
enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,     // The caller's value is wrong; the text names which and the allowed range.
  kNotFound,            // No such topic, group, message, file, route.
  kAlreadyExists,       // Name, port, directory or file is taken.
  kPermissionDenied,    // No permission on the resource.
  kBusy,                // Overloaded or flow controlled: try again later.
  kTimeout,             // The deadline passed before anything left this process.
  kUnknown,             // The deadline passed or the link broke after the request left: it may have happened.
  kUnavailable,         // No connection could be made, or the peer is not serving.
  kNotSupported,        // The peer (or this build) does not know this request.
  kCorrupt,             // Bytes from a peer or a file do not decode.
  kIoError,             // The operating system refused (text carries path and errno).
  kResourceExhausted,   // A bound in limits.h was hit: disk full, too large, too many.
  kFailedPrecondition,  // Not in a state to do it: not started, shutting down, wrong role.
  kCancelled,           // Given up by this process (shutdown, dropped completion).
  kInternal,            // A remote peer reported an internal error, or a bug here.
};

// Whether the message of a failed send may be stored nevertheless.
enum class Persisted : uint8_t { kNo, kMaybe, kYes };

// Success, or why not. OK is one null pointer; copying shares the immutable text. Thread-safe as a value.
class [[nodiscard]] ORBITMQ_EXPORT Status {
 public:
  Status() noexcept = default;
  Status(StatusCode code, std::string_view text);
  static Status Ok() { return {}; }

  bool ok() const noexcept { return rep_ == nullptr; }
  StatusCode code() const noexcept;
  // What happened, where, and what to do; empty when ok.
  std::string_view text() const noexcept;
  // The RocketMQ response code that the peer sent; -1 when no peer was involved.
  int wire_code() const noexcept;
  // A further try (of this broker or another one) can succeed.
  bool retriable() const noexcept;
  // The object that returned it will not work again (for example after a failed fsync).
  bool fatal() const noexcept;
  Persisted persisted() const noexcept;

  // Copies with one attribute changed; no-ops on an OK status.
  Status WithWireCode(int wire_code) const;
  Status WithRetriable(bool retriable) const;
  Status WithFatal() const;
  Status WithPersisted(Persisted persisted) const;
  // "context: text". Add one context per layer.
  Status Annotate(std::string_view context) const;

  // "kBusy: text" for logs.
  std::string ToString() const;

 private:
  struct Rep;
  std::shared_ptr<const Rep> rep_;
};

ORBITMQ_EXPORT std::string_view StatusCodeName(StatusCode code);

}  // namespace orbitmq
