"""The noise contract of proto/lehr/v1/NOISE.md, written a second time for the golden vectors.

The oracle for the bits: Python integers and exact rationals, rounded after each operation. It reads
the constants from the page itself and shares no code with the C++.
"""

import hashlib
import pathlib
import re
import struct
from fractions import Fraction

from exact_binary32 import (SIGN, add, is_finite, multiply, negate, rounded, square_root, subtract,
                            value)

PAGE = pathlib.Path(__file__).parents[3] / "proto/lehr/v1/NOISE.md"
SPEC = "philox4x32-10/box-muller-f32/v1"
WORD = 2**32 - 1
WORD64 = 2**64 - 1


def from_hex_float(text):
    return rounded(Fraction(*float.fromhex(text).as_integer_ratio()))


def read_constants():
    """The table of constants in the page: name -> bits. Value and bits must agree."""
    row = re.compile(r"^\| `(\w+)` \| `(-?0x1\.\w*p[+-]\d+)` \| `0x(\w{8})` \|$", re.MULTILINE)
    constants = {}
    for name, number, bits in row.findall(PAGE.read_text()):
        constants[name] = int(bits, 16)
        if from_hex_float(number) != constants[name]:
            raise SystemExit(f"{PAGE}: {name}: {number} is not 0x{bits}")
    return constants


CONSTANT = read_constants()
W = [f"W{j}" for j in range(7)]
S = [f"S{j}" for j in range(4)]
C = [f"C{j}" for j in range(4)]


def canonical_name(name):
    wrappers = {"module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module",
                "_checkpoint_wrapped_module"}
    *path, last = name.split(".")
    return ".".join([part for part in path if part not in wrappers] + [last])


def tensor_id(name):
    return int(hashlib.sha256(canonical_name(name).encode()).hexdigest()[:16], 16)


def selects(selector, name):
    """Whether the glob matches the canonical name: by regular expressions on bytes."""
    parts = [{b"*": b".*", b"?": b"."}.get(part, re.escape(part))
             for part in re.split(rb"([*?])", (selector or "*").encode())]
    return re.fullmatch(b"".join(parts), canonical_name(name).encode(), re.DOTALL) is not None


def philox(counter, key):
    x, (k0, k1) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = (q >> 32 ^ x[1] ^ k0, q & WORD, p >> 32 ^ x[3] ^ k1, p & WORD)
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return x


def inverse_philox(words, key):
    """The counter that philox() makes these words of: its rounds backwards."""
    keys = [tuple(k + number * step & WORD for k, step in zip(key, (0x9E3779B9, 0xBB67AE85)))
            for number in range(10)]
    inverse_p, inverse_q = pow(0xD2511F53, -1, 2**32), pow(0xCD9E8D57, -1, 2**32)
    for k0, k1 in reversed(keys):
        x0, x2 = words[3] * inverse_p & WORD, words[1] * inverse_q & WORD
        words = (x0, 0xCD9E8D57 * x2 >> 32 ^ words[0] ^ k0,
                 x2, 0xD2511F53 * x0 >> 32 ^ words[2] ^ k1)
    return words


def signed(word):
    return word - 2**32 if word >= 2**31 else word


def horner(names, x):
    total = CONSTANT[names[-1]]
    for name in reversed(names[:-1]):
        total = add(multiply(total, x), CONSTANT[name])
    return total


def uniform(a):
    """u of section 4, exact."""
    return value(rounded(Fraction(max(a, 1)))) / 2**32


def quarter_turns(b):
    """t of section 5, exact: theta = pi/2 (q + t) for even q and pi/2 (q - t) for odd q."""
    return value(rounded(Fraction(signed(b << 2 & WORD)))) / 2**32


def radius(a):
    f = rounded(Fraction(max(a, 1)))
    e = signed(f - 0x4F2AAAAB & WORD)
    k = rounded(Fraction(e >> 23))
    n = subtract(rounded(Fraction(2)), (e & 0x7FFFFF) + 0x3FAAAAAB)
    p = add(n, multiply(multiply(n, n), horner(W, n)))
    g = add(multiply(k, CONSTANT["K_HI"]), add(multiply(k, CONSTANT["K_LO"]), p))
    return square_root(g)


def direction(b):
    """Bits of cos(pi/2 t) and sin(pi/2 t), before the quadrant."""
    t = rounded(quarter_turns(b))
    s = multiply(t, t)
    return add(rounded(Fraction(1)), multiply(horner(C, s), s)), multiply(horner(S, s), t)


def box_muller(a, b):
    """Bits of (z_cos, z_sin)."""
    r = radius(a)
    x, y = direction(b)
    if b >> 30 & 1:
        x, y = y, x
    if b >> 31:
        r = negate(r)
    return multiply(r, x), multiply(r, y)


def pair_words(seed, tensor, index):
    """The two words that the element's pair is made of."""
    block = index >> 2
    words = philox((block & WORD, block >> 32, tensor & WORD, tensor >> 32),
                   (seed & WORD, seed >> 32))
    return words[index & 2], words[(index & 2) + 1]


def noise(seed, tensor, index):
    return box_muller(*pair_words(seed, tensor, index))[index & 1]


def perturbed(theta, z, shrink, sigma):
    if not is_finite(theta):
        return theta
    return add(multiply(shrink, theta), multiply(sigma, z))


def actions_hash(actions):
    """actions: (1, id, seed, stddev bits, scale, shrink bits, optimizer_state, selector, spec) for a
    perturbation, (2, id) for a snapshot, (3, id) for a restore, (4,) for the identity, (5, factor bits)
    for the learning rate."""
    if not actions:
        return 0
    message = b"lehr.actions.v1" + struct.pack("<I", len(actions))
    for kind, *fields in actions:
        payload = b""
        if kind == 1:
            *numbers, selector, spec = fields
            payload = struct.pack("<QQIBIB", *numbers)
            for text in (selector, spec):
                payload += struct.pack("<I", len(text.encode())) + text.encode()
        elif kind in (2, 3):
            payload = struct.pack("<Q", *fields)
        elif kind == 5:
            payload = struct.pack("<I", *fields)
        message += struct.pack("<BI", kind, len(payload)) + payload
    return int.from_bytes(hashlib.sha256(message).digest()[:8], "big") or 1


def element_digest(tensor, index, bits):
    v = tensor + index * 0x9E3779B97F4A7C15 + bits * 0xD1B54A32D192ED03 & WORD64
    v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9 & WORD64
    v = (v ^ v >> 27) * 0x94D049BB133111EB & WORD64
    return v ^ v >> 31
