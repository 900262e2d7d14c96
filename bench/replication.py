#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures replication: a master and its slave on this machine, ASYNC_MASTER against SYNC_MASTER.

    bench/replication.py --build build/release                     512 in flight, one by one, lag of the slave
    bench/replication.py --build build/release --flush SYNC_FLUSH  both brokers sync before they answer
    bench/replication.py --build build/release --smoke             once and short; prints `N passed, N failed`

Both brokers flush alike, asynchronously by default: what is compared is the wait for the slave. Runs by
turns, five times; prints Markdown, each figure as median (range).
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

LEVEL_MAX = 120  # Seconds that a slave may take to have all.


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
def pair(build, role, flush):
    """(port of the master, port of its slave)."""
    with tempfile.TemporaryDirectory(prefix="orbitmq-ha-") as folder, contextlib.ExitStack() as stack:
        ports = free_port(), free_port()
        ha_port = free_port()
        for name, port, further in (("master", ports[0], f"brokerRole={role}\nhaListenPort={ha_port}\n"),
                                    ("slave", ports[1], "brokerRole=SLAVE\nbrokerId=1\n"
                                                        f"haMasterAddress=127.0.0.1:{ha_port}\n")):
            conf = pathlib.Path(folder, name + ".conf")
            conf.write_text(f"brokerName=b0\nlistenPort={port}\nbindAddress=127.0.0.1\nbrokerIP1=127.0.0.1\n"
                            f"storePathRootDir={folder}/{name}\nflushDiskType={flush}\n{further}")
            stack.enter_context(measure.server([f"{build}/bin/mqbroker", "-c", str(conf)]))
        time.sleep(1)  # The slave connects.
        yield ports


def mqperf(build, port, *words):
    command = [f"{build}/bin/mqperf", f"--broker=127.0.0.1:{port}", "--broker_name=b0", "--json", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def spread(values):
    """Median (range)."""
    values = sorted(values)
    return f"{values[len(values) // 2]:,.0f} ({values[0]:,.0f}-{values[-1]:,.0f})"


def one_run(options, role):
    """(messages a second, p50, p99, ms until the slave is level)."""
    seconds = "2" if options.smoke else "8"
    count = 20_000 if options.smoke else options.count
    with pair(options.build, role, options.flush) as (master, slave):
        busy = mqperf(options.build, master, "--connections=8", "--in_flight=64", f"--seconds={seconds}")
        single = mqperf(options.build, master, "--connections=1", "--in_flight=1", f"--seconds={seconds}")
        mqperf(options.build, master, "--connections=8", "--in_flight=64", f"--count={count}")
        ended = time.monotonic()
        goal = log_end(master)
        while log_end(slave) < goal:
            if time.monotonic() - ended > LEVEL_MAX:
                raise RuntimeError(f"{role}: the slave is not level after {LEVEL_MAX} s")
            time.sleep(0.001)
        lag = time.monotonic() - ended
        latency = single["send_latency"]
        return busy["send_per_second"], latency["p50_us"], latency["p99_us"], lag * 1000


def run(options):
    rows = {"ASYNC_MASTER": [], "SYNC_MASTER": []}
    for _ in range(1 if options.smoke else options.runs):
        for role, figures in rows.items():
            figures.append(one_run(options, role))
    print(f"| {options.flush} | 512 in flight, msgs/s | one by one: p50, us | p99, us "
          "| slave level after, ms |")
    print("|---|---|---|---|---|")
    for role, figures in rows.items():
        print(f"| {role} | " + " | ".join(spread(column) for column in zip(*figures)) + " |")
    share = [both[0] / alone[0] for alone, both in zip(rows["ASYNC_MASTER"], rows["SYNC_MASTER"])]
    slower = [both[1] / alone[1] for alone, both in zip(rows["ASYNC_MASTER"], rows["SYNC_MASTER"])]
    print(f"\nSYNC_MASTER has {sorted(share)[len(share) // 2]:.0%} of ASYNC_MASTER's rate and "
          f"{sorted(slower)[len(slower) // 2]:.2f} times its p50 (medians of the pairs).")
    if options.smoke:
        print(f"{len(rows)} passed, 0 failed")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder with bin/")
    parser.add_argument("--flush", choices=("ASYNC_FLUSH", "SYNC_FLUSH"), default="ASYNC_FLUSH")
    parser.add_argument("--runs", type=int, default=5, help="of each role, by turns")
    parser.add_argument("--count", type=int, default=1_000_000,
                        help="messages before the slave's lag is taken")
    parser.add_argument("--smoke", action="store_true", help="once and short")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
