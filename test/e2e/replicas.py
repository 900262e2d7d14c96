# SPDX-License-Identifier: Apache-2.0
"""A master and its slave: in step, and at rest with the same log, byte for byte."""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import wire  # noqa: E402
from logs import first_difference  # noqa: E402
from processes import PATIENCE  # noqa: E402

GET_BROKER_HA_STATUS = 907
LOG_FILE_BYTES = 1 << 30  # mappedFileSizeCommitLog, which the samples leave as it is.


def status(address):
    """What a broker says of its replication."""
    with wire.Connection(address) as connection:
        reply = connection.call(GET_BROKER_HA_STATUS)
    assert reply.code == 0, f"{address}: code {reply.code}, {reply.remark}"
    return json.loads(reply.body)


def await_in_step(master):
    """Until the slave of a master that nobody sends to has acknowledged everything; the end of the log."""
    def everything(told):
        end, slaves = told["masterCommitLogMaxOffset"], told["haConnectionInfo"]
        return slaves and all(slave["inSync"] and slave["slaveAckOffset"] == end for slave in slaves)

    return _await(master, everything, "has a slave that is not in step")["masterCommitLogMaxOffset"]


def await_no_slave(master):
    """Until a master has given up its slave."""
    _await(master, lambda told: not told["haConnectionInfo"], "still has a slave")


def await_slave(master):
    """Until a master has a slave that is in step, while messages come."""
    def in_step(told):
        return told["haConnectionInfo"] and all(slave["inStep"] for slave in told["haConnectionInfo"])

    _await(master, in_step, "has no slave in step")


def _await(master, condition, wrong):
    deadline = time.monotonic() + 2 * PATIENCE
    while not condition(told := status(master)):
        assert time.monotonic() < deadline, f"{master} {wrong}: {told}"
        time.sleep(0.1)
    return told


def demand_equal_logs(stores, end):
    """The logs of stores at rest are the same bytes up to the confirmed offset."""
    assert end > 0, "the log is empty"
    logs = [os.path.join(store, "commitlog") for store in stores]
    wrong = first_difference(logs, 0, end, LOG_FILE_BYTES)
    assert wrong is None, f"{logs[0]} and {logs[1]} differ from byte {wrong} on, of {end}"
    print(f"        {end} bytes of log are the same on master and slave", flush=True)
