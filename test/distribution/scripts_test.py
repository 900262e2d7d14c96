#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripts of distribution/bin, as an operator runs them: whole clusters, shutdown, and every mistake.

usage: scripts_test.py DISTRIBUTION_DIR MQNAMESRV MQBROKER [CASE...]

Each case has an installation of its own, so that `mqshutdown` finds no other test's servers.
"""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from processes import chosen_cases, run_cases  # noqa: E402

CASES = []
PATIENCE = 120  # For what takes a second on an idle machine.


def case(function):
    """Registers a test case; it gets a Site."""
    CASES.append(function)
    return function


class Site:
    """An installed tree and a folder to work in."""

    def __init__(self, words, folder):
        distribution, *self.programs = words
        self.folder = pathlib.Path(folder).resolve()
        self.bin = self.folder / "prefix/bin"
        self.home = self.folder / "prefix/share/orbitmq"
        self.bin.mkdir(parents=True)
        for program in self.programs:
            # A link of its own is a path of its own in /proc/PID/exe.
            try:
                os.link(program, self.bin / pathlib.Path(program).name)
            except OSError:
                shutil.copy2(program, self.bin)
        shutil.copytree(distribution, self.home)

    def run(self, script, *words, code=0, environment=None):
        """Runs a script of this installation to its end; checks the exit code."""
        done = subprocess.run([self.home / "bin" / script, *map(str, words)], cwd=self.folder, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
                              env={**os.environ, **(environment or {})})
        assert done.returncode == code, \
            f"{script} {words}: exit {done.returncode}, not {code}: {done.stdout}{done.stderr}"
        return done

    def cluster(self, *words, code=0):
        """cluster.sh with --json; returns what it says."""
        said = self.run("cluster.sh", *words, "--json", code=code).stdout
        return json.loads(said)

    def refused(self, *words, code=1, says=()):
        """cluster.sh must fail with these texts and leave what runs as it is."""
        before = self.running()
        said = self.run("cluster.sh", *words, code=code).stderr
        missing = [text for text in says if text not in said]
        assert not missing, f"{words}: no {missing} in: {said}"
        assert self.running() == before, f"{words}: other processes run now"

    def running(self):
        """The processes of this installation: ids and programs."""
        found = {}
        for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith(f"{self.folder}/"):
                found[int(link.parent.name)] = pathlib.Path(target).name
        return found

    def await_none_running(self):
        """Until they have ended."""
        deadline = time.monotonic() + PATIENCE
        while self.running():
            assert time.monotonic() < deadline, f"these go on running: {self.running()}"
            time.sleep(0.02)

    def close(self):
        """Ends what a failed case left."""
        for pid in self.running():
            os.kill(pid, signal.SIGKILL)


def ports_of(told):
    """Where the members of a cluster listen."""
    return {member["name"]: member["address"] for member in told["members"]}


def await_text(path, text):
    """Until a file holds it."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or text not in path.read_text(errors="replace"):
        assert time.monotonic() < deadline, f"{path} never held '{text}'"
        time.sleep(0.02)


def hang(pid):
    """Stops all threads of a process."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while any(task.read_text().rpartition(")")[2].split()[0] != "T"
              for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, f"{pid} does not stop"
        time.sleep(0.01)


def three_free_ports():
    """The first of P, P + 2 and P + 3, which nobody uses: a broker's, next to the port P + 2."""
    while True:
        first = random.randrange(15000, 30000)
        try:
            for port in (first, first + 2, first + 3):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


@case
def two_clusters_start_side_by_side(site):
    """Started at the same moment they share no port; each stops alone and leaves no process."""
    script = site.home / "bin/cluster.sh"
    starts = [subprocess.Popen([script, "start", "2m-noslave", "--json", "--dir", name], cwd=site.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
              for name in ("one", "two")]
    told = []
    for start in starts:
        out, error = start.communicate(timeout=PATIENCE)
        assert start.returncode == 0, error
        told.append(json.loads(out))
    addresses = [address for one in told for address in ports_of(one).values()]
    assert len(set(addresses)) == 8, addresses
    assert all(one["running"] for one in told), told
    assert sorted(site.running().values()) == 4 * ["mqbroker"] + 4 * ["mqnamesrv"], site.running()
    assert not site.cluster("stop", "2m-noslave", "--dir", "one")["running"]
    assert site.cluster("status", "2m-noslave", "--dir", "two") == told[1]
    site.cluster("stop", "2m-noslave", "--dir", "two")
    assert not site.running(), site.running()


@case
def killed_members_come_back_where_they_were(site):
    """`kill` and `start` touch the named member; a broker that died by itself is told as dead."""
    first = site.cluster("start", "2m-noslave")
    site.run("cluster.sh", "kill", "2m-noslave", "broker-a")
    state = site.cluster("status", "2m-noslave", code=1)
    assert [member["state"] for member in state["members"]] == ["running", "running", "stopped", "running"]
    (by_itself,) = [member["pid"] for member in first["members"] if member["name"] == "broker-b"]
    os.kill(by_itself, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while site.cluster("status", "2m-noslave", code=1)["members"][3]["state"] != "dead":
        assert time.monotonic() < deadline, "its end was not noticed"
    site.refused("stop", "2m-noslave", "broker-z", code=2, says=["broker-z", "broker-a broker-b"])
    again = site.cluster("start", "2m-noslave")
    assert again["running"] and ports_of(again) == ports_of(first), (first, again)
    assert [member["pid"] for member in again["members"]][:2] == \
        [member["pid"] for member in first["members"]][:2], "a member that ran was started anew"
    restarted = site.cluster("restart", "2m-noslave")
    assert ports_of(restarted) == ports_of(first)
    assert not site.cluster("kill", "2m-noslave")["running"]
    assert not site.running(), site.running()


@case
def table_names_everything(site):
    """What a person sees: the members and three commands; no colours where no terminal is."""
    said = site.run("cluster.sh", "start", "standalone")
    told = site.cluster("status", "standalone")
    assert told["members"][0]["address"] in said.stdout and told["namesrvAddr"] in said.stdout, said.stdout
    assert len(said.stdout.split("Next:\n")[1].strip().split("\n")) == 3, said.stdout
    assert "\033" not in said.stdout + said.stderr, said
    assert "listens on" in said.stderr, said.stderr
    assert len(site.running()) == 1, "a standalone server is one process"
    # The last of the three commands works as it is printed.
    command = said.stdout.strip().split("\n")[-1].strip()
    subprocess.run(["sh", "-c", command], cwd=site.folder, check=True, timeout=PATIENCE,
                   capture_output=True)
    assert not site.running(), site.running()


@case
def folder_of_apaches_files_is_a_cluster(site):
    """Files with licence text and Windows line ends, one of them naming its port, both of them what on
    machines of their own is each one's: the folder of the log, the port for replicas, a master elsewhere."""
    folder = site.folder / "mine"
    folder.mkdir()
    port = three_free_ports() + 2
    elsewhere = site.folder / "elsewhere"
    sample = (site.home / "conf/2m-noslave/broker-a.properties").read_text()
    sample += f"storePathCommitLog={elsewhere}\nhaListenPort={port}\nhaMasterAddress=203.0.113.9:10912\n"
    (folder / "left.properties").write_text(f"# Licensed to somebody\n{sample}listenPort = {port}\n")
    (folder / "right.properties").write_bytes(
        sample.replace("broker-a", "broker-b").replace("\n", "\r\n").encode())
    told = site.cluster("start", folder)
    assert ports_of(told)["left"] == f"127.0.0.1:{port}", told
    assert [member["name"] for member in told["members"]] == ["namesrv-1", "namesrv-2", "left", "right"]
    assert told["dir"] == str(site.folder / "data/clusters/mine")
    assert not elsewhere.exists()
    site.refused("start", "standalone", "--dir", told["dir"], says=["holds the cluster of", "--dir"])
    site.cluster("stop", folder)


@case
def mistakes_of_the_command_line(site):
    """Usage errors end with 2 and say what there is."""
    for words, says in (
            ([], ["usage:"]), (["dance"], ["'dance'", "usage:"]), (["start"], ["2m-noslave", "standalone"]),
            (["start", "5m-noslave"], ["'5m-noslave'", "2m-noslave"]),
            (["start", "2m-noslave", "--fast"], ["'--fast'"]),
            (["start", "2m-noslave", "--dir"], ["--dir needs a value"]),
            (["start", "2m-noslave", "--dir", ""], ["--dir needs a folder"]),
            (["status", "2m-noslave", "--dir="], ["--dir needs a folder"]),
            (["start", "2m-noslave", "--timeout", "soon"], ["'soon'"]),
            (["start", "2m-noslave", "--dir", "a,b"], ["comma"])):
        site.refused(*words, code=2, says=says)
    assert "start|status|stop" in site.run("cluster.sh", "--help").stdout
    site.refused("stop", "2m-noslave", says=["no cluster was ever started", "--dir"])
    site.refused("status", "2m-noslave", says=["no cluster was ever started"])
    (site.folder / "full").mkdir()
    (site.folder / "full/file").touch()
    site.refused("start", "2m-noslave", "--dir", "full", says=["was not made by cluster.sh"])
    (site.folder / "empty").mkdir()
    site.refused("start", site.folder / "empty", says=["no *.properties"])
    (site.folder / "twice").mkdir()
    for name in ("one", "other"):
        (site.folder / f"twice/{name}.properties").write_text("brokerName=same\nbrokerId=0\n")
    site.refused("start", site.folder / "twice",
                 says=["one.properties", "other.properties", "brokerName=same"])


@case
def start_says_why_it_failed(site):
    """A port in use, a bad option, no program, a second start: and nothing stays behind."""
    folder = site.folder / "odd"
    folder.mkdir()
    path = folder / "broker.properties"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path.write_text(f"brokerName=odd\nlistenPort={port}\n")
        site.refused("start", folder, says=[str(port), "in use", "listenPort"])
    shutil.rmtree(site.folder / "data")
    path.write_text("brokerName=odd\nflushDiskType=NEVER\n")
    site.refused("start", folder, says=["broker ended before it was ready", "broker.conf:2", "NEVER"])
    shutil.rmtree(site.folder / "data")
    site.cluster("start", "standalone")
    site.refused("start", "standalone", says=["already running", "--dir"])
    site.cluster("stop", "standalone")
    (site.bin / "mqbroker").unlink()
    site.refused("start", "standalone", says=["no program mqbroker", str(site.bin), "ORBITMQ_BIN"])
    said = site.run("cluster.sh", "start", "standalone", code=1, environment={"ORBITMQ_BIN": "nowhere"})
    assert "nowhere (ORBITMQ_BIN)" in said.stderr, said.stderr


@case
def interrupted_start_leaves_nothing(site):
    """Ctrl-C while it waits for a member."""
    started = subprocess.Popen([site.home / "bin/cluster.sh", "start", "2m-noslave"], cwd=site.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    await_text(site.folder / "data/clusters/2m-noslave/broker-a/pid", " ")
    started.send_signal(signal.SIGTERM)
    said = started.communicate(timeout=PATIENCE)[0]
    if started.returncode == 0:  # It was quicker than the signal.
        site.run("cluster.sh", "stop", "2m-noslave")
    else:
        assert started.returncode == 143, (started.returncode, said)
    assert not site.running(), site.running()


@case
def start_that_is_interrupted_amid_a_launch_leaves_nothing(site):
    """Between the birth of a process and the note of its id: a disk that is slow, here for `mv`."""
    slow = site.folder / "slow"
    slow.mkdir()
    marker = site.folder / "marker"
    (slow / "mv").write_text(f"#!/bin/sh\ncase $* in */last-pid*/pid) touch '{marker}'; sleep 1 ;; esac\n"
                             f"exec {shutil.which('mv')} \"$@\"\n")
    (slow / "mv").chmod(0o755)
    site.cluster("start", "standalone")
    site.cluster("stop", "standalone")
    started = subprocess.Popen([site.home / "bin/cluster.sh", "start", "standalone"], cwd=site.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "PATH": f"{slow}:{os.environ['PATH']}"})
    deadline = time.monotonic() + PATIENCE
    while not marker.exists():
        assert time.monotonic() < deadline and started.poll() is None, "it never wrote the id"
        time.sleep(0.01)
    started.send_signal(signal.SIGTERM)
    said = started.communicate(timeout=PATIENCE)[0]
    assert started.returncode == 143, (started.returncode, said)
    assert not site.running(), site.running()


@case
def process_with_a_members_old_id_is_nobodys(site):
    """The file of a process id outlives a machine; the id may belong to anything by then."""
    told = site.cluster("start", "standalone")
    site.cluster("kill", "standalone")
    other = subprocess.Popen(["sleep", "600"])
    try:
        pid = pathlib.Path(told["dir"]) / "standalone/pid"
        pid.write_text(f"{other.pid} 1\n")
        state = site.cluster("status", "standalone", code=1)["members"][0]
        assert (state["state"], state["pid"]) == ("dead", None), state
        site.cluster("stop", "standalone")
        pid.write_text(f"{other.pid} 1\n")
        site.cluster("kill", "standalone")
        pid.write_text(f"{other.pid} 1\n")
        assert site.cluster("restart", "standalone")["running"]
        site.cluster("stop", "standalone")
        assert other.poll() is None, "a process that is no member was ended"
    finally:
        other.kill()
        other.wait()


@case
def taken_ports_are_given_up(site):
    """One that was taken since the last start, and one that is taken in the moment of the start."""
    before = site.cluster("start", "standalone")["members"][0]["address"]
    site.cluster("stop", "standalone")
    port = int(before.rpartition(":")[2])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = site.run("cluster.sh", "start", "standalone").stderr
        assert f"standalone: port {port} is taken by another process now, it gets " in said, said
        second = site.cluster("status", "standalone")["members"][0]["address"]
        assert second != before, second
        site.cluster("stop", "standalone")
    # The first server finds its port in use, the second one starts.
    programs = site.folder / "programs"
    programs.mkdir()
    (programs / "mqnamesrv").symlink_to(site.bin / "mqnamesrv")
    marker = site.folder / "late"
    (programs / "mqbroker").write_text(f"#!/bin/sh\nif [ ! -e '{marker}' ]; then touch '{marker}'\n"
                                       "echo 'mqbroker: listen: the port is in use by another process' >&2\n"
                                       f"exit 1; fi\nexec '{site.bin}/mqbroker' \"$@\"\n")
    (programs / "mqbroker").chmod(0o755)
    said = site.run("cluster.sh", "start", "standalone", environment={"ORBITMQ_BIN": str(programs)}).stderr
    assert marker.exists() and "is taken by another process now, it gets " in said, said
    told = site.cluster("status", "standalone")
    assert told["running"] and told["members"][0]["address"] != second, (told, second)
    site.cluster("stop", "standalone")


@case
def brokers_of_a_folder_show_metrics_side_by_side(site):
    """Prometheus' port is one for all by default, and files for machines of their own name the same."""
    folder = site.folder / "shown"
    folder.mkdir()
    for name in ("a", "b"):
        sample = (site.home / f"conf/2m-noslave/broker-{name}.properties").read_text()
        (folder / f"{name}.properties").write_text(f"{sample}\nmetricsExporterType=PROM\n"
                                                   "metricsPromExporterPort=5557\n")
    told = site.cluster("start", folder)
    shown = [member["metrics"] for member in told["members"] if "metrics" in member]
    assert len(set(shown)) == 2 and told["running"], told
    for address in shown:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=PATIENCE) as page:
            assert b"rocketmq_" in page.read()
    table = site.run("cluster.sh", "status", folder).stdout
    assert all(f"http://{address}/metrics" in table for address in shown), table
    site.cluster("restart", folder)
    assert site.cluster("status", folder)["members"][2]["metrics"] == shown[0]
    site.cluster("stop", folder)


@case
def name_servers_log_into_files_that_rotate(site):
    """What they print is their boot line, or why there is none."""
    told = site.cluster("start", "2m-noslave", "namesrv-1")
    home = pathlib.Path(told["dir"]) / "namesrv-1"
    assert len((home / "out").read_text().splitlines()) == 1, (home / "out").read_text()
    assert (home / "log").stat().st_size > 0
    site.cluster("stop", "2m-noslave", "namesrv-1")
    (home / "kvConfig.json").write_text("{")
    said = site.run("cluster.sh", "start", "2m-noslave", "namesrv-1", code=1).stderr
    assert "namesrv-1 ended before it was ready" in said and "kvConfig.json" in said, said


@case
def member_that_does_not_answer_is_killed(site):
    """A stopped process takes no SIGTERM; stop says so, kills it and fails."""
    told = site.cluster("start", "standalone")
    os.kill(told["members"][0]["pid"], signal.SIGSTOP)
    said = site.run("cluster.sh", "stop", "standalone", "--timeout", 2, code=1)
    assert "standalone did not stop in time" in said.stderr, said.stderr
    assert not site.running(), site.running()


@case
def silent_members_are_told_apart(site):
    """A stopped process looks alive to the kernel. Brokers are judged by the NameServers that answer."""
    told = site.cluster("start", "2m-noslave")
    pids = {member["name"]: member["pid"] for member in told["members"]}
    for name in ("namesrv-1", "broker-b"):
        hang(pids[name])
    states = {member["name"]: member["state"]
              for member in site.cluster("status", "2m-noslave", "--timeout", 3, code=1)["members"]}
    assert states == {"namesrv-1": "no answer", "namesrv-2": "running", "broker-a": "running",
                      "broker-b": "no answer"}, states
    os.kill(pids["broker-b"], signal.SIGCONT)
    site.run("cluster.sh", "kill", "2m-noslave", "broker-a")
    said = site.run("cluster.sh", "start", "2m-noslave", "broker-a", "--timeout", 2, code=1).stderr
    assert "broker-a is not known to every NameServer (no answer from namesrv-1) within 2 s" in said, said
    os.kill(pids["namesrv-1"], signal.SIGCONT)
    # Brokers that ran all the while must be found through NameServers that were made anew.
    site.run("cluster.sh", "kill", "2m-noslave", "namesrv-1", "namesrv-2")
    told = site.cluster("start", "2m-noslave")
    assert told["running"], told
    site.cluster("stop", "2m-noslave")


@case
def full_disk_stops_no_start(site):
    """What is there can be served; neither files of the scripts nor those of the servers find room."""
    disk = site.folder / "disk"
    disk.mkdir()
    steps = f"""
        set -e
        mount -t tmpfs -o size=8m none '{disk}'
        cluster='{site.home}/bin/cluster.sh'
        $cluster start standalone --dir '{disk}/c'
        cat /dev/zero >'{disk}/filler' || true
        $cluster stop standalone --dir '{disk}/c'
        cat /dev/zero >>'{disk}/filler' || true
        $cluster start standalone --dir '{disk}/c'
        $cluster status standalone --dir '{disk}/c'
        $cluster stop standalone --dir '{disk}/c'
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", steps], cwd=site.folder, text=True,
                          capture_output=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0 and f"the disk of {disk}/c is full" in done.stderr, done
    assert not site.running(), site.running()


@case
def first_start_on_a_full_disk_spoils_nothing(site):
    """Wherever the room ends, what is left makes no slave a master and keeps no later start away."""
    disk = site.folder / "disk"
    disk.mkdir()
    steps = f"""
        set -e
        mount -t tmpfs -o size=64m none '{disk}'
        cluster='{site.home}/bin/cluster.sh'
        cat /dev/zero >'{disk}/filler' || true
        for page in $(seq 11); do
            ! $cluster start 2m-2s-async --dir '{disk}/c' --timeout 5 || exit 3
            [ -z "$(find '{disk}/c' -empty \\( -name broker.conf -o -name cluster \\))" ] || exit 4
            truncate -s -4096 '{disk}/filler'
        done
        rm '{disk}/filler'
        $cluster start 2m-2s-async --dir '{disk}/c'
        $cluster stop 2m-2s-async --dir '{disk}/c'
        : >'{disk}/c/cluster'
        echo brokerName=broker-a >'{disk}/c/broker-a-s/broker.conf'
        ! $cluster start 2m-2s-async --dir '{disk}/c' || exit 5
        : >'{disk}/c/broker-a-s/broker.conf'
        $cluster start 2m-2s-async --dir '{disk}/c' --json
        $cluster stop 2m-2s-async --dir '{disk}/c'
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", steps], cwd=site.folder, text=True,
                          capture_output=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    assert [member["role"] for member in told["members"]] == \
        ["NameServer", "NameServer", "master", "master", "slave", "slave"], told
    assert "sets no brokerClusterName, but " in done.stderr, done.stderr
    assert not site.running(), site.running()


@case
def printed_commands_can_be_pasted(site):
    """Whatever is in a path; and with standard output closed there is nothing to complain about."""
    folder = site.folder / "with space and it's ü"
    said = site.run("cluster.sh", "start", "standalone", "--dir", folder).stdout
    stop = said.splitlines()[-1].strip()
    done = subprocess.run(["bash", "-c", stop], cwd=site.folder, text=True, capture_output=True, check=False,
                          timeout=PATIENCE)
    assert done.returncode == 0, (stop, done)
    assert not site.running(), site.running()
    script = site.home / "bin/cluster.sh"
    done = subprocess.run(["bash", "-c", f"'{script}' start standalone >&-"], cwd=site.folder, text=True,
                          capture_output=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0 and "error" not in done.stderr, done
    site.cluster("stop", "standalone")


@case
def mqshutdown_ends_what_runs(site):
    """With Apache's words; a restarted name or another installation is none of its business."""
    none = site.run("mqshutdown", "broker", code=1)
    assert none.stdout == "No mqbroker running.\n", none
    told = site.cluster("start", "2m-noslave")
    brokers = " ".join(sorted(str(member["pid"]) for member in told["members"] if member["role"] == "master"))
    said = site.run("mqshutdown", "broker").stdout
    pids = re.match(r"The mqbroker\(([0-9 ]+)\) is running\.\.\.\n", said).group(1)
    assert " ".join(sorted(pids.split())) == brokers, (said, brokers)
    assert said.endswith(f"Send shutdown request to mqbroker({pids}) OK\n"), said
    site.run("mqshutdown", "namesrv")
    site.await_none_running()
    assert site.run("mqshutdown", "proxy", code=1).stdout == "No mqproxy running.\n"
    for words in ([], ["everything"]):
        assert "Usage: mqshutdown broker | namesrv" in site.run("mqshutdown", *words, code=2).stderr


@case
def launchers_run_under_sh(site):
    """`sh bin/mqbroker`, as Apache's manuals have it, also through a link from elsewhere."""
    for program, option in (("mqbroker", "brokerName"), ("mqnamesrv", "listenPort")):
        link = site.folder / f"link-to-{program}"
        link.symlink_to(site.home / "bin" / program)
        for path in (site.home / "bin" / program, link):
            said = subprocess.run(["sh", path, "-p"], cwd=site.folder, capture_output=True, text=True,
                                  timeout=PATIENCE, check=True).stdout
            assert f"{option}=" in said, said


def main():
    words = sys.argv[1:4]
    return run_cases(chosen_cases(CASES, sys.argv[4:]), lambda folder: Site(words, folder))


if __name__ == "__main__":
    sys.exit(main())
