"""The noise contract in NumPy, bit for bit: one ufunc for each rounding.

Sections 3 to 7 of proto/lehr/v1/NOISE.md, by the same names. Must run in contract_environment().
Works in chunks of some thousand blocks, so that the intermediate arrays stay in the L2 cache.
"""

import numpy as np

from lehr.noise import contract
from lehr.noise.slices import BLOCK, Chunk, Rows, TensorSlice
from lehr.noise.update import Result, Update

_CHUNK_BLOCKS = 8192

# Of x2 and x0, in the order of the rows that they come to.
_MULTIPLIERS = np.array([[contract.MULTIPLIER_2], [contract.MULTIPLIER_0]], np.uint64)
_KEY_STEPS = np.array([[contract.KEY_STEP_0], [contract.KEY_STEP_1]], np.uint64)
_WORD = np.uint64(contract.WORD)
_HIGH = np.uint64(32)
_SIGN = np.uint32(2**31)


def fill(seed: int, tensor_id: int, part: TensorSlice) -> np.ndarray:
    """z of the part's elements in row-major order: float32 of shape (part.count,)."""
    z = np.empty(part.count, np.float32)
    rows = Rows(part)
    for chunk in rows.chunks(_CHUNK_BLOCKS):
        z[chunk.offset:chunk.offset + chunk.count] = _chunk_noise(seed, tensor_id, rows, chunk)
    return z


def perturb(update: Update, values: np.ndarray) -> Result:
    """Changes values of shape (update.part.count,) in place; bfloat16 ones are bits in uint16."""
    new_values = {"float32": _new_float32, "float64": _new_float64, "float16": _new_float16,
                  "bfloat16": _new_bfloat16}[update.element_type]
    is_finite = _is_finite_bfloat16 if update.element_type == "bfloat16" else np.isfinite
    perturbed = unchanged = 0
    rows = Rows(update.part)
    for chunk in rows.chunks(_CHUNK_BLOCKS):
        theta = values[chunk.offset:chunk.offset + chunk.count]
        z = _chunk_noise(update.seed, update.tensor_id, rows, chunk)
        new, finite = new_values(theta, z, update), is_finite(theta)
        perturbed += int(np.count_nonzero(finite))
        if theta.itemsize == 2:
            same = new.view(np.uint16) == theta.view(np.uint16)
            unchanged += int(np.count_nonzero(same & finite))
        np.copyto(theta, new, where=finite)
    return Result(perturbed, values.size - perturbed, unchanged)


def philox(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Four random words for each counter, both of shape (4, n); key of shape (2,). All uint64."""
    even, odd = counter[0::2].copy(), counter[1::2].copy()
    product = np.empty_like(even)
    key = key.reshape(2, 1)
    for _ in range(contract.PHILOX_ROUNDS):
        np.multiply(even[::-1], _MULTIPLIERS, out=product)
        np.right_shift(product, _HIGH, out=even)
        even ^= odd
        even ^= key
        np.bitwise_and(product, _WORD, out=odd)
        key = key + _KEY_STEPS & _WORD
    return np.stack([even[0], odd[0], even[1], odd[1]])


def box_muller(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(z_cos, z_sin) in float32 from radius words and angle words in uint32."""
    r = _radius(a)
    x, y = _direction(b)
    is_odd = b >> np.uint32(30) & np.uint32(1)
    x_bits, y_bits, r_bits = x.view(np.uint32), y.view(np.uint32), r.view(np.uint32)
    change = (x_bits ^ y_bits) & (np.uint32(0) - is_odd)
    x_bits ^= change
    y_bits ^= change
    r_bits ^= b & _SIGN
    x *= r
    y *= r
    return x, y


def _radius(a: np.ndarray) -> np.ndarray:
    f = np.maximum(a, np.uint32(1)).astype(np.float32)
    e = f.view(np.int32) - np.int32(contract.EXPONENT_BIAS)
    k = (e >> np.int32(23)).astype(np.float32)
    e &= np.int32(contract.FRACTION_MASK)
    e += np.int32(contract.FRACTION_BIAS)
    n = np.float32(2) - e.view(np.float32)
    p = n + n * n * _polynomial(contract.W, n)
    g = k * np.float32(contract.K_HI) + (k * np.float32(contract.K_LO) + p)
    return np.sqrt(g)


def _direction(b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(cos, sin) of pi/2 t, before the quadrant."""
    t = (b << np.uint32(2)).view(np.int32).astype(np.float32)
    t *= np.float32(2.0**-32)
    s = t * t
    x = _polynomial(contract.C, s)
    x *= s
    x += np.float32(1)
    y = _polynomial(contract.S, s)
    y *= t
    return x, y


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    *rest, last = coefficients
    total = x * np.float32(last)
    total += np.float32(rest.pop())
    for coefficient in reversed(rest):
        total *= x
        total += np.float32(coefficient)
    return total


def _chunk_noise(seed: int, tensor_id: int, rows: Rows, chunk: Chunk) -> np.ndarray:
    """z of the chunk's elements, flat."""
    starts = rows.starts(chunk, np.arange(chunk.row, chunk.row + chunk.rows)).view(np.uint64)
    blocks = (starts >> np.uint64(2))[:, np.newaxis] + np.arange(rows.blocks_in_row(chunk),
                                                                 dtype=np.uint64)
    z = _block_noise(seed, tensor_id, blocks.reshape(-1)).reshape(chunk.rows, -1)
    lead = rows.lead(chunk)
    if lead is not None:
        return z[:, lead:lead + chunk.length].reshape(-1)
    leads = (starts % BLOCK).astype(np.int64)[:, np.newaxis]
    return np.take_along_axis(z, leads + np.arange(chunk.length), axis=1).reshape(-1)


def _block_noise(seed: int, tensor_id: int, blocks: np.ndarray) -> np.ndarray:
    """z of all elements of these blocks, in float32 of shape (blocks, 4)."""
    counter = np.empty((4, blocks.size), np.uint64)
    counter[0] = blocks & _WORD
    counter[1] = blocks >> _HIGH
    counter[2] = tensor_id & contract.WORD
    counter[3] = tensor_id >> 32
    words = philox(counter, np.array([seed & contract.WORD, seed >> 32], np.uint64))
    words = words.astype(np.uint32)
    z = np.empty((blocks.size, BLOCK), np.float32)
    z_cos, z_sin = box_muller(words[0::2], words[1::2])
    z[:, 0], z[:, 2] = z_cos
    z[:, 1], z[:, 3] = z_sin
    return z


def _new_float32(theta: np.ndarray, z: np.ndarray, update: Update) -> np.ndarray:
    new = theta * np.float32(update.shrink)
    z *= np.float32(update.sigma)
    new += z
    return new


def _new_float64(theta: np.ndarray, z: np.ndarray, update: Update) -> np.ndarray:
    new = theta * np.float64(update.shrink)
    new += z.astype(np.float64) * np.float64(update.sigma)
    return new


def _new_float16(theta: np.ndarray, z: np.ndarray, update: Update) -> np.ndarray:
    return _new_float32(theta.astype(np.float32), z, update).astype(np.float16)


def _new_bfloat16(theta: np.ndarray, z: np.ndarray, update: Update) -> np.ndarray:
    """To nearest, ties to even: adds half a unit less one, and one more if the result is odd."""
    wide = theta.astype(np.uint32) << np.uint32(16)
    bits = _new_float32(wide.view(np.float32), z, update).view(np.uint32)
    is_odd = bits >> np.uint32(16) & np.uint32(1)
    return (bits + is_odd + np.uint32(0x7FFF) >> np.uint32(16)).astype(np.uint16)


def _is_finite_bfloat16(theta: np.ndarray) -> np.ndarray:
    return theta & np.uint16(0x7F80) != np.uint16(0x7F80)
