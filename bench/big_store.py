#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a broker with a big store is ready again after kill -9, and what its queues cost.

    bench/big_store.py --build build/release --slice      1 GiB, 500 queues: a test; judges bytes, not times
    bench/big_store.py --build build/release              20 GiB, 10,000 queues (needs 25 GB of disk)
    bench/big_store.py --build build/release --bytes 0 --topics 10000    80,000 queues of one message each

Makes a store with bench/store_bench, starts mqbroker on it, sends for some seconds, kills it with SIGKILL in
the middle, and starts it again. Everything lies in a temporary folder (--dir chooses where) and is removed.
"""

import argparse
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

GIB = 1 << 30
START_LIMIT_S = 300
QUEUES_PER_TOPIC = 8
LOAD_SECONDS = 4
LOAD_RATE = 2000
SLICE_SCANNED_MAX = 64 << 20
DESCRIPTORS_MAX = 700


class Broker:
    """A standalone broker on free ports; ready_s is the time from its start to its boot line."""

    def __init__(self, binaries, folder):
        started = time.monotonic()
        self.process = subprocess.Popen(
            [str(binaries / "mqbroker"), "--standalone", "--data_dir", str(folder), "--namesrv_port", "0",
             "--set", "listenPort=0,diskMaxUsedSpaceRatio=95", "--log", str(folder) + ".log"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = b""
        while output.count(b"boot success") < 2:
            left = started + START_LIMIT_S - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, left))
            chunk = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            if not chunk:
                self.process.kill()
                self.process.wait()
                raise RuntimeError(f"mqbroker was not ready within {START_LIMIT_S} s: {output!r}")
            output += chunk
        self.ready_s = time.monotonic() - started
        self.namesrv = re.search(r"Name Server boot success.* address (\S+)", output.decode()).group(1)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(120)
        self.process.stdout.close()

    def figures(self):
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        status = (proc / "status").read_text()
        memory = {name: int(kib) for name, kib in re.findall(r"^(VmRSS|RssAnon):\s+(\d+) kB", status, re.M)}
        return {"ready_s": round(self.ready_s, 3), "rss_mib": memory["VmRSS"] // 1024,
                "rss_anon_mib": memory["RssAnon"] // 1024, "descriptors": len(os.listdir(proc / "fd")),
                "mappings": len((proc / "maps").read_text().splitlines())}


def last_recovery(folder):
    """The fields of the newest `store recovered` line of the broker's log."""
    text = pathlib.Path(str(folder) + ".log").read_text(errors="replace")
    line = [line for line in text.splitlines() if "store recovered" in line][-1]
    return dict(re.findall(r"(\w+)=(\S+)", line))


def make_store(binaries, folder, options):
    done = subprocess.run(
        [str(binaries / "store_bench"), "make", "--dir", str(folder), "--topics", str(options.topics),
         "--queues", str(QUEUES_PER_TOPIC), "--bytes", str(options.bytes), "--body_bytes",
         str(options.body_bytes)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"store_bench ended with {done.returncode}: {done.stderr[-2000:]}")
    write_topics(folder, options.topics)
    return json.loads(done.stdout.strip().splitlines()[-1])


def write_topics(folder, count):
    """The broker's own table of the topics that the store holds."""
    topics = {}
    for number in range(count):
        name = f"BigTopic{number:05}"
        topics[name] = {"attributes": {}, "order": False, "perm": 6, "readQueueNums": QUEUES_PER_TOPIC,
                        "topicFilterType": "SINGLE_TAG", "topicName": name, "topicSysFlag": 0,
                        "writeQueueNums": QUEUES_PER_TOPIC}
    version = {"counter": 1, "stateVersion": 0, "timestamp": int(time.time() * 1000)}
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config/topics.json").write_text(
        json.dumps({"dataVersion": version, "topicConfigTable": topics}, indent="\t"))


def run(binaries, folder, options):
    made = make_store(binaries, folder, options)
    broker = Broker(binaries, folder)
    try:
        first = broker.figures()
        load = subprocess.Popen(
            [str(binaries / "mqperf"), "--namesrv", broker.namesrv, "--mode", "produce", "--rate",
             str(LOAD_RATE), "--seconds", "60", "--warmup_seconds", "0", "--topic", "load"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            load.wait(LOAD_SECONDS)
            raise RuntimeError(f"mqperf ended early with {load.returncode}")
        except subprocess.TimeoutExpired:
            pass
    finally:
        broker.end(signal.SIGKILL)
    load.kill()
    load.wait()
    broker = Broker(binaries, folder)
    try:
        again = broker.figures()
        recovery = last_recovery(folder)
    finally:
        broker.end(signal.SIGTERM)
    return {"made": made, "first_start": first, "after_kill": again, "ends_from": recovery["ends_from"],
            "exit": recovery["exit"], "scanned_bytes": int(recovery["log_end"]) - int(recovery["scan_begin"]),
            "log_end": int(recovery["log_end"]), "recovery_ms": int(recovery["ms"]),
            "truncated_bytes": int(recovery["truncated_bytes"])}


def judge(result, options):
    """What the slice promises: seconds of log are scanned, whatever the size of the store."""
    checks = {
        "the whole store was made": result["made"]["queues"] == options.topics * QUEUES_PER_TOPIC
        and result["made"]["made_bytes"] >= options.bytes,
        "the kill was seen": result["exit"] == "crash",
        "queue ends came from the checkpoint": result["ends_from"] == "checkpoint",
        "the load reached the log": result["log_end"] > result["made"]["made_bytes"],
        f"at most {SLICE_SCANNED_MAX} bytes were scanned": result["scanned_bytes"] <= SLICE_SCANNED_MAX,
        f"at most {DESCRIPTORS_MAX} descriptors were open":
            max(result[key]["descriptors"] for key in ("first_start", "after_kill")) <= DESCRIPTORS_MAX,
    }
    for what, holds in checks.items():
        print(f"{'ok' if holds else 'FAILED'}: {what}")
    failed = sum(not holds for holds in checks.values())
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--bytes", type=int, default=20 * GIB)
    parser.add_argument("--topics", type=int, default=10_000 // QUEUES_PER_TOPIC)
    parser.add_argument("--body_bytes", type=int, default=64 << 10)
    parser.add_argument("--dir", type=pathlib.Path, default=None, help="where the temporary folder is made")
    parser.add_argument("--slice", action="store_true")
    options = parser.parse_args()
    if options.slice:
        options.bytes, options.topics = GIB, 500 // QUEUES_PER_TOPIC
    if options.bytes == 0:
        options.body_bytes = 100
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        result = run(options.build / "bin", pathlib.Path(folder) / "store", options)
    print(json.dumps(result))
    return judge(result, options) if options.slice else 0


if __name__ == "__main__":
    sys.exit(main())
