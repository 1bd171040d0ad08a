"""Holds what the ranks of a job wrote, and what the journal says of them, against the promises.

No process and no clock: tests/faults/verdict_test.py shows that each rule finds its fault.
"""

import pathlib
import struct
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "golden/noise"))
import contract  # pylint: disable=wrong-import-position

SCALES = {"NOISE_SCALE_ABSOLUTE": 1, "NOISE_SCALE_RELATIVE": 2}
OPTIMIZER_STATES = {"OPTIMIZER_STATE_KEEP": 1, "OPTIMIZER_STATE_RESET": 2}


def float_bits(number):
    return struct.unpack("<I", struct.pack("<f", number))[0]


def command_hash(decision):
    """What ranks agree on, by the second implementation of NOISE.md, from the journal's JSON."""
    actions = []
    for action in decision.get("actions", []):
        if "perturb" in action:
            p = action["perturb"]
            actions.append((1, int(p["id"]), int(p["seed"]), float_bits(p["stddev"]), SCALES[p["scale"]],
                            float_bits(p.get("shrink", 1)), OPTIMIZER_STATES[p["optimizerState"]],
                            p.get("tensorSelector", ""), p["noiseSpec"]))
        elif "snapshot" in action:
            actions.append((2, int(action["snapshot"]["id"])))
        elif "restore" in action:
            actions.append((3, int(action["restore"]["id"])))
        elif "identity" in action:
            actions.append((4,))
        else:
            actions.append((5, float_bits(action["learningRate"]["factor"])))
    return contract.actions_hash(actions)


def faults(ranks, history, longest_wait):
    """ranks: each rank's steps, as fault_rank writes them. history: the journal's entries. Returns
    sentences; none if every promise was kept. longest_wait: what a step may wait in the client, in
    seconds."""
    return [*steps_faults(ranks, longest_wait), *replica_faults(ranks), *journal_faults(ranks, history)]


def steps_faults(ranks, longest_wait):
    for rank, steps in enumerate(ranks):
        if [step["step"] for step in steps] != list(range(len(ranks[0]))):
            yield f"rank {rank} made {len(steps)} steps, rank 0 {len(ranks[0])}: a rank stopped"
        longest = max((step["waited"] for step in steps), default=0)
        if longest > longest_wait:
            yield f"rank {rank} waited {longest:.1f} s in one step, more than {longest_wait:.1f} s"
        epochs = [step["decision"]["epoch"] for step in steps if step["decision"]]
        if epochs != sorted(epochs):
            yield f"rank {rank} took a decision of a lower epoch than one before"


def replica_faults(ranks):
    for steps in zip(*ranks):
        if len({step["crc"] for step in steps}) > 1:
            yield f"after step {steps[0]['step']} the parameters differ: {[step['crc'] for step in steps]}"
            return
        if len({(step["applied"], step["agreed"]) for step in steps}) > 1:
            yield f"at step {steps[0]['step']} the ranks did not do the same"


def journal_faults(ranks, history):
    entries = {}
    for entry in history:
        decision = entry["decision"]
        key = (int(decision["generation"]), int(decision["step"]))
        if key in entries:
            yield f"the journal has two decisions about generation {key[0]}, step {key[1]}"
        entries[key] = entry
        if decision["reason"]["code"] == "CODE_UNKNOWN_AFTER_CRASH" and decision["actions"]:
            yield f"step {key[1]} is unknown, and yet it commands"
    by_apply_step = {(generation, int(entry["decision"]["applyStep"])): entry
                     for (generation, _), entry in entries.items()}

    applied = set()
    for step in ranks[0]:
        if not step["applied"]:
            continue
        key = (step["generation"], step["step"] + 1)
        applied.add(key)
        entry = by_apply_step.get(key)
        if entry is None:
            yield f"the ranks applied a command after step {step['step']} that the journal does not have"
        elif command_hash(entry["decision"]) != step["agreed"]:
            yield f"the ranks applied another command after step {step['step']} than the journal has"
        elif entry["skipped"]:
            yield f"the journal says that step {step['step']} was skipped by {entry['skipped']} ranks; all applied it"
    for key, entry in by_apply_step.items():
        if entry["applied"] and key not in applied:
            yield f"the journal says that apply step {key[1]} was applied, and no rank did"

    for rank, steps in enumerate(ranks):
        for step in steps:
            taken = step["decision"]
            if taken is None:
                continue
            entry = entries.get((taken["generation"], taken["step"]))
            if entry is None:
                yield f"rank {rank} took a decision about step {taken['step']} that the journal does not have"
                continue
            journaled = entry["decision"]["reason"]["code"]
            if (journaled, bool(entry["decision"]["actions"])) != (taken["reason"], taken["acts"]):
                yield (f"rank {rank} took another decision about step {taken['step']} than the journal has: "
                       f"{taken['reason']} of epoch {taken['epoch']}, not {journaled}")
