#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what docs/PERFORMANCE.md states: start to ready, idle memory, and bench/mqperf's figures.

    bench/measure.py --build build/release            five runs each, medians and ranges as Markdown
    bench/measure.py --build build/release --smoke    one short run each: does everything still work?

Servers listen on free loopback ports and keep their data in a temporary folder; each run starts a fresh one.
Nothing here judges a figure: a smoke run fails only when a program fails or prints no figure.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

READY = b"boot success"
START_LIMIT_S = 30
STOP_LIMIT_S = 15


@contextlib.contextmanager
def server(words):
    """A running server as (process, seconds until it said that it is ready, its output so far)."""
    started = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        output, last = b"", b""
        # The standalone broker prints the NameServer's line first.
        wanted = 2 if "--standalone" in words else 1
        while output.count(READY) < wanted:
            left = started + START_LIMIT_S - time.monotonic()
            readable, _, _ = select.select([process.stdout], [], [], max(0.0, left))
            last = os.read(process.stdout.fileno(), 65536) if readable else b""
            if not last:
                raise RuntimeError(f"{words[0]} was not ready within {START_LIMIT_S} s: {output!r}")
            output += last
        yield process, time.monotonic() - started, output.decode()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def memory_mib(pid):
    """(resident, resident without mapped files) in MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    kib = {name: int(value) for name, value in re.findall(r"^(VmRSS|RssAnon):\s+(\d+) kB", status, re.M)}
    return kib["VmRSS"] / 1024, kib["RssAnon"] / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """Named series of numbers with units, printed as medians and ranges."""

    def __init__(self):
        self.rows = {}

    def add(self, name, unit, value):
        self.rows.setdefault((name, unit), []).append(value)

    def markdown(self):
        lines = ["| figure | median | range | runs |", "|---|---|---|---|"]
        for (name, unit), values in self.rows.items():
            lines.append(f"| {name} | {statistics.median(values):,.2f} {unit} | "
                         f"{min(values):,.2f} - {max(values):,.2f} | {len(values)} |")
        return "\n".join(lines)


class Bench:
    def __init__(self, build, smoke):
        self.bin = build / "bin"
        self.smoke = smoke
        self.figures = Figures()

    def program(self, name, *words):
        return [str(self.bin / name), *words]

    def standalone(self, folder, flush):
        return server(self.program("mqbroker", "--standalone", "--data_dir", str(folder), "--namesrv_port",
                                   "0", "--set", f"listenPort=0,flushDiskType={flush}"))

    def start_and_idle(self):
        with tempfile.TemporaryDirectory() as folder:
            words = self.program("mqnamesrv", "--set", f"listenPort=0,rocketmqHome={folder}")
            with server(words) as (process, ready, _):
                self.figures.add("mqnamesrv: start to ready", "ms", ready * 1000)
                self.figures.add("mqnamesrv: idle memory", "MiB", memory_mib(process.pid)[0])
            words = self.program("mqbroker", "--data_dir", folder + "/data", "--set",
                                 "listenPort=0,brokerIP1=127.0.0.1")
            with server(words) as (process, ready, _):
                self.figures.add("mqbroker: start to ready, empty store", "ms", ready * 1000)
                self.figures.add("mqbroker: idle memory", "MiB", memory_mib(process.pid)[0])
            with self.standalone(pathlib.Path(folder) / "one", "ASYNC_FLUSH") as (process, ready, _):
                self.figures.add("mqbroker --standalone: start to ready", "ms", ready * 1000)
                self.figures.add("mqbroker --standalone: idle memory", "MiB", memory_mib(process.pid)[0])

    def perf(self, namesrv, *words):
        seconds = ["--seconds", "1", "--warmup_seconds", "0"] if self.smoke else ["--seconds", "5"]
        command = self.program("mqperf", "--namesrv", namesrv, "--json", *seconds, *words)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode != 0:
            said = done.stderr[-2000:]
            raise RuntimeError(f"mqperf {' '.join(words)} ended with {done.returncode}: {said}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def load(self, flush, name, *words):
        with tempfile.TemporaryDirectory() as folder:
            with self.standalone(folder, flush) as (process, _, output):
                namesrv = re.search(r"Name Server boot success.* address (\S+)", output).group(1)
                before = cpu_seconds(process.pid)
                result = self.perf(namesrv, "--mode", "produce", *words)
                self.note(f"produce, {name}", result)
                used = cpu_seconds(process.pid) - before
                resident = memory_mib(process.pid)[1]
                self.figures.add(f"produce, {name}: resident memory without files", "MiB", resident)
                self.figures.add(f"produce, {name}: server CPU, warm-up included", "s", used)
                if flush == "ASYNC_FLUSH":
                    # One second from the first message on, so that the backlog cannot run out.
                    self.note("consume a backlog", self.perf(namesrv, "--mode", "consume", "--seconds", "1",
                                                             "--warmup_seconds", "0"))
                    self.note("end to end, 5,000 msgs/s offered",
                              self.perf(namesrv, "--mode", "e2e", "--rate", "5000", "--topic", "e2e"))

    def note(self, name, result):
        found = 0
        for key, value in flatten(result):
            if value and key.endswith("_per_second"):
                self.figures.add(f"{name}: {key.split('_')[0]} rate", "msgs/s", value)
            elif re.search(r"p50_us|p99_us", key):
                self.figures.add(f"{name}: {key.replace('_us', '')}", "us", value)
            else:
                continue
            found += 1
        if found == 0:
            raise RuntimeError(f"mqperf printed no figure for {name}: {result}")

    def run(self, runs):
        for at in range(runs):
            print(f"run {at + 1} of {runs}", file=sys.stderr, flush=True)
            self.start_and_idle()
            self.load("ASYNC_FLUSH", "async flush, 8 x 64 in flight, 1 KiB")
            self.load("SYNC_FLUSH", "sync flush, 8 x 64 in flight, 1 KiB")
            self.load("SYNC_FLUSH", "sync flush, one at a time", "--connections", "1", "--in_flight", "1")


def flatten(value, prefix=""):
    """Nested JSON as (dotted key, number)."""
    for key, item in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(item, dict):
            yield from flatten(item, name)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            yield name, item


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder with bin/")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="one short run; prints `N passed, N failed`")
    options = parser.parse_args()
    bench = Bench(options.build.resolve(), options.smoke)
    if not options.smoke:
        bench.run(options.runs)
        print(bench.figures.markdown())
        return 0
    try:
        bench.run(1)
    except (RuntimeError, subprocess.TimeoutExpired, OSError, ValueError) as error:
        print(f"FAILED: {error}")
        print("0 passed, 1 failed")
        return 1
    print(bench.figures.markdown())
    print(f"{len(bench.figures.rows)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
