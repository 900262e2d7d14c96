// SPDX-License-Identifier: Apache-2.0
#include "orbitmq/status.h"

namespace orbitmq {

struct Status::Rep {
  StatusCode code = StatusCode::kInternal;
  bool retriable = false;
  bool fatal = false;
  Persisted persisted = Persisted::kNo;
  int wire_code = -1;
  std::string text;
};

namespace {

// What holds for a code unless the maker of the status says otherwise.
bool RetriableByDefault(StatusCode code) {
  switch (code) {
    case StatusCode::kBusy:
    case StatusCode::kTimeout:
    case StatusCode::kUnknown:
    case StatusCode::kUnavailable:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status::Status(StatusCode code, std::string_view text) {
  if (code == StatusCode::kOk) return;
  auto rep = std::make_shared<Rep>();
  rep->code = code;
  rep->retriable = RetriableByDefault(code);
  rep->persisted = code == StatusCode::kUnknown ? Persisted::kMaybe : Persisted::kNo;
  rep->text = text;
  rep_ = std::move(rep);
}

StatusCode Status::code() const noexcept { return rep_ ? rep_->code : StatusCode::kOk; }
std::string_view Status::text() const noexcept { return rep_ ? std::string_view(rep_->text) : ""; }
int Status::wire_code() const noexcept { return rep_ ? rep_->wire_code : -1; }
bool Status::retriable() const noexcept { return rep_ && rep_->retriable; }
bool Status::fatal() const noexcept { return rep_ && rep_->fatal; }
Persisted Status::persisted() const noexcept { return rep_ ? rep_->persisted : Persisted::kYes; }

Status Status::WithWireCode(int wire_code) const {
  if (ok()) return {};
  auto rep = std::make_shared<Rep>(*rep_);
  rep->wire_code = wire_code;
  Status out;
  out.rep_ = std::move(rep);
  return out;
}

Status Status::WithRetriable(bool retriable) const {
  if (ok()) return {};
  auto rep = std::make_shared<Rep>(*rep_);
  rep->retriable = retriable;
  Status out;
  out.rep_ = std::move(rep);
  return out;
}

Status Status::WithFatal() const {
  if (ok()) return {};
  auto rep = std::make_shared<Rep>(*rep_);
  rep->fatal = true;
  Status out;
  out.rep_ = std::move(rep);
  return out;
}

Status Status::WithPersisted(Persisted persisted) const {
  if (ok()) return {};
  auto rep = std::make_shared<Rep>(*rep_);
  rep->persisted = persisted;
  Status out;
  out.rep_ = std::move(rep);
  return out;
}

Status Status::Annotate(std::string_view context) const {
  if (ok()) return {};
  auto rep = std::make_shared<Rep>(*rep_);
  rep->text.clear();
  rep->text.append(context).append(": ").append(rep_->text);
  Status out;
  out.rep_ = std::move(rep);
  return out;
}

std::string Status::ToString() const {
  std::string out(StatusCodeName(code()));
  if (!ok()) out.append(": ").append(rep_->text);
  return out;
}

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "kOk";
    case StatusCode::kInvalidArgument:
      return "kInvalidArgument";
    case StatusCode::kNotFound:
      return "kNotFound";
    case StatusCode::kAlreadyExists:
      return "kAlreadyExists";
    case StatusCode::kPermissionDenied:
      return "kPermissionDenied";
    case StatusCode::kBusy:
      return "kBusy";
    case StatusCode::kTimeout:
      return "kTimeout";
    case StatusCode::kUnknown:
      return "kUnknown";
    case StatusCode::kUnavailable:
      return "kUnavailable";
    case StatusCode::kNotSupported:
      return "kNotSupported";
    case StatusCode::kCorrupt:
      return "kCorrupt";
    case StatusCode::kIoError:
      return "kIoError";
    case StatusCode::kResourceExhausted:
      return "kResourceExhausted";
    case StatusCode::kFailedPrecondition:
      return "kFailedPrecondition";
    case StatusCode::kCancelled:
      return "kCancelled";
    case StatusCode::kInternal:
      return "kInternal";
  }
  return "kInternal";
}

}  // namespace orbitmq
