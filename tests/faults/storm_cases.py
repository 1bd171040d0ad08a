"""Many streams at once."""

import pathlib
import re
import select
import socket

from cases import case, check
from processes import Job, Lehrd, expect, wait_until


def status_kib(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE).group(1))


def open_files(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


@case("storm", "1000 streams (short form: 200), lehrd killed and started again",
      "all are back within the client's longest delay and act; nothing lost")
def storm(place):
    ranks = 1000 if place.full else 200
    lehrd = Lehrd(place)
    lehrd.start()
    job = Job(place, lehrd, "run", processes=(ranks // 4,) * 4, decision_timeout=20.0, connect_timeout=60.0,
              step_seconds=0.05)
    job.await_commands(count=5)
    lehrd.kill()
    lehrd.start()
    joined = wait_until(lambda: sum(r["msg"] == "rank joined" for r in lehrd.records()) >= ranks, "all ranks join",
                        seconds=60)
    acts = job.await_commands(count=5)
    files = open_files(lehrd.pid())
    peak = status_kib(lehrd.pid(), "VmHWM")
    return (f"{ranks} streams back {joined:.1f} s after the start, act {acts:.1f} s later; lehrd's peak "
            f"{peak / 1024:.0f} MiB, {files} files; {check(job, longest_wait=60)}")


FILE_LIMIT = 400


def connect(place, lehrd, number):
    """Connections of nobody who says anything."""
    host, port = lehrd.address.split(":")
    connections = [socket.create_connection((host, int(port))) for _ in range(number)]
    place.callback(lambda: [connection.close() for connection in connections])
    return connections


def answered(connections):
    """Those to which lehrd has said something, if only good-bye."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    return len(poll.poll(0))


@case("files", f"more connections than lehrd may have files open ({FILE_LIMIT}); later they end",
      "its ranks are not disturbed; what is too much is refused at once; then another job can join")
def files(place):
    lehrd = Lehrd(place)
    lehrd.start(under=["prlimit", f"--nofile={FILE_LIMIT}:{FILE_LIMIT}"])
    job = Job(place, lehrd, "before")
    job.await_commands()
    connections = connect(place, lehrd, 2 * FILE_LIMIT)
    wait_until(lambda: answered(connections) == len(connections) or open_files(lehrd.pid()) == FILE_LIMIT,
               "lehrd answers each connection, or has no file descriptor left")
    unanswered, open_then = len(connections) - answered(connections), open_files(lehrd.pid())
    job.await_commands()
    for connection in connections:
        connection.close()
    wait_until(lambda: open_files(lehrd.pid()) < FILE_LIMIT / 4, "lehrd closes what the others have closed")
    other = Job(place, lehrd, "after")
    joined = other.await_commands()
    expect(unanswered == 0, f"{unanswered} of {len(connections)} connections hung")
    return (f"{open_then} files open; another job acts {joined:.1f} s later; {check(job)}; "
            f"and {check(other)}")
