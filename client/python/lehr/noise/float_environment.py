"""The floating-point environment of the noise contract, for arithmetic on the calling thread.

The contract rounds to nearest and keeps subnormals. Trainers often flush them to zero
(torch.set_flush_denormal), and NumPy computes in whatever mode its thread is in.
"""

import contextlib
import ctypes
import functools
import platform
import sys
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


# Names, because the compiler would compute with numbers. binary64: its mode is that of binary32, and
# Python computes with it in a tenth of the time that NumPy needs.
_ONE, _HALF, _TWO = 1.0, 0.5, 2.0
_SMALLEST_NORMAL = sys.float_info.min
_HALF_UNIT = sys.float_info.epsilon / 2


def _is_contract_environment() -> bool:
    # A comparison of subnormals would itself take them for zero.
    keeps_subnormals = _SMALLEST_NORMAL * _HALF * _TWO == _SMALLEST_NORMAL
    rounds_to_nearest = _ONE + _HALF_UNIT == _ONE < _ONE + _HALF_UNIT * 1.5
    return keeps_subnormals and rounds_to_nearest
