#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqstore as its user meets it: exit codes, one clear line for each mistake, real stores and broken ones.

usage: mqstore_program_test.py FOLDER_OF_PROGRAMS GOLDEN_STORE
"""

import errno
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile

WAIT = 120
MESSAGES = 400
CASES = []


def case(function):
    CASES.append(function)
    return function


class Setting:
    """The programs, and a fresh folder for one case."""

    def __init__(self, binaries, golden, folder):
        self.binaries = binaries
        self.golden = golden
        self.folder = pathlib.Path(folder)

    def run(self, *words, code=0, stdin=subprocess.DEVNULL):
        done = subprocess.run([str(self.binaries / "mqstore"), *map(str, words)], stdin=stdin,
                              capture_output=True, text=True, timeout=WAIT, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}, not {code}: {done.stdout}{done.stderr}"
        return done

    def make(self, *more):
        store = self.folder / "store"
        subprocess.run([str(self.binaries / "store_bench"), "make", "--dir", str(store), "--topics", "5",
                        "--queues", "8", "--bytes", str(MESSAGES * 250), "--body_bytes", "100",
                        "--segment_bytes", "32768", "--index=false", *more],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT, check=True)
        return store


def flip(path, at, count=1):
    with open(path, "r+b") as file:
        file.seek(at)
        bytes_there = file.read(count)
        file.seek(at)
        file.write(bytes(byte ^ 0x55 for byte in bytes_there))


def on_terminal(command):
    """What the program shows on a terminal as its standard error, and its exit code."""
    master, slave = pty.openpty()
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=slave) as process:
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 1 << 16):
                shown += chunk
        except OSError as error:
            assert error.errno == errno.EIO, error  # The program has closed its end.
        os.close(master)
        return shown.decode(), process.wait(WAIT)


@case
def help_names_commands_and_exit_codes(setting):
    for word in ("--help", "-h"):
        said = setting.run(word).stdout
        for part in ("mqstore dump", "mqstore verify", "mqstore repair", "exit code:", "examples:"):
            assert part in said, said


@case
def wrong_usage_ends_with_2(setting):
    for words in ((), ("dump",), ("look", "x"), ("dump", "x", "y"), ("verify", "x", "--bogus"),
                  ("dump", setting.folder, "--from", "soon"), ("dump", setting.folder, "--text", "--no_body"),
                  ("repair", setting.folder, "--no_lock")):
        said = setting.run(*words, code=2).stderr
        assert said.startswith("mqstore: ") and said.count("\n") == 1, said


@case
def no_store_ends_with_3(setting):
    said = setting.run("verify", setting.folder / "nowhere", code=3).stderr
    assert "nowhere: there is no such directory" in said, said
    said = setting.run("dump", setting.folder, code=3).stderr
    assert "no store directory" in said, said


@case
def dump_prints_one_json_object_per_record(setting):
    store = setting.make()
    lines = setting.run("dump", store, "--text").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) >= MESSAGES, len(records)
    assert [r["logOffset"] for r in records] == sorted({r["logOffset"] for r in records})
    assert all(r["bodyText"] == "b" * 100 and r["tags"] == "t" for r in records)
    some = [json.loads(line) for line in
            setting.run("dump", store, "--topic", "BigTopic00003", "--queue=2", "--limit=3", "--no_body")
            .stdout.splitlines()]
    assert [(r["topic"], r["queueId"], r["queueOffset"]) for r in some] == \
        [("BigTopic00003", 2, n) for n in range(3)], some
    key = records[17]["uniqueKey"]
    assert len(setting.run("dump", store, "--key", key).stdout.splitlines()) == 1


@case
def sound_store_is_clean(setting):
    store = setting.make()
    said = setting.run("verify", store).stdout
    assert "0 damaged, 0 to note" in said, said
    sums = json.loads(setting.run("verify", store, "--json").stdout.splitlines()[-1])
    assert sums["damage"] == 0 and sums["records"] >= MESSAGES and sums["queues"] == 40, sums
    assert "nothing that repair could mend" in setting.run("repair", store).stdout


@case
def apaches_store_is_clean_and_dumped(setting):
    store = setting.folder / "apache"
    shutil.copytree(setting.golden, store)
    said = setting.run("verify", store).stdout
    assert " 0 damaged" in said, said
    topics = {json.loads(line)["topic"] for line in setting.run("dump", store).stdout.splitlines()}
    assert {"GoldenStore", "SCHEDULE_TOPIC_XXXX"} <= topics, topics


@case
def killed_store_has_only_notes_and_repair_closes_it(setting):
    store = setting.make("--crash")
    assert (store / "abort").exists()
    said = setting.run("verify", store).stdout
    assert " 0 damaged" in said and "did not end in order" in said, said
    setting.run("repair", store, "--yes")
    assert not (store / "abort").exists()
    assert "0 damaged, 0 to note" in setting.run("verify", store).stdout


@case
def damage_is_named_and_repaired(setting):
    store = setting.make()
    log = sorted((store / "commitlog").iterdir())[0]
    at = json.loads(setting.run("dump", store, "--limit=121").stdout.splitlines()[-1])["logOffset"]
    flip(log, at + 90, 20)
    found = [json.loads(line) for line in setting.run("verify", store, "--json", code=1).stdout.splitlines()]
    assert (found[0]["severity"], found[0]["file"], found[0]["byte"]) == ("damage", str(log), at), found[0]
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert "step over damage" in setting.run("repair", store, "--dry_run", code=1).stdout
    assert "--yes" in setting.run("repair", store, code=2).stderr
    after = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert before == after, "something changed"
    setting.run("repair", store, "--yes", code=1)  # The message that is gone stays a gap.
    said = setting.run("verify", store, code=1).stdout
    assert "1 damaged" in said and "messages between them are not in the log" in said, said
    kept = list((store / "orbitmq").glob("repair-*/commitlog-*"))
    assert len(kept) == 1 and kept[0].read_bytes() in before[log], kept


@case
def running_broker_is_refused(setting):
    folder = setting.folder / "data"
    broker = subprocess.Popen([str(setting.binaries / "mqbroker"), f"--data_dir={folder}",
                               "--set=listenPort=0,brokerIP1=127.0.0.1"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    try:
        for line in broker.stdout:
            if "boot success" in line:
                break
        for command in ("dump", "verify", "repair"):
            said = setting.run(command, folder, code=3).stderr
            assert f"a broker runs on {folder}" in said, said
        setting.run("dump", folder, "--no_lock")
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait(WAIT)
        broker.stdout.close()
    assert " 0 damaged" in setting.run("verify", folder).stdout


@case
def progress_is_shown_on_a_terminal_only(setting):
    store = setting.make("--bytes", str(20 * MESSAGES * 250))
    assert "verify [" not in setting.run("verify", store).stderr
    for command in ("verify", "dump"):
        shown, code = on_terminal([str(setting.binaries / "mqstore"), command, str(store)])
        assert code == 0 and f"\r{command} [#" in shown and "%" in shown, (code, shown[-2000:])
        assert shown.endswith("\r\x1b[K"), f"the bar stays on the screen: {shown[-200:]!r}"


@case
def full_output_is_an_error(setting):
    store = setting.make()
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([str(setting.binaries / "mqstore"), "dump", str(store)], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=WAIT, check=False)
    assert done.returncode == 3 and "cannot be written" in done.stderr, done


def main():
    binaries, golden = map(pathlib.Path, sys.argv[1:3])
    failed = 0
    for function in CASES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Setting(binaries, golden, folder))
                print(f"ok   {function.__name__}", flush=True)
            except (AssertionError, subprocess.SubprocessError, OSError, ValueError, LookupError) as error:
                failed += 1
                print(f"FAIL {function.__name__}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
