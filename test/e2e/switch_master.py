#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin switchMaster: under load, after a crash, and when it must not.

usage: switch_master.py CLUSTER_SH MQNAMESRV MQBROKER E2E_CLIENT MQADMIN [CASE...]
"""

import json
import os
import pathlib
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time

import replicas
import wire
from cluster_faults import Cluster
from cluster_load import Load
from processes import PATIENCE, Place, chosen_cases, run_cases
from stub_broker import StubBroker

PULL, SERVICE_NOT_AVAILABLE = 11, 14
NAME = "broker-a"
SLAVE_1, MASTER = "brokerRole=SLAVE\nbrokerId=1\n", "brokerRole=SYNC_MASTER\nbrokerId=0\n"
CASES = []


def case(function):
    CASES.append(function)
    return function


class Site(Place):
    """A place that has cluster.sh and mqadmin too."""

    def __init__(self, script, programs, mqadmin, folder):
        super().__init__(programs, folder)
        self.script, self.mqadmin = script, mqadmin

    def admin(self, *words, code=0):
        """Runs it to its end."""
        done = subprocess.run([self.mqadmin, *words], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=3 * PATIENCE)
        assert done.returncode == code, f"{words}: exit {done.returncode}, not {code}: {done}"
        return done

    def switch(self, namesrv, *words, code=0):
        return self.admin("switchMaster", "-n", namesrv, "-b", NAME, *words, code=code)

    def known(self, namesrv):
        """What all NameServers say of the group: id to address."""
        views = []
        for server in namesrv.split(";"):
            rows = json.loads(self.admin("clusterList", "-n", server, "--json").stdout)["brokers"]
            views.append({row["brokerId"]: row["addr"] for row in rows if row["brokerName"] == NAME})
        assert all(view == views[0] for view in views), views
        return views[0]

    def await_known(self, namesrv, *ids):
        """Until the NameServers know these members of the group, and no other."""
        deadline = time.monotonic() + PATIENCE
        while (view := self.known(namesrv)).keys() != set(ids):
            assert time.monotonic() < deadline, f"{ids} are not registered: {view}"

    def refused(self, namesrv, *words, says, code=1):
        """It must say this on stderr, in one line, and nothing else."""
        done = self.switch(namesrv, *words, code=code)
        assert says in done.stderr and not done.stdout, done
        assert done.stderr.count("\n") == 1, done.stderr
        return done


def pair(site):
    """A cluster of the sample's first master and its slave."""
    source = pathlib.Path(site.folder) / "pair"
    source.mkdir()
    sample = pathlib.Path(site.script).parent.parent / "conf" / "2m-2s-sync"
    for path in sample.glob(f"{NAME}*.properties"):
        shutil.copy(path, source)
    return Cluster(site.script, site, str(source))


def told_roles(cluster):
    told = cluster.call("status")
    return {member["name"]: member["role"] for member in told["members"] if member["role"] != "NameServer"}


def pull_code(address, topic):
    with wire.Connection(address) as connection:
        return connection.call(PULL, {
            "consumerGroup": "asker", "topic": topic, "queueId": 0, "queueOffset": 0, "maxMsgNums": 1,
            "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0, "subscription": "*", "subVersion": 0,
            "expressionType": "TAG"}).code


def switch_under_load(site, cluster, load, target, **after):
    """`after`: id to address, as it must be in the end."""
    said = json.loads(site.switch(cluster.namesrv, *target, "--json").stdout)
    ends = {row["address"]: (row["id"]["after"], row["role"]["after"]) for row in said["members"]}
    assert ends == {after["master"]: (0, "SYNC_MASTER"), after["slave"]: (1, "SLAVE")}, said
    load.masters[NAME] = after["master"]
    load.await_acks(NAME)
    load.judge()
    assert site.known(cluster.namesrv) == {0: after["master"], 1: after["slave"]}


@case
def to_the_slave_and_back_then_a_crash(site):
    """Each acknowledged message is there all along, and in the end in both logs."""
    cluster = pair(site)
    try:
        first, second = cluster.address(NAME), cluster.address(f"{NAME}-s")
        load = Load(site, cluster.namesrv, {NAME: first})
        load.make_progress()
        replicas.await_slave(first)
        plan = site.switch(cluster.namesrv, "--dry-run").stdout
        assert plan == (f"would set brokerRole=SLAVE, brokerId=1 at {first}\n"
                        f"would set brokerRole=SYNC_MASTER, brokerId=0 at {second}\n"), plan
        assert site.known(cluster.namesrv) == {0: first, 1: second}
        switch_under_load(site, cluster, load, (), master=second, slave=first)
        assert told_roles(cluster) == {NAME: "slave", f"{NAME}-s": "master"}
        cluster.call("restart", NAME, f"{NAME}-s")
        load.await_acks(NAME)
        load.judge()
        assert site.known(cluster.namesrv) == {0: second, 1: first}
        replicas.await_slave(second)
        switch_under_load(site, cluster, load, ("-t", first), master=first, slave=second)
        replicas.await_slave(first)
        fail_over(site, cluster, load)
        load.finish()
        end = replicas.await_in_step(second)
        cluster.call("stop")
        replicas.demand_equal_logs([cluster.data_of(NAME), cluster.data_of(f"{NAME}-s")], end)
    finally:
        cluster.call("kill")


def fail_over(site, cluster, load):
    """The master is killed, replaced, and comes back."""
    dead, heir = cluster.address(NAME), cluster.address(f"{NAME}-s")
    cluster.call("kill", NAME)
    refusal = site.refused(cluster.namesrv, says="no NameServer knows a master")
    assert "--force" in refusal.stderr and heir in refusal.stderr, refusal
    done = site.switch(cluster.namesrv, "--force", "--json")
    assert "is lost" in done.stderr, done
    said = json.loads(done.stdout)
    assert [(row["address"], row["role"]["after"]) for row in said["members"]] == [(heir, "ASYNC_MASTER")]
    load.masters[NAME] = heir
    load.await_acks(NAME)
    # It says of itself that it is the master, finds the other one, and serves nobody.
    started = cluster.call("start", NAME, codes=(1,))
    assert not started["running"] and site.known(cluster.namesrv) == {0: heir}, started
    assert pull_code(dead, load.topic) == SERVICE_NOT_AVAILABLE
    told = site.admin("doctor", "-n", cluster.namesrv).stdout
    assert f"--rejoin {dead}" in told, told
    assert said["rejoin"].endswith(" ADDRESS"), said
    command = said["rejoin"].replace("ADDRESS", dead)
    plan = site.admin(*shlex.split(command)[1:], "--dry-run").stdout
    assert plan == f"would set brokerRole=SLAVE, brokerId=1 at {dead}\n", plan
    site.admin(*shlex.split(command)[1:])
    assert site.known(cluster.namesrv) == {0: heir, 1: dead}
    assert told_roles(cluster) == {NAME: "slave", f"{NAME}-s": "master"}
    site.refused(cluster.namesrv, "--rejoin", dead, says="is a slave already")
    site.refused(cluster.namesrv, "--rejoin", heir, says="leads broker-a")
    load.judge()


@case
def everything_is_killed_after_a_fail_over(site):
    """The replaced master starts first and says of itself that it leads: the one that replaced it goes on."""
    cluster = pair(site)
    try:
        namesrv = cluster.namesrv
        first, second = cluster.address(NAME), cluster.address(f"{NAME}-s")
        site.admin("updateTopic", "-n", namesrv, "-b", first, "-t", "kept", "-r", "1", "-w", "1")
        site.admin("sendMessage", "-n", namesrv, "-t", "kept", "-p", "older")
        replicas.await_in_step(first)
        cluster.call("kill", NAME)
        site.switch(namesrv, "--force")
        site.admin("sendMessage", "-n", namesrv, "-t", "kept", "-p", "newer")
        cluster.call("kill")
        started = cluster.call("start", codes=(1,))
        site.await_known(namesrv, 0)
        assert site.known(namesrv) == {0: second}, started
        assert pull_code(first, "kept") == SERVICE_NOT_AVAILABLE
        site.switch(namesrv, "--rejoin", first)
        assert site.known(namesrv) == {0: second, 1: first}
        replicas.await_in_step(second)
        kept = site.admin("consume", "-n", namesrv, "-t", "kept", "-e").stdout
        assert kept.split() == ["older", "newer"], kept
    finally:
        cluster.call("kill")


@case
def before_the_first_message(site):
    """Slaves with nothing to follow say that they follow, so that roles go there and back all the same."""
    cluster = pair(site)
    try:
        first, second = cluster.address(NAME), cluster.address(f"{NAME}-s")
        for master, slave in ((first, second), (second, first)):
            assert replicas.await_in_step(master) == 0
            done = site.switch(cluster.namesrv)
            assert "does not follow" not in done.stderr, done
            assert site.known(cluster.namesrv) == {0: slave, 1: master}
    finally:
        cluster.call("kill")


@case
def refusals_change_nothing(site):
    """Each with its remedy and exit code."""
    nameserver, namesrv = site.namesrv()
    named = [f"brokerName={NAME}"]
    site.refused(namesrv, says="no NameServer knows a broker of the name")
    master, port = site.broker(namesrv, data="master", settings=[*named, "brokerRole=ASYNC_MASTER"])
    site.refused(namesrv, says="has no slave. Nothing was changed; start one")
    # It looks for its master's log where nobody is.
    settings = [*named, "brokerRole=SLAVE", "brokerId=1", "haMasterAddress=127.0.0.1:1"]
    _, slave_port = site.broker(namesrv, data="slave", settings=settings)
    site.await_known(namesrv, 0, 1)
    site.refused(namesrv, says="does not follow its master")
    site.refused(namesrv, "-t", "1", says="does not follow its master")
    site.refused(namesrv, "-t", "7", says="has no slave '7'; it has: 1 127.0.0.1")
    site.refused(namesrv, "-t", "0", says="is the master of broker-a already")
    site.refused(namesrv, "-t", "nobody", says="is neither a brokerId nor host:port", code=2)
    site.refused(namesrv, "--rejoin", "127.0.0.1:1", "--force", says="--rejoin goes without --force", code=2)
    site.refused(namesrv, "--rejoin", "127.0.0.1:1", says="127.0.0.1:1", code=3)
    master.signal(signal.SIGSTOP)
    site.refused(namesrv, "--rpc-timeout", "500", says="does not answer")
    master.signal(signal.SIGCONT)
    assert site.known(namesrv) == {0: f"127.0.0.1:{port}", 1: f"127.0.0.1:{slave_port}"}
    assert nameserver.stop() == 0
    site.refused(namesrv, says=namesrv, code=3)


@case
def target_that_needs_time_is_asked_again(site):
    """It sees a moment later than the master that nobody leads."""
    _, namesrv = site.namesrv()
    with StubBroker(namesrv, NAME, 0, "SYNC_MASTER") as master, \
            StubBroker(namesrv, NAME, 1, "SLAVE") as slave:
        slave.refusals = ["the role was not changed: this slave follows a master that is alive (x)",
                          "the role was not changed: this slave heals its log; ask again"]
        slave.remark = "counts until the restart"
        done = site.switch(namesrv)
        warning = f"{slave.address} has its new role, but: counts until the restart"
        assert warning in done.stderr and done.stderr.count("but:") == 1, done
        assert master.told == [SLAVE_1] and slave.told == [MASTER] * 3, (master.told, slave.told)
        assert site.known(namesrv) == {0: slave.address, 1: master.address}


@case
def master_gets_its_role_back(site):
    """When the target does not take it, or did not get the whole log."""
    _, namesrv = site.namesrv()
    with StubBroker(namesrv, NAME, 0, "SYNC_MASTER") as master, \
            StubBroker(namesrv, NAME, 1, "SLAVE") as slave:
        slave.refusals = ["the role was not changed: no space"]
        done = site.switch(namesrv, code=1)
        assert "no space" in done.stderr and "is the master of broker-a again" in done.stderr, done
        assert (master.told, slave.told) == ([SLAVE_1, MASTER], [MASTER]), (master.told, slave.told)
        slave.register()  # As each broker does every few seconds: for a moment the other one had its id.
        slave.log_end = 999
        done = site.switch(namesrv, code=1)
        assert "did not get the log's last 1 byte;" in done.stderr, done
        assert (master.told, slave.told) == ([SLAVE_1, MASTER] * 2, [MASTER]), (master.told, slave.told)
        slave.register()
        # The master does not want: then the target is not asked.
        master.refusals = ["the role was not changed: no"]
        site.switch(namesrv, code=1)
        assert len(master.told) == 5 and len(slave.told) == 1, (master.told, slave.told)
        master.ours = False
        site.refused(namesrv, says="is no broker of OrbitMQ")
        master.ours, slave.ours = True, False
        site.refused(namesrv, says="is no broker of OrbitMQ")
        slave.ours, slave.log_end, master.log_end = True, 0, (16 << 20) + 1
        site.refused(namesrv, says="is not in step with its master")
        assert len(master.told) == 5 and len(slave.told) == 1, (master.told, slave.told)
        assert site.known(namesrv) == {0: master.address, 1: slave.address}


@case
def slave_that_does_not_take_over(site):
    """What to do when it knows better than the administrator that its master is dead."""
    _, namesrv = site.namesrv()
    with StubBroker(namesrv, NAME, 3, "SLAVE") as slave:
        slave.refusals = ["the role was not changed: no"]
        done = site.switch(namesrv, "--force", code=1)
        assert "no. broker-a has no new master" in done.stderr, done
        site.switch(namesrv, "--force", "--role", "SYNC_MASTER", "--yes")
        assert slave.told == [MASTER.replace("SYNC", "ASYNC"), MASTER], slave.told
        assert site.known(namesrv) == {0: slave.address}


def on_a_terminal(site, answer, *words):
    """The exit code when a person answers."""
    person, terminal = pty.openpty()
    try:
        os.write(person, answer.encode())
        return subprocess.run([site.mqadmin, "switchMaster", *words], stdin=terminal, stdout=terminal,
                              stderr=subprocess.DEVNULL, timeout=3 * PATIENCE, check=False).returncode
    finally:
        os.close(person)
        os.close(terminal)


@case
def person_is_asked_first(site):
    """Unless --yes says that there is no need."""
    _, namesrv = site.namesrv()
    with StubBroker(namesrv, NAME, 0, "SYNC_MASTER") as master, \
            StubBroker(namesrv, NAME, 1, "SLAVE") as slave:
        words = ("-n", namesrv, "-b", NAME)
        assert on_a_terminal(site, "n\n", *words) == 1 and not master.told, master.told
        assert on_a_terminal(site, "y\n", *words) == 0 and slave.told == [MASTER], slave.told
        assert on_a_terminal(site, "n\n", *words, "--yes") == 0
        assert master.told == [SLAVE_1, MASTER], master.told


def main():
    script, *programs, mqadmin = sys.argv[1:6]
    return run_cases(chosen_cases(CASES, sys.argv[6:]),
                     lambda folder: Site(script, programs, mqadmin, folder))


if __name__ == "__main__":
    sys.exit(main())
