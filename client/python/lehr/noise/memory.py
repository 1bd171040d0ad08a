"""Where parameters lie: NumPy arrays and torch tensors, their element types and addresses.

torch is imported only where there is a tensor, or where one is asked for.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Union

import numpy as np

from lehr.noise.update import ELEMENT_TYPES

if TYPE_CHECKING:
    import torch

Values = Union[np.ndarray, "torch.Tensor"]


def is_torch(values: Values) -> bool:
    return "torch" in sys.modules and isinstance(values, sys.modules["torch"].Tensor)


def device(values: Values) -> str:
    return str(values.device) if is_torch(values) else "cpu"


def element_type(values: Values, declared: str | None) -> str:
    """One of ELEMENT_TYPES. NumPy has no bfloat16: its bits in uint16 are declared to be that.

    TypeError: no array or tensor of such elements, or not of the declared ones.
    """
    if is_torch(values):
        found = str(values.dtype).removeprefix("torch.")
    elif not isinstance(values, np.ndarray):
        raise TypeError(f"expected a NumPy array or a torch tensor, not {type(values).__name__}")
    elif values.dtype == np.uint16 and declared == "bfloat16":
        found = declared
    else:
        found = values.dtype.name if values.dtype.isnative else values.dtype.str
    if found not in ELEMENT_TYPES:
        hint = "; for bfloat16 say element_type='bfloat16'" if found == "uint16" else ""
        raise TypeError(f"expected {', '.join(ELEMENT_TYPES)}, not {found}{hint}")
    if declared not in (None, found):
        raise TypeError(f"element_type is '{declared}', but the values are {found}")
    return found


def check_writable(values: Values) -> None:
    """ValueError: the values cannot be changed in place, or some share an address."""
    if is_torch(values):
        if str(values.layout) != "torch.strided" or values.device.type == "meta":
            raise ValueError(f"expected a dense tensor, not {values.layout} on {values.device}")
        if hasattr(values, "to_local"):
            raise ValueError("expected the local part of a distributed tensor: its to_local(), "
                             "and the slice that this is")
        if values.is_inference() and not sys.modules["torch"].is_inference_mode_enabled():
            raise ValueError("an inference tensor cannot be changed outside of inference mode")
    elif not values.flags.writeable:
        raise ValueError("the array is read-only")
    if is_contiguous(values):
        return
    addresses = footprint(values)
    if not addresses.size:
        return
    reach = addresses.itemsize
    for stride, extent in sorted(zip(map(abs, addresses.strides), addresses.shape)):
        if extent > 1 and stride < reach:
            raise ValueError(f"values of shape {addresses.shape} with strides of "
                             f"{addresses.strides} bytes overlap themselves")
        reach += stride * (extent - 1)


def layout(values: Values) -> tuple[object, ...]:
    """Where the values lie, and how; equal as long as both stay."""
    if is_torch(values):
        return values.data_ptr(), values.shape, values.stride(), values.dtype
    return (values.__array_interface__["data"], values.shape, values.strides, values.dtype)


def is_contiguous(values: Values) -> bool:
    return values.is_contiguous() if is_torch(values) else values.flags.c_contiguous


def extent(values: Values) -> tuple[int, int]:
    """The first address of the values, and the last."""
    if is_contiguous(values):
        if is_torch(values):
            first, size = values.data_ptr(), values.numel() * values.element_size()
        else:
            first, size = values.__array_interface__["data"][0], values.nbytes
        return first, first + size - 1
    addresses = footprint(values)
    first = last = addresses.__array_interface__["data"][0]
    for stride, length in zip(addresses.strides, addresses.shape):
        first += min(stride * (length - 1), 0)
        last += max(stride * (length - 1), 0)
    return first, last + addresses.itemsize - 1


def share_address(a: Values, b: Values) -> bool:
    return np.shares_memory(footprint(a), footprint(b))


def footprint(values: Values) -> np.ndarray:
    """An array at the same addresses. They may be another device's: it is never to be read."""
    if not is_torch(values):
        return values
    itemsize = values.element_size()
    if not values.numel():
        return np.empty(tuple(values.shape), f"V{itemsize}")
    return np.asarray(_Addresses({
        "version": 3, "typestr": f"|V{itemsize}", "data": (values.data_ptr(), False),
        "shape": tuple(values.shape),
        "strides": tuple(stride * itemsize for stride in values.stride())}))


class _Addresses:
    def __init__(self, interface: dict[str, object]) -> None:
        self.__array_interface__ = interface


@contextlib.contextmanager
def flat_array(values: Values) -> Iterator[np.ndarray]:
    """Values in the CPU's memory as a contiguous array of one dimension, row-major; what is written
    to it is in the values afterwards. bfloat16 is uint16."""
    array = _torch_as_numpy(values) if is_torch(values) else values.view(np.ndarray)
    flat = np.require(array.reshape(-1), requirements=("C", "ALIGNED"))
    yield flat
    if not np.may_share_memory(flat, array):
        array[...] = flat.reshape(array.shape)
    if is_torch(values):
        nothing_of(values).zero_()


def nothing_of(values: "torch.Tensor") -> "torch.Tensor":
    """None of the values. To change it in place counts as a change of them all, so that autograd
    notices one between forward and backward."""
    return values.detach().as_strided((0,), (1,))


def _torch_as_numpy(values: "torch.Tensor") -> np.ndarray:
    import torch
    if values.dtype == torch.bfloat16:
        return values.detach().view(torch.int16).numpy().view(np.uint16)
    return values.detach().numpy()


@contextlib.contextmanager
def flat_tensor(values: Values) -> Iterator["torch.Tensor"]:
    """The same as a torch tensor on the values' device; an array's bfloat16 is bfloat16."""
    import torch
    if is_torch(values):
        flat = values.detach().contiguous().view(-1)
        yield flat
        if flat.data_ptr() != values.data_ptr():
            values.detach().copy_(flat.view(values.shape))
        return
    with flat_array(values) as flat:
        if flat.dtype == np.uint16:
            yield torch.from_numpy(flat.view(np.int16)).view(torch.bfloat16)
        else:
            yield torch.from_numpy(flat)
