# SPDX-License-Identifier: Apache-2.0
"""Messages that arrive while a broker ends, and what must be left of them."""

import threading

import interview
import wire
from report import check, wait_until

TOPIC, QUEUES = 'DropFlood', 2
SENDERS = 3
ENOUGH = 200  # About a log file of 128 KiB.
PADDING = 'x' * 400


class Flood:
    """Sends from several connections until stop() or the broker's end. acknowledged(): key -> its place."""

    def __init__(self, broker, name):
        self._broker, self._name, self._stopped = broker, name, threading.Event()
        self._lock, self._acknowledged = threading.Lock(), {}
        self._threads = [threading.Thread(target=self._send, args=(at,)) for at in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def acknowledged(self):
        with self._lock:
            return dict(self._acknowledged)

    def rises(self):
        wait_until(lambda: len(self.acknowledged()) >= ENOUGH, 30, 'the flood rises')
        return self.acknowledged()

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
        return self.acknowledged()

    def _send(self, sender):
        try:
            with self._broker.connect() as connection:
                number = 0
                while not self._stopped.is_set():
                    number += 1
                    key = '%s-%d-%d' % (self._name, sender, number)
                    reply = connection.call(310, header(key, number % QUEUES), body_of(key))
                    if reply.code == 0:
                        place = (int(reply.ext['queueId']), int(reply.ext['queueOffset']))
                        with self._lock:
                            self._acknowledged[key] = place
        except (OSError, EOFError):
            pass  # The broker is gone: what this is for.


def header(key, queue):
    ext = {'a': 'DropFlooder', 'b': TOPIC, 'c': 'TBW102', 'd': QUEUES, 'e': queue, 'f': 0, 'g': 1, 'h': 0}
    return dict(ext, i=wire.properties({'KEYS': key}), j=0, k='false', m='false')


def body_of(key):
    return (key + PADDING).encode()


def check_kept(broker, acknowledged):
    """Every acknowledged message is where its sender was told; queues have no hole and nothing twice."""
    check(acknowledged, 'nothing was acknowledged')
    places, keys = {}, []
    with broker.connect() as connection:
        for queue in range(QUEUES):
            where = {'topic': TOPIC, 'queueId': queue}
            begin, end = (int(connection.call(code, where).ext['offset']) for code in (31, 30))
            check(begin == 0, 'queue %d begins at' % queue, begin)
            at = begin
            while at < end:
                reply = connection.call(11, interview.pull_header(TOPIC, queue, at, 32))
                check(reply.code == 0, 'queue %d gives nothing at %d of %d' % (queue, at, end), reply)
                for record in wire.parse_records(reply.body)[0]:
                    check(record['queueOffset'] == at, 'queue %d has a hole at %d' % (queue, at), record)
                    check(record['crc'] == wire.crc(record['body']), 'a body is damaged', record)
                    key, at = record['properties']['KEYS'], at + 1
                    check(record['body'] == body_of(key), 'another body', record)
                    places[key] = (queue, record['queueOffset'])
                    keys.append(key)
    check(len(keys) == len(places), 'stored twice', sorted(key for key in places if keys.count(key) > 1)[:9])
    lost = {key: place for key, place in acknowledged.items() if places.get(key) != place}
    text = '%d of %d acknowledged messages are lost' % (len(lost), len(acknowledged))
    check(not lost, text, sorted(lost)[:9])
