"""Processes that stop without an end, and a supervisor that is not there."""

import json
import signal
import subprocess
import time

from cases import case, check
from processes import Job, Lehrd, expect, free_port

# The client's bound, with room for a busy machine, and what nobody would call a wait.
LONG_WAIT = 0.5


@case("stop-rank", "SIGSTOP of a rank, SIGCONT later",
      "the others wait for it once (straggler timeout), then train on; it catches up; replicas equal")
def stop_rank(place):
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run", processes=(1, 1, 1), decision_timeout=4.0, collective_timeout=0.5,
              settings={"stragglerTimeout": "1s"})
    job.await_commands()
    stopped = job.world_size - 1
    others = job.ranks(but=stopped)
    first = len(job.steps[0])
    job.processes[stopped].send_signal(signal.SIGSTOP)
    # They are supervised meanwhile, and nothing is applied: not all ranks agree.
    job.await_steps(lambda step: step["connected"] and step["decision"] and step["decision"]["reports"] == 2, 50,
                    "steps decided without the stopped rank", ranks=others)
    waits = [job.long_waits(rank, LONG_WAIT, first) for rank in others]
    job.processes[stopped].send_signal(signal.SIGCONT)
    caught_up = job.await_commands()
    expect(all(len(steps) == 1 for steps in waits), f"steps that waited: {waits}")
    return f"waited once, at step {waits[0][0]}; acts with all again after {caught_up:.1f} s; {check(job)}"


@case("stop-supervisor", "SIGSTOP of lehrd, SIGCONT later",
      "each rank waits once (decision timeout), then no more; all rejoin; replicas equal")
def stop_supervisor(place):
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run")
    job.await_commands()
    first = len(job.steps[0])
    lehrd.signal(signal.SIGSTOP)
    job.await_alone(count=200)
    waits = [job.long_waits(rank, job.decision_timeout / 2, first) for rank in job.ranks()]
    lehrd.signal(signal.SIGCONT)
    rejoined = job.await_commands()
    expect(all(len(steps) == 1 for steps in waits), f"steps that waited: {waits}")
    return f"waited once, at step {waits[0][0]}; rejoined after {rejoined:.1f} s; {check(job)}"


@case("absent", "no supervisor from the start",
      "one bounded wait, then full speed; lehr-train ends with the bits of an unsupervised run; a late lehrd is joined")
def absent(place):
    lehrd = Lehrd(place)
    job = Job(place, lehrd, "run", connect_timeout=1.0)
    job.await_alone(count=100)
    waits = [job.long_waits(rank, LONG_WAIT) for rank in job.ranks()]
    lehrd.start()
    joined = job.await_commands()
    expect(all(steps == [0] for steps in waits), f"steps that waited: {waits}")
    crcs = {supervisor: train_alone(place, supervisor) for supervisor in ("none", f"127.0.0.1:{free_port()}")}
    expect(len(set(crcs.values())) == 1, f"lehr-train's parameters: {crcs}")
    return f"waited {job.steps[0][0]['waited']:.1f} s at step 0 only; joined after {joined:.1f} s; {check(job)}"


def train_alone(place, supervisor):
    result = place.folder / "result.json"
    ended = subprocess.run(
        [place.binary("lehr-train"), "--task=xor-relu-sum", "--seed=3", f"--supervisor={supervisor}",
         f"--json={result}"], capture_output=True, text=True, timeout=300)
    expect(ended.returncode == 0, f"lehr-train --supervisor={supervisor}: {ended.stderr}")
    return json.loads(result.read_text())["parameter_crc32"]


@case("gone", "kill -9 of lehrd, back after two minutes (short form: five seconds)",
      "each rank waits once, then full speed; all rejoin; nothing of before is lost")
def gone(place):
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run", step_seconds=0.01)
    job.await_commands()
    first = len(job.steps[0])
    lehrd.kill()
    killed = time.monotonic()
    seconds = 120 if place.full else 5
    while time.monotonic() - killed < seconds:
        job.await_alone(count=50)
    waits = [job.long_waits(rank, job.decision_timeout / 2, first) for rank in job.ranks()]
    lehrd.start()
    rejoined = job.await_commands()
    expect(all(len(steps) <= 1 for steps in waits), f"steps that waited: {waits}")
    return f"gone {seconds} s, rejoined after {rejoined:.1f} s; {check(job)}"
