# SPDX-License-Identifier: Apache-2.0
"""Processes under test: started on free ports, read line by line, always ended."""

import queue
import re
import signal
import subprocess
import tempfile
import threading
import time

# Until something that must happen has happened; generous, because the machine may be busy.
PATIENCE = 40


class Process:
    """A child whose output lines can be awaited."""

    def __init__(self, words):
        self.words = [str(word) for word in words]
        self.began = time.monotonic()
        self.child = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace")
        self.lines = []
        self.fresh = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.fresh.put(line.rstrip("\n"))
        self.fresh.put(None)

    def next_line(self, deadline):
        """The next line, or None at the end of the output or at the deadline."""
        try:
            line = self.fresh.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        if line is not None:
            self.lines.append(line)
        return line

    def wait_for(self, pattern, patience=PATIENCE):
        """The match of the first line that fits; raises AssertionError with the output otherwise."""
        deadline = time.monotonic() + patience
        while (line := self.next_line(deadline)) is not None:
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"{self.words[0]} never printed /{pattern}/; its last lines:\n  "
                             + "\n  ".join(self.lines[-8:]))

    def skip_lines(self):
        """Forgets what it printed and nobody asked for."""
        try:
            while self.fresh.get_nowait() is not None:
                pass
        except queue.Empty:
            pass

    def drain(self, patience=PATIENCE):
        """Reads to the end of the output; returns every line so far."""
        deadline = time.monotonic() + patience
        while self.next_line(deadline) is not None:
            pass
        return self.lines

    def signal(self, number):
        self.child.send_signal(number)

    def end(self, patience=PATIENCE):
        """Waits for the exit code."""
        return self.child.wait(patience)

    def stop(self):
        """Ends it in order; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.end()

    def kill(self):
        """Ends it whatever it does."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.reader.join(5)
        self.child.stdin.close()
        self.child.stdout.close()


class Place:
    """Where one test runs: the programs, a folder of its own, and everything it started."""

    def __init__(self, programs, folder):
        self.namesrv_program, self.broker_program, self.client_program = programs
        self.folder = folder
        self.started = []

    def start(self, *words):
        process = Process(words)
        self.started.append(process)
        return process

    def close(self):
        for process in self.started:
            process.kill()

    def namesrv(self, port=0, settings=()):
        """A NameServer; returns the process and its address."""
        words = ",".join([f"listenPort={port}", "bindAddress=127.0.0.1", *settings])
        process = self.start(self.namesrv_program, "--set=" + words)
        port = process.wait_for(r"Name Server boot success.*:(\d+)$").group(1)
        return process, f"127.0.0.1:{port}"

    def broker_process(self, namesrv, data="data", port=0, settings=(), arguments=(), flush="SYNC_FLUSH"):
        """A broker that may not serve yet."""
        words = ",".join([f"listenPort={port}", "brokerIP1=127.0.0.1", "bindAddress=127.0.0.1",
                          "brokerName=e2e", f"flushDiskType={flush}", *settings])
        return self.start(self.broker_program, f"--data-dir={self.folder}/{data}", "-n=" + namesrv,
                          "--set=" + words, *arguments)

    def broker(self, namesrv, **words):
        """A broker, with synchronous flush unless told otherwise; returns the process and its port."""
        process = self.broker_process(namesrv, **words)
        return process, int(process.wait_for(r"127\.0\.0\.1:(\d+)\] boot success").group(1))

    def client(self, command, **words):
        return self.start(self.client_program, command, *(f"{key}={value}" for key, value in words.items()))

    def await_route(self, namesrv, topic, patience=PATIENCE, **words):
        """Until the NameServer knows the topic; returns the seconds it took."""
        began = time.monotonic()
        while True:
            lines = self.client("queues", namesrv=namesrv, topic=topic, **words).drain()
            if any(line.startswith("queues ") for line in lines):
                return time.monotonic() - began
            assert time.monotonic() - began < patience, f"no route to {topic}: {lines}"

    def send(self, namesrv, topic, numbers, **words):
        """Sends them; returns the numbers that were acknowledged."""
        sender = self.client("send", namesrv=namesrv, topic=topic, first=numbers.start,
                             count=len(numbers), **words)
        return acked(sender.drain())

    def receive(self, namesrv, topic, group, expected, **words):
        """Lets a new group read until it has all that is expected."""
        receiver = self.client("receive", namesrv=namesrv, topic=topic, group=group, **words)
        missing = set(expected)
        deadline = time.monotonic() + PATIENCE
        while missing:
            line = receiver.next_line(deadline)
            assert line is not None, (f"{len(missing)} of {len(expected)} messages never came: "
                                      f"{sorted(missing)[:9]}")
            assert not line.startswith("damaged"), line
            if line.startswith("got "):
                missing.discard(int(line[4:]))
        receiver.child.stdin.close()
        assert receiver.end() == 0


def acked(lines):
    """The numbers that a sender's output calls acknowledged."""
    return {int(line.split()[1]) for line in lines if line.startswith("acked ")}


def run_cases(cases, open_place):
    """Runs (name, function)s, each in a place of its own that open_place(folder) gives; the exit code."""
    passed = failed = 0
    for name, function in cases:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            place = open_place(folder)
            try:
                function(place)
                passed += 1
                print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
            except (AssertionError, subprocess.SubprocessError, OSError, EOFError, ValueError) as error:
                failed += 1
                print(f"FAILED  {name}: {error}", flush=True)
            finally:
                place.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def chosen_cases(functions, names):
    """What run_cases takes, of functions; all of them when none is named."""
    return [(function.__name__, function) for function in functions
            if not names or function.__name__ in names]
