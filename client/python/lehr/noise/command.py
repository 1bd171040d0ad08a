"""What apply() takes: a perturbation command, and tensors by name."""

import dataclasses
import math
import operator
from typing import Literal

from lehr.noise.memory import Values
from lehr.noise.slices import TensorSlice


class UnknownNoiseSpecError(NotImplementedError):
    """A command of a noise contract that this package does not know. It is never guessed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Perturbation:
    """As in the proto stddev and shrink are binary32 numbers; others are rounded to such."""

    id: int = 0
    seed: int = 0
    # Finite, >= 0. Unit: the parameters', or if relative the tensor's reference_stddev.
    stddev: float = 0.0
    scale: Literal["absolute", "relative"] = "absolute"
    # In [0, 1].
    shrink: float = 1.0
    # For the trainer to follow.
    optimizer_state: Literal["keep", "reset"] = "keep"
    # Glob over canonical names. Empty: every tensor.
    tensor_selector: str = ""
    # Must be NOISE_SPEC.
    noise_spec: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class NamedTensor:
    """A whole tensor or a part of one: the elements first_index, first_index + 1, ... of the
    unsharded tensor in row-major order, or the slice, whose size is the shape of the values."""

    name: str  # Wrapper prefixes may be there or not.
    values: Values
    first_index: int = 0
    slice: TensorSlice | None = None
    reference_stddev: float = 0.0  # The unit of relative noise, a binary32 number; 0: none.
    element_type: str | None = None  # "bfloat16": an array's uint16 are bits of that.

    def part(self) -> TensorSlice:
        """ValueError: the slice does not fit the values, or the indices do not fit 64 bits."""
        shape = tuple(self.values.shape)
        if self.slice is None:
            return TensorSlice.flat(operator.index(self.first_index), math.prod(shape))
        if self.first_index != 0:
            raise ValueError(f"a slice and first_index {self.first_index}")
        if self.slice.size != shape:
            raise ValueError(f"values of shape {shape} for a slice of size {self.slice.size}")
        return self.slice
