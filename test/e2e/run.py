#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""End to end: real NameServers, brokers and clients, each a process, on loopback.

usage: run.py PATH_OF_MQNAMESRV PATH_OF_MQBROKER PATH_OF_E2E_CLIENT [CASE...]
"""

import errno
import os
import signal
import subprocess
import sys
import time

from processes import Place, acked, chosen_cases, run_cases

CASES = []
# Brokers register anew within 2 s of a NameServer's return; the rest is for starting the client that asks, on
# a busy machine. The promise is 10 s.
ROUTE_BACK_SECONDS = 2 + 3


def case(function):
    """Registers a test case; it gets a Place."""
    CASES.append(function)
    return function


@case
def message_travels_from_sender_to_group(place):
    """The main job, with two servers and two clients."""
    _, namesrv = place.namesrv()
    broker, _ = place.broker(namesrv)
    sent = place.send(namesrv, "journey", range(300))
    assert len(sent) == 300, f"only {len(sent)} of 300 sends were acknowledged"
    place.receive(namesrv, "journey", "travellers", sent)
    assert broker.stop() == 0
    assert not os.path.exists(f"{place.folder}/data/abort"), "an orderly stop leaves no abort file"


@case
def orderly_restart_keeps_messages_and_offsets(place):
    """A group goes on where it was; a new group reads everything."""
    _, namesrv = place.namesrv()
    broker, port = place.broker(namesrv)
    before = place.send(namesrv, "restart", range(200))
    place.receive(namesrv, "restart", "readers", before)
    assert broker.stop() == 0
    broker, _ = place.broker(namesrv, port=port)
    place.await_route(namesrv, "restart")
    after = place.send(namesrv, "restart", range(200, 400))
    receiver = place.client("receive", namesrv=namesrv, topic="restart", group="readers")
    missing, again = set(after), set()
    deadline = time.monotonic() + 40
    while missing:
        line = receiver.next_line(deadline)
        assert line is not None, f"{len(missing)} messages never came"
        if line.startswith("got "):
            number = int(line[4:])
            missing.discard(number)
            if number < 200:
                again.add(number)
    assert not again, f"{len(again)} finished messages came again after an orderly restart"
    place.receive(namesrv, "restart", "newcomers", before | after)


@case
def killed_broker_loses_nothing_acknowledged(place):
    """kill -9 under load, three times; SYNC_FLUSH."""
    _, namesrv = place.namesrv()
    broker, port = place.broker(namesrv)
    everything = place.send(namesrv, "killed", range(50))
    for round_number in range(1, 4):
        first = round_number * 100_000
        sender = place.client("send", namesrv=namesrv, topic="killed", first=first, count=3000, window=64)
        for _ in range(120 * round_number):
            sender.wait_for("^acked ")
        broker.kill()
        broker, _ = place.broker(namesrv, port=port)
        everything |= acked(sender.drain(120))
    assert len(everything) > 700
    place.receive(namesrv, "killed", "auditors", everything)


@case
def namesrv_restart_brings_routes_back(place):
    """A NameServer is stateless: killed and restarted, the next registration tells it everything."""
    nameserver, namesrv = place.namesrv()
    place.broker(namesrv)
    assert place.send(namesrv, "routes", range(5)) == set(range(5))
    nameserver.kill()
    _, again = place.namesrv(port=namesrv.rsplit(":", 1)[1])
    assert again == namesrv
    seconds = place.await_route(namesrv, "routes")
    assert seconds < ROUTE_BACK_SECONDS, f"the route came back after {seconds:.1f} s"
    assert place.send(namesrv, "routes", range(5, 10)) == set(range(5, 10))


@case
def second_namesrv_takes_over(place):
    """With two NameServers one may be gone."""
    first, first_address = place.namesrv()
    _, second_address = place.namesrv()
    both = f"{first_address};{second_address}"
    place.broker(both)
    assert len(place.send(both, "pair", range(20))) == 20
    first.kill()
    assert len(place.send(both, "pair", range(20, 40))) == 20
    place.receive(both, "pair", "pair_readers", range(40))


@case
def two_stop_signals_skip_the_waits(place):
    """The second SIGTERM ends the broker at once; what was acknowledged is there afterwards."""
    _, namesrv = place.namesrv()
    broker, port = place.broker(namesrv)
    sent = place.send(namesrv, "hasty", range(100))
    began = time.monotonic()
    broker.signal(signal.SIGTERM)
    broker.signal(signal.SIGTERM)
    assert broker.end() in (0, 1)
    assert time.monotonic() - began < 8, "a second signal must not wait for the deadline"
    place.broker(namesrv, port=port)
    place.await_route(namesrv, "hasty")
    place.receive(namesrv, "hasty", "hasty_readers", sent)


@case
def standalone_is_ready_at_once(place):
    """One process for the whole job."""
    process = place.start(place.broker_program, "--standalone", "--namesrv_port=0",
                          f"--data-dir={place.folder}/data", "--set=listenPort=0")
    namesrv = process.wait_for(r"Name Server boot success.*address (\S+)$").group(1)
    process.wait_for("boot success")
    seconds = time.monotonic() - process.began
    print(f"        mqbroker --standalone was ready after {seconds * 1000:.0f} ms")
    assert seconds < 5, f"ready after {seconds:.1f} s"
    sent = place.send(namesrv, "alone", range(100))
    assert len(sent) == 100
    place.receive(namesrv, "alone", "loners", sent)
    assert process.stop() == 0


@case
def unknown_key_is_warned_with_the_nearest_name(place):
    """A misspelt key must not pass in silence."""
    path = f"{place.folder}/broker.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("brokerName=e2e\nflushDiskTyp=SYNC_FLUSH\n")
    _, namesrv = place.namesrv()
    broker, _ = place.broker(namesrv, arguments=["-c", path])
    warning = [line for line in broker.lines if "flushDiskTyp" in line and "flushDiskType" in line]
    assert warning and f"{path}:2" in warning[0], broker.lines
    assert broker.stop() == 0


@case
def namesrv_tells_its_mistakes(place):
    """Port in use, a bad value, an unknown argument: one line each and an exit code."""
    _, address = place.namesrv()
    port = address.rsplit(":", 1)[1]
    path = f"{place.folder}/namesrv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("# comment\nlistenPort=many\n")
    for words, code, texts in (
            ([f"--set=listenPort={port},bindAddress=127.0.0.1"], 1, ["in use", port]),
            (["-c", path], 2, [f"{path}:2", "listenPort", "many"]),
            (["-c", f"{place.folder}/absent.conf"], 2, ["absent.conf"]),
            (["start"], 2, ["'start'"])):
        done = subprocess.run([place.namesrv_program, *words], capture_output=True, text=True, timeout=40,
                              check=False)
        said = done.stderr.strip()
        assert done.returncode == code, f"{words}: exit {done.returncode}, {said}"
        missing = [text for text in texts if text not in said]
        assert not missing, f"{words}: no {missing} in: {said}"


class SmallDisk:
    """A tmpfs of a few MiB, which takes root to mount."""

    def __init__(self, path, mebibytes):
        self.path = path
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "orbitmq-test", path],
                       check=True, timeout=60)

    def fill(self, leave):
        """Takes all space but `leave` bytes."""
        with open(f"{self.path}/ballast", "ab") as ballast:
            while self.free() > leave:
                try:
                    ballast.write(b"b" * min(1 << 16, self.free() - leave))
                    ballast.flush()
                except OSError as error:
                    assert error.errno == errno.ENOSPC, f"the ballast: {error}"
                    break

    def free(self):
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def release(self):
        os.remove(f"{self.path}/ballast")

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True, timeout=60)


def fill_and_release(place, disk, ratio, leave):
    """A disk gets full above the ratio or altogether: refused at once, read on, taken again, nothing lost."""
    _, namesrv = place.namesrv()
    settings = ["mappedFileSizeCommitLog=1048576", "maxMessageSize=65536", "maxHashSlotNum=1000",
                "maxIndexNum=4000", "mappedFileSizeConsumeQueue=6000", "diskMaxUsedSpaceRatio=95",
                "diskSpaceCleanForciblyRatio=100", f"diskSpaceWarningLevelRatio={ratio}"]
    data = f"small/data{ratio}"
    broker, port = place.broker(namesrv, data=data, settings=settings)
    stored = place.send(namesrv, "crowded", range(200))
    assert len(stored) > 100, f"only {len(stored)} of 200 sends were acknowledged with space left"
    seen = set(stored)
    disk.fill(leave)
    deadline = time.monotonic() + 20
    for first in range(1000, 100_000, 2000):
        lines = place.client("send", namesrv=namesrv, topic="crowded", first=first, count=2000,
                             window=256).drain()
        stored |= acked(lines)
        refused = [line for line in lines if line.startswith("failed")]
        if refused:
            break
        assert time.monotonic() < deadline, "a full disk never refused anything"
    for part in ("disk is full", f"{data}/commitlog", "is used to", f"above {ratio}", "bytes are free"):
        assert part in refused[-1], refused[-1]
    # What was acknowledged with the last bytes may lack the space for its queue until there is some again.
    place.receive(namesrv, "crowded", f"readers{ratio}", seen)
    disk.release()
    began = time.monotonic()
    number = 200_000
    while not place.send(namesrv, "crowded", range(number, number + 1)):
        number += 1
        assert time.monotonic() - began < 5, "not writable 5 s after space came back"
    print(f"        ratio {ratio}: writable again {time.monotonic() - began:.1f} s after space came back")
    stored.add(number)
    broker.kill()
    place.broker(namesrv, data=data, port=port, settings=settings)
    place.await_route(namesrv, "crowded")
    place.receive(namesrv, "crowded", f"auditors{ratio}", stored)


@case
def full_disk_refuses_and_recovers(place):
    """A real file system of 48 MiB; store_test has a simulated one."""
    if os.geteuid() != 0:
        print("        not root: see StoreTest.DiskFull_* and NextFileRefused_* for the same")
        return
    for ratio, leave in ((90, 3 << 20), (100, 0)):
        disk = SmallDisk(f"{place.folder}/small", 48)
        try:
            fill_and_release(place, disk, ratio, leave)
        finally:
            place.close()
            place.started.clear()
            disk.close()
            os.rmdir(disk.path)


def make_certificate(folder, name):
    """A self-signed certificate for 127.0.0.1, which is its own authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"],
                   check=True, capture_output=True, timeout=60)


def tls_settings(folder, mode):
    """What both servers are told."""
    return [f"tls.server.mode={mode}", f"tls.server.certPath={folder}/server.pem",
            f"tls.server.keyPath={folder}/server.key", "tls.test.mode.enable=false"]


@case
def tls_enforced_refuses_plain_clients(place):
    """Everything goes over TLS; a plain client and one that trusts somebody else get nothing."""
    for name in ("server", "stranger"):
        make_certificate(place.folder, name)
    settings = tls_settings(place.folder, "permissive")
    _, namesrv = place.namesrv(settings=settings)
    place.broker(namesrv, settings=tls_settings(place.folder, "enforcing"))
    trusted = f"{place.folder}/server.pem"
    sent = place.send(namesrv, "secret", range(100), ca=trusted)
    assert len(sent) == 100
    place.receive(namesrv, "secret", "insiders", sent, ca=trusted)
    assert not place.send(namesrv, "secret", range(100, 103)), "a plain client was served"
    assert not place.send(namesrv, "secret", range(103, 106), ca=f"{place.folder}/stranger.pem"), \
        "a certificate that nobody trusts was accepted"


@case
def tls_permitted_serves_both(place):
    """Plain and TLS on the same port."""
    make_certificate(place.folder, "server")
    settings = tls_settings(place.folder, "permissive")
    _, namesrv = place.namesrv(settings=settings)
    place.broker(namesrv, settings=settings)
    plain = place.send(namesrv, "both", range(50))
    sealed = place.send(namesrv, "both", range(50, 100), ca=f"{place.folder}/server.pem")
    assert len(plain | sealed) == 100
    place.receive(namesrv, "both", "mixed", range(100))


def main():
    programs = sys.argv[1:4]
    return run_cases(chosen_cases(CASES, sys.argv[4:]), lambda folder: Place(programs, folder))


if __name__ == "__main__":
    sys.exit(main())
