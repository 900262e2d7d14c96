# SPDX-License-Identifier: Apache-2.0
"""What producers wrote down (journal_sender.h) against what lies in the queues of the brokers."""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import wire  # noqa: E402
from processes import PATIENCE  # noqa: E402

QUEUE_OFFSET_MAX, PULL = 30, 11
QUEUES = 4  # Of the topic, on each broker.


def body_of(number):
    """As JournalBody in journal_sender.cc."""
    return (f"message {number}:" + chr(ord("a") + number % 26) * (number * 37 % 1400)).encode()


def place_of(words):
    """(Broker, queue, offset) of a line's end."""
    queue, offset, broker = words.split(" ", 2)
    return broker, int(queue), int(offset)


class Journals:
    """What the producers wrote down."""

    def __init__(self, paths):
        self.read_to = dict.fromkeys(paths, 0)
        self.tries = collections.Counter()
        self.acked = {}  # Number to (broker, queue, offset).
        self.kept = []  # (Number, place)s that were stored, but not as safely as asked for.
        self.fresh = []  # Acknowledged since the last comparison.
        self.failures = collections.Counter()

    def catch_up(self):
        """Takes in the whole lines that were added."""
        for path, begin in self.read_to.items():
            with open(path, "rb") as file:
                file.seek(begin)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self.read_to[path] = begin + len(whole)
            for line in whole.decode().splitlines():
                words = line.split(" ", 2)
                number = int(words[1])
                if words[0] == "try":
                    self.tries[number] += 1
                elif words[0] == "acked":
                    assert number not in self.acked, f"message {number} was acknowledged twice"
                    self.acked[number] = place_of(words[2])
                    self.fresh.append((number, self.acked[number]))
                elif words[0].startswith("kept:"):
                    self.kept.append((number, place_of(words[2])))
                    self.failures[words[0][5:]] += 1
                else:
                    self.failures[words[2].split(":")[0]] += 1


class Scan:
    """What lies in the queues, found by reading all of them."""

    def __init__(self, topic):
        self.topic = topic
        self.next = collections.Counter()  # (Broker, queue) to the offset to read next.
        self.found = collections.defaultdict(list)  # Number to its (broker, queue, offset)s.
        self.fresh = []  # Numbers found since the last comparison.

    def go_on(self, brokers):
        """Reads what came since. `brokers`: name to address."""
        for broker, address in brokers.items():
            with wire.Connection(address) as connection:
                for queue in range(QUEUES):
                    self._read(connection, (broker, queue))

    def _read(self, connection, queue):
        reply = connection.call(QUEUE_OFFSET_MAX, {"topic": self.topic, "queueId": queue[1]})
        assert reply.code == 0, f"queue {queue}: code {reply.code}, {reply.remark}"
        end = int(reply.ext["offset"])
        assert end >= self.next[queue], f"queue {queue} fell back from {self.next[queue]} to {end}"
        while self.next[queue] < end:
            self._pull(connection, queue)

    def _pull(self, connection, queue):
        offset = self.next[queue]
        reply = connection.call(PULL, {
            "consumerGroup": "journal_scan", "topic": self.topic, "queueId": queue[1], "queueOffset": offset,
            "maxMsgNums": 32, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0,
            "subscription": "*", "subVersion": 0, "expressionType": "TAG"})
        assert reply.code == 0, f"queue {queue} at {offset}: code {reply.code}, {reply.remark}"
        records, used = wire.parse_records(reply.body)
        assert used == len(reply.body), f"queue {queue} at {offset}: no record at byte {used} of the reply"
        for record in records:
            place = (*queue, record["queueOffset"])
            assert record["queueOffset"] == self.next[queue], f"{place} where {self.next[queue]} was due"
            assert wire.crc(record["body"]) == record["crc"] & 0x7FFFFFFF, f"{place}: the CRC is wrong"
            number = int(record["body"][8:record["body"].index(b":")])
            assert record["body"] == body_of(number), f"{place}: the body of message {number} is damaged"
            self.found[number].append(place)
            self.fresh.append(number)
            self.next[queue] += 1


def lost(acked, scan):
    """The acknowledged (number, place)s that the scan did not find there, in words."""
    for number, place in acked:
        places = scan.found.get(number, [])
        if place not in places:
            yield (f"message {number} was acknowledged at {place} and is "
                   + (f"at {places}" if places else "lost"))


def unasked(numbers, journals, scan):
    """The found messages that lie there more often than they were tried, in words."""
    for number in numbers:
        if len(scan.found[number]) > journals.tries[number]:
            yield (f"message {number} was tried {journals.tries[number]} times and is there at "
                   f"{scan.found[number]}")


def demand_none(wrong):
    """Nothing may be wrong."""
    wrong = list(wrong)
    assert not wrong, f"{len(wrong)} messages: " + "; ".join(wrong[:5])


def end_senders(senders, journals):
    """Lets them finish what they began, and reads the rest of what they wrote."""
    for sender in senders:
        sender.child.stdin.close()
    for sender in senders:
        assert sender.end(3 * PATIENCE) == 0
    journals.catch_up()
    assert set(journals.tries) == set(journals.acked), "a sender gave up"
