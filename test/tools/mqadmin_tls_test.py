#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin and servers that enforce TLS: options, environment, contexts, and what is said when it fails.

usage: mqadmin_tls_test.py FOLDER_OF_PROGRAMS
"""

import contextlib
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

from certificates import make_certificates  # noqa: E402
from mqadmin_program_test import Setting, run_cases  # noqa: E402

CASES = []


def case(function):
    CASES.append(function)
    return function


def enforcing(setting, certificate="server"):
    """What a server is told."""
    path = setting.folder / "certificates" / certificate
    return (",tls.server.mode=enforcing,tls.test.mode.enable=false"
            f",tls.server.certPath={path}.pem,tls.server.keyPath={path}.key")


@contextlib.contextmanager
def another_namesrv(setting, name, settings):
    """A NameServer beside; gives its address."""
    folder = setting.folder / name
    folder.mkdir()
    other = Setting(setting.binaries, folder)
    try:
        other.start_namesrv(settings)
        yield other.namesrv
    finally:
        other.stop()


def certificate(setting, name):
    return str(setting.folder / "certificates" / name)


@case
def everything_goes_over_tls(setting):
    words = ("--tls-ca", certificate(setting, "ca.pem"))
    setting.run("updateTopic", "-b", setting.broker, "-t", "Sealed", "-r", "1", "-w", "1", *words)
    setting.until(lambda: setting.call("topicRoute", "-t", "Sealed", *words).returncode == 0)
    assert "broker-a" in setting.run("getBrokerConfig", "-b", setting.broker, *words).stdout
    assert "sent 1 message, " in setting.run("produce", "-t", "Sealed", *words, feed="secret\n").stdout
    assert setting.run("consume", "-t", "Sealed", "-e", *words).stdout == "secret\n"
    loads = setting.json("bench", "-t", "Sealed", "-d", "1", "-r", "50", *words)["loads"]
    assert loads[0]["messages"] > 0 and loads[0]["errors"] == 0, loads


@case
def environment_and_contexts_say_the_same(setting):
    ca = certificate(setting, "ca.pem")
    setting.environment["MQADMIN_TLS_CA"] = ca
    setting.run("clusterList")
    setting.environment["MQADMIN_TLS"] = "false"
    assert "--tls" in setting.run("clusterList", code=3).stderr
    setting.environment["MQADMIN_TLS"] = "perhaps"
    assert "neither true nor false" in setting.run("clusterList", code=2).stderr
    del setting.environment["MQADMIN_TLS"], setting.environment["MQADMIN_TLS_CA"]
    setting.run("context", "set", "sealed", setting.namesrv, "--tls-ca", ca)
    assert f"tls-ca={ca}" in setting.run("context", "list").stdout
    setting.run("clusterList", "--context", "sealed")
    said = setting.run("context", "set", "broken", setting.namesrv, "--tls-ca", "/nowhere.pem", code=2).stderr
    assert "/nowhere.pem" in said, said
    setting.run("context", "set", "plain", setting.namesrv)
    setting.run("clusterList", "--context", "plain", code=3)
    setting.run("clusterList", "--context", "plain", "--tls-ca", ca)


@case
def failures_say_what_to_do(setting):
    said = setting.run("clusterList", code=3).stderr
    assert "closed the connection" in said and "try --tls" in said, said
    said = setting.run("clusterList", "--tls", code=3).stderr
    assert "certificate verify failed" in said and "--tls-ca" in said, said
    setting.run("clusterList", "--tls-insecure")
    said = setting.run("clusterList", "--tls-ca", "/nowhere.pem", code=1).stderr
    assert "/nowhere.pem" in said, said
    said = setting.run("clusterList", "--tls-cert", certificate(setting, "client.pem"), code=2).stderr
    assert "--tls-key" in said, said


@case
def a_certificate_of_another_host_is_refused(setting):
    with another_namesrv(setting, "other", enforcing(setting, "other")) as namesrv:
        words = ("topicList", "-n", namesrv)
        said = setting.run(*words, "--tls-ca", certificate(setting, "ca.pem"), code=3).stderr
        assert "mismatch" in said and "another name" in said, said
        setting.run(*words, "--tls-insecure")


@case
def a_plain_server_is_recognized(setting):
    with another_namesrv(setting, "plain", ",tls.server.mode=disabled") as namesrv:
        said = setting.run("topicList", "-n", namesrv, "--tls-insecure", code=3).stderr
        assert "serve no TLS" in said, said


@case
def a_client_certificate_is_shown(setting):
    ca = certificate(setting, "ca.pem")
    wants = f"{enforcing(setting)},tls.server.authClient=true,tls.server.trustCertPath={ca}"
    with another_namesrv(setting, "strict", wants) as namesrv:
        words = ("topicList", "-n", namesrv, "--tls-ca", ca)
        said = setting.run(*words, code=3).stderr
        assert "client certificate" in said and "--tls-cert" in said, said
        setting.run(*words, "--tls-cert", certificate(setting, "client.pem"), "--tls-key",
                    certificate(setting, "client.key"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(pathlib.Path(folder) / "certificates")
        setting = Setting(sys.argv[1], folder)
        ca = certificate(setting, "ca.pem")
        try:
            setting.start_namesrv(enforcing(setting))
            setting.environment["MQADMIN_TLS_CA"] = ca
            setting.start_broker(f"{enforcing(setting)},tls.enable=true,tls.client.authServer=true,"
                                 f"tls.client.trustCertPath={ca}")
            del setting.environment["MQADMIN_TLS_CA"]
            return run_cases(CASES, setting)
        finally:
            setting.stop()


if __name__ == "__main__":
    sys.exit(main())
