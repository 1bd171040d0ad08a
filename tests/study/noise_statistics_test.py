#!/usr/bin/env python3
"""noise_statistics on noise that is spoiled: it has to see that, and to pass what is good."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest
from unittest import mock

import numpy as np

sys.dont_write_bytecode = True


def load():
    loader = importlib.machinery.SourceFileLoader(
        "noise_statistics", str(pathlib.Path(__file__).with_name("noise_statistics")))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


STATISTICS = load()
GOOD = STATISTICS.draw


def failures(draw) -> tuple[int, list[str]]:
    """The exit status with these draws, and which tests failed."""
    output = io.StringIO()
    with mock.patch.object(STATISTICS, "draw", draw), contextlib.redirect_stdout(output), \
            mock.patch.object(sys, "argv", ["noise_statistics", "--samples=4e6"]):
        status = STATISTICS.main()
    return status, [line.split("  ")[0] for line in output.getvalue().splitlines()
                    if line.endswith("FAILED")]


class ControlsTest(unittest.TestCase):
    def test_good_noise_passes(self):
        self.assertEqual(failures(GOOD), (0, []))

    def assert_seen(self, test: str, draw) -> None:
        status, failed = failures(draw)
        self.assertEqual(status, 1)
        self.assertIn(test, failed)

    def test_deviation_of_a_part_in_two_hundred(self):
        self.assert_seen("moment 2", lambda *where: GOOD(*where) * np.float32(1.005))

    def test_tails_cut_off(self):
        self.assert_seen("greatest |z|", lambda *where: np.clip(GOOD(*where), -4.2, 4.2))

    def test_correlation_at_lag_five(self):
        def draw(*where):
            z = GOOD(*where)
            return np.concatenate([z[:5], z[5:] * np.float32(.999) + z[:-5] * np.float32(.045)])
        self.assert_seen("lags 1 to 64, z", draw)

    def test_another_tensor_that_is_ours_one_block_on(self):
        def draw(seed, name, first_index, count):
            shift = 0 if name == STATISTICS.NAME else 4
            return GOOD(seed, "any", first_index + shift, count)
        self.assert_seen("any lag, with layers.1.weight", draw)

    def test_a_period_as_long_as_a_chunk(self):
        self.assert_seen("lag 2^20, z", lambda seed, name, _, count: GOOD(seed, name, 0, count))


if __name__ == "__main__":
    unittest.main()
