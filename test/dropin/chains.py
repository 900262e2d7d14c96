# SPDX-License-Identifier: Apache-2.0
"""The ways of a store through the hands of several brokers."""

import os
import threading

import flood
import interview
import store_broker
import wire
from interview import Interview, compare
from report import check, wait_until
from store_broker import StoreBroker
from workload import LATE, LONG, Workload

APACHE, OLD, OURS = 'apache-5.5.0', 'apache-4.9.7', 'ours'
# Delayed messages fall due while nobody is asked, and a flood comes after the last question: Workload and
# flood.py look at those. 4.9 stores an event for each pull
# beyond a queue's end, so that asking changes the store.
EXCLUDED = (LATE, 'OFFSET_MOVED_EVENT', flood.TOPIC)
ALWAYS = (interview.ends_with_queue_file, interview.before_the_first)
CRC = '__CRC32#'
OLD_TIMES = (interview.any_time,)
AFTER_CRASH = (interview.indexed_twice,)


class Broken(Exception):
    """A step failed; those after it would tell nothing."""


class Chain:
    features = ('v2', 'half', 'timer', 'compressions')
    first = APACHE

    def __init__(self, context, report, name):
        self.context, self.report, self.name = context, report, name
        self.load = Workload(self.features)

    def run(self):
        try:
            self.steps()
        except Broken:
            pass

    def step(self, text, function, *arguments):
        result = []
        passed = self.report.case(
            '%s: %s' % (self.name, text), lambda: result.append(function(*arguments))
        )
        if not passed:
            raise Broken
        return result[0]

    def look(self, text, function, *arguments):
        """A case whose failure does not end the chain."""
        self.report.case('%s: %s' % (self.name, text), function, *arguments)

    def interview(self, broker):
        with broker.connect() as connection:
            answers = Interview(connection, EXCLUDED, with_tags=broker.kind != OLD)
        if broker.kind != OLD:
            differences = compare(answers.by_model(), answers.answers, [interview.before_the_first])
            check(not differences, 'searches by time differ from what the records say', *differences[:25])
        return answers

    def same(self, broker, expected, answers, known):
        """The broker answers what the one before it did. `answers`: instead of all that it gave."""
        answers = expected.answers if answers is None else answers
        with broker.connect() as connection:
            seen = expected.repeat(connection)
        differences = compare(answers, seen, [*ALWAYS, *known])
        if interview.any_time in known:
            differences += compare(expected.by_model(), seen) if broker.is_ours else []
        check(
            not differences,
            '%d of %d answers differ' % (len(differences), len(answers)),
            *differences[:25],
        )

    def write(self):
        """The first writer's life up to the moment before its end."""
        store = store_broker.prepare(self.context.folder(self.name) + '/store', [LONG])
        broker = StoreBroker(self.context, self.first, store)
        self.step('%s starts on an empty directory' % self.first, broker.start)
        self.step('%s fills it' % self.first, self.load.populate, broker)
        answers = self.step('%s is asked for everything' % self.first, self.interview, broker)
        self.step('the store has everything in it', self.complete, store, answers)
        return broker, answers

    def complete(self, store, answers):
        """No comparison below may pass because there was nothing to compare."""
        check(len(store_broker.segments(store)) >= 4, 'too few log files', store_broker.segments(store))
        topics = {place[0] for place in answers.records}
        wanted = {'DropMix', 'DropFill', '%RETRY%DropGroup', '%DLQ%DropGroup', 'SCHEDULE_TOPIC_XXXX'}
        if 'v2' in self.features:
            wanted.add('%RETRY%' + LONG)
        if 'timer' in self.features:
            wanted.add('rmq_sys_wheel_timer')
        if 'half' in self.features:
            wanted.add('RMQ_SYS_TRANS_HALF_TOPIC')
        check(wanted <= topics, 'topics without records', wanted - topics)
        magics = {record['magic'] for record in answers.records.values()}
        check(('v2' in self.features) == ('%08X' % wire.MAGIC_V2 in magics), 'record versions', magics)
        kinds = [name.split()[0] for name in answers.questions]
        for kind, least in (('pull', 250), ('view', 225), ('key', 200), ('unique', 200), ('LOWER', 100)):
            check(kinds.count(kind) >= least, 'only %d questions "%s"' % (kinds.count(kind), kind))
        found = [answers.answers[name][0] for name in answers.questions if name.startswith('key ')]
        check(found.count(0) >= 200, 'only %d keys are found' % found.count(0))

    def take(self, kind, store, expected, how, answers=None, known=(), flooded=None):
        """A broker opens the store and answers as the one before it."""
        broker = StoreBroker(self.context, kind, store)
        self.step('%s opens the store %s' % (kind, how), broker.start)
        self.look('%s answers the same %s' % (kind, how), self.same, broker, expected, answers, known)
        self.look('%s keeps the deleted topic deleted %s' % (kind, how), self.load.gone, broker)
        flooded = self.load.flooded if flooded is None else flooded
        if flooded:
            text = '%s has all that was acknowledged amid the end, %s' % (kind, how)
            self.look(text, flood.check_kept, broker, flooded)
        return broker

    def kill(self, broker, name):
        text = '%s is killed amid sends (%s)' % (broker.kind, name)
        self.step(text, self.load.kill_under_load, broker, name)

    def kill_at_start(self, store):
        """A taking over that does not come to its end must not harm what it found."""
        own = os.path.join(store, 'orbitmq')
        check(not os.path.exists(own), 'the store is not a foreign one')
        ours = StoreBroker(self.context, OURS, store)
        ours.begin()
        ours.kill()
        ours.begin()
        wait_until(lambda: os.path.exists(own), 20, 'the first checkpoint is being written')
        ours.kill()
        ours.begin()
        ours.program.wait_for('boot success')
        ours.kill()

    def anew(self, broker, name, exactly, load=None):
        """exactly: nothing of the deleted topic may be left. After a kill Apache's brokers, and ours where
        one of Apache's deleted, derive queues again from the last log files (COMPATIBILITY.md)."""
        text = '%s makes the deleted topic anew (%s)' % (broker.kind, name)
        self.look(text, (load or self.load).anew, broker, name, exactly)

    def go_on(self, broker, name, after_kill=True):
        """The broker works on the store; returns what it answers after that."""
        self.anew(broker, name, not after_kill)
        self.step('%s goes on with the store (%s)' % (broker.kind, name), self.load.go_on, broker, name)
        return self.step('%s is asked again (%s)' % (broker.kind, name), self.interview, broker)

    def write_twice(self):
        """As `write`, and an image of the store as kill -9 leaves it; the broker is told to stop in order."""
        broker, first = self.write()
        store, flooded = self.step(
            'an image of the store amid sends, as kill -9 leaves it',
            self.load.image_under_load,
            broker,
            broker.work + '/killed',
        )
        broker.terminate()
        return broker, first, store, flooded


class ApacheFirst(Chain):
    """Apache 5.5.0 -> ours -> Apache -> ours -> Apache -> ours; the clean store goes to ours too."""

    def steps(self):
        broker, first, store, flooded = self.write_twice()
        clean = threading.Thread(target=self._clean, args=(broker, first, flooded))
        clean.start()
        try:
            self._killed(store, first)
        finally:
            clean.join()

    def _clean(self, broker, first, flooded):
        try:
            self.step('apache-5.5.0 stops in order', broker.stop)
            known = [interview.half_messages]
            load = Workload(())
            ours = self.take(OURS, broker.store, first, 'after an orderly stop', None, known, flooded)
            self.anew(ours, 'clean', True, load)
            self.step('ours is killed at once', ours.kill)
            ours = self.take(OURS, broker.store, first, 'after its own kill -9', None, known, flooded)
            self.anew(ours, 'clean-kill', True, load)
            self.step('ours stops in order', ours.stop)
        except Broken:
            pass

    def _killed(self, store, first):
        self.step('ours is killed three times while it opens the store', self.kill_at_start, store)
        ours = self.take(OURS, store, first, 'after kill -9 of apache-5.5.0')
        second = self.go_on(ours, 'second')
        self.kill(ours, 'second-kill')
        apache = self.take(APACHE, store, second, 'after kill -9 of ours', None, AFTER_CRASH)
        self.step('apache-5.5.0 delivers its timer message', self.load.timers_end, apache)
        third = self.go_on(apache, 'third')
        self.kill(apache, 'third-kill')
        ours = self.take(OURS, store, third, 'after kill -9 of apache-5.5.0, again', None, AFTER_CRASH)
        fourth = self.go_on(ours, 'fourth')
        self.step('ours stops in order', ours.stop)
        head = self.step('the first log file is removed', store_broker.remove_head, store)
        rest = fourth.without(head)
        apache = self.take(APACHE, store, fourth, 'without its head', rest, [pull_begin_moved])
        self.step('apache-5.5.0 commits its half message', self.load.commit_half, apache)
        fifth = self.step('apache-5.5.0 is asked without the head', self.interview, apache)
        self.kill(apache, 'fifth-kill')
        ours = self.take(OURS, store, fifth, 'without its head')
        self.go_on(ours, 'sixth')
        self.look('the message that was pending all the way arrived', self.load.due, ours)
        self.step('ours stops in order at the end', ours.stop)


class OursFirst(Chain):
    """Ours, from nothing -> Apache 5.5.0, stopped in order -> ours. Its image: to an Apache with CRCs."""

    features = ('v2', 'compressions')
    first = OURS

    def steps(self):
        ours, first = self.write()
        image, flooded = self.step(
            'an image of the store amid sends', self.load.image_under_load, ours, ours.work + '/killed'
        )
        self.step('ours stops in order', ours.stop)
        in_image, self.load.flooded = self.load.flooded, flooded
        checking = threading.Thread(target=self._checked, args=(image, first, in_image))
        checking.start()
        try:
            self._taken(ours, first)
        finally:
            checking.join()

    def _checked(self, image, first, flooded):
        """Apache cuts the log before the first record whose CRC property is missing or wrong."""
        self.look('our records end with a CRC', self.with_crc, first)
        apache = StoreBroker(
            self.context, APACHE, image, {'enabledAppendPropCRC': 'true', 'forceVerifyPropCRC': 'true'}
        )
        try:
            self.step('apache-5.5.0 that checks record CRCs opens the image', apache.start)
            self.look('it answers the same', self.same, apache, first, None, AFTER_CRASH)
            self.look('it has all that was acknowledged', flood.check_kept, apache, flooded)
            self.step('it is killed', apache.kill)
            how = 'after an Apache that writes record CRCs'
            ours = self.take(OURS, image, first, how, None, AFTER_CRASH, flooded)
            self.anew(ours, 'checked', True, Workload(()))
        except Broken:
            pass

    def with_crc(self, answers):
        without = [place for place, record in answers.records.items() if CRC not in record['properties']]
        check(answers.records and not without, 'records without ' + CRC, without[:5])

    def _taken(self, ours, first):
        apache = self.take(APACHE, ours.store, first, 'after an orderly stop of ours')
        second = self.go_on(apache, 'second', after_kill=False)
        self.step('apache-5.5.0 stops in order', apache.stop)
        ours = self.take(OURS, ours.store, second, 'after an orderly stop of apache-5.5.0')
        self.go_on(ours, 'third', after_kill=False)
        self.step('ours stops in order at the end', ours.stop)


class OldFirst(Chain):
    """Apache 4.9.7 -> ours -> Apache 4.9.7 -> ours, and from its clean store to ours."""

    features = ()
    first = OLD

    def steps(self):
        broker, first, store, flooded = self.write_twice()
        ours = self.take(OURS, store, first, 'after kill -9 of apache-4.9.7', None, OLD_TIMES)
        second = self.go_on(ours, 'second')
        self.kill(ours, 'second-kill')
        self.step('apache-4.9.7 stops in order', broker.stop)
        how = 'after an orderly stop of apache-4.9.7'
        ours = self.take(OURS, broker.store, first, how, None, OLD_TIMES, flooded)
        self.anew(ours, 'clean', True, Workload(()))
        self.step('ours stops in order', ours.stop)
        known = (*OLD_TIMES, *AFTER_CRASH, interview.tags)
        old = self.take(OLD, store, second, 'after kill -9 of ours', None, known)
        third = self.go_on(old, 'third')
        self.kill(old, 'third-kill')
        ours = self.take(OURS, store, third, 'after kill -9 of apache-4.9.7, again', None, known)
        self.look('the message that was pending all the way arrived', self.load.due, ours)
        self.step('ours stops in order at the end', ours.stop)


CHAINS = {'5.5.0': ApacheFirst, 'ours': OursFirst, '4.9.7': OldFirst}


def pull_begin_moved(name, expected, seen):
    """Without the log's head the queue's begin in a pull's reply is another."""
    return name.startswith('pull ') and expected[0] == seen[0] == 0 and expected[2] == seen[2]
