// SPDX-License-Identifier: Apache-2.0
#include "tools/mqadmin/tls_choice.h"

#include <gtest/gtest.h>

#include "common/log.h"
#include "remoting/real_env.h"
#include "test/common/temp_directory.h"
#include "tools/mqadmin/contexts.h"

namespace orbitmq::tools {
namespace {

TEST(TlsChoice, TheFirstPlaceThatSaysAnything_CountsAlone) {
  TlsPlaces places;
  places.context = {{"tls-ca", "/context"}};
  places.environment = {{"tls-ca", "/variable"}};
  EXPECT_EQ(ChooseTls(places)->trusted_ca_path, "/context");
  places.options = {{"tls", "true"}};
  EXPECT_TRUE(ChooseTls(places)->enabled);
  EXPECT_EQ(ChooseTls(places)->trusted_ca_path, "") << "the system's store";
  places.options.clear();
  places.context = {{"tls", "false"}};
  EXPECT_FALSE(ChooseTls(places)->enabled);
  places.context.clear();
  EXPECT_EQ(ChooseTls(places)->trusted_ca_path, "/variable");
  EXPECT_FALSE(ChooseTls({})->enabled);
}

TEST(TlsChoice, Defaults_AreThoseOfTheSdk) {
  const auto chosen = ChooseTls({.options = {{"tls", "true"}}});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen->verify_peer, ClientTlsOptions().verify_peer);
  EXPECT_FALSE(ChooseTls({.options = {{"tls-insecure", "true"}}})->verify_peer);
  const auto keyed = ChooseTls({.options = {{"tls-cert", "/c"}, {"tls-key", "/k"}}, .key_password = "p"});
  ASSERT_TRUE(keyed.ok());
  EXPECT_EQ(keyed->certificate_path + keyed->private_key_path + keyed->private_key_password, "/c/kp");
}

TEST(TlsChoice, WhatIsWrong_IsNamed) {
  const std::pair<TlsSettings, const char*> bad[] = {
      {{{"tls", "yes?"}}, "tls is 'yes?', which is neither true nor false"},
      {{{"tls-ca", ""}}, "tls-ca names no file"},
      {{{"tls-cat", "/x"}}, "'tls-cat' is no setting; there are tls, tls-insecure, tls-ca"},
      {{{"tls-cert", "/x"}}, "give --tls-cert and --tls-key together"},
      {{{"tls-key", "/x"}}, "give --tls-cert and --tls-key together"},
  };
  for (const auto& [settings, why] : bad) {
    const auto chosen = ChooseTls({.options = settings});
    ASSERT_FALSE(chosen.ok()) << why;
    EXPECT_NE(chosen.status().text().find(why), std::string_view::npos) << chosen.status().text();
  }
}

TEST(TlsChoice, Contexts_KeepIt) {
  TempDirectory folder;
  const auto env = net::NewRealEnv(NullLogger());
  const std::string path = folder / "contexts";
  Contexts contexts;
  contexts.name_servers = {{"plain", "a:1"}, {"sealed", "b:2"}};
  contexts.tls["sealed"] = {{"tls-ca", "/etc/ca of ours.pem"}, {"tls-insecure", "true"}};
  ASSERT_TRUE(contexts.Save(env->files(), path).ok());
  const auto loaded = Contexts::Load(env->files(), path);
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  EXPECT_EQ(loaded->name_servers, contexts.name_servers);
  EXPECT_EQ(loaded->tls, contexts.tls);
  EXPECT_TRUE(loaded->TlsOf("plain").empty());
  ASSERT_TRUE(WriteFileAtomically(env->files(), path, "sealed = b:2\nsealed tls-cat = /x\n").ok());
  const auto damaged = Contexts::Load(env->files(), path);
  EXPECT_NE(damaged.status().text().find("line 2: 'tls-cat' is no setting"), std::string_view::npos)
      << damaged.status().text();
}

TEST(TlsChoice, FailuresOfTls_HaveARemedy) {
  EXPECT_NE(TlsRemedy("b:2: TLS with b:2: certificate verify failed: unable to get local issuer", true)
                .find("--tls-ca"),
            std::string::npos);
  EXPECT_NE(TlsRemedy("certificate verify failed: hostname mismatch", true).find("another name"),
            std::string::npos);
  EXPECT_NE(TlsRemedy("TLS with b:2: wrong version number", true).find("no TLS"), std::string::npos);
  EXPECT_NE(TlsRemedy("TLS with b:2: tlsv13 alert certificate required", true).find("--tls-cert"),
            std::string::npos);
  EXPECT_NE(TlsRemedy("b:2 closed the connection", false).find("--tls"), std::string::npos);
  EXPECT_EQ(TlsRemedy("b:2: connection refused", false), "");
  EXPECT_EQ(TlsRemedy("b:2: connection refused", true), "");
}

}  // namespace
}  // namespace orbitmq::tools
