#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a real broker under load by real producers, again and again.

usage: kill_loop.py MQNAMESRV MQBROKER E2E_CLIENT [--cycles N] [--seed S]

Producers write down each try and each answer (journal_sender.h). After each kill the broker is started again,
by turns with synchronous and asynchronous flush (the page cache outlives a killed process), now and then
killed once more while it recovers, and every queue is scanned. What was acknowledged must lie where the
acknowledgement said; a message is there twice only if it was tried twice; nothing is damaged or unknown.
Each cycle counts as a case.
"""

import argparse
import pathlib
import random
import signal
import sys
import tempfile
import time

from journals import Journals, Scan, demand_none, end_senders, lost, unasked
from processes import Place

TOPIC = "killed"
# Small files, so that the broker rolls and makes files while it is killed.
SETTINGS = ("mappedFileSizeCommitLog=1048576", "maxMessageSize=65536", "mappedFileSizeConsumeQueue=20000",
            "maxHashSlotNum=1000", "maxIndexNum=5000", "defaultTopicQueueNums=4")
SENDERS = ((0, 32), (1_000_000_000, 32), (2_000_000_000, 1))  # First number, sends under way.
KILL_AGAIN_EVERY = 5


class Loop:
    """One run."""

    def __init__(self, place, seed):
        self.place = place
        self.random = random.Random(seed)
        self.broker = None
        self.port = 0
        self.namesrv = ""
        self.senders = []
        self.journals = None
        self.scan = Scan(TOPIC)
        self.restart_seconds = []

    def start_broker(self, cycle):
        """Starts it, now and then after one that is killed while it recovers."""
        words = {"port": self.port, "settings": SETTINGS,
                 "flush": "SYNC_FLUSH" if cycle % 2 == 0 else "ASYNC_FLUSH"}
        if cycle % KILL_AGAIN_EVERY == KILL_AGAIN_EVERY - 1:
            hasty = self.place.broker_process(self.namesrv, **words)
            hasty.next_line(time.monotonic() + self.random.random() / 50)
            hasty.kill()
        began = time.monotonic()
        self.broker, self.port = self.place.broker(self.namesrv, **words)
        self.restart_seconds.append(time.monotonic() - began)

    def begin(self):
        """Servers and senders."""
        _, self.namesrv = self.place.namesrv()
        self.start_broker(0)
        paths = []
        for first, window in SENDERS:
            paths.append(f"{self.place.folder}/journal{first}")
            pathlib.Path(paths[-1]).touch()
            self.senders.append(self.place.client("journal", namesrv=self.namesrv, topic=TOPIC, first=first,
                                                  window=window, file=paths[-1]))
        self.journals = Journals(paths)

    def cycle(self, number):
        """Load, kill, start, compare."""
        for sender in self.senders:
            sender.skip_lines()  # Of the time before this broker.
        for _ in range(self.random.randint(1, 20)):
            self.senders[self.random.randrange(2)].wait_for("^progress")
        self.broker.kill()
        # What the broker acknowledged before it died is in the journals once the senders saw the end of
        # their connections; the next cycle looks again.
        self.start_broker(number)
        # They pause meanwhile: on an idle machine they would send faster than this program reads.
        for sender in self.senders:
            sender.child.send_signal(signal.SIGSTOP)
        try:
            self.compare()
        finally:
            for sender in self.senders:
                sender.child.send_signal(signal.SIGCONT)

    def compare(self):
        """What was acknowledged by now must be found, what is found was tried."""
        self.journals.catch_up()
        acked, self.journals.fresh = self.journals.fresh, []
        self.scan.go_on({"e2e": f"127.0.0.1:{self.port}"})
        demand_none(lost(acked, self.scan))
        self.journals.catch_up()
        found, self.scan.fresh = self.scan.fresh, []
        demand_none(unasked(found, self.journals, self.scan))

    def end(self):
        """Lets the senders finish, restarts once more in order, and scans everything anew."""
        end_senders(self.senders, self.journals)
        assert self.broker.stop() == 0
        self.start_broker(0)
        self.scan = Scan(TOPIC)
        self.scan.go_on({"e2e": f"127.0.0.1:{self.port}"})
        demand_none(lost(self.journals.acked.items(), self.scan))
        demand_none(unasked(self.scan.found, self.journals, self.scan))

    def report(self):
        """The figures."""
        places = sum(len(places) for places in self.scan.found.values())
        print(f"{len(self.journals.acked)} messages acknowledged, 0 lost, 0 damaged; {places} stored, "
              f"{places - len(self.scan.found)} of them again after a try that got no answer; "
              f"{sum(self.journals.tries.values())} tries, failed: {dict(self.journals.failures)}; "
              f"slowest start {max(self.restart_seconds) * 1000:.0f} ms")


def run(place, cycles, seed):
    """Returns how many cycles passed and what went wrong, if anything did."""
    loop = Loop(place, seed)
    passed = 0
    try:
        loop.begin()
        for number in range(1, cycles + 1):
            loop.cycle(number)
            passed += 1
            if number % 10 == 0:
                print(f"cycle {number}: {len(loop.journals.acked)} acknowledged", flush=True)
        loop.end()
        loop.report()
    except (AssertionError, OSError, EOFError, ValueError) as error:
        return passed, f"after {passed} cycles, seed {seed}: {error}"
    return passed + 1, ""


def main():
    """Parses the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", nargs=3)
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(words.programs, folder)
        try:
            passed, wrong = run(place, words.cycles, words.seed)
            if wrong:
                print(f"FAILED  {wrong}")
                for process in place.started[-6:]:
                    print("  " + process.words[0])
                    print("\n".join("    " + line for line in process.lines[-5:]))
        finally:
            place.close()
    print(f"{words.cycles} cycles took {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
