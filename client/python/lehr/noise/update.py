"""What is done to a part of one tensor, and what came of it: the same for each implementation."""

import dataclasses
from typing import NamedTuple

from lehr.noise.slices import TensorSlice

# What a parameter may be. 16-bit ones are widened to binary32, perturbed, and rounded back.
ELEMENT_TYPES = ("float32", "float64", "bfloat16", "float16")


@dataclasses.dataclass(frozen=True)
class Update:
    """theta <- RN(RN(shrink theta) + RN(sigma z)); shrink and sigma are binary32 numbers."""

    seed: int
    tensor_id: int
    part: TensorSlice
    element_type: str
    shrink: float
    sigma: float


class Result(NamedTuple):
    """Numbers of elements."""

    perturbed: int = 0  # Computed anew.
    non_finite_kept: int = 0  # Infinite or NaN, and still the same.
    unchanged: int = 0  # Of the perturbed 16-bit ones: those that were rounded to what they were.
