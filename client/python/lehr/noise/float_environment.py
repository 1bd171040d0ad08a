"""The floating-point environment of the noise contract, for arithmetic on the calling thread.

The contract rounds to nearest and keeps subnormals. Trainers often flush them to zero
(torch.set_flush_denormal), and NumPy computes in whatever mode its thread is in.
"""

import contextlib
import ctypes
import functools
import platform
from collections.abc import Iterator

import numpy as np

_DEFAULT_ENVIRONMENT = ctypes.c_void_p(-1)  # C's FE_DFL_ENV, in the C libraries of _libm().


@contextlib.contextmanager
def contract_environment() -> Iterator[None]:
    """Rounding to nearest and subnormals within; the caller's mode comes back afterwards.

    RuntimeError: this thread's mode is another one, and cannot be set on this platform. Other
    threads, also those that torch has for large tensors, keep theirs.
    """
    libm = _libm()
    callers = ctypes.create_string_buffer(256)  # More than any fenv_t.
    if libm:
        libm.fegetenv(callers)
        libm.fesetenv(_DEFAULT_ENVIRONMENT)
    try:
        with np.errstate(all="ignore"):
            if not _is_contract_environment():
                raise RuntimeError("this thread flushes subnormals to zero or does not round to "
                                   "nearest, and that cannot be changed on this platform")
            yield
    finally:
        if libm:
            libm.fesetenv(callers)


@functools.cache
def _libm() -> ctypes.CDLL | None:
    if (platform.system(), platform.machine()) in (("Linux", "x86_64"), ("Linux", "aarch64")):
        for name in (None, "libm.so.6"):
            with contextlib.suppress(OSError):
                library = ctypes.CDLL(name)
                if hasattr(library, "fesetenv"):
                    return library
    return None


_SMALLEST = np.array([1], np.uint32).view(np.float32)
_ONE = np.ones(1, np.float32)
_HALF_UNIT = np.full(1, 2.0**-24, np.float32)


def _is_contract_environment() -> bool:
    keeps_subnormals = (_SMALLEST * _ONE).view(np.uint32)[0] == 1
    rounds_to_nearest = (_ONE + _HALF_UNIT == 1)[0] and (_ONE + _HALF_UNIT * 1.5 > 1)[0]
    return bool(keeps_subnormals and rounds_to_nearest)
