// SPDX-License-Identifier: Apache-2.0
#include "remoting/tls.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace orbitmq::net {
namespace {

constexpr size_t kReadStepBytes = size_t{16} << 10;  // A TLS record's largest content.
constexpr long kTestCertificateSeconds = 365L * 24 * 3600;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;

// The innermost reason in OpenSSL's error queue, which it empties.
std::string OpenSslReason() {
  std::string reason;
  while (const unsigned long error = ERR_get_error()) {
    const char* text = ERR_reason_error_string(error);
    if (text != nullptr && reason.empty()) reason = text;
  }
  return reason.empty() ? "unknown reason" : reason;
}

Status BadFile(const std::string& what, const std::string& path) {
  return {StatusCode::kInvalidArgument,
          "TLS: cannot use the " + what + " in " + path + ": " + OpenSslReason()};
}

class OpenSslContext final : public TlsContext {
 public:
  OpenSslContext(SslContextPtr context, bool verify_host)
      : context_(std::move(context)), verify_host_(verify_host) {}
  SslPtr NewSession() const { return SslPtr(SSL_new(context_.get())); }
  bool verify_host() const { return verify_host_; }

 private:
  const SslContextPtr context_;
  const bool verify_host_;
};

int Password(char* buffer, int size, int, void* password) {
  // Without this OpenSSL would ask on the terminal.
  const auto& text = *static_cast<const std::string*>(password);
  const size_t count = std::min(text.size(), static_cast<size_t>(size));
  std::copy_n(text.data(), count, buffer);
  return static_cast<int>(count);
}

Status LoadIdentity(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_path.empty() != options.private_key_path.empty())
    return {StatusCode::kInvalidArgument,
            "TLS: a certificate file needs a private key file and the other way round"};
  if (options.certificate_path.empty()) return Status::Ok();
  SSL_CTX_set_default_passwd_cb(context, &Password);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&options.private_key_password));
  Status status;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_path.c_str()) != 1) {
    status = BadFile("certificate", options.certificate_path);
  } else if (SSL_CTX_use_PrivateKey_file(context, options.private_key_path.c_str(), SSL_FILETYPE_PEM) != 1) {
    status = BadFile("private key", options.private_key_path);
  }
  // The options do not outlive this call.
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  return status;
}

Status LoadTrust(SSL_CTX* context, const TlsOptions& options) {
  if (options.trusted_ca_path.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();
    return Status::Ok();
  }
  if (SSL_CTX_load_verify_locations(context, options.trusted_ca_path.c_str(), nullptr) != 1)
    return BadFile("trusted certificates", options.trusted_ca_path);
  return Status::Ok();
}

Status MakeSelfSigned(SSL_CTX* context) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  bool good = key != nullptr && certificate != nullptr;
  if (good) {
    X509* x = certificate.get();
    X509_NAME* name = X509_get_subject_name(x);
    const auto* common_name = reinterpret_cast<const unsigned char*>("localhost");
    good = X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
           // A day early: clocks of test machines differ.
           X509_gmtime_adj(X509_getm_notBefore(x), -24 * 3600) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(x), kTestCertificateSeconds) != nullptr &&
           X509_set_pubkey(x, key.get()) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && X509_sign(x, key.get(), EVP_sha256()) > 0 &&
           SSL_CTX_use_certificate(context, x) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  }
  if (good) return Status::Ok();
  return {StatusCode::kInternal, "TLS: cannot make the self-signed test certificate: " + OpenSslReason()};
}

SslContextPtr NewContext(const SSL_METHOD* method) {
  SslContextPtr context(SSL_CTX_new(method));
  ORBITMQ_CHECK(context != nullptr, "OpenSSL cannot make a context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Idle connections give their 32 KiB of buffers back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::NewServer(const TlsOptions& options) {
  ERR_clear_error();
  SslContextPtr context = NewContext(TLS_server_method());
  Status status = LoadIdentity(context.get(), options);
  if (status.ok() && options.certificate_path.empty()) {
    if (!options.test_mode_self_signed)
      return Status(StatusCode::kInvalidArgument,
                    "TLS: a server needs a certificate and a private key file (or the test mode)");
    status = MakeSelfSigned(context.get());
  }
  if (status.ok() && options.verify_peer && !options.trusted_ca_path.empty()) {
    status = LoadTrust(context.get(), options);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    const std::string session = "orbitmq";
    SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(session.data()),
                                   static_cast<unsigned>(session.size()));
  }
  if (!status.ok()) return status;
  return std::shared_ptr<TlsContext>(std::make_shared<OpenSslContext>(std::move(context), false));
}

Result<std::shared_ptr<TlsContext>> TlsContext::NewClient(const TlsOptions& options) {
  ERR_clear_error();
  SslContextPtr context = NewContext(TLS_client_method());
  Status status = LoadIdentity(context.get(), options);
  if (status.ok() && options.verify_peer) status = LoadTrust(context.get(), options);
  if (!status.ok()) return status;
  SSL_CTX_set_verify(context.get(), options.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return std::shared_ptr<TlsContext>(
      std::make_shared<OpenSslContext>(std::move(context), options.verify_peer));
}

namespace {

// Cipher text below, clear text above. The session lives between two memory BIOs.
class TlsConnection final : public Connection, public ConnectionEvents {
 public:
  TlsConnection(std::shared_ptr<const OpenSslContext> context, std::unique_ptr<Connection> raw)
      : context_(std::move(context)), raw_(std::move(raw)), ssl_(context_->NewSession()) {
    ORBITMQ_CHECK(ssl_ != nullptr, "OpenSSL cannot make a session");
    from_peer_ = BIO_new(BIO_s_mem());
    to_peer_ = BIO_new(BIO_s_mem());
    ORBITMQ_CHECK(from_peer_ != nullptr && to_peer_ != nullptr, "OpenSSL: out of memory");
    SSL_set_bio(ssl_.get(), from_peer_, to_peer_);
  }
  ~TlsConnection() override { *alive_ = false; }

  void Accept() { SSL_set_accept_state(ssl_.get()); }
  void ConnectTo(const std::string& host) {
    SSL_set_connect_state(ssl_.get());
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_.get());
    // False when it is no address literal; those are matched against IP entries and have no SNI.
    const bool literal = X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1;
    ERR_clear_error();
    if (!context_->verify_host()) X509_VERIFY_PARAM_set1_ip(verify, nullptr, 0);
    if (literal) return;
    SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    if (context_->verify_host()) SSL_set1_host(ssl_.get(), host.c_str());
  }

  void Start(ConnectionEvents* events) override {
    events_ = events;
    raw_->Start(this);
    if (SSL_is_server(ssl_.get()) == 0) {
      // The client speaks first.
      SSL_do_handshake(ssl_.get());
      ERR_clear_error();
      SendCipherText();
    }
  }
  void Write(BytesChain pieces) override {
    for (Bytes& piece : pieces) {
      if (piece.empty()) continue;
      if (!established_) {
        early_bytes_ += piece.size();
        early_.push_back(std::move(piece));
      } else {
        Encrypt(piece.view());
      }
    }
    if (established_) SendCipherText();
  }
  size_t PendingBytes() const override;
  void PauseReading() override {
    paused_ = true;
    raw_->PauseReading();
  }
  void ResumeReading() override {
    if (!std::exchange(paused_, false)) return;
    raw_->ResumeReading();
    if (clear_.empty()) return;
    // What was decrypted before the pause comes again, but never from inside this call.
    (void)executor().Post([this, alive = alive_] {
      if (*alive && !paused_ && !failed_) Deliver();
    });
  }
  void CloseAfterFlush() override {
    if (established_ && !failed_) {
      SSL_shutdown(ssl_.get());
      ERR_clear_error();
      SendCipherText();
    }
    raw_->CloseAfterFlush();
  }
  const Endpoint& local() const override { return raw_->local(); }
  const Endpoint& remote() const override { return raw_->remote(); }
  Executor& executor() const override { return raw_->executor(); }

  size_t OnInput(std::string_view input) override;
  void OnDrained() override {
    // Only hand-shake messages have left so far.
    if (established_ || early_.empty()) events_->OnDrained();
  }
  void OnClosed(const Status& why) override {
    if (std::exchange(failed_, true)) return;
    if (established_ || !why.ok()) {
      events_->OnClosed(why);
    } else {
      events_->OnClosed(Status(StatusCode::kUnavailable, "TLS: " + remote().ToString() +
                                                             " closed the connection during the handshake"));
    }
  }

 private:
  // How much clear text stands in how much of the cipher stream.
  struct Sealed {
    uint64_t cipher_begin;
    uint64_t clear_end;
  };

  bool Handshake();
  bool Decrypt();
  void Deliver();
  void Encrypt(std::string_view clear);
  void SendCipherText();
  void FailLater(std::string reason);
  std::string Reason() const;

  const std::shared_ptr<const OpenSslContext> context_;
  std::unique_ptr<Connection> raw_;
  SslPtr ssl_;
  BIO* from_peer_ = nullptr;  // Both owned by ssl_.
  BIO* to_peer_ = nullptr;
  ConnectionEvents* events_ = nullptr;
  bool established_ = false;
  bool paused_ = false;
  bool failed_ = false;
  bool delivering_ = false;
  BytesChain early_;  // Written before the handshake was over.
  size_t early_bytes_ = 0;
  std::string clear_;  // Decrypted and not yet consumed.
  uint64_t cipher_bytes_ = 0;
  uint64_t clear_bytes_ = 0;
  mutable std::deque<Sealed> sealed_;
  mutable uint64_t clear_left_ = 0;  // Clear bytes of which some cipher text has left.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Never more than what really is pending: a caller that takes the rest for "may have left" stays right.
size_t TlsConnection::PendingBytes() const {
  const uint64_t left = cipher_bytes_ - std::min<uint64_t>(cipher_bytes_, raw_->PendingBytes());
  while (!sealed_.empty() && sealed_.front().cipher_begin < left) {
    clear_left_ = sealed_.front().clear_end;
    sealed_.pop_front();
  }
  return static_cast<size_t>(clear_bytes_ - clear_left_) + early_bytes_;
}

size_t TlsConnection::OnInput(std::string_view input) {
  if (failed_) return input.size();
  // Memory BIOs take everything.
  BIO_write(from_peer_, input.data(), static_cast<int>(input.size()));
  if (!established_ && !Handshake()) return input.size();
  const bool open = Decrypt();
  const std::shared_ptr<bool> alive = alive_;
  if (!clear_.empty() && !paused_) Deliver();
  if (!*alive) return input.size();
  // Records that arrive may ask for an answer (key updates).
  SendCipherText();
  if (!open) FailLater(Reason());
  return input.size();
}

// True once the session is established.
bool TlsConnection::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  if (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
    std::string reason = Reason();
    SendCipherText();  // The alert that tells the peer why.
    FailLater(std::move(reason));
    return false;
  }
  if (result == 1) {
    established_ = true;
    early_bytes_ = 0;
    for (const Bytes& piece : std::exchange(early_, {})) Encrypt(piece.view());
  }
  SendCipherText();
  return established_;
}

// False when the session has ended (a proper shutdown included).
bool TlsConnection::Decrypt() {
  for (;;) {
    const size_t before = clear_.size();
    clear_.resize(before + kReadStepBytes);
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), clear_.data() + before, static_cast<int>(kReadStepBytes));
    clear_.resize(before + static_cast<size_t>(std::max(got, 0)));
    if (got > 0) continue;
    const int error = SSL_get_error(ssl_.get(), got);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }
}

void TlsConnection::Deliver() {
  if (std::exchange(delivering_, true)) return;
  const std::shared_ptr<bool> alive = alive_;
  // The consumer may destroy this connection: it must not take the text with it.
  std::string text = std::exchange(clear_, {});
  const size_t consumed = events_->OnInput(text);
  if (!*alive) return;
  delivering_ = false;
  if (consumed == text.size()) return;
  text.erase(0, consumed);
  clear_ = std::move(text);
}

void TlsConnection::Encrypt(std::string_view clear) {
  if (failed_) return;
  const uint64_t begin = cipher_bytes_ + BIO_ctrl_pending(to_peer_);
  ERR_clear_error();
  // Cannot fail for want of room; a session that the peer has shut down drops the bytes like a closed socket.
  if (SSL_write(ssl_.get(), clear.data(), static_cast<int>(clear.size())) <= 0) return;
  clear_bytes_ += clear.size();
  sealed_.push_back({begin, clear_bytes_});
}

void TlsConnection::SendCipherText() {
  const size_t size = BIO_ctrl_pending(to_peer_);
  if (size == 0 || failed_) return;
  std::string cipher(size, '\0');
  BIO_read(to_peer_, cipher.data(), static_cast<int>(size));
  cipher_bytes_ += size;
  raw_->Write({Bytes(std::move(cipher))});
  (void)PendingBytes();  // Forgets what has left.
}

std::string TlsConnection::Reason() const {
  const long verify = SSL_get_verify_result(ssl_.get());
  if (!established_ && verify != X509_V_OK) {
    ERR_clear_error();
    return std::string("certificate verify failed: ") + X509_verify_cert_error_string(verify);
  }
  // A fatal alert counts as a shutdown too, but leaves its reason.
  const bool shut_down = (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  return shut_down && ERR_peek_error() == 0 ? std::string() : OpenSslReason();
}

// Ends the connection from a task of its own, after the alert had its chance to leave.
void TlsConnection::FailLater(std::string reason) {
  if (failed_) return;
  failed_ = true;
  raw_->PauseReading();
  (void)executor().Post([this, alive = alive_, reason = std::move(reason)] {
    if (!*alive) return;
    const Status why =
        reason.empty() ? Status::Ok()
                       : Status(StatusCode::kUnavailable, "TLS with " + remote().ToString() + ": " + reason);
    events_->OnClosed(why);
  });
}

std::shared_ptr<const OpenSslContext> OpenSslOf(const std::shared_ptr<TlsContext>& context) {
  return std::static_pointer_cast<const OpenSslContext>(context);
}

}  // namespace

std::unique_ptr<Connection> WrapServerTls(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Connection> raw) {
  auto connection = std::make_unique<TlsConnection>(OpenSslOf(context), std::move(raw));
  connection->Accept();
  return connection;
}

std::unique_ptr<Connection> WrapClientTls(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Connection> raw, const std::string& host_name) {
  auto connection = std::make_unique<TlsConnection>(OpenSslOf(context), std::move(raw));
  connection->ConnectTo(host_name);
  return connection;
}

}  // namespace orbitmq::net
