"""The same bits where the calling thread, or torch's other threads, flush subnormals."""

import subprocess
import sys
import textwrap
import unittest
from unittest import mock

import numpy as np
import torch

from lehr import noise
from lehr.noise import float_environment
from lehr.noise.float_environment import contract_environment
from tests.client.python.support import (PROJECT, bits_of, command, every_kind_of_value,
                                         for_each_implementation)

SUBNORMAL = np.array([3], np.uint32).view(np.float32)
ONE = np.ones(1, np.float32)


def flushes() -> bool:
    return bits_of(SUBNORMAL * ONE) == [0]


class ContractEnvironmentTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(torch.set_flush_denormal, False)

    def test_keeps_subnormals_within_and_restores_the_callers_mode(self):
        for mode in (True, False):
            torch.set_flush_denormal(mode)
            with contract_environment():
                self.assertFalse(flushes())
            self.assertEqual(flushes(), mode)

    def test_restores_the_callers_mode_after_an_error(self):
        torch.set_flush_denormal(True)
        with self.assertRaises(KeyError), contract_environment():
            raise KeyError
        self.assertTrue(flushes())

    def test_gives_no_warnings(self):
        with np.errstate(all="raise"):
            with contract_environment():
                self.assertEqual((np.float32(3e38) * (10 * ONE)).tolist(), [np.inf])
            with self.assertRaises(FloatingPointError):
                np.float32(3e38) * (10 * ONE)


@for_each_implementation
class FlushToZeroTests:
    def setUp(self):
        self.addCleanup(torch.set_flush_denormal, False)

    def test_a_caller_that_flushes_gets_the_same_bits_and_keeps_its_mode(self):
        for element_type in ("float32", "float64", "bfloat16", "float16"):
            theta = every_kind_of_value(element_type, 100_000)
            expected = theta.copy()
            # sigma z is subnormal, and so are many theta.
            perturbation = command(stddev=1e-39, shrink=0.5)
            counts = noise.apply(perturbation, [noise.NamedTensor(
                "weight", expected, element_type=element_type)], implementation="numpy")
            torch.set_flush_denormal(True)
            flushed = noise.apply(perturbation, [noise.NamedTensor(
                "weight", theta, element_type=element_type)], implementation=self.implementation)
            self.assertTrue(flushes())
            torch.set_flush_denormal(False)
            self.assertEqual(bits_of(theta), bits_of(expected), element_type)
            self.assertEqual(flushed, counts)

    def test_sigma_that_is_subnormal(self):
        theta, expected = np.zeros(8, np.float32), np.zeros(8, np.float32)
        perturbation = command(scale="relative", stddev=1e-20)
        for values, mode in ((expected, False), (theta, True)):
            torch.set_flush_denormal(mode)
            noise.apply(perturbation, [noise.NamedTensor("w", values, reference_stddev=3e-21)],
                        implementation=self.implementation)
        torch.set_flush_denormal(False)
        self.assertEqual(bits_of(theta), bits_of(expected))
        self.assertTrue(np.any(expected != 0))

    def test_threads_of_torch_that_flush(self):
        # Threads inherit the mode in which they are born, and set_flush_denormal(False) reaches
        # only the caller. In a process of its own: they flush until it ends.
        script = textwrap.dedent(f"""
            import torch
            import numpy as np
            from lehr import noise
            torch.set_num_threads(2)
            torch.set_flush_denormal(True)
            torch.ones(1 << 20) * 2
            torch.set_flush_denormal(False)
            bits = np.arange(1 << 20, dtype=np.int32)  # Subnormal numbers.
            tensor, array = torch.from_numpy(bits.copy()).view(torch.float32), bits.view(np.float32)
            flushed = (tensor * 1).view(torch.int32) != torch.from_numpy(bits)
            print(int(flushed.sum()))
            command = noise.Perturbation(stddev=1e-42, noise_spec=noise.NOISE_SPEC)
            noise.apply(command, [noise.NamedTensor("w", tensor)],
                        implementation="{self.implementation}")
            noise.apply(command, [noise.NamedTensor("w", array)], implementation="numpy")
            print(tensor.numpy().tobytes() == array.tobytes())
        """)
        run = subprocess.run([sys.executable, "-c", script], check=True, text=True,
                             stdout=subprocess.PIPE, cwd=PROJECT / "client/python")
        flushed, is_same = run.stdout.split()
        self.assertEqual(is_same, "True")
        if int(flushed) == 0:
            self.skipTest("this torch has no thread that flushes")


class OtherPlatformTest(unittest.TestCase):
    """Where the mode cannot be set it is refused, if it is wrong."""

    def setUp(self):
        self.addCleanup(torch.set_flush_denormal, False)
        patch = mock.patch.object(float_environment, "_libm", lambda: None)
        patch.start()
        self.addCleanup(patch.stop)

    def test_the_right_mode(self):
        with contract_environment():
            self.assertFalse(flushes())

    def test_a_mode_that_flushes(self):
        torch.set_flush_denormal(True)
        theta = np.ones(3, np.float32)
        with self.assertRaisesRegex(RuntimeError, "flushes subnormals"):
            noise.apply(command(), [noise.NamedTensor("weight", theta)])
        self.assertEqual(theta.tolist(), [1, 1, 1])
