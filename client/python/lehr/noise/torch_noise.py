"""The noise contract in eager PyTorch on any device, bit for bit: one kernel for each rounding.

Sections 3 to 7 of proto/lehr/v1/NOISE.md, by the same names, with words in int64. Plain `*`, `+`,
`-` and `sqrt` only, never compiled: what fuses operations changes bits. Nothing waits for the
device but total(). Must run in contract_environment().
"""

import functools

import numpy as np
import torch
from torch import Tensor

from lehr.noise import contract, memory, numpy_noise
from lehr.noise.slices import BLOCK, Chunk, Rows, TensorSlice
from lehr.noise.update import ELEMENT_TYPES, Result, Update

# On a CPU below torch's grain size of 32768 elements: such operations stay on the calling thread.
# torch's other threads keep the mode they were born with, and may flush subnormals for ever.
_CPU_CHUNK_BLOCKS = 4096
_DEVICE_CHUNK_BLOCKS = 2**19

# Keeps torch.compile() of a caller away, where there is such a thing (torch 2.1).
_never_compiled = torch.compiler.disable if hasattr(torch, "compiler") else (lambda call: call)


@_never_compiled
@torch.no_grad()
def fill(seed: int, tensor_id: int, part: TensorSlice,
         device: torch.device = torch.device("cpu")) -> Tensor:
    """z of the part's elements in row-major order: float32 of shape (part.count,)."""
    z = torch.empty(part.count, dtype=torch.float32, device=device)
    rows = Rows(part)
    for chunk in rows.chunks(_chunk_blocks(device)):
        z[chunk.offset:chunk.offset + chunk.count] = _chunk_noise(seed, tensor_id, rows, chunk,
                                                                  device)
    return z


@_never_compiled
@torch.no_grad()
def perturb(update: Update, values: Tensor) -> Tensor:
    """Changes values of shape (update.part.count,) in place.

    Returns what total() adds up: the numbers of finite and of unchanged elements, on the device.
    """
    dtype = torch.float64 if update.element_type == "float64" else torch.float32
    finite_count = torch.zeros((), dtype=torch.int64, device=values.device)
    unchanged = torch.zeros_like(finite_count)
    rows = Rows(update.part)
    for chunk in rows.chunks(_chunk_blocks(values.device)):
        theta = values[chunk.offset:chunk.offset + chunk.count]
        z = _chunk_noise(update.seed, update.tensor_id, rows, chunk, values.device)
        new = theta.to(dtype) * update.shrink + z.to(dtype) * update.sigma
        new = new.to(theta.dtype)
        finite = torch.isfinite(theta)
        finite_count += finite.sum()
        if theta.element_size() == 2:
            unchanged += (finite & (new.view(torch.int16) == theta.view(torch.int16))).sum()
        theta.copy_(torch.where(finite, new, theta))
    return torch.stack([finite_count, unchanged])


def total(updates: list[Update], counts: list[Tensor]) -> Result:
    """The sum of what perturb() returned for these updates; waits for the devices."""
    elements = sum(update.part.count for update in updates)
    finite = unchanged = 0
    for device in {count.device for count in counts}:
        on_device = torch.stack([count for count in counts if count.device == device])
        device_finite, device_unchanged = on_device.sum(dim=0).tolist()
        finite, unchanged = finite + device_finite, unchanged + device_unchanged
    return Result(finite, elements - finite, unchanged)


@functools.cache
def check_device(device: torch.device) -> None:
    """RuntimeError: this device's arithmetic is not the contract's, as a sample of noise and of
    updates shows, subnormal ones too, that NumPy computes as well. Looks once at each device."""
    part = TensorSlice.flat(2**34 - 4099, 8192)
    seed, tensor_id = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    expected = numpy_noise.fill(seed, tensor_id, part)
    if fill(seed, tensor_id, part, device).cpu().numpy().tobytes() != expected.tobytes():
        raise RuntimeError(f"{device} does not compute the noise contract's bits")
    patterns = np.random.Generator(np.random.PCG64(0)).bytes(8 * part.count)
    for element_type in ELEMENT_TYPES:
        update = Update(seed, tensor_id, part, element_type, shrink=0.75, sigma=2.0**-130)
        values = torch.frombuffer(bytearray(patterns), dtype=getattr(torch, element_type),
                                  count=part.count)
        on_device = values.clone().to(device)
        perturb(update, on_device)
        with memory.flat_array(values) as array:
            numpy_noise.perturb(update, array)
        if not torch.equal(on_device.cpu().view(torch.uint8), values.view(torch.uint8)):
            raise RuntimeError(f"{device} does not compute the noise contract's {element_type} "
                               "update, or flushes subnormals")


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[
        Tensor, Tensor, Tensor, Tensor]:
    """Four random words for each counter. Products may wrap around: their bits are the same."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(contract.PHILOX_ROUNDS):
        product0, product2 = x0 * contract.MULTIPLIER_0, x2 * contract.MULTIPLIER_2
        x0 = (product2 >> 32 & contract.WORD) ^ x1 ^ k0
        x1 = product2 & contract.WORD
        x2 = (product0 >> 32 & contract.WORD) ^ x3 ^ k1
        x3 = product0 & contract.WORD
        k0, k1 = k0 + contract.KEY_STEP_0 & contract.WORD, k1 + contract.KEY_STEP_1 & contract.WORD
    return x0, x1, x2, x3


def box_muller(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(z_cos, z_sin) in float32 from radius words and angle words."""
    r = _radius(a)
    x, y = _direction(b)
    is_odd = (b & 2**30) != 0
    r = torch.where((b & 2**31) != 0, -r, r)
    return r * torch.where(is_odd, y, x), r * torch.where(is_odd, x, y)


def _radius(a: Tensor) -> Tensor:
    f = a.clamp(min=1).to(torch.float32)
    e = f.view(torch.int32) - contract.EXPONENT_BIAS
    k = (e >> 23).to(torch.float32)
    d = ((e & contract.FRACTION_MASK) + contract.FRACTION_BIAS).view(torch.float32)
    n = 2 - d
    p = n + n * n * _polynomial(contract.W, n)
    g = k * contract.K_HI + (k * contract.K_LO + p)
    # Some CPU builds take the square root from a library that may be wrong in the last place. The
    # root of a binary32 number is so far from a tie that RN(sqrt) comes out of that too.
    return g.to(torch.float64).sqrt().to(torch.float32)


def _direction(b: Tensor) -> tuple[Tensor, Tensor]:
    """(cos, sin) of pi/2 t, before the quadrant."""
    # int32(b << 2) / 4: the low 30 bits as a signed number.
    t = ((b & 2**30 - 1 ^ 2**29) - 2**29).to(torch.float32) * 2.0**-30
    s = t * t
    return _polynomial(contract.C, s) * s + 1, _polynomial(contract.S, s) * t


def _polynomial(coefficients: tuple[float, ...], x: Tensor) -> Tensor:
    *rest, last = coefficients
    total = x * last + rest.pop()
    for coefficient in reversed(rest):
        total = total * x + coefficient
    return total


def _chunk_blocks(device: torch.device) -> int:
    return _CPU_CHUNK_BLOCKS if device.type == "cpu" else _DEVICE_CHUNK_BLOCKS


def _chunk_noise(seed: int, tensor_id: int, rows: Rows, chunk: Chunk,
                 device: torch.device) -> Tensor:
    """z of the chunk's elements, flat."""
    starts = rows.starts(chunk, torch.arange(chunk.row, chunk.row + chunk.rows, device=device))
    blocks = (starts >> 2 & 2**62 - 1).unsqueeze(1)
    blocks = blocks + torch.arange(rows.blocks_in_row(chunk), device=device)
    z = _block_noise(seed, tensor_id, blocks.reshape(-1)).reshape(chunk.rows, -1)
    lead = rows.lead(chunk)
    if lead is not None:
        return z[:, lead:lead + chunk.length].reshape(-1)
    leads = (starts & BLOCK - 1).unsqueeze(1)
    return z.gather(1, leads + torch.arange(chunk.length, device=device)).reshape(-1)


def _block_noise(seed: int, tensor_id: int, blocks: Tensor) -> Tensor:
    """z of all elements of these blocks, in float32 of shape (blocks, 4)."""
    counter = (blocks & contract.WORD, blocks >> 32,
               torch.full_like(blocks, tensor_id & contract.WORD),
               torch.full_like(blocks, tensor_id >> 32))
    w0, w1, w2, w3 = philox(counter, (seed & contract.WORD, seed >> 32))
    return torch.stack([*box_muller(w0, w1), *box_muller(w2, w3)], dim=1)
