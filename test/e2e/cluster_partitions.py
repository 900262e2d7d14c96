#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster of a sample configuration whose members are cut off the network under load: packets vanish,
connections do not end.

usage: cluster_partitions.py CONF MQNAMESRV MQBROKER E2E_CLIENT SAMPLE

CONF is the folder of the samples. Every member has a network namespace of its own, joined by a bridge in the
namespace where this program and the clients run; addresses exist inside these namespaces only, and the
namespaces end with their last process. Takes root. Each partition is a case.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import replicas
from cluster_load import Load, await_queues
from processes import PATIENCE, Place

INSIDE = "--inside"
NETWORK = "10.77.0"
NAMESRV_PORT, BROKER_PORT = 9876, 10911
NOBODY = "02:00:00:00:00:01"  # What is sent to this hardware address arrives nowhere.
# Sooner than by default: a master gives up a slave that is silent, and sends that wait for one.
SOONER = "haHousekeepingInterval=6000,haSendHeartbeatInterval=1000,slaveTimeout=1000"


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

    def lose(self, other):
        """What it sends to another host vanishes."""
        self.neighbour("replace", other, "lladdr", NOBODY, "nud", "permanent")

    def find(self, other):
        """It arrives again."""
        self.neighbour("del", other)

    def neighbour(self, verb, other, *words):
        """The command `ip neigh`, in here."""
        subprocess.run([*self.inside("ip"), "neigh", verb, other.address, *words, "dev", "eth0"],
                       check=True, timeout=60, capture_output=True, text=True)


class Cluster:
    """Two NameServers and the brokers of a sample, each on a host of its own."""

    def __init__(self, place, conf, sample):
        self.place = place
        ip("link", "set", "lo", "up")
        ip("link", "add", "hub", "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", "hub")
        ip("link", "set", "hub", "up")
        # The names of the files are those of the brokers, but for the standalone one.
        self.files = {path.stem.replace("broker", "broker-a") if sample == "standalone" else path.stem: path
                      for path in sorted((pathlib.Path(conf) / sample).iterdir())}
        self.namesrv_hosts = [Host(place, 11), Host(place, 12)]
        self.hosts = {name: Host(place, 21 + number) for number, name in enumerate(self.files)}
        self.namesrv = ";".join(f"{host.address}:{NAMESRV_PORT}" for host in self.namesrv_hosts)
        self.slaves = {name: f"{name}-s" for name in self.hosts if f"{name}-s" in self.hosts}
        self.masters = {name: f"{host.address}:{BROKER_PORT}" for name, host in self.hosts.items()
                        if name not in self.slaves.values()}
        self.synchronous = any("brokerRole=SYNC_MASTER" in path.read_text() for path in self.files.values())
        self.processes = {}
        for number, host in enumerate(self.namesrv_hosts):
            home = f"{place.folder}/namesrv{number}"
            process = place.start(*host.inside(place.namesrv_program),
                                  f"--set=listenPort={NAMESRV_PORT},kvConfigPath={home}")
            process.wait_for("Name Server boot success")
        for name in self.hosts:
            self.start_broker(name)

    def start_broker(self, name):
        """With its usual data; the address is the one that it finds."""
        host = self.hosts[name]
        process = self.place.start(
            *host.inside(self.place.broker_program), "-c", self.files[name],
            f"--data-dir={self.place.folder}/{name}", "-n", self.namesrv,
            f"--set=listenPort={BROKER_PORT},{SOONER}")
        process.wait_for(rf"{host.address}:{BROKER_PORT}\] boot success")
        self.processes[name] = process

    def compare_logs(self):
        """Of each master and its slave, nobody sending: the same up to what the slave confirmed."""
        ends = {name: replicas.await_in_step(self.masters[name]) for name in self.slaves}
        for process in self.processes.values():
            process.kill()
        for name, slave in self.slaves.items():
            replicas.demand_equal_logs([f"{self.place.folder}/{member}" for member in (name, slave)],
                                       ends[name])


def master_is_cut_off(cluster, load):
    """Sends to it end in time-outs; the others are answered; it takes sends again afterwards."""
    host = cluster.hosts["broker-a"]
    host.cut()
    load.await_failure()
    if len(cluster.masters) > 1:
        load.make_progress()
    host.join()
    load.await_acks("broker-a")
    load.judge()


def nameservers_are_cut_off(cluster, load):
    """What has a route goes on, masters with their slaves too; afterwards newcomers find their way."""
    for host in cluster.namesrv_hosts:
        host.cut()
    load.make_progress()
    for name in cluster.masters:
        load.await_acks(name)
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
    host = cluster.hosts["broker-b"]
    host.cut()
    cluster.processes["broker-b"].kill()
    cluster.start_broker("broker-b")
    load.make_progress()
    host.join()
    load.await_acks("broker-b")
    load.judge()


def slave_starts_without_nameservers(cluster, load):
    """Killed, and started when nobody can tell it who its master is: it follows once somebody does."""
    for host in cluster.namesrv_hosts:
        host.cut()
    cluster.processes["broker-b-s"].kill()
    cluster.start_broker("broker-b-s")
    follow_alone(cluster, load, "broker-b", ("SLAVE_NOT_AVAILABLE",))
    for host in cluster.namesrv_hosts:
        host.join()
    follow_again(cluster, load, "broker-b")


def slave_is_cut_from_its_master(cluster, load):
    """Nothing passes between the two; the rest of the network is whole, so clients go on."""
    master, slave = cluster.hosts["broker-a"], cluster.hosts["broker-a-s"]
    master.lose(slave)
    slave.lose(master)
    follow_alone(cluster, load)
    master.find(slave)
    slave.find(master)
    follow_again(cluster, load)


def acknowledgements_of_a_slave_vanish(cluster, load):
    """The log reaches the slave, its word does not reach the master."""
    master, slave = cluster.hosts["broker-b"], cluster.hosts["broker-b-s"]
    slave.lose(master)
    follow_alone(cluster, load, "broker-b")
    slave.find(master)
    follow_again(cluster, load, "broker-b")


def follow_alone(cluster, load, name="broker-a", told=("FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE")):
    """Without its slave a master keeps what it gets and says so, where it was to wait for it."""
    if cluster.synchronous:
        for status in told:
            load.await_status(status, name)
    else:
        replicas.await_no_slave(cluster.masters[name])
    load.make_progress()


def follow_again(cluster, load, name="broker-a"):
    """The slave is there again, and OK means what it meant."""
    replicas.await_slave(cluster.masters[name])
    load.await_acks(name)
    load.judge()


# What the samples do not share; each costs seconds.
CASES = {
    "standalone": (master_is_cut_off, one_nameserver_is_cut_off),
    "2m-noslave": (master_is_cut_off, nameservers_are_cut_off, one_nameserver_is_cut_off,
                   broker_starts_while_cut_off),
    "2m-2s-async": (slave_is_cut_from_its_master, slave_starts_without_nameservers, master_is_cut_off),
    "2m-2s-sync": (slave_is_cut_from_its_master, acknowledgements_of_a_slave_vanish, nameservers_are_cut_off,
                   master_is_cut_off),
}


def run(place, conf, sample):
    """All partitions on one cluster; returns how many passed and what went wrong."""
    passed, cases = 0, CASES[sample]
    try:
        cluster = Cluster(place, conf, sample)
        load = Load(place, cluster.namesrv, cluster.masters)
        load.make_progress()
        for case in cases:
            began = time.monotonic()
            case(cluster, load)
            passed += 1
            print(f"ok      {sample}: {case.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        load.finish()
        cluster.compare_logs()
    except (AssertionError, subprocess.SubprocessError, OSError, EOFError, ValueError) as error:
        said = getattr(error, "stderr", None) or ""
        at = cases[passed].__name__ if passed < len(cases) else "the end"
        return passed, f"{sample}: {at}: {error} {said}"
    return passed, ""


def run_inside(conf, programs, sample):
    """In a network namespace of its own; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(programs, folder)
        try:
            passed, wrong = run(place, conf, sample)
        finally:
            place.close()
    if wrong:
        print(f"FAILED  {wrong}")
    print(f"{passed} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


def main():
    conf, *programs = sys.argv[1:5]
    sample, *inside = sys.argv[5:]
    if os.geteuid() != 0:
        print(f"FAILED  {sample}: partitions need network namespaces, and those take root: run this as root")
        print("0 passed, 1 failed")
        return 1
    if inside != [INSIDE]:
        os.execvp("unshare", ["unshare", "-n", sys.executable, pathlib.Path(__file__), *sys.argv[1:], INSIDE])
    return run_inside(conf, programs, sample)


if __name__ == "__main__":
    sys.exit(main())
