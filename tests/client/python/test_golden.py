"""The golden vectors, in NumPy, torch and the native library."""

import subprocess
import sys
import unittest

import numpy as np
import torch

from lehr import noise
from lehr.noise import native, numpy_noise, torch_noise
from lehr.noise.float_environment import contract_environment
from tests.client.python.support import (GOLDEN, array_of, bits_of, command, float_of,
                                         for_each_implementation, golden, word)

FLAT = noise.TensorSlice.flat
IMPLEMENTATIONS = {"numpy": numpy_noise, "torch": torch_noise, "native": native}


def words_of(rows: list[dict[str, str]], *columns: str) -> np.ndarray:
    return np.array([[word(row[column]) for row in rows] for column in columns], np.uint64)


class PhiloxTest(unittest.TestCase):
    ROWS = golden("random123.csv")

    def test_numpy(self):
        for row in self.ROWS:
            counter = words_of([row], *(f"counter_{i}" for i in range(4)))
            key = words_of([row], "key_0", "key_1")
            self.assertEqual(numpy_noise.philox(counter, key).tolist(),
                             words_of([row], *(f"word_{i}" for i in range(4))).tolist())

    def test_torch(self):
        for row in self.ROWS:
            counter = words_of([row], *(f"counter_{i}" for i in range(4))).astype(np.int64)
            words = torch_noise.philox(tuple(torch.from_numpy(counter)),
                                       (word(row["key_0"]), word(row["key_1"])))
            self.assertEqual(torch.stack(words).tolist(),
                             words_of([row], *(f"word_{i}" for i in range(4))).tolist())


class BoxMullerTest(unittest.TestCase):
    ROWS = golden("box_muller.csv")
    A, B, Z_COS, Z_SIN = words_of(ROWS, "a", "b", "z_cos", "z_sin")

    def assert_golden(self, z_cos: np.ndarray, z_sin: np.ndarray) -> None:
        self.assertEqual(bits_of(z_cos), self.Z_COS.tolist())
        self.assertEqual(bits_of(z_sin), self.Z_SIN.tolist())
        for z, truth in ((z_cos, "true_cos"), (z_sin, "true_sin")):
            true_z = np.array([float(row[truth]) for row in self.ROWS])
            self.assertLess(np.abs(z - true_z).max(), 1e-6)

    def test_numpy(self):
        self.assert_golden(*numpy_noise.box_muller(self.A.astype(np.uint32),
                                                   self.B.astype(np.uint32)))

    def test_torch(self):
        z_cos, z_sin = torch_noise.box_muller(torch.from_numpy(self.A.astype(np.int64)),
                                              torch.from_numpy(self.B.astype(np.int64)))
        self.assert_golden(z_cos.numpy(), z_sin.numpy())


def digest(tensor_id: int, first_index: int, bits: np.ndarray) -> int:
    """Section 11 of the contract."""
    v = np.arange(bits.size, dtype=np.uint64) + np.uint64(first_index)
    v = np.uint64(tensor_id) + v * np.uint64(0x9E3779B97F4A7C15)
    v += bits.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        v = (v ^ v >> np.uint64(shift)) * np.uint64(factor)
    return int(np.sum(v ^ v >> np.uint64(31)))


@for_each_implementation
class NoiseTests:
    def test_single_elements(self):
        for row in golden("noise.csv"):
            with self.subTest(**row):
                z = noise.fill(word(row["seed"]), row["tensor"], FLAT(int(row["index"]), 1),
                               implementation=self.implementation)
                self.assertEqual(bits_of(z), [word(row["z"])])
                self.assertLess(abs(float(z[0]) - float(row["true_z"])), 1e-6)

    def test_extreme_words(self):
        for row in golden("noise_words.csv"):
            with self.subTest(**row), contract_environment():
                z = IMPLEMENTATIONS[self.implementation].fill(
                    word(row["seed"]), word(row["tensor_id"]), FLAT(4 * word(row["block"]), 4))
                self.assertEqual(bits_of(np.asarray(z)),
                                 [word(row[f"z_{i}"]) for i in range(4)])

    def test_ranges(self):
        for row in golden("noise_ranges.csv"):
            first_index = int(row["first_index"])
            z = noise.fill(word(row["seed"]), row["tensor"], FLAT(first_index, int(row["count"])),
                           implementation=self.implementation)
            self.assertEqual(digest(noise.tensor_id(row["tensor"]), first_index, z.view(np.uint32)),
                             word(row["digest_of_z"]))


@unittest.skipUnless(torch.cuda.is_available(), "not run: no CUDA device here")
class CudaTest(unittest.TestCase):
    """The same rows on a GPU, where there is one."""

    DEVICE = torch.device("cuda")

    def test_extreme_words(self):
        for row in golden("noise_words.csv"):
            with self.subTest(**row), contract_environment():
                z = torch_noise.fill(word(row["seed"]), word(row["tensor_id"]),
                                     FLAT(4 * word(row["block"]), 4), self.DEVICE)
                self.assertEqual(bits_of(z.cpu().numpy()), [word(row[f"z_{i}"]) for i in range(4)])

    def test_updates_of_every_format(self):
        rows = [row | {"element_type": "float32", "sigma": row["stddev"]}
                for row in golden("perturbation.csv") if row["scale"] == "absolute"]
        for row in rows + golden("perturbation_formats.csv"):
            with self.subTest(**row):
                stored = array_of(row["element_type"], [word(row["theta"])])
                values = torch.from_numpy(stored.view(f"i{stored.itemsize}")).to(self.DEVICE)
                values = values.view(getattr(torch, row["element_type"]))
                noise.apply(command(seed=word(row["seed"]), shrink=float_of(row["shrink"]),
                                    stddev=float_of(row["sigma"])),
                            [noise.NamedTensor(row["tensor"], values, int(row["index"]))])
                self.assertEqual(bits_of(values.cpu().view(torch.uint8).numpy().view(stored.dtype)),
                                 [word(row["result"])])


@for_each_implementation
class PerturbationTests:
    def perturbed(self, row: dict[str, str], theta: np.ndarray, **fields: object) -> list[int]:
        values = theta.copy()
        element_type = row.get("element_type", "float32")
        result = noise.apply(
            command(seed=word(row["seed"]), shrink=float_of(row["shrink"]), **fields),
            [noise.NamedTensor(row["tensor"], values, int(row["index"]),
                               reference_stddev=float_of(row.get("reference", "0")),
                               element_type=element_type)], implementation=self.implementation)
        is_16_bit = values.itemsize == 2 and bool(result.perturbed)
        self.assertEqual(result.unchanged, is_16_bit and bits_of(values) == bits_of(theta))
        return bits_of(values)

    def test_float32(self):
        for row in golden("perturbation.csv"):
            with self.subTest(**row):
                theta = array_of("float32", [word(row["theta"])])
                self.assertEqual(self.perturbed(row, theta, stddev=float_of(row["stddev"]),
                                                scale=row["scale"]), [word(row["result"])])

    def test_float64_bfloat16_and_float16(self):
        for row in golden("perturbation_formats.csv"):
            with self.subTest(**row):
                theta = array_of(row["element_type"], [word(row["theta"])])
                self.assertEqual(self.perturbed(row, theta, stddev=float_of(row["sigma"])),
                                 [word(row["result"])])


class GoldenFilesTest(unittest.TestCase):
    def test_formats_are_what_their_oracle_says_today(self):
        subprocess.run([sys.executable, GOLDEN / "make_format_vectors.py", "--check"], check=True)
