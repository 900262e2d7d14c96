#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin resetOffsetByTime for one queue.

usage: mqadmin_offsets_test.py FOLDER_OF_PROGRAMS
"""

import sys

sys.dont_write_bytecode = True

from mqadmin_program_test import Server, main  # noqa: E402

CASES = []


def case(function):
    CASES.append(function)
    return function


def offset_of(setting, group, topic):
    return setting.json("consumerProgress", "-g", group, "-t", topic)["queues"][0]["consumerOffset"]


@case
def one_queue_is_moved_whatever_is_pending(setting):
    topic = setting.topic("Single", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\nc\nd\n")
    setting.run("consume", "-t", topic, "-g", "single", "-e")
    words = ("resetOffsetByTime", "-g", "single", "-t", topic, "-s", "-1")
    single = (*words, "-b", setting.broker)
    # Nobody has picked this one up when the next comes.
    setting.run(*words)
    assert offset_of(setting, "single", topic) == 4
    told = setting.run(*single, "-q", "0", "-o", "2", "--dry-run").stdout
    assert told.count("would ") == 1 and "queue 0 to 2" in told, told
    said = setting.run(*single, "-q", "0", "-o", "2").stdout
    assert said.endswith("reset consumer offset to 2\n") and offset_of(setting, "single", topic) == 2, said
    for wrong, why in ((("-q", "0", "-o", "5"), "Target offset 5 not in consume queue range [0-4]"),
                       (("-q", "0", "-o", "-2"), "Target offset -2 not in consume queue range [0-4]"),
                       (("-q", "1", "-o", "0"), "queueId 1 is not in 0..0")):
        said = setting.run(*single, *wrong, code=1)
        assert why in said.stderr and "reset consumer offset to" not in said.stdout, said
        assert offset_of(setting, "single", topic) == 2
    setting.run(*single, "-q", "-1", "-o", "0", code=2)
    setting.run(*single, "-q", "0", "-o", "-1")
    assert offset_of(setting, "single", topic) == 4
    # Who comes begins there.
    setting.run(*single, "-q", "0", "-o", "3")
    assert setting.run("consume", "-t", topic, "-g", "single", "-e").stdout == "d\n"


@case
def a_slave_resets_nothing(setting):
    topic = setting.topic("Led", queues=1)
    setting.run("produce", "-t", topic, feed="a\nb\n")
    setting.run("consume", "-t", topic, "-g", "led", "-e")
    settings = ("listenPort=0,brokerIP1=127.0.0.1,bindAddress=127.0.0.1,brokerName=broker-a,brokerRole=SLAVE,"
                "brokerId=1")
    server = Server([setting.binaries / "mqbroker", f"--data-dir={setting.folder}/slave",
                     "-n=" + setting.namesrv, "--set=" + settings])
    setting.servers.append(server)
    slave = "127.0.0.1:" + server.wait_for(r"127\.0\.0\.1:(\d+)\] boot success")
    said = setting.run("resetOffsetByTime", "-g", "led", "-t", topic, "-s", "0", "-b", slave, "-q", "0",
                       "-o", "1", code=1)
    assert "Can not reset offset in slave broker" in said.stderr, said
    assert offset_of(setting, "led", topic) == 2


if __name__ == "__main__":
    sys.exit(main(CASES))
