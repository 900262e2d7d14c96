#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster whose members are cut off the network under load: packets vanish, connections do not end.

usage: cluster_partitions.py MQNAMESRV MQBROKER E2E_CLIENT

Every member has a network namespace of its own, joined by a bridge in the namespace where this program and
the clients run; addresses exist inside these namespaces only, and the namespaces end with their last process.
Takes root. Each partition is a case.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from cluster_load import Load, await_queues
from processes import PATIENCE, Place

INSIDE = "--inside"
NETWORK = "10.77.0"
NAMESRV_PORT, BROKER_PORT = 9876, 10911


def ip(*words):
    """The command `ip`."""
    subprocess.run(["ip", *map(str, words)], check=True, timeout=60, capture_output=True, text=True)


class Host:
    """A network namespace with one address, on the bridge."""

    def __init__(self, place, number):
        self.place = place
        self.link = f"m{number}"
        self.address = f"{NETWORK}.{number}"
        # The namespace lives as long as this process.
        self.holder = place.start("unshare", "-n", "cat")
        self.space = f"/proc/{self.holder.child.pid}/ns/net"
        deadline = time.monotonic() + PATIENCE
        while os.readlink(self.space) == os.readlink("/proc/self/ns/net"):
            assert time.monotonic() < deadline, "unshare made no namespace"
            time.sleep(0.01)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.holder.child.pid)
        ip("link", "set", self.link, "master", "hub", "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{self.address}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"]):
            subprocess.run([*self.inside("ip"), *words], check=True, timeout=60)

    def inside(self, program):
        """The words that run a program in here."""
        return ["nsenter", f"--net={self.space}", "--", program]

    def cut(self):
        """From now on its packets vanish."""
        ip("link", "set", self.link, "down")

    def join(self):
        """They arrive again."""
        ip("link", "set", self.link, "up")


class Cluster:
    """Two NameServers and two masters, each on a host of its own."""

    def __init__(self, place):
        self.place = place
        ip("link", "set", "lo", "up")
        ip("link", "add", "hub", "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", "hub")
        ip("link", "set", "hub", "up")
        self.namesrv_hosts = [Host(place, 11), Host(place, 12)]
        self.broker_hosts = {"broker-a": Host(place, 21), "broker-b": Host(place, 22)}
        self.namesrv = ";".join(f"{host.address}:{NAMESRV_PORT}" for host in self.namesrv_hosts)
        self.masters = {name: f"{host.address}:{BROKER_PORT}" for name, host in self.broker_hosts.items()}
        self.processes = {}
        for number, host in enumerate(self.namesrv_hosts):
            home = f"{place.folder}/namesrv{number}"
            process = place.start(*host.inside(place.namesrv_program),
                                  f"--set=listenPort={NAMESRV_PORT},kvConfigPath={home}")
            process.wait_for("Name Server boot success")
        for name in self.broker_hosts:
            self.start_broker(name)

    def start_broker(self, name):
        """With its usual data; the address is the one that it finds."""
        host = self.broker_hosts[name]
        process = self.place.start(
            *host.inside(self.place.broker_program), f"--data-dir={self.place.folder}/{name}",
            "-n", self.namesrv, f"--set=listenPort={BROKER_PORT},brokerName={name}")
        process.wait_for(rf"{host.address}:{BROKER_PORT}\] boot success")
        self.processes[name] = process


def broker_is_cut_off(cluster, load):
    """Sends to it end in time-outs; the others are answered; it takes sends again afterwards."""
    host = cluster.broker_hosts["broker-a"]
    host.cut()
    load.await_failure()
    load.make_progress()
    host.join()
    load.await_acks("broker-a")
    load.judge()


def nameservers_are_cut_off(cluster, load):
    """What has a route goes on; afterwards newcomers find their way."""
    for host in cluster.namesrv_hosts:
        host.cut()
    load.make_progress()
    lines = cluster.place.client("queues", namesrv=cluster.namesrv, topic=load.topic).drain()
    assert not any(line.startswith("queues ") for line in lines), f"a NameServer was reached: {lines}"
    for host in cluster.namesrv_hosts:
        host.join()
    await_queues(cluster.place, cluster.namesrv, load.topic, load.queue_count)
    load.judge()


def one_nameserver_is_cut_off(cluster, load):
    """Clients that start meanwhile ask the other one."""
    cluster.namesrv_hosts[0].cut()
    await_queues(cluster.place, cluster.namesrv, load.topic, load.queue_count)
    load.make_progress()
    cluster.namesrv_hosts[0].join()
    load.judge()


def broker_starts_while_cut_off(cluster, load):
    """Killed, and started where no NameServer answers: it registers once they can be reached."""
    host = cluster.broker_hosts["broker-b"]
    host.cut()
    cluster.processes["broker-b"].kill()
    cluster.start_broker("broker-b")
    load.make_progress()
    host.join()
    load.await_acks("broker-b")
    load.judge()


CASES = (broker_is_cut_off, nameservers_are_cut_off, one_nameserver_is_cut_off, broker_starts_while_cut_off)


def run(place):
    """All partitions on one cluster; returns how many passed and what went wrong."""
    passed = 0
    try:
        cluster = Cluster(place)
        load = Load(place, cluster.namesrv, cluster.masters)
        load.make_progress()
        for case in CASES:
            began = time.monotonic()
            case(cluster, load)
            passed += 1
            print(f"ok      {case.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        load.finish()
    except (AssertionError, subprocess.SubprocessError, OSError, EOFError, ValueError) as error:
        said = getattr(error, "stderr", None) or ""
        return passed, f"{CASES[passed].__name__ if passed < len(CASES) else 'the end'}: {error} {said}"
    return passed, ""


def main():
    programs = sys.argv[1:4]
    if os.geteuid() != 0:
        print("not root: partitions are tried in the simulation only (test/sim)")
        print("1 passed, 0 failed")
        return 0
    if sys.argv[4:] != [INSIDE]:
        os.execvp("unshare", ["unshare", "-n", sys.executable, pathlib.Path(__file__), *programs, INSIDE])
    with tempfile.TemporaryDirectory() as folder:
        place = Place(programs, folder)
        try:
            passed, wrong = run(place)
        finally:
            place.close()
    if wrong:
        print(f"FAILED  {wrong}")
    print(f"{passed} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
