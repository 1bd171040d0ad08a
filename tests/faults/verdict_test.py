#!/usr/bin/env python3
"""Breaks each promise once in what a job tells, and sees verdict.py find it."""

import copy
import unittest

import verdict

PERTURB = {"id": "5", "seed": "7", "stddev": 0.5, "scale": "NOISE_SCALE_ABSOLUTE", "shrink": 1,
           "optimizerState": "OPTIMIZER_STATE_KEEP", "tensorSelector": "",
           "noiseSpec": "philox4x32-10/box-muller-f32/v1"}
OTHER = PERTURB | {"seed": "8"}


def entry(step, perturb=None, code="CODE_ACTED", applied=0):
    return {"decision": {"generation": "1", "step": str(step), "applyStep": str(step + 1), "reason": {"code": code},
                         "actions": [{"perturb": perturb}] if perturb else []},
            "applied": applied, "skipped": 0}


def step_of(step, perturb=None, reason="CODE_ACTED", epoch=1):
    return {"step": step, "waited": 0.01, "connected": True, "generation": 1, "applied": perturb is not None,
            "agreed": verdict.command_hash({"actions": [{"perturb": perturb}]}) if perturb else 0, "crc": 100 + step,
            "decision": {"generation": 1, "step": step, "epoch": epoch, "reason": reason, "acts": perturb is not None,
                         "reports": 2}}


class VerdictTest(unittest.TestCase):
    def setUp(self):
        # Step 0 commands, step 1 is unknown after a crash.
        steps = [step_of(0, PERTURB), step_of(1, reason="CODE_UNKNOWN_AFTER_CRASH", epoch=2)]
        self.ranks = [copy.deepcopy(steps), copy.deepcopy(steps)]
        self.history = [entry(0, PERTURB, applied=2), entry(1, code="CODE_UNKNOWN_AFTER_CRASH")]

    def expect(self, sentence):
        found = list(verdict.faults(self.ranks, self.history, longest_wait=1))
        self.assertTrue(any(sentence in fault for fault in found), found)

    def test_a_good_job_has_no_faults(self):
        self.assertEqual(verdict.faults(self.ranks, self.history, longest_wait=1), [])

    def test_the_hash_is_that_of_the_golden_vectors(self):
        # The first list of tests/golden/noise/actions_hash.csv.
        first = PERTURB | {"id": "1", "seed": "2"}
        self.assertEqual(verdict.command_hash({"actions": [{"perturb": first}]}), 0x139429677cb99948)
        # The last one.
        every_kind = [{"restore": {"id": "7"}}, {"identity": {}}, {"perturb": first},
                      {"learningRate": {"factor": 0.1}}]
        self.assertEqual(verdict.command_hash({"actions": every_kind}), 0x6dfb9b1d6d40f639)

    def test_a_rank_that_stopped(self):
        self.ranks[1].pop()
        self.expect("rank 1 made 1 steps, rank 0 2")

    def test_a_step_that_is_missing(self):
        self.ranks[1][0]["step"] = 7
        self.expect("a rank stopped")

    def test_a_wait_too_long(self):
        self.ranks[0][1]["waited"] = 2.5
        self.expect("rank 0 waited 2.5 s")

    def test_a_lower_epoch(self):
        self.ranks[1][0]["decision"]["epoch"] = 3
        self.expect("rank 1 took a decision of a lower epoch")

    def test_replicas_that_differ(self):
        self.ranks[1][1]["crc"] = 1
        self.expect("after step 1 the parameters differ")

    def test_a_command_that_not_all_applied(self):
        self.ranks[1][0] |= {"applied": False, "agreed": 0}
        self.expect("at step 0 the ranks did not do the same")

    def test_a_command_that_the_journal_lost(self):
        self.history.pop(0)
        self.expect("that the journal does not have")

    def test_another_command_than_journaled(self):
        self.history[0] = entry(0, OTHER, applied=2)
        self.expect("another command after step 0 than the journal has")

    def test_a_key_decided_twice(self):
        self.history.append(entry(0, OTHER))
        self.expect("two decisions about generation 1, step 0")

    def test_an_unknown_step_that_commands(self):
        self.history[1] = entry(1, OTHER, code="CODE_UNKNOWN_AFTER_CRASH")
        self.expect("step 1 is unknown, and yet it commands")

    def test_an_outcome_that_no_rank_told(self):
        self.history[1] = entry(1, OTHER, applied=1)
        self.expect("apply step 2 was applied, and no rank did")

    def test_an_applied_command_that_counts_as_skipped(self):
        self.history[0]["skipped"] = 1
        self.expect("step 0 was skipped by 1 ranks; all applied it")

    def test_a_decision_that_is_another_one_in_the_journal(self):
        self.history[1] = entry(1, code="CODE_BELOW_QUORUM")
        self.expect("rank 0 took another decision about step 1")


if __name__ == "__main__":
    unittest.main()
