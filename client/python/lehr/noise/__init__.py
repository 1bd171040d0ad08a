"""One noise, the same bits everywhere: perturbs parameters in NumPy arrays and torch tensors.

    from lehr import noise

    command = noise.Perturbation(seed=7, stddev=0.01, noise_spec=noise.NOISE_SPEC)
    tensors = [noise.NamedTensor(name, p) for name, p in model.named_parameters()]
    result = noise.apply(command, tensors)

theta becomes RN(RN(shrink theta) + RN(sigma z(seed, tensor, index))), as proto/lehr/v1/NOISE.md
specifies to the bit. A tensor may be any part of a whole one (TensorSlice): it gets the numbers
that it has in the whole. Needs NumPy; uses liblehr_noise.so where there is one, and torch only for
torch tensors.
"""

from lehr.noise.command import NamedTensor, Perturbation, UnknownNoiseSpecError
from lehr.noise.contract import SPEC as NOISE_SPEC
from lehr.noise.names import canonical_name, tensor_id
from lehr.noise.perturbation import apply, check, fill
from lehr.noise.prepared import Prepared
from lehr.noise.slices import TensorSlice, flat_partition
from lehr.noise.update import Result

__all__ = [
    "NOISE_SPEC", "NamedTensor", "Perturbation", "Prepared", "Result", "TensorSlice",
    "UnknownNoiseSpecError", "apply", "canonical_name", "check", "fill", "flat_partition", "tensor_id",
]
