#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mqadmin: what options mean that stand together, and what their values do.

usage: mqadmin_options_test.py FOLDER_OF_PROGRAMS
"""

import sys
import time

sys.dont_write_bytecode = True

from mqadmin_program_test import CLUSTER, main  # noqa: E402

CASES = []


def case(function):
    CASES.append(function)
    return function


@case
def a_broker_counts_more_than_a_cluster(setting):
    setting.topic("Both")
    both = ("-b", setting.broker, "-c", "Nowhere")
    for words in (("getBrokerConfig",), ("haStatus",), ("exportMetadata", "-f", "export"),
                  ("updateBrokerConfig", "-k", "fileReservedTime", "-v", "71"),
                  ("updateSubGroup", "-g", "both"),
                  ("setConsumeMode", "-t", "Both", "-g", "both", "-m", "PULL"),
                  ("updateTopicPerm", "-t", "Both", "-p", "4"), ("deleteSubGroup", "-g", "both")):
        setting.run(*words, *both)
        setting.run(*words, "-c", "Nowhere", code=1)
    # These ask for exactly one of them, as Java's do.
    setting.run("updateTopic", "-t", "Both", *both, code=2)
    setting.run("brokerStatus", *both, code=2)


@case
def a_topic_may_be_closed(setting):
    setting.topic("Closed", queues=1)
    setting.run("produce", "-t", "Closed", feed="before\n")
    def perm_of_route():
        return setting.json("topicRoute", "-t", "Closed")["route"]["queueDatas"][0]["perm"]

    for perm, text in (("0", "---"), ("7", "RWX"), ("5", "R-X"), ("6", "RW-")):
        made = setting.run("updateTopicPerm", "-b", setting.broker, "-t", "Closed", "-p", perm).stdout
        assert f"perm={text}," in made, made
        setting.until(lambda want=int(perm): perm_of_route() == want)
    made = setting.run("updateTopic", "-c", CLUSTER, "-t", "Closed", "-r", "1", "-w", "1", "-p", "0").stdout
    assert "perm=---," in made, made
    setting.run("updateTopic", "-c", CLUSTER, "-t", "Closed", "-p", "8", code=2)


@case
def a_rate_is_kept(setting):
    topic = setting.topic("Slowly", queues=1)
    began = time.monotonic()
    setting.run("produce", "-t", topic, "-r", "20", feed="line\n" * 10)
    taken = time.monotonic() - began
    # The first one goes at once, and nine waits of 50 ms follow.
    assert taken >= 0.4, taken
    assert setting.json("topicStatus", "-t", topic)["queues"][0]["maxOffset"] == 10


if __name__ == "__main__":
    sys.exit(main(CASES))
