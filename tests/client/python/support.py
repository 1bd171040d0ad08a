"""What several tests share: the golden vectors, bits, and one class of tests for each
implementation."""

import csv
import pathlib
import sys
import unittest

import numpy as np

from lehr import noise
from lehr.noise import native

PROJECT = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = PROJECT / "tests/golden/noise"

needs_native = unittest.skipUnless(native.library(), "liblehr_noise.so is not built")

# How a NumPy array holds values of each element type, and their bits.
STORED = {"float32": np.float32, "float64": np.float64, "float16": np.float16,
          "bfloat16": np.uint16}
BITS = {"float32": np.uint32, "float64": np.uint64, "float16": np.uint16, "bfloat16": np.uint16}


def for_each_implementation(tests: type) -> type:
    """Makes a TestCase for each implementation, which has its name in self.implementation."""
    module = sys.modules[tests.__module__]
    for name in ("numpy", "torch", "native"):
        case = type(f"{tests.__name__}In{name.capitalize()}", (tests, unittest.TestCase),
                    {"implementation": name, "__module__": tests.__module__})
        setattr(module, case.__name__, needs_native(case) if name == "native" else case)
    return tests


def golden(file_name: str) -> list[dict[str, str]]:
    with open(GOLDEN / file_name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def oracle() -> object:
    """The contract on exact rationals, tests/golden/noise/contract.py."""
    if str(GOLDEN) not in sys.path:
        sys.path.insert(0, str(GOLDEN))
    import contract
    return contract


def word(text: str) -> int:
    return int(text, 16)


def float_of(text: str) -> float:
    """The binary32 number with these bits in hexadecimal."""
    return float(np.array([word(text)], np.uint32).view(np.float32)[0])


def array_of(element_type: str, bits: list[int]) -> np.ndarray:
    return np.array(bits, BITS[element_type]).view(STORED[element_type])


def bits_of(values: np.ndarray) -> list[int]:
    return values.reshape(-1).view(f"u{values.itemsize}").tolist()


def command(**fields: object) -> noise.Perturbation:
    return noise.Perturbation(**{"id": 1, "seed": 42, "stddev": 0.5,
                                 "noise_spec": noise.NOISE_SPEC, **fields})


def every_kind_of_value(element_type: str, count: int, seed: int = 1) -> np.ndarray:
    """Random bit patterns: subnormal and huge numbers, infinities and NaNs too."""
    stored = np.dtype(STORED[element_type])
    words = np.random.Generator(np.random.PCG64(seed)).bytes(count * stored.itemsize)
    return np.frombuffer(words, stored).copy()
