#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin among servers that are dead, mute or not what they should be.

usage: mqadmin_faults_test.py FOLDER_OF_PROGRAMS
"""

import contextlib
import json
import re
import socket
import struct
import subprocess
import sys
import threading

sys.dont_write_bytecode = True

from mqadmin_program_test import CLUSTER, WAIT, main  # noqa: E402

CASES = []
REGISTER_BROKER = 103
RUNTIME_STATS = 28
NO_PERMISSION = 16


def case(function):
    CASES.append(function)
    return function


def frame(header, body=b""):
    text = json.dumps({"language": "JAVA", "version": 513, "flag": 0, **header}).encode()
    return struct.pack(">ii", 4 + len(text) + len(body), len(text)) + text + body


def read_exactly(stream, size):
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data


class FakeBroker:
    """A broker that the NameServer knows, with no or several topics; it notes requests, and is mute unless
    there is a code that it answers everything with."""

    def __init__(self, setting, name, broker_id=0, topics=(), answer=None):
        self.asked = []
        self.answer = answer
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.guests = []
        threading.Thread(target=self._accept, daemon=True).start()
        host, port = setting.namesrv.split(":")
        self.line = socket.create_connection((host, int(port)), timeout=WAIT)
        table = {topic: {"topicName": topic, "readQueueNums": 1, "writeQueueNums": 1, "perm": 6,
                         "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False}
                 for topic in topics}
        body = {"topicConfigSerializeWrapper": {"topicConfigTable": table,
                                                "dataVersion": {"timestamp": 1, "counter": 1}},
                "filterServerList": []}
        self.line.sendall(frame({"code": REGISTER_BROKER, "opaque": 1, "extFields": {
            "brokerName": name, "brokerAddr": self.address, "clusterName": CLUSTER, "haServerAddr": "",
            "brokerId": str(broker_id), "compressed": "false", "bodyCrc32": "0"}}, json.dumps(body).encode()))
        reply = self._read(self.line)
        assert reply["code"] == 0, reply
        setting.until(lambda: self.address in setting.call("clusterList", "--rpc-timeout", "200").stdout)
        self.asked.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.line, self.door, *self.guests):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @staticmethod
    def _read(stream):
        head = read_exactly(stream, 8)
        if head is None:
            return None
        total, length = struct.unpack(">ii", head)
        return json.loads(read_exactly(stream, total - 4)[:length & 0xFFFFFF])

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                guest, _ = self.door.accept()
                self.guests.append(guest)
                threading.Thread(target=self._note, args=(guest,), daemon=True).start()

    def _note(self, guest):
        with contextlib.suppress(OSError):
            while request := self._read(guest):
                self.asked.append(request["code"])
                if self.answer is not None:
                    guest.sendall(frame({"code": self.answer, "flag": 1, "opaque": request["opaque"],
                                         "remark": "no"}))


@case
def the_doctor_asks_a_mute_broker_once(setting):
    with FakeBroker(setting, "broker-mute") as mute:
        done = setting.call("doctor", "--rpc-timeout", "300", "--json")
        told = [one for one in json.loads(done.stdout)["findings"] if mute.address in one["where"]]
        assert done.returncode == 1 and len(told) == 1 and "nobody answers" in told[0]["finding"], done.stdout
        assert mute.asked == [RUNTIME_STATS], mute.asked


@case
def what_is_not_permitted_ends_with_4(setting):
    with FakeBroker(setting, "broker-closed", answer=NO_PERMISSION) as closed:
        words = ("updateSubGroup", "-b", closed.address, "-g", "unwanted")
        done = setting.run(*words, code=4)
        assert done.stderr.startswith("mqadmin: updateSubGroup: ") and "NO_PERMISSION" in done.stderr, done
        assert len(closed.asked) == 1, closed.asked
        setting.run("getBrokerConfig", "-b", closed.address, code=4)
        setting.run(*words, "--java-exit")


@case
def lists_end_with_3_when_a_broker_is_silent(setting):
    setting.topic("Answered")
    with FakeBroker(setting, "broker-mute", topics=("Unanswered", "Mute")) as mute:
        done = setting.run("clusterList", "--rpc-timeout", "300", code=3)
        assert setting.broker in done.stdout and mute.address in done.stdout, done.stdout
        assert done.stderr.startswith(f"mqadmin: clusterList: {mute.address}: "), done.stderr
        setting.run("clusterList", "--rpc-timeout", "300", "--java-exit")
        done = setting.run("statsAll", "--rpc-timeout", "300", code=3)
        assert "\nAnswered " in done.stdout and mute.address in done.stderr, (done.stdout, done.stderr)
        setting.run("statsAll", "-t", "Answered", "--rpc-timeout", "300")


@case
def who_was_changed_is_told(setting):
    topic = setting.topic("Changed")
    mute_too = f"{setting.namesrv};127.0.0.1:1"
    for words in (("updateKvConfig", "-s", "space", "-k", "key", "-v", "1"),
                  ("updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "false"),
                  ("deleteKvConfig", "-s", "space", "-k", "key")):
        said = setting.run(*words, "-n", mute_too, code=3).stderr
        assert f"done at {setting.namesrv}; not, or not for sure, at 127.0.0.1:1\n" in said, said
        assert "127.0.0.1:1: " in said.splitlines()[-1], said
    told = setting.json(*words, "-n", mute_too, code=3)
    assert (told["changed"], told["notChanged"]) == ([setting.namesrv], ["127.0.0.1:1"]), told
    with FakeBroker(setting, "broker-lost", broker_id=1):
        for words in (("updateTopicPerm", "-t", topic, "-p", "4"), ("cleanUnusedTopic",), ("cleanExpiredCQ",),
                      ("updateTopic", "-t", topic)):
            said = setting.run(*words, "-c", CLUSTER, "--rpc-timeout", "300", code=3).stderr
            assert "broker-lost" in said.splitlines()[-1] and f"done at {setting.broker}" in said, said
        said = setting.run("cleanUnusedTopic", code=3).stderr
        assert "a master of the broker broker-lost now" in said, said
    setting.run("cleanUnusedTopic", "-c", CLUSTER)


@case
def offsets_are_moved_where_it_can_be_done(setting):
    topic = setting.topic("Half", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\n")
    for group in ("mover", "copier"):
        setting.run("consume", "-t", topic, "-g", group, "-e")
    back = ("resetOffsetByTime", "-g", "mover", "-t", topic, "-s", "0")
    skip = ("skipAccumulatedMessage", "-g", "mover", "-t", topic)

    def undone(group="mover"):
        shown = setting.call("consumerProgress", "-g", group, "-t", topic, "--rpc-timeout", "300", "--json")
        return json.loads(shown.stdout)["diffTotal"]

    with FakeBroker(setting, "broker-0", topics=(topic, "Half0")) as master:
        for words, left in ((back, 2), (skip, 0)):
            said = setting.run(*words, "--rpc-timeout", "300", code=3).stderr
            assert f"done at {setting.broker}; not, or not for sure, at {master.address}\n" in said, said
            assert undone() == left, words
        with FakeBroker(setting, "broker-0", broker_id=1) as slave:
            master.line.close()
            setting.until(lambda: master.address not in setting.run("topicRoute", "-t", topic).stdout)
            gone = "no NameServer knows a master of the broker broker-0 now"
            told = setting.run(*back, "--dry-run", code=3)
            assert setting.broker in told.stdout and slave.address not in told.stdout, told.stdout
            assert gone in told.stderr, told.stderr
            assert undone() == 0
            for words, left in ((back, 2), (skip, 0), (back, 2)):
                done = setting.json(*words, code=3)
                assert (done["changed"], done["notChanged"]) == ([setting.broker], ["broker-0"]), done
                assert gone in done["error"] and len(done["offsets"]) == 1 and undone() == left, done


@case
def figures_say_what_they_lack(setting):
    topic = setting.topic("Gaps", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\nc\n")
    setting.run("consume", "-t", topic, "-g", "gapper", "-c", "1")
    progress = ("consumerProgress", "-g", "gapper", "--rpc-timeout", "300")
    with FakeBroker(setting, "broker-mute", topics=(topic, "Only")) as mute:
        for words, shown in ((("topicStatus", "-t", topic), "broker-a "), (progress, "Diff Total: 2\n"),
                             (("consume", "-t", topic, "-e"), "a\nb\nc\n"),
                             (("why", "gapper"), f"{mute.address} is not known\n")):
            done = setting.run(*words, "--rpc-timeout", "300", code=3)
            assert shown in done.stdout and mute.address in done.stderr, (words, done)
        lacking = setting.json(*progress, code=3)["incomplete"]
        assert any(text.startswith(mute.address) for text in lacking), lacking
    gone = f"the broker broker-mute (last seen at {mute.address}) is gone"
    setting.until(lambda: gone in setting.call(*progress).stderr)
    done = setting.json(*progress)
    assert done["diffTotal"] == 2 and any(text.startswith(gone) for text in done["incomplete"]), done
    assert f"broker-mute (last seen at {mute.address}) is not known" in setting.run("why", "gapper").stdout
    assert "ERROR    broker-mute: all brokers of this name are gone" in setting.run("doctor", code=1).stdout
    said = setting.run("topicStatus", "-t", "Only", code=1).stderr
    assert "TOPIC_NOT_EXIST" in said and f"broker-mute (last seen at {mute.address});" in said, said
    with FakeBroker(setting, "broker-mute", broker_id=1) as slave:
        said = setting.run(*progress, code=3).stderr
        assert f"broker-mute has no master now: its slave {slave.address} tells instead" in said, said
        assert gone not in said, said


@case
def messages_are_found_where_somebody_answers(setting):
    topic = setting.topic("Sought", queues=1)
    record = "Pub 1700000000000 Region Sales Orders ID-1 red key 10.0.0.9:1 5 12 0 OFFSET true"
    setting.run("produce", "-t", topic, "-k", "ID-1 untraced", feed=record.replace(" ", "\x01") + "\x02\n")
    by_key = ("queryMsgByKey", "-t", topic, "-k", "ID-1")
    setting.until(lambda: setting.call(*by_key).returncode == 0)
    found = setting.json(*by_key)["messages"][0]["messageID"]
    with FakeBroker(setting, "broker-mute", topics=(topic, "Sought0")) as mute:
        patience = ("--rpc-timeout", "300")
        for words, shown in ((by_key, found), (("queryMsgByUniqueKey", "-t", topic, "-i", found), found),
                             (("queryMsgTraceById", "-t", topic, "-i", "ID-1"), "Sales")):
            done = setting.run(*words, *patience, code=3)
            assert shown in done.stdout and mute.address in done.stderr, (words, done)
        lacking = setting.json(*by_key, *patience, code=3)["incomplete"]
        assert len(lacking) == 1 and lacking[0].startswith(mute.address), lacking
        for words in (("queryMsgByKey", "-t", topic, "-k", "none"),
                      ("queryMsgTraceById", "-t", topic, "-i", "untraced")):
            done = setting.run(*words, *patience, code=3)
            assert mute.address in done.stderr and done.stderr.count("\n") == 1, done


@case
def a_mute_broker_is_waited_for_once(setting):
    topic = setting.topic("Busy", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\nc\n")
    setting.run("consume", "-t", topic, "-g", "busy", "-c", "1")
    topics = (topic, "Mute1", "Mute2", "%RETRY%mute1", "%RETRY%mute2")
    patience = ("--rpc-timeout", "300")
    with FakeBroker(setting, "broker-mute", topics=topics) as mute:
        for words, shown, rounds in ((("top", "-s", "lag"), r"^Busy +busy .* 2$", 1),
                                     (("statsAll",), r"^Busy +busy +2 ", 1),
                                     (("startMonitoring", "-i", "1", "--count", "2"), r"^busy .* 2 ", 2),
                                     (("consumerProgress",), r"^busy .* 2$", 1),
                                     (("why", "busy"), r"^Busy +broker-a +0 +2 ", 1)):
            mute.asked.clear()
            done = setting.run(*words, *patience, code=3)
            assert len(re.findall(shown, done.stdout, re.M)) == rounds, (words, done.stdout)
            assert mute.address in done.stderr and len(mute.asked) == rounds, (words, mute.asked, done.stderr)
        rows = setting.json("top", *patience, code=3)
        assert [one["lag"] for one in rows["busiest"] if one["group"] == "busy"] == [2], rows
        assert len(rows["incomplete"]) == 1 and mute.address in rows["incomplete"][0], rows


@case
def a_load_says_what_is_stored_but_not_safe(setting):
    topic = setting.topic("Unsafe", queues=1)
    role = ("updateBrokerConfig", "-b", setting.broker, "-k", "brokerRole", "-v")
    setting.run(*role, "SYNC_MASTER")
    try:
        done = setting.run("bench", "-t", topic, "-d", "1", "-f", "1", "-r", "10")
        said = r"\d+ of them are stored, but were not flushed or copied to a slave in time"
        assert re.search(said, done.stderr), done
        told = setting.json("bench", "-t", topic, "-d", "1", "-f", "1", "-r", "10")
        assert told["notSafe"] == told["loads"][0]["messages"] > 0, told
    finally:
        setting.run(*role, "ASYNC_MASTER")
    assert setting.json("bench", "-t", topic, "-d", "1", "-r", "10")["notSafe"] == 0


@case
def groups_without_a_retry_topic_are_listed(setting):
    topic = setting.topic("Listed", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\nc\n")
    setting.run("consume", "-t", topic, "-g", "lister", "-c", "1")
    listed = {one["group"]: one for one in setting.json("consumerProgress")["groups"]}
    assert listed["lister"]["diffTotal"] == 2 and "TOOLS_CONSUMER" not in listed, listed
    watched = setting.json("startMonitoring", "--count", "1")
    assert [one["undone"] for one in watched["groups"] if one["group"] == "lister"] == [2], watched


@case
def offsets_that_a_group_does_not_have_are_not_copied(setting):
    topic, other = setting.topic("Kept", queues=1), setting.topic("Strange", queues=1)
    for one, group in ((topic, "keeper"), (other, "stranger")):
        setting.run("produce", "-t", one, feed="a\nb\n")
        setting.run("consume", "-t", one, "-g", group, "-e")
    for source in ("nobody", "stranger"):
        words = ("cloneGroupOffset", "-s", source, "-d", "keeper", "-t", topic)
        for done in (setting.run(*words, code=1), setting.run(*words, "--dry-run", code=1)):
            assert done.stdout == "", done.stdout
            why = f"no broker has offsets of the group {source} in the topic {topic}"
            assert why in done.stderr, done.stderr
    assert setting.json("consumerProgress", "-g", "keeper", "-t", topic)["diffTotal"] == 0


@case
def input_that_cannot_be_read_is_told(setting):
    topic = setting.topic("Unread", queues=1)
    for redirection, why in (("< /", "Is a directory"), ("<&-", "Bad file descriptor")):
        shell = f"exec {setting.binaries}/mqadmin produce -t {topic} {redirection}"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=WAIT, check=False,
                              env=setting.environment)
        assert done.returncode == 1 and f"line 1 of the input cannot be read: {why}" in done.stderr, done
        assert done.stdout.startswith("sent 0 messages, "), done.stdout


@case
def a_queue_is_shown_by_who_answers(setting):
    topic = setting.topic("Shown", queues=1)
    setting.run("sendMessage", "-t", topic, "-p", "x", "-b", "broker-a", "-i", "0")
    words = ("queryCq", "-t", topic, "-q", "0", "-i", "0", "--rpc-timeout", "300")
    with FakeBroker(setting, "broker-0", topics=(topic, "Mute")) as master:
        shown = setting.run(*words)
        assert "ConsumeQueueData{" in shown.stdout, shown.stdout
        assert f"asking broker-a at {setting.broker} because the topic's first master {master.address}: " in (
            shown.stderr), shown.stderr
        with FakeBroker(setting, "broker-0", broker_id=1) as slave:
            master.line.close()
            setting.until(lambda: master.address not in setting.run("topicRoute", "-t", topic).stdout)
            said = setting.run(*words).stderr
            head = f"mqadmin: queryCq: asking broker-0 at {slave.address}, a slave, because the topic's first"
            assert said.startswith(head + " master is not registered\n"), said
            assert f"asking broker-a at {setting.broker} because" in said, said


if __name__ == "__main__":
    sys.exit(main(CASES))
