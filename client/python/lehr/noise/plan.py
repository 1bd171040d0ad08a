"""What a command does to which values, found before any of them changes: every refusal is here.

Must run in contract_environment().
"""

import collections
import dataclasses
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from lehr.noise import memory, native
from lehr.noise.command import NamedTensor, Perturbation, UnknownNoiseSpecError
from lehr.noise.contract import SPEC, WORD64
from lehr.noise.names import canonical_name, selects, tensor_id
from lehr.noise.overlap import Extent, first_overlap
from lehr.noise.slices import TensorSlice
from lehr.noise.update import Update

Implementation = Literal["native", "numpy", "torch"]


@dataclasses.dataclass(frozen=True)
class Job:
    """The update of one tensor."""

    update: Update
    values: memory.Values
    implementation: Implementation


@dataclasses.dataclass(frozen=True)
class Target:
    """A tensor that has nothing wrong with it, and what follows from it."""

    tensor: NamedTensor
    name: str  # Canonical.
    tensor_id: int
    part: TensorSlice
    element_type: str


def make_plan(perturbation: Perturbation, tensors: Sequence[NamedTensor],
              requested: Implementation | None) -> list[Job]:
    """A job for each selected tensor. Raises what apply() says."""
    check_command(perturbation)
    return [_job(perturbation, target, requested) for target in find_targets(tensors)
            if selects(perturbation.tensor_selector, target.name)]


def find_targets(tensors: Sequence[NamedTensor]) -> list[Target]:
    """All of the tensors. Raises what apply() says of them, whatever the command is."""
    targets = [_target(tensor) for tensor in tensors]
    _check_shapes(targets)
    _check_keep_apart("memory", _memory_extents(targets), memory.share_address)
    _check_keep_apart("indices", _index_extents(targets), TensorSlice.shares_index_with)
    return targets


def choose(requested: Implementation | None, values: memory.Values) -> Implementation:
    """The implementation for these values. ValueError, RuntimeError: not for them, or not here."""
    if requested not in (None, "native", "numpy", "torch"):
        raise ValueError(f"unknown implementation '{requested}'")
    device = memory.device(values)
    if requested == "torch" or (requested is None and device != "cpu"):
        import torch
        from lehr.noise import torch_noise
        torch_noise.check_device(torch.device(device))
        return "torch"
    if device != "cpu":
        raise ValueError(f"the implementation '{requested}' does not reach values on {device}")
    if requested == "native" and native.library() is None:
        raise RuntimeError("liblehr_noise.so is not here")
    return requested or ("native" if native.library() else "numpy")


def check_command(perturbation: Perturbation) -> None:
    if perturbation.noise_spec != SPEC:
        raise UnknownNoiseSpecError(f"unknown noise_spec '{perturbation.noise_spec}'; this client "
                                    f"knows '{SPEC}'")
    if not 0 <= operator.index(perturbation.seed) <= WORD64:
        raise ValueError(f"seed must fit 64 bits, is {perturbation.seed}")
    if not 0 <= _binary32(perturbation.stddev) < math.inf:
        raise ValueError(f"stddev must be finite and >= 0, is {perturbation.stddev}")
    if not 0 <= _binary32(perturbation.shrink) <= 1:
        raise ValueError(f"shrink must lie in [0, 1], is {perturbation.shrink}")
    if perturbation.scale not in ("absolute", "relative"):
        raise ValueError(f"unknown noise scale '{perturbation.scale}'")
    if perturbation.optimizer_state not in ("keep", "reset"):
        raise ValueError(f"unknown optimizer state action '{perturbation.optimizer_state}'")


def _target(tensor: NamedTensor) -> Target:
    if not tensor.name:
        raise ValueError("a tensor has an empty name")
    try:
        element_type = memory.element_type(tensor.values, tensor.element_type)
        memory.check_writable(tensor.values)
        part = tensor.part()
    except (TypeError, ValueError) as error:
        raise type(error)(f"tensor '{tensor.name}': {error}") from None
    return Target(tensor, canonical_name(tensor.name), tensor_id(tensor.name), part, element_type)


def _check_shapes(targets: Sequence[Target]) -> None:
    first: dict[int, Target] = {}
    for target in targets:
        if target.tensor.slice is not None:
            other = first.setdefault(target.tensor_id, target)
            if other.part.shape != target.part.shape:
                raise ValueError(f"tensors '{other.tensor.name}' and '{target.tensor.name}' are "
                                 f"one, and have slices of the shapes {other.part.shape} and "
                                 f"{target.part.shape}")


def _check_keep_apart(what: str, extents: Iterable[Extent],
                      share: Callable[[object, object], bool]) -> None:
    overlap = first_overlap(extents, share)
    if overlap:
        raise ValueError(f"tensors '{overlap[0]}' and '{overlap[1]}' overlap in {what}; list a "
                         "tied tensor once")


def _memory_extents(targets: Sequence[Target]) -> Iterator[Extent]:
    for target in targets:
        values = target.tensor.values
        if target.part.count:
            first, last = memory.extent(values)
            yield Extent(memory.device(values), first, last, target.tensor.name, values)


def _index_extents(targets: Sequence[Target]) -> Iterator[Extent]:
    parts = collections.Counter(target.tensor_id for target in targets)
    for target in targets:
        if parts[target.tensor_id] > 1 and target.part.count:
            yield Extent(target.tensor_id, target.part.first, target.part.last, target.tensor.name,
                         target.part)


def _job(perturbation: Perturbation, target: Target, requested: Implementation | None) -> Job:
    update = Update(seed=operator.index(perturbation.seed), tensor_id=target.tensor_id,
                    part=target.part, element_type=target.element_type,
                    shrink=_binary32(perturbation.shrink),
                    sigma=_sigma(perturbation, target.tensor))
    return Job(update, target.tensor.values, choose(requested, target.tensor.values))


def _sigma(perturbation: Perturbation, tensor: NamedTensor) -> float:
    stddev, reference = _binary32(perturbation.stddev), _binary32(tensor.reference_stddev)
    if perturbation.scale == "absolute":
        return stddev
    if not 0 < reference < math.inf:
        raise ValueError("relative noise needs a reference_stddev > 0 for tensor "
                         f"'{tensor.name}', is {tensor.reference_stddev}")
    sigma = float(np.float32(stddev) * np.float32(reference))
    if not math.isfinite(sigma):
        raise ValueError(f"stddev {stddev} times the reference_stddev {reference} of tensor "
                         f"'{tensor.name}' is not finite")
    return sigma


def _binary32(number: float) -> float:
    return float(np.float32(number))
