# SPDX-License-Identifier: Apache-2.0
"""Producers and a consumer group on a whole cluster, and the judgement of what they saw."""

import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import wire  # noqa: E402
from journals import QUEUES, Journals, Scan, demand_none, end_senders, lost, unasked  # noqa: E402
from processes import PATIENCE  # noqa: E402

TOPIC = "faults"
CREATE_TOPIC = 17
RATE = 400  # Messages a second of each sender: reading them all takes this program long enough.
# First number, sends under way, whether it keeps away from brokers that failed.
SENDERS = ((0, 32, ""), (1_000_000_000, 32, ""), (2_000_000_000, 1, "yes"))


class Load:
    """One topic on every master, under load until finish(). `masters`: broker name to address."""

    def __init__(self, place, namesrv, masters):
        self.place = place
        self.topic = TOPIC
        self.masters = masters
        self.queue_count = QUEUES * len(masters)
        for address in masters.values():
            create_topic(address)
        await_queues(place, namesrv, TOPIC, self.queue_count)
        paths = []
        self.senders = []
        for first, window, avoid in SENDERS:
            paths.append(f"{place.folder}/journal{first}")
            pathlib.Path(paths[-1]).touch()
            self.senders.append(place.client("journal", namesrv=namesrv, topic=TOPIC, first=first,
                                             window=window, rate=RATE, avoid=avoid, file=paths[-1]))
        self.receiver = place.client("receive", namesrv=namesrv, topic=TOPIC, group="witnesses",
                                     journal="yes")
        self.journals = Journals(paths)
        self.scan = Scan(TOPIC)

    def make_progress(self):
        """Until each sender had answers to sends of from now on."""
        for sender in self.senders:
            sender.skip_lines()
        for sender in self.senders:
            for _ in range(2):  # What the first line counts may have been sent before.
                sender.wait_for("^progress", 2 * PATIENCE)

    def await_status(self, status, broker):
        """Until a broker keeps a message without the safety that was asked for."""
        self.journals.catch_up()
        begin = len(self.journals.kept)
        before = self.journals.failures[status]
        self._await(lambda: self.journals.failures[status] > before
                    and any(place[0] == broker for _, place in self.journals.kept[begin:]),
                    f"{broker} never answered {status}: {dict(self.journals.failures)}")

    def await_failure(self):
        """Until a send failed from now on."""
        self.journals.catch_up()
        before = self.journals.failures.total()
        self._await(lambda: self.journals.failures.total() > before, "no send ever failed")

    def await_acks(self, broker):
        """Until a broker acknowledges again, as safely as asked for."""
        self.journals.catch_up()
        begin = len(self.journals.fresh)
        self._await(lambda: any(place[0] == broker for _, place in self.journals.fresh[begin:]),
                    f"nothing was acknowledged by {broker}")

    def _await(self, condition, wrong):
        deadline = time.monotonic() + 3 * PATIENCE
        while not condition():
            assert time.monotonic() < deadline, wrong
            time.sleep(0.05)
            self.journals.catch_up()

    def judge(self):
        """With all masters up: what was acknowledged by now is there, what is there was tried."""
        # They pause meanwhile: they would send faster than this program reads.
        for sender in self.senders:
            sender.child.send_signal(signal.SIGSTOP)
        try:
            self.journals.catch_up()
            acked, self.journals.fresh = self.journals.fresh, []
            self._scan_until_found(acked + self.journals.kept)
            self.journals.catch_up()
            found, self.scan.fresh = self.scan.fresh, []
            demand_none(unasked(found, self.journals, self.scan))
        finally:
            for sender in self.senders:
                sender.child.send_signal(signal.SIGCONT)

    def _scan_until_found(self, acked):
        """A queue shows a message a moment after the acknowledgement."""
        deadline = time.monotonic() + PATIENCE
        self.scan.go_on(self.masters)
        while any(lost(acked, self.scan)) and time.monotonic() < deadline:
            time.sleep(0.1)
            self.scan.go_on(self.masters)
        demand_none(lost(acked, self.scan))

    def finish(self):
        """Lets the senders end; everything acknowledged lies in the queues and reached the group."""
        end_senders(self.senders, self.journals)
        whole = Scan(TOPIC)
        whole.go_on(self.masters)
        demand_none(lost([*self.journals.acked.items(), *self.journals.kept], whole))
        demand_none(unasked(whole.found, self.journals, whole))
        missing = set(self.journals.acked)
        deadline = time.monotonic() + 3 * PATIENCE
        while missing:
            line = self.receiver.next_line(deadline)
            assert line is not None, f"{len(missing)} messages never reached the group: {sorted(missing)[:9]}"
            assert not line.startswith("damaged"), line[:200]
            if line.startswith("got "):
                missing.discard(int(line[4:]))
        self.receiver.child.stdin.close()
        assert self.receiver.end() == 0
        by_broker = {broker: sum(place[0] == broker for place in self.journals.acked.values())
                     for broker in self.masters}
        print(f"        {len(self.journals.acked)} acknowledged {by_broker}, all stored and consumed; failed "
              f"tries: {dict(self.journals.failures)}", flush=True)


def create_topic(address):
    """The topic of the load, on one broker."""
    with wire.Connection(address) as connection:
        reply = connection.call(CREATE_TOPIC, {
            "topic": TOPIC, "defaultTopic": "TBW102", "readQueueNums": QUEUES, "writeQueueNums": QUEUES,
            "perm": 6, "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
    assert reply.code == 0, f"{address} made no topic: {reply.remark}"


def await_queues(place, namesrv, topic, count):
    """Until clients are told of so many queues."""
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = place.client("queues", namesrv=namesrv, topic=topic).drain()
        if f"queues {count}" in lines:
            return
        assert time.monotonic() < deadline, f"never {count} queues of {topic}: {lines}"
