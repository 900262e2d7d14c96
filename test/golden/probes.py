# SPDX-License-Identifier: Apache-2.0
"""Requests written by hand for replies that no official client provokes: name -> code, ext fields, body."""

import time


def send_header(topic, **changes):
    header = {
        'a': 'GoldenProducer',
        'b': topic,
        'c': 'TBW102',
        'd': 4,
        'e': 0,
        'f': 0,
        'h': 0,
        'i': '',
        'j': 0,
    }
    header.update({'g': int(time.time() * 1000), 'k': 'false', 'm': 'false'})
    header.update(changes)
    return header


def send_v1_header(topic):
    header = {'producerGroup': 'GoldenProducer', 'topic': topic, 'defaultTopic': 'TBW102', 'queueId': 0}
    header.update({'defaultTopicQueueNums': 4, 'sysFlag': 0, 'flag': 0, 'properties': 'KEYS\x01v1\x02'})
    header['bornTimestamp'] = int(time.time() * 1000)
    return header


def pull_header(topic, group, **changes):
    header = {'consumerGroup': group, 'topic': topic, 'queueId': 0, 'queueOffset': 0, 'maxMsgNums': 32}
    header.update({'sysFlag': 4, 'commitOffset': 0, 'suspendTimeoutMillis': 0, 'subscription': '*'})
    header.update({'subVersion': 0, 'expressionType': 'TAG'})
    header.update(changes)
    return header


def broker_errors(topic, group):
    sql92 = pull_header(topic, group, expressionType='SQL92', subscription='a > 1')
    nobody = {'consumerGroup': 'GoldenNobody', 'topic': topic, 'queueId': 0}
    return {
        'error_unknown_code': (9999, {}, b''),
        'error_topic_missing': (310, send_header('GoldenAbsent', c='GoldenAbsentToo'), b'x'),
        'error_topic_illegal': (310, send_header('bad topic!'), b'x'),
        'error_queue_id': (310, send_header(topic, e=99), b'x'),
        'error_pull_topic_missing': (11, pull_header('GoldenAbsent', group), b''),
        'error_pull_offset_moved': (11, pull_header(topic, group, queueOffset=999999), b''),
        'error_sql92_off': (11, sql92, b''),
        'error_query_offset_absent': (14, nobody, b''),
        'error_consumer_list_absent': (38, {'consumerGroup': 'GoldenNobody'}, b''),
        'error_view_offset': (33, {'offset': 1 << 40}, b''),
    }


def broker_requests(topic, group):
    queue = {'topic': topic, 'queueId': 0}
    return {
        'pull_not_found_probe': (11, pull_header('%RETRY%' + group, group), b''),
        'pull_filtered_probe': (11, pull_header(topic, group, subscription='Other'), b''),
        'send_v1_probe': (10, send_v1_header(topic), b'v1'),
        'view_message_probe': (33, {'offset': 0}, b''),
        'max_offset_probe': (30, queue, b''),
        'min_offset_probe': (31, queue, b''),
        'earliest_time_probe': (32, queue, b''),
        'search_offset_probe': (29, dict(queue, timestamp=0), b''),
        'all_topics_probe': (21, {}, b''),
        'all_groups_probe': (201, {}, b''),
        'all_offsets_probe': (43, {}, b''),
        'all_delay_offsets_probe': (45, {}, b''),
        'consume_stats_probe': (208, {'consumerGroup': group, 'topic': topic}, b''),
        'topic_groups_probe': (300, {'topic': topic}, b''),
        'runtime_info_probe': (28, {}, b''),
    }


def namesrv_requests():
    member = {'clusterName': 'DefaultCluster', 'brokerName': 'broker-a'}
    version = b'{"counter":1,"stateVersion":0,"timestamp":1}'
    stranger = {'brokerName': 'golden-x', 'brokerAddr': '127.0.0.1:1', 'clusterName': 'DefaultCluster'}
    setting = {'namespace': 'GOLDEN', 'key': 'size'}
    return {
        'namesrv_error_unknown_code': (9999, {}, b''),
        'namesrv_error_route_missing': (105, {'topic': 'GoldenAbsent'}, b''),
        'namesrv_broker_member_group': (901, member, b''),
        'namesrv_query_data_version': (322, dict(member, brokerAddr='127.0.0.2:1', brokerId=0), version),
        'namesrv_topics_of_cluster': (224, {'cluster': 'DefaultCluster'}, b''),
        'namesrv_kv_put': (100, dict(setting, value='42'), b''),
        'namesrv_kv_get': (101, setting, b''),
        'namesrv_kv_list': (219, {'namespace': 'GOLDEN'}, b''),
        'namesrv_kv_absent': (101, dict(setting, key='absent'), b''),
        'namesrv_config': (319, {}, b''),
        'namesrv_system_topics': (304, {}, b''),
        'namesrv_unregister_unknown': (104, dict(stranger, brokerId=0), b''),
    }
