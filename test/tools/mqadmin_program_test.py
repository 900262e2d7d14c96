#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin as its user meets it: every command at least once against our own servers, with its exit code.

usage: mqadmin_program_test.py FOLDER_OF_PROGRAMS
"""

import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

WAIT = 120
CLUSTER = "DefaultCluster"
CASES = []


def case(function):
    CASES.append(function)
    return function


class Server:
    """A child whose ready line tells its port."""

    def __init__(self, words):
        self.child = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      errors="replace")
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for(self, pattern):
        deadline = time.monotonic() + WAIT
        seen = []
        while (line := self.lines.get(timeout=max(0.1, deadline - time.monotonic()))) is not None:
            seen.append(line)
            if match := re.search(pattern, line):
                return match.group(1)
        raise AssertionError(f"no line /{pattern}/: {seen[-8:]}")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Setting:
    """One NameServer, one broker, and mqadmin."""

    def __init__(self, binaries, folder):
        self.binaries = pathlib.Path(binaries).resolve()
        self.folder = pathlib.Path(folder)
        self.servers = []
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ("NAMESRV_ADDR", "NO_COLOR") and not name.startswith("MQADMIN_")}
        self.environment["XDG_CONFIG_HOME"] = str(self.folder / "config")
        self.namesrv = self.broker = ""

    def start(self):
        self.start_namesrv()
        self.start_broker()

    def start_namesrv(self, more=""):
        settings = f"listenPort=0,bindAddress=127.0.0.1,kvConfigPath={self.folder}/kvConfig.json{more}"
        server = Server([self.binaries / "mqnamesrv", "--set=" + settings])
        self.servers.append(server)
        self.namesrv = "127.0.0.1:" + server.wait_for(r"Name Server boot success.*:(\d+)$")
        self.environment["NAMESRV_ADDR"] = self.namesrv

    def start_broker(self, more=""):
        settings = f"listenPort=0,brokerIP1=127.0.0.1,bindAddress=127.0.0.1,brokerName=broker-a{more}"
        server = Server([self.binaries / "mqbroker", f"--data-dir={self.folder}/data", "-n=" + self.namesrv,
                         "--set=" + settings])
        self.servers.append(server)
        self.broker = "127.0.0.1:" + server.wait_for(r"127\.0\.0\.1:(\d+)\] boot success")
        self.until(lambda: "broker-a" in self.call("clusterList").stdout)

    def until(self, fulfilled):
        deadline = time.monotonic() + WAIT
        while not fulfilled():
            assert time.monotonic() < deadline, "what was waited for never came"
            threading.Event().wait(0.05)

    def stop(self):
        for server in reversed(self.servers):
            server.stop()

    def call(self, *words, feed=""):
        return subprocess.run([str(self.binaries / "mqadmin"), *map(str, words)], input=feed,
                              capture_output=True, text=True, errors="replace", timeout=WAIT, check=False,
                              env=self.environment, cwd=self.folder)

    def run(self, *words, code=0, feed=""):
        done = self.call(*words, feed=feed)
        assert done.returncode == code, f"{words}: {done.returncode}, not {code}: {done.stdout}{done.stderr}"
        return done

    def json(self, *words, code=0, feed=""):
        return json.loads(self.run(*words, "--json", code=code, feed=feed).stdout)

    def topic(self, name, queues=2):
        self.run("updateTopic", "-b", self.broker, "-t", name, "-r", queues, "-w", queues)
        self.until(lambda: self.call("topicRoute", "-t", name).returncode == 0)
        return name


@case
def topics_are_made_shown_and_deleted(setting):
    made = setting.run("updateTopic", "-c", CLUSTER, "-t", "First", "-r", "3", "-w", "3", "-a",
                       "+message.type=NORMAL").stdout
    assert f"create topic to {setting.broker} success.\n" in made, made
    assert "TopicConfig [topicName=First, readQueueNums=3, writeQueueNums=3, perm=RW-, " in made, made
    setting.until(lambda: "First\n" in setting.run("topicList").stdout)
    assert "#Cluster Name" in setting.run("topicList", "-c").stdout
    assert setting.run("topicClusterList", "-t", "First").stdout == CLUSTER + "\n"
    setting.until(lambda: setting.call("topicRoute", "-t", "First").returncode == 0)
    route = setting.json("topicRoute", "-t", "First")["route"]
    assert route["queueDatas"][0]["readQueueNums"] == 3, route
    listed = setting.run("topicRoute", "-t", "First", "-l").stdout.splitlines()
    assert listed[0].split() == ["#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue",
                                 "#Perm"], listed
    assert listed[-1].split() == ["Total:", "1", "3", "3"], listed
    status = setting.run("topicStatus", "-t", "First").stdout
    assert status.splitlines()[1].startswith("broker-a" + " " * 26 + "0     0" + " " * 21 + "0"), status
    assert "Topic Put TPS: 0.0" in status, status
    allocated = setting.run("allocateMQ", "-t", "First", "-i", "10.0.0.1,10.0.0.2").stdout
    assert [len(queues) for queues in json.loads(allocated)["result"].values()] == [2, 1], allocated
    changed = setting.run("updateTopicPerm", "-b", setting.broker, "-t", "First", "-p", "4").stdout
    assert "from 6 to 4" in changed, changed
    setting.run("updateOrderConf", "-t", "First", "-m", "put", "-v", "broker-a:3")
    assert "orderConf=[broker-a:3]" in setting.run("updateOrderConf", "-t", "First", "-m", "get").stdout
    setting.run("updateOrderConf", "-t", "First", "-m", "delete")
    setting.run("updateOrderConf", "-t", "First", "-m", "get", code=1)
    gone = setting.run("deleteTopic", "-c", CLUSTER, "-t", "First").stdout
    assert gone == (f"delete topic [First] from cluster [{CLUSTER}] success.\n"
                    "delete topic [First] from NameServer success.\n"), gone
    setting.run("topicRoute", "-t", "First", code=1)


@case
def lists_of_topics_and_groups_come_from_files(setting):
    (setting.folder / "topics.json").write_text('[{"topicName":"L1"},{"topicName":"L2","perm":4}]')
    setting.run("updateTopicList", "-b", setting.broker, "-f", "topics.json")
    setting.until(lambda: {"L1", "L2"} <= set(setting.run("topicList").stdout.split()))
    for command in ("topicList", "topicList -c"):
        listed = setting.run(*command.split()).stdout.splitlines()
        listed = [line for line in listed if not line.startswith("#")]
        assert listed == sorted(listed), listed
    (setting.folder / "groups.json").write_text('[{"groupName":"LG1"},{"groupName":"LG2"}]')
    setting.run("updateSubGroupList", "-c", CLUSTER, "-f", "groups.json")
    assert "LG1" in setting.run("getConsumerConfig", "-g", "LG1").stdout
    for command in ("updateTopicList", "updateSubGroupList"):
        said = setting.run(command, "-b", setting.broker, "-f", "nowhere.json", code=1).stderr
        assert "the file path nowhere.json does not exists" in said, said


@case
def groups_are_made_shown_and_deleted(setting):
    made = setting.run("updateSubGroup", "-c", CLUSTER, "-g", "crew", "-r", "3").stdout
    head = f"create subscription group to {setting.broker} success.\nSubscriptionGroupConfig{{groupName=crew"
    assert made.startswith(head), made
    config = setting.run("getConsumerConfig", "-g", "crew").stdout
    assert re.search(r"^retryMaxTimes +=  3$", config, re.M), config
    assert setting.run("consumerProgress").stdout.startswith("#Group")
    setting.run("consumerProgress", "-g", "crew", code=1)
    setting.run("consumerStatus", "-g", "crew", code=1)
    setting.run("consumerConnection", "-g", "crew", code=1)
    gone = setting.run("deleteSubGroup", "-c", CLUSTER, "-g", "crew", "-r", "true").stdout
    head = f"delete subscription group [crew] from broker [{setting.broker}] in cluster [{CLUSTER}] success."
    assert head in gone, gone


@case
def messages_are_sent_and_found(setting):
    topic = setting.topic("Mail")
    sent = setting.json("sendMessage", "-t", topic, "-p", "hello world", "-k", "key-1", "-c", "red", "-b",
                        "broker-a", "-i", "1")["sent"][0]
    assert sent["sendResult"] == "SEND_OK" and sent["qid"] == 1, sent
    key = sent["msgId"]
    setting.until(lambda: setting.call("queryMsgByKey", "-t", topic, "-k", "key-1").returncode == 0)
    found = setting.run("queryMsgByKey", "-t", topic, "-k", "key-1").stdout.splitlines()
    assert found[1].split()[:3] == [key, "1", "0"] and f"@{topic}@K@key-1@{key}@" in found[1], found
    found = setting.run("queryMsgByKey", "-t", topic, "-k", "red", "-p", "T").stdout.splitlines()
    assert found[1].split()[0] == key and len(found) == 2, found
    shown = setting.run("queryMsgByUniqueKey", "-t", topic, "-i", key).stdout
    assert "Keys:                [key-1]" in shown and "WARN: No Consumer" in shown, shown
    shown = setting.run("queryMsgByOffset", "-t", topic, "-b", "broker-a", "-i", "1", "-o", "0", "-f",
                        "UTF-8").stdout
    assert "Message Body:        hello world" in shown, shown
    offset_id = re.search(r"OffsetID: +(\w+)", shown).group(1)
    for name in (offset_id, key):
        whole = setting.json("queryMsgById", "-t", topic, "-i", name)["found"][0]["message"]
        assert whole["body"] == "hello world" and whole["properties"]["TAGS"] == "red", whole
    again = setting.run("queryMsgById", "-t", topic, "-i", key, "-s", "true").stdout
    assert "SendResult [sendStatus=SEND_OK" in again, again
    setting.run("queryMsgByOffset", "-t", topic, "-b", "broker-a", "-i", "1", "-o", "99", code=1)
    setting.run("queryMsgByKey", "-t", topic, "-k", "other", code=1)
    printed = setting.run("printMsg", "-t", topic).stdout
    assert f"MSGID: {key} MessageExt [brokerName=broker-a, queueId=1, " in printed, printed
    assert " BODY: hello world\n" in printed and "-" * 56 in printed, printed
    counted = setting.run("printMsgByQueue", "-t", topic, "-a", "broker-a", "-i", "1", "-f", "true").stdout
    assert counted.startswith("Tag: red "), counted
    consumed = setting.run("consumeMessage", "-t", topic, "-b", "broker-a", "-i", "1", "-c", "1").stdout
    assert "Consume ok\n" in consumed and consumed.count("MSGID: ") == 1, consumed
    said = setting.run("consumeMessage", "-t", topic, "-i", "1", code=2).stderr
    assert "Please set the brokerName before queueId!" in said, said
    entries = setting.run("queryCq", "-t", topic, "-q", "1", "-i", "0").stdout
    assert "Queue data: \nmax: " in entries and "idx: 0\nConsumeQueueData{physicOffset=" in entries, entries
    timed = setting.run("checkMsgSendRT", "-t", topic, "-a", "3", "-s", "10").stdout
    assert timed.count("true") == 3 and "Avg RT: " in timed, timed
    assert setting.run("sendMsgStatus", "-b", "broker-a", "-c", "2").stdout.count("SEND_OK") == 2
    assert "broker-a" in setting.run("clusterRT", "-a", "2").stdout
    assert re.search(r"^Mail .* NO_CONSUMER$", setting.run("statsAll", "-t", topic).stdout, re.M)


@case
def traces_are_read(setting):
    topic = setting.topic("Traces", queues=1)
    records = [
        "Pub 1700000000000 Region Sales Orders ID-1 red key 10.0.0.9:1 5 12 0 OFFSET true",
        "SubAfter REQUEST ID-1 3 false key 1 1700000000040 Billing",
        "SubAfter REQUEST ID-2 3 true key 0 1700000000041 Billing",
    ]
    body = "".join(record.replace(" ", "\x01") + "\x02" for record in records)
    setting.run("produce", "-t", topic, "-k", "ID-1 ID-2", feed=body + "\n")
    words = ("queryMsgTraceById", "-i", "ID-1", "-t", topic)
    setting.until(lambda: setting.call(*words).returncode == 0)
    shown = [line.split() for line in setting.run(*words).stdout.splitlines()]
    assert [shown[at][:2] for at in (0, 3)] == [["#Type", f"#{who}Group"] for who in ("Producer", "Consumer")]
    assert (shown[1][:3], shown[1][-2:]) == (["Pub", "Sales", "127.0.0.1"], ["12ms", "success"]), shown
    assert (shown[4][:2], shown[4][-2:]) == (["Sub", "Billing"], ["3ms", "failed"]) and len(shown) == 6
    told = setting.json(*words)
    assert told["sent"][0]["sendTime"] == 1700000000000 and told["consumed"][0]["costMs"] == 3, told
    said = setting.run("queryMsgTraceById", "-i", "ID-3", "-t", topic, code=1).stderr
    assert "ID-3" in said, said


@case
def offsets_are_moved_and_copied(setting):
    topic = setting.topic("Moved", queues=1)
    for number in range(3):
        setting.run("sendMessage", "-t", topic, "-p", number)
    setting.run("updateSubGroup", "-b", setting.broker, "-g", "mover")
    setting.run("resetOffsetByTime", "-g", "mover", "-t", topic, "-s", "now", "-b", setting.broker, "-q", "0",
                "-o", "2")
    progress = setting.json("consumerProgress", "-g", "mover", "-t", topic)
    assert (progress["diffTotal"], progress["queues"][0]["consumerOffset"]) == (1, 2), progress
    told = setting.run("resetOffsetByTime", "-g", "mover", "-t", topic, "-s", "0", "--dry-run").stdout
    assert "would reset the offsets of group mover" in told, told
    assert setting.json("consumerProgress", "-g", "mover", "-t", topic)["diffTotal"] == 1
    setting.run("updateSubGroup", "-b", setting.broker, "-g", "copy")
    setting.run("cloneGroupOffset", "-s", "mover", "-d", "copy", "-t", topic)
    assert setting.json("consumerProgress", "-g", "copy", "-t", topic)["diffTotal"] == 1
    setting.run("skipAccumulatedMessage", "-g", "mover", "-t", topic)
    assert setting.json("consumerProgress", "-g", "mover", "-t", topic)["diffTotal"] == 0
    setting.run("brokerConsumeStats", "-b", setting.broker)
    setting.run("resetOffsetByTime", "-g", "mover", "-t", topic, "-s", "soon", code=2)


@case
def what_javas_does_by_halves_is_done(setting):
    for name in ("Halves", "Other"):
        setting.topic(name)
        setting.run("produce", "-t", name, feed="a\nb\nc\nd\ne\nf\n")
        setting.run("consume", "-t", name, "-g", "halves", "-e")
    # Java's sets no offset to 0, reads one message less, and copies the offsets of all topics.
    setting.run("resetOffsetByTime", "-g", "halves", "-t", "Halves", "-s", "now", "-b", setting.broker,
                "-q", 0, "-o", 0)
    queues = setting.json("consumerProgress", "-g", "halves", "-t", "Halves")["queues"]
    assert [queue["consumerOffset"] == 0 for queue in queues] == [True, False], queues
    assert setting.run("consumeMessage", "-t", "Halves", "-c", 2).stdout.count("MSGID: ") == 2
    setting.run("updateSubGroup", "-b", setting.broker, "-g", "half")
    setting.run("cloneGroupOffset", "-s", "halves", "-d", "half", "-t", "Halves")
    topics = {queue["topic"] for queue in setting.json("consumerProgress", "-g", "half")["queues"]}
    assert "Halves" in topics and "Other" not in topics, topics
    setting.run("sendMessage", "-t", "Halves", "-p", "x", "-k", "untraced", "-m", "true")
    assert "RMQ_SYS_TRACE_TOPIC" not in setting.run("topicList").stdout.split()
    setting.until(lambda: setting.call("queryMsgByKey", "-t", "Halves", "-k", "untraced").returncode == 0)
    setting.run("queryMsgByKey", "-t", "Halves", "-k", "untraced", "-l", "any", "-b", "2026-01-31T13:45:10Z",
                "-e", "2126-01-31")
    for words in (("printMsg", "-t", "Halves", "-c", "GBK"), ("updateTopic", "-t", "Halves", "-r", "four"),
                  ("updateTopic", "-t", "Halves"), ("consumeMessage", "-t", "Halves", "-s", "soon")):
        setting.run(*words, code=2)


@case
def brokers_tell_of_themselves(setting):
    table = setting.run("clusterList").stdout.splitlines()
    assert table[0].startswith("#Cluster Name           #Broker Name            #BID  #Addr"), table
    row = setting.json("clusterList")["brokers"][0]
    assert (row["brokerName"], row["brokerId"], row["addr"]) == ("broker-a", 0, setting.broker), row
    assert "#InTotalYest" in setting.run("clusterList", "-m").stdout
    figures = setting.run("brokerStatus", "-b", setting.broker).stdout
    assert re.search(r"^brokerVersionDesc +: V5_5_0$", figures, re.M), figures
    assert setting.run("brokerStatus", "-c", CLUSTER).stdout.startswith(setting.broker)
    config = setting.run("getBrokerConfig", "-b", setting.broker).stdout
    assert config.startswith(f"============{setting.broker}============\n"), config
    assert re.search(r"^brokerName +=  broker-a$", config, re.M), config
    assert "Master: " in setting.run("getBrokerConfig", "-c", CLUSTER).stdout
    said = setting.run("updateBrokerConfig", "-b", setting.broker, "-k", "rejectTransactionMessage", "-v",
                       "true").stdout
    assert said == f"update broker config success, {setting.broker}\n", said
    # What the broker remarks: this one has no file, and does not know every key.
    words = ("updateBrokerConfig", "-b", setting.broker, "-k", "noSuchKey", "-v", "5")
    done = setting.run(*words, code=1)
    assert done.stdout == said, done.stdout
    assert f"the key noSuchKey is unknown at {setting.broker}: nothing was set" in done.stderr, done.stderr
    assert setting.run(*words, "--java-exit").stdout == said
    assert done.stderr.startswith(f"mqadmin: updateBrokerConfig: {setting.broker}: "), done.stderr
    assert "noSuchKey: unknown key, ignored" in done.stderr and "without -c\n" in done.stderr, done.stderr
    told = setting.json(*words, code=1)
    assert told["notApplied"] == [setting.broker] and "noSuchKey" in told["error"], told
    assert told["remarks"][0]["server"] == setting.broker, told
    assert "unknown key, ignored" in told["remarks"][0]["remark"], told
    assert setting.run(*words, "--dry-run").stderr == ""
    config = setting.json("getBrokerConfig", "-b", setting.broker)
    assert config[setting.broker]["rejectTransactionMessage"] == "true", config
    setting.run("producerConnection", "-g", "nobody", "-t", "TBW102", code=1)
    setting.run("producer", "-b", setting.broker)


@case
def files_are_exported(setting):
    setting.topic("Exported")
    setting.run("exportConfigs", "-c", CLUSTER, "-f", "export")
    configs = json.loads((setting.folder / "export/configs.json").read_text())
    assert configs["brokerConfigs"]["broker-a"]["brokerId"] == "0", configs
    assert configs["clusterScale"] == {"masterBrokerSize": 1, "namesrvSize": 1, "slaveBrokerSize": 0}, configs
    setting.run("exportMetadata", "-b", setting.broker, "-f", "export")
    tables = json.loads((setting.folder / "export/metadata.json").read_text())
    assert "Exported" in tables["topicConfigTable"] and "TBW102" not in tables["topicConfigTable"], tables
    setting.run("exportMetadata", "-c", CLUSTER, "-f", "export", "-g")
    assert (setting.folder / "export/subscriptionGroup.json").exists()
    setting.run("exportMetrics", "-c", CLUSTER, "-f", "export")
    metrics = json.loads((setting.folder / "export/metrics.json").read_text())
    report = metrics["evaluateReport"]["broker-a"]
    assert report["runtimeQuota"]["topicSize"] == len(tables["topicConfigTable"]), (report, tables)
    assert report["runtimeVersion"]["rocketmqVersion"] == "V5_5_0", report
    assert set(metrics["totalData"]) == {"totalTps", "totalOneDayNum"}, metrics


@case
def requests_that_a_broker_serves_and_those_it_does_not(setting):
    for words in (("cleanExpiredCQ", "-b", setting.broker), ("cleanUnusedTopic", "-c", CLUSTER),
                  ("deleteExpiredCommitLog", "-b", setting.broker)):
        assert setting.run(*words).stdout == "success\n"
    shown = setting.run("haStatus", "-b", setting.broker).stdout
    assert f"#MasterAddr\t{setting.broker}\n" in shown and "#SlaveNum\t0\n" in shown, shown
    said = setting.run("resetMasterFlushOffset", "-b", setting.broker, "-o", "0", code=1).stderr
    assert said.startswith(f"mqadmin: resetMasterFlushOffset: {setting.broker}: REQUEST_CODE_NOT_SUP"), said
    setting.topic("Moded")
    setting.run("updateSubGroup", "-b", setting.broker, "-g", "moded")
    words = ("setConsumeMode", "-b", setting.broker, "-t", "Moded", "-g", "moded", "-m")
    assert setting.run(*words, "PULL").stdout == (
        f"set consume mode to {setting.broker} success.\n"
        "topic[Moded] group[moded] consume mode[PULL] popShareQueueNum[0]\n")
    said = setting.run(*words, "POP", code=1).stderr
    assert "this broker serves no pop consumption: the mode stays PULL" in said, said
    for topic, group, refusal in (("Nowhere", "moded", "not exist"), ("Moded", "nobody", "does not exist"),
                                  ("%RETRY%moded", "moded", "retry topic is not allowed to set mode")):
        words = ("setConsumeMode", "-b", setting.broker, "-t", topic, "-g", group, "-m", "PULL")
        said = setting.call(*words).stderr
        assert refusal in said, said


@case
def lines_become_messages_and_lines_again(setting):
    topic = setting.topic("Lines")
    said = setting.run("produce", "-t", topic, "-c", "red", "-k", "k1 k2", "-p", "shop=north",
                       feed="one\n\ntwo")
    assert said.stdout.startswith("sent 2 messages, 6 bytes in "), said.stdout
    assert said.stdout.endswith(", 1 empty line left out\n"), said.stdout
    read = setting.run("consume", "-t", topic, "-e", "-f", "%t %g %k %p %s %b%%\\n").stdout
    assert sorted(read.splitlines()) == [f"{topic} red k1 k2 shop=north 3 {word}%" for word in ("one", "two")]
    summary = setting.json("produce", "-t", topic, "-s", "\\t", "--by-key",
                           feed="".join(f"key\t{number}\n" for number in range(40)))
    assert (summary["sent"], summary["failed"], summary["emptyLines"]) == (40, 0, 0), summary
    read = setting.run("consume", "-t", topic, "-e", "--json").stdout.splitlines()
    keyed = [m for m in map(json.loads, read) if m["properties"]["KEYS"] == "key"]
    assert len(read) == 42 and [m["body"] for m in keyed] == [str(number) for number in range(40)], read
    assert len({m["queueId"] for m in keyed}) == 1, "equal keys lie in one queue"
    assert setting.run("consume", "-t", topic, "-e", "-x", "red").stdout.count("\n") == 2
    assert setting.run("consume", "-t", topic, "-e", "-s", "last").stdout == ""
    assert setting.run("consume", "-t", topic, "-c", "5").stdout.count("\n") == 5
    assert setting.run("consume", "-t", topic, "-e", "-s", "0").stdout.count("\n") == 42


@case
def a_group_reads_on_where_it_was(setting):
    topic = setting.topic("Resumed")
    setting.run("produce", "-t", topic, feed="".join(f"{number}\n" for number in range(100)))
    words = ("consume", "-t", topic, "-g", "reader")
    first = setting.run(*words, "-c", "30").stdout.splitlines()
    dry = setting.run(*words, "-e", "--dry-run").stdout.splitlines()
    second = setting.run(*words, "-e").stdout.splitlines()
    assert len(first) == 30 and sorted(dry) == sorted(second), (first, dry)
    assert sorted(map(int, first + second)) == list(range(100)), (first, second)
    assert setting.run(*words, "-e").stdout == ""
    assert setting.json("consumerProgress", "-g", "reader", "-t", topic)["diffTotal"] == 0


@case
def a_group_that_was_reset_reads_on_without_a_word(setting):
    topic = setting.topic("Again")
    setting.run("produce", "-t", topic, feed="a\nb\n")
    words = ("consume", "-t", topic, "-g", "again", "-e")
    setting.run(*words)
    setting.run("resetOffsetByTime", "-g", "again", "-t", topic, "-s", "0")
    done = setting.run(*words)
    assert (sorted(done.stdout.split()), done.stderr) == (["a", "b"], ""), done


@case
def an_endless_reader_follows_and_stops_when_told(setting):
    topic = setting.topic("Followed", queues=1)
    for signal_sent in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen([str(setting.binaries / "mqadmin"), "consume", "-t", topic, "-s", "first"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, env=setting.environment, cwd=setting.folder)
        guard = threading.Timer(WAIT, child.kill)
        guard.start()
        try:
            setting.run("produce", "-t", topic, feed="news\n")
            assert child.stdout.readline() == "news\n"
            child.send_signal(signal_sent)
            _, said = child.communicate(timeout=WAIT)
            assert (child.returncode, said) == (0, ""), (child.returncode, said)
        finally:
            guard.cancel()
            child.kill()
            child.wait()


@case
def producing_and_consuming_fail_with_their_codes(setting):
    topic = setting.topic("Refused", queues=1)
    told = setting.run("produce", "-t", topic, "--dry-run", feed="a\nb\n").stdout
    assert told == f"would send 2 messages, 2 bytes to the topic {topic}\n", told
    assert setting.run("consume", "-t", topic, "-e").stdout == ""
    done = setting.run("produce", "-t", topic, "-s", ":", feed="a:1\nno separator\na:2\n", code=1)
    assert "line 2: there is no separator ':' in 'no separator'" in done.stderr, done.stderr
    assert done.stdout.startswith("sent 1 message, "), done.stdout
    said = setting.run("produce", "-t", topic, feed="x" * (4 * 1024 * 1024 + 1), code=1).stderr
    assert "line 1 is longer than 4194304 bytes" in said, said
    said = setting.run("consume", "-t", "Nowhere", "-e", code=1).stderr
    assert "TOPIC_NOT_EXIST" in said, said
    for words in (("produce", "-t", topic, "-r", "0"), ("produce", "-t", topic, "-p", "KEYS=1"),
                  ("produce", "-t", topic, "-s", ""), ("produce", "-t", topic, "--by-key"),
                  ("consume", "-t", topic, "-f", "%z"), ("consume", "-t", topic, "-s", "soon"),
                  ("consume", "-t", topic, "-c", "0"), ("consume", "-t", topic, "-f", "%b", "--json")):
        setting.run(*words, code=2)
    for words in (("produce", "-t", topic), ("consume", "-t", topic), ("consume", "-t", topic, "-g", "g")):
        said = setting.run(*words, "-n", "127.0.0.1:1", code=3).stderr
        assert said.startswith(f"mqadmin: {words[0]}: 127.0.0.1:1: ") and said.count("\n") == 1, said


@case
def the_doctor_finds_what_is_wrong(setting):
    # How full the disk is depends on the machine; everything else must be in order.
    done = setting.call("doctor", "--json")
    found = json.loads(done.stdout)
    wrong = [finding for finding in found["findings"] if "its disk is full" not in finding["finding"]]
    assert wrong == [] and done.returncode == (1 if found["errors"] else 0), done.stdout
    done = setting.run("doctor", "-n", f"127.0.0.1:1;{setting.namesrv}", code=1)
    assert "ERROR    127.0.0.1:1: the NameServer does not answer: " in done.stdout, done.stdout
    assert "remedy: start it" in done.stdout, done.stdout
    assert "looked at 2 NameServers, 1 broker and " in done.stdout, done.stdout
    assert " found" in done.stderr, done.stderr
    said = setting.run("doctor", "-n", "127.0.0.1:1", code=3)
    assert said.stdout == "" and said.stderr.startswith("mqadmin: doctor: 127.0.0.1:1: "), said


@case
def why_tells_how_a_group_gets_on(setting):
    topic = setting.topic("Asked")
    setting.run("produce", "-t", topic, feed="a\nb\nc\n")
    setting.run("consume", "-t", topic, "-g", "asker", "-c", "1")
    told = setting.json("why", "asker")
    assert (told["state"], told["lag"], told["members"]) == ("nobody", 2, 0), told
    shown = setting.run("why", "asker").stdout
    assert "nobody consumes: no member is online, 2 messages wait\nremedy: start a consumer" in shown, shown
    assert re.search(r"^dead letters: +0$", shown, re.M) and "#Topic" in shown, shown
    member = subprocess.Popen([str(setting.binaries / "simple_consumer"), setting.namesrv, topic, "asker"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        setting.until(lambda: setting.json("why", "asker")["members"] == 1
                      and setting.json("why", "asker")["lag"] == 0)
        told = setting.json("why", "asker")
        owned = [queue for queue in told["queues"] if queue["topic"] == topic]
        assert told["state"] == "fine" and told["verdict"] == "fine: nothing waits", told
        assert len(owned) == 2 and all("@" in queue["owner"] and queue["lastPull"] for queue in owned), told
        said = setting.run("consume", "-t", topic, "-g", "asker", "-e", code=1).stderr
        assert "the group asker has 1 member online" in said, said
    finally:
        member.communicate(b"\n", timeout=WAIT)
    assert "no broker has offsets of the group nobody" in setting.run("why", "nobody", code=1).stderr
    setting.run("why", code=2)
    setting.run("why", "asker", "-n", "127.0.0.1:1", code=3)


@case
def name_servers_are_configured(setting):
    setting.run("updateKvConfig", "-s", "space", "-k", "key", "-v", "value")
    setting.run("deleteKvConfig", "-s", "space", "-k", "key")
    config = setting.run("getNamesrvConfig").stdout
    assert config.startswith(f"============{setting.namesrv}============\n"), config
    done = setting.run("updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "true")
    assert done.stdout.endswith("orderMessageEnable : true\n"), done.stdout
    assert f"{setting.namesrv}: counts until the restart: the NameServer was" in done.stderr, done.stderr
    done = setting.run("updateNamesrvConfig", "-k", "noSuchKey", "-v", "1", code=1)
    assert "the key noSuchKey is unknown at" in done.stderr, done.stderr
    setting.topic("Routed")
    said = setting.run("wipeWritePerm", "-b", "broker-a").stdout
    assert f"wipe write perm of broker[broker-a] in name server[{setting.namesrv}] OK, " in said, said
    assert " OK, " in setting.run("addWritePerm", "-b", "broker-a").stdout


@case
def failures_end_with_their_codes(setting):
    assert "TOPIC_NOT_EXIST" in setting.run("topicStatus", "-t", "Nowhere", code=1).stderr
    said = setting.run("updateTopic", "-c", "Nowhere", "-t", "T", code=1).stderr
    assert "There is no cluster 'Nowhere', but DefaultCluster" in said, said
    setting.run("topicStatus", code=2)
    setting.run("topicStatus", "--topik", "T", code=2)
    said = setting.run("topicList", "-n", "127.0.0.1:1", code=3).stderr
    assert said.startswith("mqadmin: topicList: 127.0.0.1:1: ") and said.count("\n") == 1, said
    setting.run("topicList", "-n", "127.0.0.1:1", "--java-exit")
    assert "\033" not in setting.run("clusterList").stdout


@case
def dry_run_changes_nothing(setting):
    told = setting.run("updateTopic", "-b", setting.broker, "-t", "Never", "--dry-run").stdout
    assert told.startswith("would set topic TopicConfig [topicName=Never") and setting.broker in told, told
    assert "Never" not in setting.run("topicList").stdout.split()
    for words in (("exportConfigs", "-c", CLUSTER), ("exportMetadata", "-b", setting.broker),
                  ("exportMetrics", "-c", CLUSTER)):
        told = setting.run(*words, "-f", "unwritten", "--dry-run").stdout
        assert re.fullmatch(r"would write \d+ bytes( \(\S+ KiB\))? to unwritten/\w+\.json\n", told), told
    assert not (setting.folder / "unwritten").exists()
    topic = setting.topic("Unsent")
    told = setting.run("checkMsgSendRT", "-t", topic, "-a", "3", "--dry-run").stdout
    assert told == f"would send 3 messages of 128 bytes to the topic {topic}\n", told
    told = setting.run("clusterRT", "-a", "2", "-s", "7", "--dry-run").stdout
    assert told == f"would send 2 messages of 7 bytes to broker-a of the cluster {CLUSTER}\n", told
    assert all(queue["maxOffset"] == 0 for queue in setting.json("topicStatus", "-t", topic)["queues"])


@case
def topic_status_has_a_rate_without_a_cluster(setting):
    # The broker takes samples every ten seconds; the other cases have taken longer.
    setting.until(lambda: setting.json("topicStatus", "-t", "Lines")["topicPutTps"] > 0)


def run_cases(cases, setting):
    """Returns the exit status; prints a line per case and the count."""
    failed = 0
    for function in cases:
        try:
            function(setting)
            print("ok      ", function.__name__)
        except Exception as error:  # A case that breaks must not hide the others.
            failed += 1
            print("FAILED  ", function.__name__, repr(error))
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(cases):
    """The exit status of the cases, all with the same servers."""
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(sys.argv[1], folder)
        try:
            setting.start()
            return run_cases(cases, setting)
        finally:
            setting.stop()


if __name__ == "__main__":
    sys.exit(main(CASES))
