#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs commit_log_bench with small numbers and checks that every figure is there. No figure is judged.

The last line is `N passed, N failed`.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

EXPECTED = [
    "machine: sequential write, MB/s", "machine: memory copy, MB/s",
    "machine: 64 records, zeroed file: fdatasync p50, us", "sync append, 1 waiting: p50 / bare fdatasync p50",
    "sync append, 64 waiting: rate / (waiting / bare write + fdatasync)",
    "sync append, 512 waiting: records per fdatasync", "async append: CPU us each, all threads",
    "read hot: records/s", "read cold: records/s", "producers alone: p99, us",
    "producers beside a backlog reader: p99, us", "producers without deletion: max, us",
    "producers beside deletion: max, us", "producers beside deletion: log files deleted meanwhile",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the build directory")
    options = parser.parse_args()
    program = pathlib.Path(options.build) / "bin" / "commit_log_bench"
    with tempfile.TemporaryDirectory(dir=options.build) as directory:
        run = subprocess.run(
            [program, f"--dir={directory}", "--records=4000", "--sync_rounds=10", "--machine_mib=16",
             "--rate=2000",
             "--rate_seconds=1.5", "--segment_bytes=1048576"],
            capture_output=True, text=True, timeout=120, check=False)
        left = list(pathlib.Path(directory).iterdir())
    figures = dict(re.findall(r"^\| (.+?) \| ([0-9.]+) \|", run.stdout, re.MULTILINE))
    failures = [name for name in EXPECTED if float(figures.get(name, 0)) <= 0]
    for name in failures:
        print(f"FAILED: no figure '{name}'")
    checks = len(EXPECTED) + 2
    if run.returncode != 0:
        failures.append("exit code")
        print(f"FAILED: exit code {run.returncode}: {run.stderr[-2000:]}")
    if left:
        failures.append("left over")
        print(f"FAILED: left over: {left}")
    print(f"{checks - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
