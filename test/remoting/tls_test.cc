// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "remoting/tls.h"
#include "test/remoting/net_fixture.h"

namespace orbitmq::net {
namespace {

// A CA, a server certificate for "localhost" and 127.0.0.1, and an unrelated CA; made once by openssl.
class Certificates final {
 public:
  static const Certificates& Get() {
    static const Certificates certificates;
    return certificates;
  }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  bool made() const { return made_; }

 private:
  Certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "orbitmq_tls_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return;
    directory_ = pattern;
    std::ofstream(Path("names")) << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    const std::string key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 ";
    made_ = Run(key + "-x509 -subj /CN=ca -keyout ca.key -out ca.pem") &&
            Run(key + "-x509 -subj /CN=other -keyout other.key -out other.pem") &&
            Run(key + "-subj /CN=server -keyout server.key -out server.csr") &&
            Run("openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
                "-extfile names -out server.pem") &&
            Run("openssl ec -in server.key -aes128 -passout pass:secret -out locked.key");
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  bool Run(const std::string& command) const {
    return std::system(("cd " + directory_.string() + " && " + command + " 2>log").c_str()) == 0;
  }
  std::filesystem::path directory_;
  bool made_ = false;
};

class TlsTest : public RpcTest {
 protected:
  void SetUp() override { ASSERT_TRUE(Certificates::Get().made()) << "the openssl program is needed"; }
  static std::string Path(const std::string& name) { return Certificates::Get().Path(name); }
  static TlsOptions ServerFiles() {
    TlsOptions options;
    options.certificate_path = Path("server.pem");
    options.private_key_path = Path("server.key");
    return options;
  }
  static std::shared_ptr<TlsContext> Server(const TlsOptions& options) {
    auto context = TlsContext::NewServer(options);
    EXPECT_TRUE(context.ok()) << context.status().ToString();
    return context.ok() ? *context : nullptr;
  }
  static RpcClientOptions TlsClient(const std::string& ca, bool verify = true) {
    TlsOptions options;
    options.verify_peer = verify;
    if (!ca.empty()) options.trusted_ca_path = Path(ca);
    auto context = TlsContext::NewClient(options);
    EXPECT_TRUE(context.ok()) << context.status().ToString();
    RpcClientOptions client = QuickClient();
    if (context.ok()) client.tls = *context;
    return client;
  }
  void StartTls(TlsMode mode) {
    StartServer({.listen = {{"0.0.0.0", 0}}, .tls_mode = mode, .tls = Server(ServerFiles())});
  }
  Result<proto::Command> EchoAt(const std::string& host, std::string body = "secret") {
    return CallAt({host, server_endpoint().port}, kEcho, std::move(body));
  }
};

TEST_F(TlsTest, VerifiedClient_TalksToTheRightName) {
  StartTls(TlsMode::kEnforcing);
  Client(TlsClient("ca.pem"));
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto reply = EchoAt(host);
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->JoinedBody().view(), "secret");
  }
}

TEST_F(TlsTest, WrongName_IsRefusedBeforeAnythingIsSent) {
  StartTls(TlsMode::kEnforcing);
  Client(TlsClient("ca.pem"));
  const auto reply = EchoAt("::1");
  EXPECT_EQ(reply.status().code(), StatusCode::kUnavailable) << reply.status().ToString();
  EXPECT_NE(reply.status().text().find("certificate verify failed"), std::string_view::npos)
      << reply.status().ToString();
}

TEST_F(TlsTest, WrongCa_IsRefused) {
  StartTls(TlsMode::kEnforcing);
  Client(TlsClient("other.pem"));
  const auto reply = EchoAt("localhost");
  EXPECT_EQ(reply.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(reply.status().text().find("certificate verify failed"), std::string_view::npos)
      << reply.status().ToString();
}

TEST_F(TlsTest, SystemStore_DoesNotTrustOurCa) {
  StartTls(TlsMode::kEnforcing);
  Client(TlsClient(""));
  EXPECT_EQ(EchoAt("localhost").status().code(), StatusCode::kUnavailable);
}

TEST_F(TlsTest, SelfSignedTestMode_WorksWithAnUnverifyingClientOnly) {
  TlsOptions options;
  options.test_mode_self_signed = true;
  StartServer({.tls = Server(options)});
  Client(TlsClient("", false));
  ASSERT_TRUE(Call(kEcho, "x").ok());
  ShutdownClient();
  Client(TlsClient("ca.pem"));
  EXPECT_EQ(Call(kEcho, "x").status().code(), StatusCode::kUnavailable);
}

TEST_F(TlsTest, Permissive_ServesPlainAndTlsOnOnePort) {
  StartTls(TlsMode::kPermissive);
  ASSERT_TRUE(EchoAt("localhost").ok());
  ShutdownClient();
  Client(TlsClient("ca.pem"));
  ASSERT_TRUE(EchoAt("localhost").ok());
}

TEST_F(TlsTest, Enforcing_ClosesPlainConnections) {
  StartTls(TlsMode::kEnforcing);
  RawPeer plain(server_endpoint());
  ASSERT_TRUE(plain.Send(RequestFrame(kEcho, 1, "x")));
  EXPECT_TRUE(plain.WaitClosed());
  EXPECT_TRUE(Logged("TLS is enforced"));
  EXPECT_FALSE(EchoAt("localhost").ok());
}

TEST_F(TlsTest, Disabled_ClosesTlsConnections) {
  StartTls(TlsMode::kDisabled);
  ASSERT_TRUE(EchoAt("localhost").ok());
  ShutdownClient();
  Client(TlsClient("ca.pem"));
  const auto reply = EchoAt("localhost");
  EXPECT_EQ(reply.status().code(), StatusCode::kUnavailable) << reply.status().ToString();
  EXPECT_TRUE(Logged("TLS, which is disabled"));
}

TEST_F(TlsTest, PermissiveWithoutContext_ClosesTlsConnections) {
  StartServer();
  Client(TlsClient("ca.pem"));
  EXPECT_EQ(Call(kEcho, "x").status().code(), StatusCode::kUnavailable);
}

TEST_F(TlsTest, LargeAndPipelinedCalls_Work) {
  StartTls(TlsMode::kPermissive);
  Client(TlsClient("ca.pem"));
  const std::string body(size_t{5} << 20, 'b');
  const auto large = EchoAt("localhost", body);
  ASSERT_TRUE(large.ok()) << large.status().ToString();
  EXPECT_TRUE(large->JoinedBody().view() == body);
  std::vector<Slot<proto::Command>> calls(500);
  for (size_t i = 0; i < calls.size(); ++i) {
    proto::Command request;
    request.code = i % 2 ? kEcho : kEchoLater;
    request.body.push_back(Bytes(std::to_string(i)));
    client_->Call({"localhost", server_endpoint().port}, request, kPatience, calls[i].completion());
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const auto reply = calls[i].Wait();
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->JoinedBody().view(), std::to_string(i));
  }
}

TEST_F(TlsTest, BudgetPausesAndResumes_UnderTls) {
  StartServer({.tls = Server(ServerFiles()), .connection_bytes_max = size_t{64} << 10});
  Client(TlsClient("ca.pem"));
  std::vector<Slot<proto::Command>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(StartCall(kHold, std::string(30000, 'h')));
  int answered = 0;
  while (answered < 10) {
    ASSERT_TRUE(held_count_.WaitFor(answered + 1));
    const int held = held_count_.count();
    EXPECT_LE(held - answered, 2);
    ReleaseHeld();
    answered = held;
  }
  for (auto& call : calls) EXPECT_TRUE(call.Wait().ok());
}

TEST_F(TlsTest, GarbageAfterTheHandshakeByte_ClosesTheConnection) {
  StartTls(TlsMode::kPermissive);
  RawPeer peer(server_endpoint());
  ASSERT_TRUE(peer.Send("\x16 this is no client hello, but long enough to be looked at"));
  EXPECT_TRUE(peer.WaitClosed());
  RawPeer short_peer(server_endpoint());
  ASSERT_TRUE(short_peer.Send("\x16"));
  short_peer.ShutdownWrite();
  EXPECT_TRUE(short_peer.WaitClosed());
  EXPECT_TRUE(EchoAt("localhost").ok());
}

TEST_F(TlsTest, ClientCertificate_IsRequiredWhenTheServerHasACa) {
  TlsOptions options = ServerFiles();
  options.trusted_ca_path = Path("ca.pem");
  StartServer({.listen = {{"0.0.0.0", 0}}, .tls = Server(options)});
  Client(TlsClient("ca.pem"));
  EXPECT_FALSE(EchoAt("localhost").ok());
  ShutdownClient();
  RpcClientOptions with = TlsClient("ca.pem");
  TlsOptions identity = ServerFiles();
  identity.trusted_ca_path = Path("ca.pem");
  with.tls = *TlsContext::NewClient(identity);
  Client(with);
  const auto reply = EchoAt("localhost");
  EXPECT_TRUE(reply.ok()) << reply.status().ToString();
}

TEST_F(TlsTest, BadFiles_AreNamed) {
  const auto refused = [](const TlsOptions& options, const std::string& text) {
    const auto context = TlsContext::NewServer(options);
    ASSERT_FALSE(context.ok());
    EXPECT_EQ(context.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(context.status().text().find(text), std::string_view::npos) << context.status().ToString();
  };
  refused({}, "needs a certificate");
  TlsOptions options = ServerFiles();
  options.private_key_path.clear();
  refused(options, "needs a private key");
  options = ServerFiles();
  options.certificate_path = Path("absent.pem");
  refused(options, "absent.pem");
  options = ServerFiles();
  options.private_key_path = Path("ca.key");  // Of another certificate.
  refused(options, "ca.key");
  options = ServerFiles();
  options.private_key_path = Path("locked.key");
  options.private_key_password = "wrong";
  refused(options, "locked.key");
  options.private_key_password = "secret";
  EXPECT_TRUE(TlsContext::NewServer(options).ok());
  TlsOptions client;
  client.trusted_ca_path = Path("names");
  EXPECT_FALSE(TlsContext::NewClient(client).ok());
}

}  // namespace
}  // namespace orbitmq::net
