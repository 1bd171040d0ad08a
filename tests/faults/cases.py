"""What a case is, and the list of all of them."""

import dataclasses
from typing import Callable

import verdict
from processes import Failure


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    fault: str
    expected: str
    # (place) -> what was seen. Raises Failure or Skip.
    run: Callable


ALL = []


def case(name, fault, expected):
    def register(run):
        ALL.append(Case(name, fault, expected, run))
        return run

    return register


def check(job, longest_wait=None):
    """Ends the job, and holds all that it did against the promises. Returns its steps and commands as
    words. A step may wait for its decision once; the rest of the bound is for a busy machine."""
    steps = job.finish()
    found = verdict.faults(steps, job.lehrd.history(job.run_id),
                           job.decision_timeout + 10 if longest_wait is None else longest_wait)
    if found:
        raise Failure("; ".join(found[:5]))
    commands = sum(step["applied"] for step in steps[0])
    return f"{len(steps[0])} steps, {commands} commands, {job.world_size} replicas equal at each"
