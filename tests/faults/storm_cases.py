"""Many streams at once."""

import pathlib
import re

from cases import case, check
from processes import Job, Lehrd, wait_until


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
