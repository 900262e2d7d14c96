# SPDX-License-Identifier: Apache-2.0
"""Java's mqadmin 5.5.0 against the servers under test: it must understand the replies and print the truth."""

import re

from report import check, wait_until

TOPIC, GROUP, COUNT = 'AdminTopic', 'AdminGroup', 10


def admin(context, report):
    Admin(context).run(report)


class Admin:
    def __init__(self, context):
        self.pair, self.client = context.servers(), context.peer('java-5.5.0')

    def run(self, report):
        report.case('mqadmin: updateTopic', self._update_topic)
        report.case('mqadmin: messages to look at', self._exchange)
        for name, function in (
            ('clusterList', self._cluster_list),
            ('topicList', self._topic_list),
            ('topicRoute', self._topic_route),
            ('topicStatus', self._topic_status),
            ('consumerProgress', self._consumer_progress),
            ('consumerConnection', self._consumer_connection),
            ('queryMsgById', self._query_by_id),
            ('queryMsgByKey', self._query_by_key),
            ('brokerStatus', self._broker_status),
            ('updateSubGroup', self._update_group),
            ('statsAll', self._stats_all),
            ('getBrokerConfig', self._broker_config),
            ('updateKvConfig', self._kv_config),
            ('topicClusterList', self._topic_clusters),
            ('wipeWritePerm and addWritePerm', self._write_permission),
            ('deleteTopic', self._delete_topic),
        ):
            report.case('mqadmin: ' + name, function)

    def _admin(self, *words):
        events = self.client.run('admin', *words, '-n', self.pair.namesrv)
        text = [event['text'] for event in events if event['event'] == 'output'][0]
        check('Exception' not in text, 'mqadmin %s failed' % words[0], text)
        return text

    @staticmethod
    def _rows(text):
        """The words of each line that is no heading."""
        return [line.split() for line in text.splitlines() if line.strip() and not line.startswith('#')]

    def _update_topic(self):
        text = self._admin('updateTopic', '-c', 'DefaultCluster', '-t', TOPIC, '-r', 3, '-w', 3)
        check('create topic to %s success' % self.pair.broker in text, 'no success', text)
        check('readQueueNums=3' in text and 'perm=RW-' in text, 'another topic', text)

        def routed():
            return '"readQueueNums":3' in self._admin_quiet('topicRoute', '-t', TOPIC)

        wait_until(routed, 20, 'the NameServer knows the topic')

    def _admin_quiet(self, *words):
        events = self.client.run('admin', *words, '-n', self.pair.namesrv)
        return [event['text'] for event in events if event['event'] == 'output'][0]

    def _exchange(self):
        events = self.client.run(
            'send', namesrv=self.pair.namesrv, group='AdminProducer', topic=TOPIC, count=COUNT, prefix='admin'
        )
        self.sent = [event for event in events if event['event'] == 'sent']
        check(len(self.sent) == COUNT, 'not all sent', events)
        events = self.client.run('consume', namesrv=self.pair.namesrv, group=GROUP, topic=TOPIC, expect=COUNT)
        check(
            len([event for event in events if event['event'] == 'received']) == COUNT,
            'not all received',
            events,
        )

    def _cluster_list(self):
        text = self._admin('clusterList')
        rows = [row for row in self._rows(text) if row[0] == 'DefaultCluster']
        check(
            len(rows) == 1 and rows[0][1:4] == ['broker-a', '0', self.pair.broker], 'not the one broker', text
        )
        check('true' in rows[0], 'the broker is not active', text)
        check('V5_5_0' in rows[0], 'the version is not V5_5_0', text)

    def _topic_list(self):
        topics = {row[0] for row in self._rows(self._admin('topicList'))}
        check(
            {TOPIC, 'TBW102', 'DefaultCluster', 'broker-a', '%RETRY%' + GROUP} <= topics,
            'topics are missing',
            topics,
        )
        rows = self._rows(self._admin('topicList', '-c'))
        check(['DefaultCluster', TOPIC, GROUP] in rows, 'the topic\'s group is missing', rows)

    def _topic_route(self):
        text = re.sub(r'\s', '', self._admin('topicRoute', '-t', TOPIC))
        for part in (
            '0:"%s"' % self.pair.broker,
            '"brokerName":"broker-a"',
            '"cluster":"DefaultCluster"',
            '"perm":6',
            '"readQueueNums":3',
            '"writeQueueNums":3',
        ):
            check(part in text, '%s is missing' % part, text)

    def _topic_status(self):
        text = self._admin('topicStatus', '-t', TOPIC)
        rows = [row for row in self._rows(text) if row[0] == 'broker-a']
        check([row[1] for row in rows] == ['0', '1', '2'], 'not three queues', text)
        check(all(row[2] == '0' for row in rows), 'a minimum offset is not 0', text)
        check(sum(int(row[3]) for row in rows) == COUNT, 'the offsets do not add up to %d' % COUNT, text)

    def _consumer_progress(self):
        def consumed():
            text = self._admin('consumerProgress', '-g', GROUP)
            rows = [row for row in self._rows(text) if row[0] == TOPIC]
            check(len(rows) == 3 and sum(int(row[3]) for row in rows) == COUNT, 'other queues or ends', text)
            return all(row[3] == row[4] and row[5] == '0' for row in rows)

        wait_until(consumed, 15, 'the group has consumed everything')

    def _consumer_connection(self):
        job = self.client.begin(
            'consume', namesrv=self.pair.namesrv, group=GROUP, topic=TOPIC, timeout_ms=60000
        )
        try:
            job.until(lambda job: job.of('assigned') and job.of('assigned')[-1]['queues'], 30, 'its queues')
            text = self._admin('consumerConnection', '-g', GROUP)
        finally:
            job.stop()
        rows = self._rows(text)
        check(
            [row for row in rows if len(row) == 4 and row[2:] == ['JAVA', 'V5_5_0']],
            'the client is missing',
            text,
        )
        check(
            [TOPIC, '*'] in rows and 'ConsumeType: CONSUME_PASSIVELY' in text,
            'its subscription is missing',
            text,
        )

    def _query_by_id(self):
        for identifier in (self.sent[0]['msgId'], self.sent[0]['offsetMsgId']):
            text = self._admin('queryMsgById', '-t', TOPIC, '-i', identifier)
            fields = dict(re.findall(r'(?m)^([A-Z][\w ]+?): +(.*?)\s*$', text))
            expected = {
                'OffsetID': self.sent[0]['offsetMsgId'],
                'Topic': TOPIC,
                'Tags': '[TagA]',
                'Keys': '[%s]' % self.sent[0]['key'],
                'Queue ID': str(self.sent[0]['queue']),
                'Queue Offset': str(self.sent[0]['offset']),
                'Reconsume Times': '0',
                'Store Host': self.pair.broker,
            }
            wrong = {name: fields.get(name) for name, value in expected.items() if fields.get(name) != value}
            check(not wrong, 'other fields than %s' % expected, wrong, text)

    def _query_by_key(self):
        def found():
            rows = self._rows(self._admin('queryMsgByKey', '-t', TOPIC, '-k', self.sent[1]['key']))
            return [row for row in rows if row[0] == self.sent[1]['msgId']]

        rows = wait_until(found, 10, 'the key is indexed')
        check(len(rows) == 1, 'found more than once', rows)
        check(
            rows[0][1:3] == [str(self.sent[1]['queue']), str(self.sent[1]['offset'])], 'found elsewhere', rows
        )

    def _broker_status(self):
        text = self._admin('brokerStatus', '-b', self.pair.broker)
        fields = dict(re.findall(r'(?m)^(\S+) *: *(.*?)\s*$', text))
        for name in (
            'bootTimestamp',
            'brokerVersionDesc',
            'commitLogMaxOffset',
            'commitLogMinOffset',
            'putTps',
            'getFoundTps',
            'msgPutTotalTodayNow',
            'sendThreadPoolQueueSize',
            'runtime',
            'dispatchBehindBytes',
            'commitLogDiskRatio',
        ):
            check(name in fields, '%s is missing' % name, text)
        check(fields['brokerVersionDesc'] == 'V5_5_0', 'another version', text)
        check(int(fields['commitLogMaxOffset']) > 0, 'the log is empty', text)
        check(int(fields['msgPutTotalTodayNow']) >= COUNT, 'fewer messages than were sent', text)

    def _update_group(self):
        text = self._admin('updateSubGroup', '-b', self.pair.broker, '-g', 'AdminMade', '-r', 5)
        check('success' in text and 'retryMaxTimes=5' in text, 'no success', text)
        text = self._admin('deleteSubGroup', '-b', self.pair.broker, '-g', 'AdminMade')
        check('success' in text, 'the group was not deleted', text)

    def _stats_all(self):
        rows = self._rows(self._admin('statsAll', '-t', TOPIC))
        mine = [row for row in rows if row[:2] == [TOPIC, GROUP]]
        check(len(mine) == 1 and mine[0][2] == '0', 'the group or its lag of 0 is missing', rows)

    def _broker_config(self):
        text = self._admin('getBrokerConfig', '-b', self.pair.broker)
        fields = dict(re.findall(r'(?m)^(\S+) *= *(.*?)\s*$', text))
        check(
            fields.get('brokerName') == 'broker-a'
            and fields.get('brokerClusterName') == 'DefaultCluster'
            and fields.get('listenPort') == str(self.pair.broker_port),
            'not the configuration of the file',
            text,
        )

    def _kv_config(self):
        text = self._admin('updateKvConfig', '-s', 'INTEROP', '-k', 'color', '-v', 'red')
        check('success' in text, 'no success', text)
        text = self._admin('deleteKvConfig', '-s', 'INTEROP', '-k', 'color')
        check('success' in text, 'no success', text)

    def _topic_clusters(self):
        text = self._admin('topicClusterList', '-t', TOPIC)
        check(text.split() == ['DefaultCluster'], 'another cluster', text)

    def _write_permission(self):
        for command in ('wipeWritePerm', 'addWritePerm'):
            text = self._admin(command, '-b', 'broker-a')
            counts = re.findall(r'OK, (\d+)', text)
            check(len(counts) == 1 and int(counts[0]) > 0, 'no topic changed', text)
            route = re.sub(r'\s', '', self._admin('topicRoute', '-t', TOPIC))
            perm = '"perm":4' if command == 'wipeWritePerm' else '"perm":6'
            check(perm in route, 'the route does not say %s' % perm, route)

    def _delete_topic(self):
        text = self._admin('deleteTopic', '-c', 'DefaultCluster', '-t', TOPIC)
        check(text.count('success') == 2, 'not deleted in the broker and the NameServer', text)
        topics = {row[0] for row in self._rows(self._admin('topicList'))}
        check(TOPIC not in topics, 'still listed', topics)
