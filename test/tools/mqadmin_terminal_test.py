#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin on a terminal: colours, questions, what is shown again; bash completion; how long a run takes.

usage: mqadmin_terminal_test.py FOLDER_OF_PROGRAMS
"""

import errno
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

from mqadmin_program_test import CLUSTER, WAIT, main  # noqa: E402

CASES = []
RUN_SECONDS_MAX = 0.020
RUNS_MAX = 100


def case(function):
    CASES.append(function)
    return function


class Terminal:
    """mqadmin with a terminal as all its streams."""

    def __init__(self, setting, *words, **more):
        self.main, inner = pty.openpty()
        self.child = subprocess.Popen([str(setting.binaries / "mqadmin"), *map(str, words)], stdin=inner,
                                      stdout=inner, stderr=inner, env={**setting.environment, **more},
                                      cwd=setting.folder, start_new_session=True)
        os.close(inner)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        os.close(self.main)

    def read(self):
        """More of what is shown; False at the end."""
        try:
            readable, _, _ = select.select([self.main], [], [], 1)
            piece = os.read(self.main, 65536) if readable else b" "
        except OSError as error:
            if error.errno == errno.EIO:  # The other end is closed.
                return False
            raise
        self.text += piece.decode(errors="replace") if readable else ""
        return bool(piece)

    def wait_for(self, fulfilled):
        deadline = time.monotonic() + WAIT
        while not fulfilled(self.text):
            assert time.monotonic() < deadline and self.read(), f"never shown; seen: {self.text!r}"

    def type(self, text):
        os.write(self.main, text.encode())

    def end(self):
        """Everything that was shown, and the exit code."""
        while self.read():
            pass
        return self.text, self.child.wait(WAIT)


@case
def colours_are_for_terminals(setting):
    with Terminal(setting, "clusterList") as terminal:
        shown, code = terminal.end()
        assert code == 0 and "\033[1m#Cluster Name" in shown, shown
    with Terminal(setting, "clusterList", NO_COLOR="1") as terminal:
        shown, code = terminal.end()
        assert code == 0 and "\033" not in shown, shown
    with Terminal(setting, "topicStatus", "-t", "Nowhere") as terminal:
        shown, code = terminal.end()
        assert code == 1 and "\033[31mmqadmin:\033[0m topicStatus: " in shown, shown
    assert "\033" not in setting.run("clusterList").stdout


@case
def what_deletes_asks_first(setting):
    setting.topic("Precious")
    words = ("deleteTopic", "-c", CLUSTER, "-t", "Precious")
    with Terminal(setting, *words) as terminal:
        terminal.wait_for(lambda text: "Go on? [y/N] " in text)
        terminal.type("n\n")
        shown, code = terminal.end()
        assert code == 1 and "nothing was changed" in shown, shown
    setting.run("topicRoute", "-t", "Precious")
    with Terminal(setting, *words, "--dry-run") as terminal:
        shown, code = terminal.end()
        assert code == 0 and "would " in shown and "Go on?" not in shown, shown
    setting.run("topicRoute", "-t", "Precious")
    with Terminal(setting, *words) as terminal:
        terminal.wait_for(lambda text: "Go on? [y/N] " in text)
        terminal.type("y\n")
        shown, code = terminal.end()
        assert code == 0 and "delete topic [Precious] from cluster" in shown, shown
    setting.topic("Precious")
    with Terminal(setting, *words, "--yes") as terminal:
        shown, code = terminal.end()
        assert code == 0 and "Go on?" not in shown, shown


@case
def watching_shows_it_again(setting):
    with Terminal(setting, "topicList", "--watch", "1") as terminal:
        terminal.wait_for(lambda text: text.count("\033[H\033[2J") >= 3 and text.count("TBW102") >= 2)
    words = [str(setting.binaries / "mqadmin"), "topicList", "--watch", "1", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=setting.environment) as child:
        guard = threading.Timer(WAIT, child.kill)
        guard.start()
        try:
            for _ in range(2):
                assert "TBW102" in child.stdout.readline()
        finally:
            guard.cancel()
            child.kill()
    setting.run("topicList", "--watch", "0", code=2)


@case
def monitoring_goes_on_until_told(setting):
    setting.topic("Watched", queues=1)
    setting.run("produce", "-t", "Watched", feed="a\nb\n")
    setting.run("consume", "-t", "Watched", "-g", "idler", "-c", "1")
    # Only a group with members gets a retry topic by itself; mqadmin's own reader is none.
    setting.run("updateTopic", "-b", setting.broker, "-t", "%RETRY%idler", "-r", "1", "-w", "1")
    setting.until(lambda: "%RETRY%idler" in setting.run("topicList").stdout)
    shown = setting.run("startMonitoring", "--count", "1").stdout
    assert "idler" in shown and " nobody " in shown and "1 messages undone" in shown, shown
    rounds = setting.run("startMonitoring", "--count", "2", "-i", "1", "--json").stdout.splitlines()
    assert len(rounds) == 2, rounds
    group = [row for row in json.loads(rounds[1])["groups"] if row["group"] == "idler"][0]
    assert (group["state"], group["undone"], group["members"]) == ("nobody", 1, 0), group
    with Terminal(setting, "startMonitoring", "-i", "1") as terminal:
        terminal.wait_for(lambda text: text.count("messages undone") >= 2)
        terminal.child.send_signal(signal.SIGINT)
        _, code = terminal.end()
        assert code == 0, code
    setting.run("startMonitoring", "-i", "0", code=2)
    setting.run("startMonitoring", "-n", "127.0.0.1:1", code=3)


@case
def bench_tells_rate_and_latencies(setting):
    topic = setting.topic("Loaded")
    words = ("bench", "-t", topic, "-d", "1")
    loads = setting.json(*words, "-c", "2", "-s", "100", "-m", "both", "-r", "200")["loads"]
    sent, received = loads
    assert sent["load"] == "produce" and sent["errors"] == 0 and 0 < sent["messages"] <= 200, loads
    assert 0 < sent["p50Ms"] <= sent["p99Ms"] <= sent["p999Ms"], loads
    assert received["messages"] >= sent["messages"] and received["p50Ms"] >= 0, loads
    kept = setting.json("topicStatus", "-t", topic)["queues"]
    assert sum(queue["maxOffset"] for queue in kept) == sent["messages"], (kept, sent)
    read = setting.json(*words, "-m", "consume", "-g", "second")["loads"]
    assert [load["load"] for load in read] == ["consume"], read
    assert 0 < read[0]["messages"] <= sent["messages"], (read, sent)
    assert read[0]["p50Ms"] is None, "the age of a backlog is no latency"
    shown = setting.run(*words, "-f", "4").stdout.splitlines()
    assert len(shown) == 2 and shown[0].split()[0] == "#Load", shown
    assert shown[1].split()[0] == "produce" and int(shown[1].split()[1]) > 0, shown
    told = setting.run("bench", "-t", topic, "--dry-run").stdout
    assert told == f"would send messages of 1024 bytes to the topic {topic} for 10 s over 1 connections\n"
    for wrong in (("-s", "0"), ("-c", "65"), ("-d", "0"), ("-r", "0"), ("-m", "no"),
                  ("-m", "consume", "-s", "1")):
        setting.run("bench", "-t", topic, *wrong, code=2)
    setting.run("bench", "-t", "Nowhere", "-n", "127.0.0.1:1", code=3)
    with Terminal(setting, "bench", "-t", topic, "-d", "600", "-r", "100") as terminal:
        terminal.wait_for(lambda text: " sent (" in text)
        terminal.child.send_signal(signal.SIGINT)
        shown, code = terminal.end()
        assert code == 0 and "#Per Second" in shown, shown


@case
def bash_completes(setting):
    def completed(*words):
        script = ("source <(mqadmin completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _mqadmin; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        path = f"{setting.binaries}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                              check=True, timeout=WAIT, env={**setting.environment, "PATH": path})
        return done.stdout.split()

    setting.topic("Completed")
    assert completed("mqadmin", "topicS") == ["topicStatus"]
    assert "Completed" in completed("mqadmin", "topicStatus", "-t", "Comp")
    assert "--tls-ca" in completed("mqadmin", "topicStatus", "--tls")
    assert "both" in completed("mqadmin", "bench", "--mode", "b")


@case
def a_run_takes_less_than_20_ms(setting):
    # The shortest of many: others may hold the processor up, and only ever make it longer.
    for words in (("topicList",), ("help", "topicStatus"), ("clusterList", "--json")):
        best = RUN_SECONDS_MAX
        for _ in range(RUNS_MAX):
            began = time.monotonic()
            setting.run(*words)
            best = min(best, time.monotonic() - began)
            if best < RUN_SECONDS_MAX:
                break
        assert best < RUN_SECONDS_MAX, f"{words}: never below {RUN_SECONDS_MAX} s in {RUNS_MAX} runs"


if __name__ == "__main__":
    sys.exit(main(CASES))
