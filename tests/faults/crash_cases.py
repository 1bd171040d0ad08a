"""lehrd is killed, or its disk fails it, at a system call that strace picks: the product has no code
for that."""

import shutil
import signal
import subprocess

from cases import case, check
from processes import Failure, Job, Lehrd, Skip, expect, wait_until

# What reaches the disk, and what reaches the ranks.
JOURNAL_CALLS = ("openat", "pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "unlink", "flock")
SEND_CALLS = ("sendmsg",)
# strace stops at those that concern these files of the data directory.
JOURNAL_FILES = ("", "/lehrd.lock", "/journal.db", "/journal.db-wal", "/journal.durable", "/journal.db.new",
                 "/journal.db.new-wal", "/journal.db.new-journal")

# (call, number): a few that are reached within a second each, some while it starts, some while it
# serves; strace counts for each thread.
SHORT_POINTS = [("pwrite64", 1), ("fdatasync", 1), ("sendmsg", 1), ("openat", 3), ("pwrite64", 12), ("sendmsg", 4),
                ("fdatasync", 4), ("fsync", 1), ("sendmsg", 9), ("pwrite64", 40)]
SHORT_CREATION_POINTS = [("pwrite64", 3), ("fdatasync", 5), ("rename", 1), ("unlink", 4), ("fsync", 1), ("openat", 6)]
# The full form takes these calls one after another until one is not reached any more.
FULL_CALLS_EACH = 30


def strace(lehrd, call, number, action):
    paths = [] if call in SEND_CALLS else [f"--trace-path={lehrd.data_dir}{file}" for file in JOURNAL_FILES]
    return ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", *paths, f"--trace={call}",
            f"--inject={call}:{action}:when={number}"]


def require_strace():
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    killed = subprocess.run(
        ["strace", "--quiet=all", "--output=/dev/null", "--inject=write:signal=KILL:when=1", "echo"],
        capture_output=True, check=False)
    if killed.returncode != -9:
        raise Skip(f"strace cannot inject here (ptrace): it ended with {killed.returncode}")


def dies(lehrd, jobs, commands):
    """Waits until lehrd is dead, or has answered so much that it will not die of the injected fault."""
    for job in jobs:
        job.read()
    seen = [len(job.steps[0]) for job in jobs]

    def done():
        if lehrd.process.poll() is not None:
            return True
        for job in jobs:
            job.read()
        return all(sum(step["applied"] for step in job.steps[0][start:]) >= commands
                   for job, start in zip(jobs, seen))

    wait_until(done, "lehrd dies or answers")
    return lehrd.process.poll() is not None


def expect_killed(lehrd):
    code = lehrd.process.wait()
    expect(code == -signal.SIGKILL, f"lehrd was not killed, but ended with {code}: {lehrd.complaint()}")


def points(short, calls, full):
    if not full:
        yield from short
        return
    for call in calls:
        yield from ((call, number) for number in range(1, FULL_CALLS_EACH + 1))


@case("kill-creating", "kill -9 of lehrd at each call by which it creates its journal",
      "the next start serves")
def kill_while_creating(place):
    require_strace()
    lehrd = Lehrd(place)
    kills = 0
    passed = set()
    for call, number in points(SHORT_CREATION_POINTS, JOURNAL_CALLS, place.full):
        if call in passed:
            continue
        shutil.rmtree(lehrd.data_dir, ignore_errors=True)
        lehrd.launch(strace(lehrd, call, number, "signal=KILL"))
        wait_until(lambda: lehrd.serves() or lehrd.process.poll() is not None, "lehrd dies or serves")
        if lehrd.process.poll() is None:
            passed.add(call)
            lehrd.kill()
            continue
        expect_killed(lehrd)
        kills += 1
        lehrd.start()
        lehrd.kill()
    expect(kills >= len(SHORT_CREATION_POINTS), f"only {kills} kills")
    return f"{kills} kills, {kills} good starts"


@case("kill-serving", "kill -9 of lehrd at each call around journal and send, restarted each time",
      "no rank stops; replicas equal at every step; one command a step, as journaled; epochs rise")
def kill_while_serving(place):
    require_strace()
    lehrd = Lehrd(place)
    lehrd.start()
    # With a cooldown a command waits for the disk before it is sent.
    jobs = [Job(place, lehrd, "at-once", decision_timeout=5.0),
            Job(place, lehrd, "synced-first", decision_timeout=5.0, settings={"guards": {"cooldownSteps": 2}})]
    for job in jobs:
        job.await_commands()
    epochs = [lehrd.epoch()]
    lehrd.kill()
    kills = 0
    passed = set()
    for call, number in points(SHORT_POINTS, JOURNAL_CALLS + SEND_CALLS, place.full):
        if call in passed:
            continue
        lehrd.launch(strace(lehrd, call, number, "signal=KILL"))
        if dies(lehrd, jobs, commands=30):
            expect_killed(lehrd)
            kills += 1
        else:
            passed.add(call)
            lehrd.kill()
        if lehrd.epoch() is not None:
            epochs.append(lehrd.epoch())
    lehrd.start()
    epochs.append(lehrd.epoch())
    for job in jobs:
        job.await_commands()
    seen = "; ".join(check(job) for job in jobs)
    expect(kills >= len(SHORT_POINTS) - 2, f"only {kills} kills")
    expect(epochs == sorted(set(epochs)), f"epochs do not rise: {epochs}")
    return f"{kills} kills, epoch {epochs[-1]}; {seen}"


@case("sync-fails", "fdatasync says EIO",
      "lehrd exits and says why; ranks train on; the next start goes on")
def sync_fails(place):
    require_strace()
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run")
    job.await_commands()
    for number in range(3, 33) if place.full else (3, 4):
        lehrd.kill()
        lehrd.launch(strace(lehrd, "fdatasync", number, "error=EIO"))
        if not dies(lehrd, [job], commands=10**9):
            raise Failure("lehrd went on after a failed sync")
        complaint = lehrd.complaint()
        expect(lehrd.process.returncode == 1, f"it ended with {lehrd.process.returncode}")
        expect("disk I/O error" in complaint or "Input/output error" in complaint, f"it says: {complaint}")
    job.await_alone()
    lehrd.start()
    job.await_commands()
    return f"exit 1, \"{complaint}\"; {check(job)}"
