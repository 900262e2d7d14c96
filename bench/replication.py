#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures replication: a master and its slave on this machine, ASYNC_MASTER against SYNC_MASTER.

    bench/replication.py --build build/release              512 in flight, one by one, lag of the slave
    bench/replication.py --build build/release --smoke      the same, short

Both brokers flush asynchronously: what is compared is the wait for the slave. Prints Markdown.
"""

import argparse
import contextlib
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time

import measure

TOPIC = "mqperf"


def free_port():
    """A port with free neighbours on both sides."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 64000:
            return port
    raise RuntimeError("no free port")


def log_end(port):
    """commitLogMaxOffset of the broker on `port`."""
    head = json.dumps({"code": 28, "flag": 0, "language": "CPP", "opaque": 1, "version": 513,
                       "serializeTypeCurrentRPC": "JSON"}).encode()
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.sendall(struct.pack(">ii", 4 + len(head), len(head)) + head)
        stream = link.makefile("rb")
        size, header_word = struct.unpack(">ii", stream.read(8))
        stream.read(header_word & 0xFFFFFF)
        body = stream.read(size - 4 - (header_word & 0xFFFFFF))
    return int(json.loads(body)["table"]["commitLogMaxOffset"])


@contextlib.contextmanager
def pair(build, role):
    """(port of the master, port of its slave)."""
    with tempfile.TemporaryDirectory(prefix="orbitmq-ha-") as folder, contextlib.ExitStack() as stack:
        ports = free_port(), free_port()
        ha_port = free_port()
        for name, port, further in (("master", ports[0], f"brokerRole={role}\nhaListenPort={ha_port}\n"),
                                    ("slave", ports[1], "brokerRole=SLAVE\nbrokerId=1\n"
                                                        f"haMasterAddress=127.0.0.1:{ha_port}\n")):
            conf = pathlib.Path(folder, name + ".conf")
            conf.write_text(f"brokerName=b0\nlistenPort={port}\nbindAddress=127.0.0.1\nbrokerIP1=127.0.0.1\n"
                            f"storePathRootDir={folder}/{name}\n{further}")
            stack.enter_context(measure.server([f"{build}/bin/mqbroker", "-c", str(conf)]))
        time.sleep(1)  # The slave connects.
        yield ports


def mqperf(build, port, *words):
    command = [f"{build}/bin/mqperf", f"--broker=127.0.0.1:{port}", "--broker_name=b0", "--json", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run(options):
    seconds = "2" if options.smoke else "8"
    count = 20_000 if options.smoke else 1_000_000
    rows = []
    for role in ("ASYNC_MASTER", "SYNC_MASTER"):
        with pair(options.build, role) as (master, slave):
            busy = mqperf(options.build, master, "--connections=8", "--in_flight=64", f"--seconds={seconds}")
            single = mqperf(options.build, master, "--connections=1", "--in_flight=1", f"--seconds={seconds}")
            mqperf(options.build, master, "--connections=8", "--in_flight=64", f"--count={count}")
            ended = time.monotonic()
            goal = log_end(master)
            while log_end(slave) < goal:
                time.sleep(0.001)
            lag = time.monotonic() - ended
            rows.append((role, busy, single, lag))
    print("| role | 512 in flight, msgs/s | one by one: p50, p99, us | slave level after, ms |")
    print("|---|---|---|---|")
    for role, busy, single, lag in rows:
        latency = single["send_latency"]
        print(f"| {role} | {busy['send_per_second']:.0f} "
              f"| {latency['p50_us']:.0f}, {latency['p99_us']:.0f} | {lag * 1000:.0f} |")
    share = rows[1][1]["send_per_second"] / rows[0][1]["send_per_second"]
    print(f"\nSYNC_MASTER has {share:.0%} of ASYNC_MASTER's rate.")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder with bin/")
    parser.add_argument("--smoke", action="store_true", help="short")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
