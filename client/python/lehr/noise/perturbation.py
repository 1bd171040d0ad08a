"""Perturbations of parameters: the same bits on every replica, whatever its shards and devices."""

import contextlib
from collections.abc import Sequence

import numpy as np

from lehr.noise import memory, native, numpy_noise
from lehr.noise.command import NamedTensor, Perturbation
from lehr.noise.float_environment import contract_environment
from lehr.noise.names import tensor_id
from lehr.noise.plan import Implementation, Job, choose, make_plan
from lehr.noise.slices import TensorSlice
from lehr.noise.update import Result


def apply(perturbation: Perturbation, tensors: Sequence[NamedTensor], *,
          implementation: Implementation | None = None, threads: int = 0) -> Result:
    """Changes the values of every selected tensor in place, or refuses and changes none at all:

    - UnknownNoiseSpecError: a noise_spec that this package does not know;
    - ValueError: a stddev, shrink or sigma out of bounds; relative noise for a tensor without a
      reference_stddev; values that cannot be written or do not fit their slice; tensors that
      overlap in memory or in indices, so that an element would be perturbed twice (list a tied
      tensor once);
    - TypeError: values that are no array or tensor of a known element type;
    - RuntimeError: the implementation is not here, or a device does not compute exactly.

    A selector that matches nothing is no error: this rank may hold no part of what it selects. Only
    a lack of memory can end it midway; copies are made of tensors that are not contiguous, and on
    devices of about 120 MB of intermediate values.

    implementation: None for the best for each tensor (in the CPU's memory the native library or,
    without it, NumPy; torch elsewhere). threads: of the native library; 0 for as many as pay.
    """
    with contract_environment():
        jobs = make_plan(perturbation, tensors, implementation)
        results = [perturb([job for job in jobs if job.implementation == name], threads)
                   for name, perturb in _PERTURB.items()]
    return Result(*map(sum, zip(Result(), *results)))


def check(perturbation: Perturbation, tensors: Sequence[NamedTensor], *,
          implementation: Implementation | None = None) -> None:
    """Raises what apply() would raise, and changes nothing. Ranks check a command before they agree
    on it, so that none fails where the others have applied it."""
    with contract_environment():
        make_plan(perturbation, tensors, implementation)


def fill(seed: int, name: str, part: TensorSlice, *,
         implementation: Implementation | None = None) -> np.ndarray:
    """z(seed, tensor, index) of a part of the tensor of this name: float32 of shape part.size."""
    with contract_environment():
        chosen = choose(implementation, np.empty(0, np.float32))
        if chosen == "native":
            z = native.fill(seed, tensor_id(name), part)
        elif chosen == "numpy":
            z = numpy_noise.fill(seed, tensor_id(name), part)
        else:
            from lehr.noise import torch_noise
            z = torch_noise.fill(seed, tensor_id(name), part).numpy()
    return z.reshape(part.size)


def _perturb_natively(jobs: Sequence[Job], threads: int) -> Result:
    with contextlib.ExitStack() as stack:
        # One call for all: what Python does between calls would meet a cold cache.
        return native.perturb([(job.update, stack.enter_context(memory.flat_array(job.values)))
                               for job in jobs], threads) if jobs else Result()


def _perturb_in_numpy(jobs: Sequence[Job], _threads: int) -> Result:
    results = []
    for job in jobs:
        with memory.flat_array(job.values) as flat:
            results.append(numpy_noise.perturb(job.update, flat))
    return Result(*map(sum, zip(Result(), *results)))


def _perturb_in_torch(jobs: Sequence[Job], _threads: int) -> Result:
    if not jobs:
        return Result()
    from lehr.noise import torch_noise
    counts = []
    for job in jobs:
        with memory.flat_tensor(job.values) as flat:
            counts.append(torch_noise.perturb(job.update, flat))
    return torch_noise.total([job.update for job in jobs], counts)


_PERTURB = {"native": _perturb_natively, "numpy": _perturb_in_numpy, "torch": _perturb_in_torch}
