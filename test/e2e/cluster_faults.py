#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clusters of the sample configurations under load, while their members are killed and stopped.

usage: cluster_faults.py CLUSTER_SH MQNAMESRV MQBROKER E2E_CLIENT SAMPLE...

cluster.sh starts the cluster, kills members and starts them again. Each sample is a case.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import replicas
from cluster_load import Load
from processes import Place, run_cases

SCRIPT_PATIENCE = 150
STANDALONE = {"standalone": "broker-a"}  # The other members are called as their brokers.


class Cluster:
    """A cluster that cluster.sh runs."""

    def __init__(self, script, place, sample):
        self.script = script
        self.place = place
        self.sample = sample
        self.told = self.call("start")
        self.namesrv = self.told["namesrvAddr"]
        self.synchronous = sample.endswith("-sync")
        slaves = self.members("slave")
        self.slaves = {name: f"{name}-s" for name in self.members("master") if f"{name}-s" in slaves}

    def call(self, command, *members, codes=(0,)):
        """What cluster.sh says, and with which exit codes it may."""
        done = subprocess.run(
            [self.script, command, self.sample, *members, "--json", "--dir", f"{self.place.folder}/cluster",
             "--timeout", "100"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=SCRIPT_PATIENCE, check=False,
            env={**os.environ, "ORBITMQ_BIN": str(pathlib.Path(self.place.broker_program).parent)})
        assert done.returncode in codes, f"cluster.sh {command} {members}: {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def members(self, role):
        """Member names."""
        return [member["name"] for member in self.told["members"] if member["role"] == role]

    def masters(self):
        """Members that take messages."""
        return self.members("master") + self.members("standalone")

    def address(self, name):
        """Of one member."""
        (address,) = [member["address"] for member in self.told["members"] if member["name"] == name]
        return address

    def data_of(self, name):
        """The data directory of a broker."""
        return f"{self.place.folder}/cluster/{name}/data"

    def pid(self, name):
        """Of a member as it runs now; others may have no route yet at a NameServer that came back."""
        status = self.call("status", codes=(0, 1))
        (pid,) = [member["pid"] for member in status["members"] if member["name"] == name]
        return pid


def kill_and_start(cluster, load, member, masters):
    """kill -9; the others go on; it comes back with everything it acknowledged."""
    cluster.call("kill", member)
    others_go_on(load, member, masters)
    cluster.call("start", member)
    if member in masters:
        load.await_acks(STANDALONE.get(member, member))
    load.judge()


def stop_and_go_on(cluster, load, member, masters):
    """SIGSTOP: connections stay, nobody answers; then it goes on as if nothing was."""
    pid = cluster.pid(member)
    os.kill(pid, signal.SIGSTOP)
    try:
        if member in masters:
            load.await_failure()
        others_go_on(load, member, masters)
    finally:
        os.kill(pid, signal.SIGCONT)
    if member in masters:
        load.await_acks(STANDALONE.get(member, member))
    load.judge()


def stop_slave_and_go_on(cluster, load, name, slave):
    """SIGSTOP of a slave: its master keeps what it gets, and says so where it was to wait for the slave."""
    pid = cluster.pid(slave)
    os.kill(pid, signal.SIGSTOP)
    try:
        if cluster.synchronous:
            load.await_status("FLUSH_SLAVE_TIMEOUT", name)
        load.make_progress()
    finally:
        os.kill(pid, signal.SIGCONT)
    replicas.await_slave(cluster.address(name))
    load.await_acks(name)
    load.judge()


def others_go_on(load, member, masters):
    """Sends get through without it; without the only master they are told of it."""
    if masters == [member]:
        load.await_failure()
    else:
        load.make_progress()


def torment(cluster, load):
    """Every member in turn."""
    masters = cluster.masters()
    nameservers = cluster.members("NameServer")
    for member in [*masters, *cluster.members("slave"), *nameservers]:
        began = time.monotonic()
        kill_and_start(cluster, load, member, masters)
        print(f"        killed and started {member}: {time.monotonic() - began:.1f} s", flush=True)
    for member in [masters[0], *cluster.members("slave")[:1], *nameservers[:1]]:
        began = time.monotonic()
        if member in cluster.slaves.values():
            stop_slave_and_go_on(cluster, load, masters[0], member)
        else:
            stop_and_go_on(cluster, load, member, masters)
        print(f"        stopped and continued {member}: {time.monotonic() - began:.1f} s", flush=True)


def run(script, place, sample):
    """One sample."""
    cluster = Cluster(script, place, sample)
    try:
        masters = {STANDALONE.get(name, name): cluster.address(name) for name in cluster.masters()}
        load = Load(place, cluster.namesrv, masters)
        load.make_progress()
        torment(cluster, load)
        load.finish()
        ends = {name: replicas.await_in_step(masters[name]) for name in cluster.slaves}
        assert not cluster.call("stop")["running"]
        for name, slave in cluster.slaves.items():
            replicas.demand_equal_logs([cluster.data_of(name), cluster.data_of(slave)], ends[name])
    finally:
        cluster.call("kill")


def main():
    script, *programs = sys.argv[1:5]
    cases = [(sample, lambda place, sample=sample: run(script, place, sample)) for sample in sys.argv[5:]]
    return run_cases(cases, lambda folder: Place(programs, folder))


if __name__ == "__main__":
    sys.exit(main())
