#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin on a terminal: colours, questions, what is shown again; what it tells and does without servers.

usage: mqadmin_terminal_test.py FOLDER_OF_PROGRAMS
"""

import errno
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time

sys.dont_write_bytecode = True

from mqadmin_program_test import CLUSTER, WAIT, main  # noqa: E402

CASES = []
RUNS = 15


def case(function):
    CASES.append(function)
    return function


class Terminal:
    """A program with a terminal as all its streams, or as those of `on`; the others are empty or a file."""

    def __init__(self, setting, *words, program="mqadmin", columns=0, on=(0, 1, 2), **more):
        self.main, inner = pty.openpty()
        if columns:
            fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        self.aside = setting.folder / "aside"
        with open(self.aside, "wb") as aside:
            streams = [inner if stream in on else aside if stream else subprocess.DEVNULL
                       for stream in range(3)]
            self.child = subprocess.Popen([str(setting.binaries / program), *map(str, words)],
                                          stdin=streams[0], stdout=streams[1], stderr=streams[2],
                                          env={**setting.environment, "TERM": "xterm", **more},
                                          cwd=setting.folder, start_new_session=True,
                                          preexec_fn=lambda: fcntl.ioctl(inner, termios.TIOCSCTTY, 0))
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
    with Terminal(setting, "topicStatus", "-t", "Nowhere", TERM="dumb") as terminal:
        shown, code = terminal.end()
        assert code == 1 and "mqadmin: topicStatus: " in shown and "\033" not in shown, shown
    # Errors are painted where they are shown, whatever becomes of the output.
    with Terminal(setting, "topicStatus", "-t", "Nowhere", on=(2,)) as terminal:
        shown, code = terminal.end()
        assert code == 1 and "\033[31mmqadmin:\033[0m topicStatus: " in shown, shown
    with Terminal(setting, "topicStatus", "-t", "Nowhere", on=(0, 1)) as terminal:
        terminal.end()
        assert terminal.aside.read_text().startswith("mqadmin: topicStatus: "), terminal.aside.read_text()
    with Terminal(setting, "clusterList", on=(0, 2)) as terminal:
        terminal.end()
        assert terminal.aside.read_text().startswith("#Cluster Name"), terminal.aside.read_text()


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
    # A pipe behind it takes the output, not the question.
    setting.topic("Precious")
    with Terminal(setting, *words, on=(0, 2)) as terminal:
        terminal.wait_for(lambda text: "Go on? [y/N] " in text)
        terminal.type("n\n")
        shown, code = terminal.end()
        assert code == 1 and "nothing was changed" in shown, shown
    setting.run("topicRoute", "-t", "Precious")
    # Nor do errors that go elsewhere; without any terminal to read it on, it is a script.
    with Terminal(setting, *words, on=(0, 1)) as terminal:
        terminal.wait_for(lambda text: "Go on? [y/N] " in text)
        terminal.type("n\n")
        _, code = terminal.end()
        assert code == 1, code
    setting.run("topicRoute", "-t", "Precious")
    with Terminal(setting, *words, on=(0,)) as terminal:
        shown, code = terminal.end()
        assert code == 0 and "Go on?" not in terminal.aside.read_text(), shown
    setting.topic("Precious")
    with Terminal(setting, *words, "--yes") as terminal:
        shown, code = terminal.end()
        assert code == 0 and "Go on?" not in shown, shown


@case
def watching_shows_it_again(setting):
    with Terminal(setting, "topicList", "--watch", "1") as terminal:
        terminal.wait_for(lambda text: text.count("\033[H\033[2J") >= 3 and text.count("TBW102") >= 2)
        assert re.search(r"\d\d:\d\d:\d\d  mqadmin topicList, every 1 s\r\n", terminal.text), terminal.text
    # A narrow terminal shows a row as a line, and ^C between two looks leaves the next line to the shell.
    for words in (("clusterList", "--watch", "1"), ("top", "-i", "1")):
        for _ in range(50):
            with Terminal(setting, *words, columns=40) as terminal:
                terminal.wait_for(lambda text: text.count("\033[H\033[2J") >= 2)
                terminal.type("\x03")
                shown, code = terminal.end()
            if code != -signal.SIGINT:  # What a look ends with that the ^C interrupts.
                break
        lines = re.sub(r"\033\[[0-9;]*[A-Za-z]", "", shown).replace("\r", "").split("\n")
        assert code == 0 and max(map(len, lines)) == 40, (code, lines)
        assert shown.endswith("^C\r\n"), shown[-80:]
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
def the_first_signal_ends_the_watching(setting):
    topic = setting.topic("Repeated", queues=1)
    setting.run("produce", "-t", topic, feed="again\n")
    # Those that take the signals over end with their own code, whenever it comes; the others only between
    # two runs.
    own_end = (("consume", "-t", topic, "-e"), ("bench", "-t", topic, "-d", "1", "-r", "10"),
               ("startMonitoring", "--count", "1"))
    for words in (*own_end, ("top",), ("topicList",), ("clusterList", "-i", "1")):
        for sent in (signal.SIGINT, signal.SIGTERM):
            watch = () if "-i" in words else ("--watch", "1")
            with subprocess.Popen([str(setting.binaries / "mqadmin"), *words, *watch], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, env=setting.environment) as child:
                guard = threading.Timer(WAIT, child.kill)
                guard.start()
                try:
                    assert child.stdout.readline(), words
                    child.send_signal(sent)
                    child.stdout.read()
                    code = child.wait(WAIT)
                finally:
                    guard.cancel()
                    child.kill()
            assert code == 0 or (words not in own_end and code == -sent), (words, sent, code)


@case
def a_producer_that_is_interrupted_tells_what_it_sent(setting):
    topic = setting.topic("Interrupted", queues=1)
    for number, signal_sent in enumerate((signal.SIGINT, signal.SIGTERM), 1):
        child = subprocess.Popen([str(setting.binaries / "mqadmin"), "produce", "-t", topic],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, env=setting.environment, cwd=setting.folder)
        guard = threading.Timer(WAIT, child.kill)
        guard.start()
        try:
            child.stdin.write("a\nb\nc\n")
            child.stdin.flush()
            status = ("topicStatus", "-t", topic)
            setting.until(lambda: setting.json(*status)["queues"][0]["maxOffset"] == 3 * number)
            child.send_signal(signal_sent)
            # The input stays open: it is the signal that ends the wait for more.
            told = child.stdout.read(), child.stderr.read()
            assert child.wait(WAIT) == 1 and told[0].startswith("sent 3 messages, 3 bytes in "), told
            assert told[1] == "mqadmin: produce: interrupted: what the input still holds is not sent\n", told
        finally:
            guard.cancel()
            child.kill()
            child.communicate()


@case
def monitoring_goes_on_until_told(setting):
    setting.topic("Watched", queues=1)
    setting.run("produce", "-t", "Watched", feed="a\nb\n")
    setting.run("consume", "-t", "Watched", "-g", "idler", "-c", "1")
    # Only a group with members gets a retry topic by itself; mqadmin's own reader is none.
    setting.run("updateTopic", "-b", setting.broker, "-t", "%RETRY%idler", "-r", "1", "-w", "1")
    setting.until(lambda: "%RETRY%idler" in setting.run("topicList").stdout)
    shown = setting.run("startMonitoring", "--count", "1").stdout
    assert "idler" in shown and " nobody " in shown and "1 message undone" in shown, shown
    rounds = setting.run("startMonitoring", "--count", "2", "-i", "1", "--json").stdout.splitlines()
    assert len(rounds) == 2, rounds
    group = [row for row in json.loads(rounds[1])["groups"] if row["group"] == "idler"][0]
    assert (group["state"], group["undone"], group["members"]) == ("nobody", 1, 0), group
    with Terminal(setting, "startMonitoring", "-i", "1") as terminal:
        terminal.wait_for(lambda text: text.count("message undone") >= 2)
        terminal.child.send_signal(signal.SIGINT)
        _, code = terminal.end()
        assert code == 0, code
    setting.run("startMonitoring", "-i", "0", code=2)
    setting.run("startMonitoring", "-n", "127.0.0.1:1", code=3)


@case
def top_shows_the_busiest(setting):
    for name, count in (("Calm", 1), ("Busy", 5)):
        setting.topic(name)
        setting.run("produce", "-t", name, feed="x\n" * count)
        setting.run("consume", "-t", name, "-g", "watcher", "-s", "last", "-e")
        setting.run("resetOffsetByTime", "-g", "watcher", "-t", name, "-s", "0")
    rows = setting.json("top", "-s", "lag", "-c", "100")["busiest"]
    rows = [row for row in rows if row["group"] == "watcher"]
    assert [(row["topic"], row["lag"]) for row in rows] == [("Busy", 5), ("Calm", 1)], rows
    shown = setting.run("top", "-s", "lag", "-c", "1").stdout.splitlines()
    assert len(shown) == 2 and shown[0].split() == ["#Topic", "#Group", "#InTPS", "#OutTPS", "#Lag"], shown
    assert not any("\033" in line for line in shown), "refreshed on terminals only"
    setting.run("top", "-c", "0", code=2)
    setting.run("top", "-s", "size", code=2)
    setting.run("top", "-n", "127.0.0.1:1", code=3)


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
    assert told == f"would send messages of 1024 bytes to the topic {topic} for 10 s over 1 connection\n"
    for wrong in (("-s", "0"), ("-c", "65"), ("-d", "0"), ("-r", "0"), ("-m", "no"),
                  ("-m", "consume", "-s", "1")):
        setting.run("bench", "-t", topic, *wrong, code=2)
    setting.run("bench", "-t", "Nowhere", "-n", "127.0.0.1:1", code=3)
    with Terminal(setting, "bench", "-t", topic, "-d", "600", "-r", "100") as terminal:
        terminal.wait_for(lambda text: " sent (" in text)
        terminal.child.send_signal(signal.SIGINT)
        shown, code = terminal.end()
        assert code == 0 and "#Per Second" in shown, shown


def path_with(folder):
    return f"{folder}:{os.environ['PATH']}"


def bash_offers(setting, *words, folder=None):
    """What bash completes the last word to."""
    # As the shell sets them: '=' and ':' are words of their own.
    split = [piece for word in words for piece in re.split("([=:])", word) if piece]
    split += [""] * (not words[-1])
    script = ("source <(mqadmin completion bash); COMP_LINE=$1; COMP_POINT=${#1}; shift; "
              "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _mqadmin; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    path = path_with(folder or setting.binaries)
    done = subprocess.run(["bash", "-c", script, "bash", " ".join(words), *split], capture_output=True,
                          text=True, check=True, timeout=WAIT, cwd=setting.folder,
                          env={**setting.environment, "PATH": path})
    return done.stdout.split()


def fish_offers(setting, *words, folder=None):
    """The same of fish, without the explanations."""
    done = subprocess.run(["fish", "--no-config", "-c",
                           "mqadmin completion fish | source; complete -C $argv[1]", " ".join(words)],
                          capture_output=True, text=True, check=True, timeout=WAIT, cwd=setting.folder,
                          env={**setting.environment, "PATH": path_with(folder or setting.binaries)})
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def zsh_makes(setting, typed, becomes, folder=None):
    """What is typed, with a TAB behind it, becomes this, and can be entered."""
    functions = setting.folder / "zsh"
    functions.mkdir(exist_ok=True)
    (functions / "_mqadmin").write_text(setting.run("completion", "zsh").stdout)
    with Terminal(setting, "-f", "-i", program=shutil.which("zsh"), columns=300, TERM="vt100", PS1="ready> ",
                  PATH=path_with(folder or setting.binaries)) as shell:
        shell.wait_for(lambda text: "ready> " in text)
        shell.type(f"fpath=({functions} $fpath); autoload -U compinit; compinit -u -D; echo lo''aded\n")
        shell.wait_for(lambda text: "loaded\r\n" in text)
        shell.type(typed + "\t")
        shell.wait_for(lambda text: becomes in text.rpartition("loaded\r\n")[2])
        shell.type("\nexit\n")
        shell.end()


@case
def names_of_servers_are_no_commands(setting):
    fake = setting.folder / "fake"
    fake.mkdir()
    marker = setting.folder / "marker"
    names = ["Evil$(touch${IFS}marker)", "Worse`touch${IFS}marker`", "Two|words;touch${IFS}marker"]
    (fake / "names").write_text("\n".join(["#heading", *names]) + "\n")
    (fake / "mqadmin").write_text(f"#!/bin/sh\n[ \"$1\" = completion ] && exec '{setting.binaries}/mqadmin' "
                                  f"\"$@\"\ncat '{fake}/names'\n")
    (fake / "mqadmin").chmod(0o755)
    for option in (("topicStatus", "-t"), ("why",), ("updateTopic", "-c")):
        offered = bash_offers(setting, "mqadmin", *option, "", folder=fake)
        said = subprocess.run(["bash", "-c", "printf '%s\\n' " + " ".join(offered)], text=True,
                              capture_output=True, check=True, cwd=setting.folder, timeout=WAIT).stdout
        assert set(names) <= set(said.splitlines()), (option, offered, said)
    assert bash_offers(setting, "mqadmin", "topicStatus", "-t", "Evil", folder=fake) == \
        [r"Evil\$\(touch\$\{IFS\}marker\)"]
    offered = fish_offers(setting, "mqadmin", "topicStatus", "-t", "", folder=fake)
    assert set(names) <= set(offered), offered
    for typed, becomes in (("Evil", r"Evil\$\(touch"), ("Worse", r"Worse\`touch"),
                           ("Two", r"Two\|words\;touch")):
        zsh_makes(setting, f"mqadmin topicStatus -t {typed}", becomes, folder=fake)
    assert not marker.exists(), "a name was run"


@case
def zsh_and_fish_complete(setting):
    setting.topic("Completed")
    setting.run("context", "set", "far", setting.namesrv)
    environment = dict(setting.environment)
    del setting.environment["NAMESRV_ADDR"]
    setting.environment["XDG_CONFIG_HOME"] = environment["XDG_CONFIG_HOME"]
    try:
        for words in (("-n", setting.namesrv, "topicStatus"), ("topicStatus", "-n", setting.namesrv),
                      (f"--namesrvAddr={setting.namesrv}", "--json", "topicStatus"),
                      ("--rpc-timeout", "4000", "topicStatus", "-n", setting.namesrv)):
            line = " ".join(("mqadmin", *words, "-t Comp"))
            zsh_makes(setting, line, "Completed")
            assert fish_offers(setting, line) == ["Completed"], words
        for line, becomes in ((f"mqadmin -n {setting.namesrv} topicSt", "topicStatus"),
                              ("mqadmin topicList --context f", "--context far"),
                              ("mqadmin help topicSt", "topicStatus"), ("mqadmin --watc", "--watch"),
                              ("mqadmin completion fi", "completion fish")):
            zsh_makes(setting, line, becomes)
            assert fish_offers(setting, line) == [becomes.split()[-1]], line
    finally:
        setting.environment = environment


@case
def bash_completes(setting):
    def completed(*words):
        return bash_offers(setting, *words)

    setting.topic("Completed")
    assert completed("mqadmin", "topicS") == ["topicStatus"]
    assert "Completed" in completed("mqadmin", "topicStatus", "-t", "Comp")
    assert "--tls-ca" in completed("mqadmin", "topicStatus", "--tls")
    assert "both" in completed("mqadmin", "bench", "--mode", "b")
    assert completed("mqadmin", "--v") == ["--version"]
    assert completed("mqadmin", "help", "topicS") == ["topicStatus"]
    assert completed("mqadmin", "man", "topicS") == ["topicStatus"]
    assert completed("mqadmin", "completion", "") == ["bash", "zsh", "fish"]
    assert completed("mqadmin", "context", "") == ["list", "use", "set", "delete"]
    for name in ("first", "second"):
        setting.run("context", "set", name, setting.namesrv)
    assert {"first", "second"} <= set(completed("mqadmin", "context", "use", ""))
    assert completed("mqadmin", "topicList", "--context", "sec") == ["second"]
    assert "--json" in completed("mqadmin", "why", "--j")
    setting.run("updateSubGroup", "-b", setting.broker, "-g", "completing")
    setting.run("updateTopic", "-b", setting.broker, "-t", "%RETRY%completing", "-r", "1", "-w", "1")
    setting.until(lambda: "completing" in setting.run("consumerProgress").stdout)
    assert completed("mqadmin", "why", "compl") == ["completing"]
    # A value is never the name of an option; '=' in front of it changes nothing.
    for words in (("topicList", "-n"), ("consume", "-f"), ("sendMessage", "-k"), ("produce", "-s")):
        assert completed("mqadmin", *words, "") == [], words
    assert completed("mqadmin", "topicStatus", "--topic=Comp") == ["Completed"]
    assert "Completed" in completed("mqadmin", "topicStatus", "--topic=")
    # Whom the line names is asked, also in front of the command.
    environment = dict(setting.environment)
    del setting.environment["NAMESRV_ADDR"]
    try:
        for words in (("topicStatus", "-n", setting.namesrv, "-t"),
                      ("-n", setting.namesrv, "topicStatus", "-t"),
                      ("topicStatus", "--context", "second", "-t")):
            assert completed("mqadmin", *words, "Comp") == ["Completed"], words
        assert completed("mqadmin", "topicStatus", "-n", "127.0.0.1:1", "-t", "Comp") == []
    finally:
        setting.environment = environment
    assert completed("mqadmin", "--json", "topicS") == ["topicStatus"]


@case
def help_man_and_completion_come_from_one_table(setting):
    listed = setting.run("help").stdout
    commands = re.findall(r"^   (\w+) ", listed, re.M)
    assert len(commands) > 50, listed
    for command in commands:
        assert "example:\n  " in setting.run("help", command).stdout
    assert setting.run("topicStatus", "-h").stdout == setting.run("help", "topicStatus").stdout
    for shell in ("bash", "zsh", "fish"):
        script = setting.run("completion", shell).stdout
        assert all(command in script for command in commands)
        subprocess.run([shell, "-n"], input=script, text=True, timeout=WAIT, check=True)
    assert re.fullmatch(r"mqadmin version \d+\.\d+\.\d+\n", setting.run("--version").stdout)
    assert ".TH MQADMIN 1" in setting.run("man").stdout
    assert "topicStatus" in setting.run("man", "topicStatus").stdout
    setting.run("context", "set", "here", setting.namesrv)
    assert setting.namesrv in setting.run("context", "list").stdout
    setting.run("topicList", "--context", "here")


@case
def a_file_of_a_compaction_log_is_dumped(setting):
    # Its records are those of a commit log.
    log = pathlib.Path(__file__).resolve().parent.parent / "golden/store/commitlog/00000000000000000000"
    shown = setting.run("dumpCompactionLog", "-f", log).stdout.splitlines()
    assert shown[0].startswith("MessageExt [brokerName=null, queueId=0, storeSize="), shown[0]
    assert shown[0].endswith("'}]") and ", body=null, transactionId='" in shown[0], shown[0]
    lines = setting.run("dumpCompactionLog", "-f", log, "--json").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    # Who pulls a prepared message tells its transaction, who only decodes it does not.
    assert not any("transactionId='7F" in line for line in shown), shown
    assert len(told) == len(shown) and told[0]["commitLogOffset"] == 0 and told[0]["body"], told[0]
    (setting.folder / "cut").write_bytes(log.read_bytes()[:told[1]["commitLogOffset"] + 50])
    done = setting.run("dumpCompactionLog", "-f", "cut", code=1)
    assert done.stdout == shown[0] + "\n" and "cut: at byte " in done.stderr, (done.stdout, done.stderr)
    assert "file nowhere not exist." in setting.run("dumpCompactionLog", "-f", "nowhere", code=1).stderr
    assert "is a directory." in setting.run("dumpCompactionLog", "-f", ".", code=1).stderr
    setting.run("dumpCompactionLog", code=2)


@case
def how_long_runs_take_is_printed(setting):
    # A figure for docs/PERFORMANCE.md; only that the runs succeed is asserted.
    topic = setting.topic("Timed")
    commands = (("help", "topicStatus"), ("topicList",), ("topicStatus", "-t", topic),
                ("clusterList", "--json"), ("doctor", "--java-exit"), ("consumerProgress",))
    times = {words: [] for words in commands}
    for _ in range(RUNS):
        for words in commands:
            began = time.monotonic()
            setting.run(*words)
            times[words].append((time.monotonic() - began) * 1000)
    for words, taken in times.items():
        print(f"mqadmin {' '.join(words)}: median {statistics.median(taken):.1f} ms, "
              f"{min(taken):.1f} to {max(taken):.1f}")


if __name__ == "__main__":
    sys.exit(main(CASES))
