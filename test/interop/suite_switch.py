# SPDX-License-Identifier: Apache-2.0
"""The master of a single pair changes while official clients are under way: nobody hears of an error.

Java's and Go's clients look at the routes every 30 s only, and send with a time-out of 3 s.
"""

import os
import subprocess

from report import check, wait_until
from suite_cluster import Cluster, ends, make_topic, route

TOPIC = 'Switched'
SWITCHES = 2
SENDERS = {'java-5.5.0': 'java', 'java-4.9.7': 'old', 'go': 'go', 'sdk': 'sdk'}
COUNT = 12000
FIRST, APART = 400, 3000  # When the changes come: as many messages have been sent.
TIMEOUT_MS = 3000
PATIENCE = 120


def switch(context, report):
    Switch(context).run(report)


class Switch(Cluster):
    def run(self, report):
        try:
            self.namesrv.start_namesrv()
            self.namesrv.name_server.wait_for('boot success')
            self.context.begin_peers(*SENDERS)
            report.case(
                'the master of a pair changes under load and back: no send fails, no message is missing',
                self._switch_under_load,
            )
        finally:
            self.stop()

    def _switch_under_load(self):
        pair = [
            self.broker('ours', 'switched', number, brokerRole=role)
            for number, role in enumerate(('SYNC_MASTER', 'SLAVE'))
        ]
        make_topic(pair[0].broker, TOPIC)
        wait_until(lambda: route(self.address, TOPIC), 20, 'the topic is known')
        consumer = self.context.peer('java-5.5.0').begin(
            'consume', namesrv=self.address, group='SwitchedGroup', topic=TOPIC, timeout_ms=300000
        )
        jobs = {
            name: self.context.peer(name).begin(
                'send',
                namesrv=self.address,
                group='Switched-' + prefix,
                topic=TOPIC,
                count=COUNT,
                prefix=prefix,
                timeout_ms=TIMEOUT_MS,
            )
            for name, prefix in SENDERS.items()
        }
        try:
            busy = []  # How many clients were sending at each change.
            for at in range(SWITCHES):
                for job in jobs.values():
                    least = FIRST + at * APART
                    job.until(lambda one: len(one.of('sent')) > least, PATIENCE, 'messages')  # noqa: B023
                busy.append(sum(len(job.of('sent')) < COUNT for job in jobs.values()))
                self._change(pair[(at + 1) % 2])
            check(busy[0] == len(jobs) and busy[-1] >= 2, 'too few were sending at a change', busy)
            sent = set()
            for name, job in jobs.items():
                job.wait(PATIENCE)
                keys = {event['key'] for event in job.of('sent')}
                check(len(keys) == COUNT, '%s: not every send succeeded' % name, len(keys))
                sent |= keys
            consumer.until(lambda one: len(keys_of(one)) == len(sent), PATIENCE, 'every message')
        finally:
            consumer.stop()
        wait_until(lambda: ends(pair[0], TOPIC) == ends(pair[1], TOPIC), 30, 'both have the same queues')
        stored = sum(ends(pair[0], TOPIC))
        # A send that waited for a slave at that moment is sent again by the client.
        check(stored - len(sent) <= 64 * SWITCHES, 'messages were stored twice', stored - len(sent))

    def _change(self, target):
        program = os.path.join(self.context.build, 'bin', 'mqadmin')
        words = ['switchMaster', '-n', self.address, '-b', 'switched', '-t', target.broker, '--yes']
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        check(done.returncode == 0, 'the master was not changed', done.stdout + done.stderr)


def keys_of(job):
    return {event['key'] for event in job.of('received')}
