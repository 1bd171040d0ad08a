#!/usr/bin/env python3
"""deploy/mpi/train-with-sidecars over two machines, which are network namespaces here, and a supervisor in a third.

usage: tests/deploy/mpi_test.py BINARIES

    central, 10.99.0.254 ── a bridge ── 10.99.0.1, node 1, 10.98.0.1 ──┐ a wire for the all-reduce alone
                               └─────── 10.99.0.2, node 2, 10.98.0.2 ──┘

Exit status 77: namespaces cannot be made here.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests/faults"))
from processes import expect, kill_and_reap, wait_until  # noqa: E402

NODES = (1, 2)
RANKS = 4
SKIPPED = 77


def call(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


class Machines(contextlib.ExitStack):
    """The namespaces, and all processes in them, until the block ends."""

    def __init__(self, folder, binaries):
        super().__init__()
        self.prefix = f"lehr-mpi-{os.getpid()}"
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "TMPDIR": str(folder),
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_plm_rsh_agent": str(self.write_agent()),
            "OMPI_MCA_oob_tcp_if_include": "mpi",
            "OMPI_MCA_btl_tcp_if_include": "mpi",
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
            "OMPI_MCA_mpi_yield_when_idle": "1",
        }

    def write_agent(self):
        """In the place of ssh: runs a command on another machine, whose name is its own."""
        agent = self.folder / "agent"
        agent.write_text(
            '#!/bin/sh\nhost=$1\nshift\n'
            f'exec ip netns exec "{self.prefix}-$host" unshare --uts sh -c \'hostname "node-${{0##*.}}" && exec sh -c "$*"\''
            ' "$host" "$@"\n')
        agent.chmod(0o755)
        return agent

    def node(self, number):
        return f"{self.prefix}-10.98.0.{number}"

    def central(self):
        return f"{self.prefix}-central"

    def make(self):
        for name in (self.central(), *map(self.node, NODES)):
            call("ip", "netns", "add", name)
            self.callback(call, "ip", "netns", "delete", name)
            call("ip", "-n", name, "link", "set", "lo", "up")
        call("ip", "-n", self.central(), "link", "add", "bridge", "type", "bridge")
        self.give_address(self.central(), "bridge", "10.99.0.254/24")
        for number in NODES:
            call("ip", "-n", self.central(), "link", "add", f"node{number}", "type", "veth", "peer", "name", "uplink",
                 "netns", self.node(number))
            call("ip", "-n", self.central(), "link", "set", f"node{number}", "master", "bridge", "up")
            self.give_address(self.node(number), "uplink", f"10.99.0.{number}/24")
        call("ip", "-n", self.node(1), "link", "add", "mpi", "type", "veth", "peer", "name", "mpi", "netns", self.node(2))
        for number in NODES:
            self.give_address(self.node(number), "mpi", f"10.98.0.{number}/24")

    def give_address(self, name, interface, address):
        call("ip", "-n", name, "address", "add", address, "dev", interface)
        call("ip", "-n", name, "link", "set", interface, "up")

    def set_uplink(self, number, state):
        call("ip", "-n", self.central(), "link", "set", f"node{number}", state)

    def start(self, name, *command, log, **environment):
        with open(log, "wb") as file:
            process = subprocess.Popen(["ip", "netns", "exec", name, *command], stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=file, env={**self.environment, **environment})
        self.callback(kill_and_reap, process)
        return process

    def inside(self, name, *command):
        return call("ip", "netns", "exec", name, *command)

    def processes(self, name):
        return [int(pid) for pid in call("ip", "netns", "pids", name).split()]

    def end_all(self):
        for name in map(self.node, NODES):
            for pid in self.processes(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def get(self, name, path):
        """What the lehrd of a machine tells over HTTP, which is on its loopback."""
        return self.inside(name, "curl", "--silent", "--fail", f"http://127.0.0.1:7071{path}")

    def newest_decisions(self, count):
        page = self.get(self.central(), f"/api/v1/runs/digits/history?page_size={count}&newest_first=true")
        return [entry["decision"] for entry in json.loads(page)["entries"]]

    def streams(self, name):
        return int(re.search(r"^lehr_streams (\d+)$", self.get(name, "/metrics"), re.MULTILINE).group(1))

    def received(self, number):
        """Over the wire for the all-reduce. Unit: bytes."""
        link = json.loads(self.inside(self.node(number), "ip", "-s", "-j", "link", "show", "mpi"))[0]
        return link["stats64"]["rx"]["bytes"]


def peers(machines, name, port):
    """The addresses that are connected to a port."""
    lines = machines.inside(name, "ss", "-Htn", "state", "established", "sport", "=", f":{port}").splitlines()
    return {line.split()[-1].rpartition(":")[0].strip("[]").removeprefix("::ffff:") for line in lines}


def own_step(log):
    """How far the job is by its own account."""
    steps = re.findall(r"step (\d+)/", log.read_text(errors="replace"))
    return int(steps[-1]) if steps else -1


def all_report(machines, after):
    """The newest decision is about a later step, and all ranks had reported it."""
    newest = machines.newest_decisions(1)
    return bool(newest) and int(newest[0]["step"]) > after and newest[0]["reports"] == RANKS


def trains_on(job, log, what):
    begin = own_step(log)
    wait_until(lambda: own_step(log) > begin + 100 or job.poll() is not None, f"100 steps {what}")
    expect(job.poll() is None, f"the job ended {what}: {log.read_text(errors='replace')[-2000:]}")
    return own_step(log) - begin


def sidecar_of(machines, number):
    """The process; None while there is none."""
    for pid in machines.processes(machines.node(number)):
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "lehrd\n":
                return pid
    return None


def tls(folder, name):
    return [f"--tls_certificate={folder}/{name}.pem", f"--tls_key={folder}/{name}-key.pem", f"--tls_ca={folder}/ca.pem"]


def start(machines, folder):
    certificates = folder / "certificates"
    call(str(PROJECT / "deploy/make-certs"), str(certificates), "supervisor,10.99.0.254", "node")
    log = folder / "lehrd.log"
    machines.start(machines.central(), "lehrd", f"--data_dir={folder}/data", "--listen=10.99.0.254:7070",
                   *tls(certificates, "supervisor"), log=log)
    wait_until(lambda: "serving HTTP" in log.read_text(), f"lehrd serves: {log.read_text()}")
    log = folder / "training.log"
    job = machines.start(
        machines.node(1), "unshare", "--uts", "sh", "-c", 'hostname node-1 && exec "$@"', "sh",
        str(PROJECT / "deploy/mpi/train-with-sidecars"), "10.98.0.1:2,10.98.0.2:2", "10.99.0.254:7070", "--task=digits",
        "--policy=reheat", "--run=digits", "--lag=1", "--steps=100000000", log=log, SIDECAR_FLAGS=" ".join(tls(certificates, "node")))
    return job, log


def knows_run(machines):
    try:
        return all_report(machines, after=50)
    except subprocess.CalledProcessError:
        return False


def check(machines, folder):
    job, log = start(machines, folder)
    wait_until(lambda: knows_run(machines) or job.poll() is not None, "all ranks report")
    expect(job.poll() is None, f"the job ended: {log.read_text(errors='replace')[-2000:]}")
    print("all ranks of both machines report")

    expect(peers(machines, machines.central(), 7070) == {"10.99.0.1", "10.99.0.2"},
           f"connected to the supervisor: {peers(machines, machines.central(), 7070)}")
    streams = {name: machines.streams(name) for name in (machines.central(), *map(machines.node, NODES))}
    expect(set(streams.values()) == {2}, f"streams: {streams}")
    print("two streams at the supervisor, one from each machine; at each sidecar, those of its two ranks")

    before = machines.received(2)
    steps = trains_on(job, log, "supervised")
    print(f"{(machines.received(2) - before) // steps} bytes a step come over the wire between the machines")

    machines.set_uplink(2, "down")
    steps = trains_on(job, log, "with machine 2 cut off from the supervisor")
    newest = machines.newest_decisions(1)[0]
    expect(newest["reports"] == 2, f"reports while machine 2 is cut off: {newest}")
    machines.set_uplink(2, "up")
    seconds = wait_until(lambda: all_report(machines, after=int(newest["step"])), "machine 2 reports again")
    print(f"machine 2 cut off from the supervisor: {steps} steps meanwhile, all report again after {seconds:.1f} s")

    killed = sidecar_of(machines, 1)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: sidecar_of(machines, 1) not in (None, killed), "the sidecar is started again")
    step = int(machines.newest_decisions(1)[0]["step"])
    seconds = wait_until(lambda: all_report(machines, after=step), "machine 1 reports again")
    print(f"sidecar of machine 1 killed: started again, and then all report after {seconds:.1f} s")

    keys = [(int(decision["generation"]), int(decision["step"])) for decision in machines.newest_decisions(10000)]
    expect(keys == sorted(set(keys), reverse=True), "steps are out of order or there twice")
    expect({generation for generation, _ in keys} == {1}, "the job began anew")

    job.send_signal(signal.SIGTERM)
    wait_until(lambda: job.poll() is not None, "the job ends")
    wait_until(lambda: not any(machines.processes(machines.node(number)) for number in NODES), "no process is left")
    print(f"SIGTERM: the job ended with {job.returncode}, and left no process behind")


def main(binaries):
    with tempfile.TemporaryDirectory(prefix="lehr-mpi-") as folder:
        with Machines(pathlib.Path(folder), pathlib.Path(binaries).resolve()) as machines:
            try:
                machines.make()
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"skipped: network namespaces cannot be made here: {getattr(error, 'stderr', '') or error}")
                return SKIPPED
            machines.callback(machines.end_all)
            check(machines, pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
