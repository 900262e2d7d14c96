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

from cluster_load import Load
from processes import Place, run_cases

SCRIPT_PATIENCE = 150


class Cluster:
    """A cluster that cluster.sh runs."""

    def __init__(self, script, place, sample):
        self.script = script
        self.place = place
        self.sample = sample
        self.told = self.call("start")
        self.namesrv = self.told["namesrvAddr"]

    def call(self, command, *members):
        """What cluster.sh says."""
        done = subprocess.run(
            [self.script, command, self.sample, *members, "--json", "--dir", f"{self.place.folder}/cluster",
             "--timeout", "100"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=SCRIPT_PATIENCE, check=False,
            env={**os.environ, "ORBITMQ_BIN": str(pathlib.Path(self.place.broker_program).parent)})
        assert done.returncode == 0, f"cluster.sh {command} {members}: {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def members(self, role):
        """Member names."""
        return [member["name"] for member in self.told["members"] if member["role"] == role]

    def addresses(self, role):
        """Member name, which is the broker's name in the samples, to address."""
        return {member["name"]: member["address"] for member in self.told["members"]
                if member["role"] == role}

    def pid(self, name):
        """Of a member as it runs now."""
        (pid,) = [member["pid"] for member in self.call("status")["members"] if member["name"] == name]
        return pid


def kill_and_start(cluster, load, member, master):
    """kill -9; the others go on; it comes back with everything it acknowledged."""
    cluster.call("kill", member)
    load.make_progress()
    cluster.call("start", member)
    if master:
        load.await_acks(member)
    load.judge()


def stop_and_go_on(cluster, load, member, master):
    """SIGSTOP: connections stay, nobody answers; then it goes on as if nothing was."""
    pid = cluster.pid(member)
    os.kill(pid, signal.SIGSTOP)
    try:
        if master:
            load.await_failure()
        load.make_progress()
    finally:
        os.kill(pid, signal.SIGCONT)
    if master:
        load.await_acks(member)
    load.judge()


def torment(cluster, load):
    """Every member in turn."""
    masters = cluster.members("master")
    for member in [*masters, *cluster.members("slave"), *cluster.members("NameServer")]:
        began = time.monotonic()
        kill_and_start(cluster, load, member, member in masters)
        print(f"        killed and started {member}: {time.monotonic() - began:.1f} s", flush=True)
    for member in (masters[0], "namesrv-1"):
        began = time.monotonic()
        stop_and_go_on(cluster, load, member, member in masters)
        print(f"        stopped and continued {member}: {time.monotonic() - began:.1f} s", flush=True)


def run(script, place, sample):
    """One sample."""
    cluster = Cluster(script, place, sample)
    try:
        load = Load(place, cluster.namesrv, cluster.addresses("master"))
        load.make_progress()
        torment(cluster, load)
        load.finish()
        assert not cluster.call("stop")["running"]
    finally:
        cluster.call("kill")


def main():
    script, *programs = sys.argv[1:5]
    cases = [(sample, lambda place, sample=sample: run(script, place, sample)) for sample in sys.argv[5:]]
    return run_cases(cases, lambda folder: Place(programs, folder))


if __name__ == "__main__":
    sys.exit(main())
