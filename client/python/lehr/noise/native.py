"""The noise contract in liblehr_noise.so: SIMD and threads for what lies in the CPU's memory.

The library is looked for at $LEHR_NOISE_LIBRARY, beside this package, in build/lib of a source
checkout, and where the system's linker looks. It sets the floating-point environment itself.
"""

import contextlib
import ctypes
import functools
import os
import pathlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from lehr.noise import contract
from lehr.noise.slices import Rows, TensorSlice
from lehr.noise.update import Result, Update

_NAME = "liblehr_noise.so"
_VARIABLE = "LEHR_NOISE_LIBRARY"
_C_ELEMENT_TYPES = {"float32": 0, "float64": 1, "bfloat16": 2, "float16": 3}
_WHOLE_CHUNK = 2**62  # Blocks: no row is cut.


class _Update(ctypes.Structure):
    _fields_ = [("seed", ctypes.c_uint64), ("tensor_id", ctypes.c_uint64),
                ("shrink", ctypes.c_float), ("sigma", ctypes.c_float),
                ("element_type", ctypes.c_int32), ("dimensions", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_uint64)),
                ("start", ctypes.POINTER(ctypes.c_uint64)),
                ("size", ctypes.POINTER(ctypes.c_uint64)),
                ("values", ctypes.c_void_p)]


# What a command decides of an _Update, for arrays of them.
COMMAND_FIELDS = np.dtype({
    "names": ["seed", "shrink", "sigma"], "formats": [np.uint64, np.float32, np.float32],
    "offsets": [_Update.seed.offset, _Update.shrink.offset, _Update.sigma.offset],
    "itemsize": ctypes.sizeof(_Update)})


class _Counts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in Result._fields]


@functools.cache
def library() -> ctypes.CDLL | None:
    """The library, or None where there is none.

    OSError: $LEHR_NOISE_LIBRARY is set, and is no such library or one of another contract. Found
    elsewhere, a library of another contract is passed over with a warning.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return _load(chosen)
    for path in _places():
        try:
            return _load(path)
        except OSError as error:
            warnings.warn(f"not used, noise is slower without it: {error}", RuntimeWarning)
    return None


def targets() -> list[str]:
    """The instruction sets that the library was built for and this CPU has, best first."""
    return library().lehr_noise_targets().decode().split()


def built_targets() -> list[str]:
    """The instruction sets that the library was built for, whether this CPU has them or not."""
    return library().lehr_noise_built_targets().decode().split()


def use_target(name: str) -> None:
    """Forces one of targets(), "" the best again. For tests; not thread-safe."""
    if library().lehr_noise_use_target(name.encode()) != 0:
        raise ValueError(f"no target '{name}', only {' '.join(targets())}")


def fill(seed: int, tensor_id: int, part: TensorSlice) -> np.ndarray:
    """z of the part's elements in row-major order: float32 of shape (part.count,)."""
    z = np.empty(part.count, np.float32)
    rows = Rows(part)
    for chunk in rows.chunks(_WHOLE_CHUNK):
        for row in range(chunk.row, chunk.row + chunk.rows):
            start = rows.starts(chunk, row) & contract.WORD64
            library().lehr_noise_fill(seed, tensor_id, start,
                                      z.ctypes.data + row * rows.length * z.itemsize, rows.length)
    return z


def perturb(updates: Sequence[tuple[Update, np.ndarray]], threads: int = 0) -> Result:
    """Changes contiguous values of shape (update.part.count,) in place; bfloat16 ones are bits in
    uint16. threads: 0 for as many as pay."""
    return call(c_updates(updates), threads)


def call(updates: ctypes.Array, threads: int) -> Result:
    """perturb() of what c_updates() has made."""
    counts = _Counts()
    library().lehr_noise_perturb(updates, len(updates), threads, counts)
    return Result(counts.perturbed, counts.non_finite_kept, counts.unchanged)


def c_updates(updates: Sequence[tuple[Update, np.ndarray]]) -> ctypes.Array:
    """The updates as the library takes them. They do not keep the values alive."""
    return (_Update * len(updates))(*(_c_update(update, values) for update, values in updates))


def _c_update(update: Update, values: np.ndarray) -> _Update:
    part = update.part if update.part.shape else TensorSlice.flat(0, 1)
    return _Update(update.seed, update.tensor_id, update.shrink, update.sigma,
                   _C_ELEMENT_TYPES[update.element_type], len(part.shape), _words(part.shape),
                   _words(part.start), _words(part.size),
                   values.__array_interface__["data"][0])


@functools.lru_cache(maxsize=1 << 16)
def _words(numbers: Sequence[int]) -> ctypes.Array:
    return (ctypes.c_uint64 * len(numbers))(*numbers)


def _places() -> Iterator[str]:
    package = pathlib.Path(__file__).resolve().parent
    beside = [package / _NAME]
    if (package.parents[3] / "proto/lehr/v1/NOISE.md").is_file():
        beside.append(package.parents[3] / "build/lib" / _NAME)
    yield from (str(path) for path in beside if path.is_file())
    with contextlib.suppress(OSError):
        ctypes.CDLL(_NAME)
        yield _NAME


def _load(path: str) -> ctypes.CDLL:
    loaded = ctypes.CDLL(path)
    try:
        for name, result, arguments in _FUNCTIONS:
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise OSError(f"{path} is not {_NAME}: {error}") from error
    spec = loaded.lehr_noise_spec().decode()
    if spec != contract.SPEC:
        raise OSError(f"{path} makes the noise '{spec}'; this package knows '{contract.SPEC}'")
    return loaded


_FUNCTIONS = (
    ("lehr_noise_perturb", None, (ctypes.POINTER(_Update), ctypes.c_uint64, ctypes.c_uint32,
                                  ctypes.POINTER(_Counts))),
    ("lehr_noise_fill", None, (ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p,
                               ctypes.c_uint64)),
    ("lehr_noise_targets", ctypes.c_char_p, ()),
    ("lehr_noise_built_targets", ctypes.c_char_p, ()),
    ("lehr_noise_use_target", ctypes.c_int, (ctypes.c_char_p,)),
    ("lehr_noise_spec", ctypes.c_char_p, ()),
)
