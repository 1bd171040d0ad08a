"""Parts of a tensor: which 64-bit row-major indices the elements of a shard have in the whole.

    TensorSlice(shape=(4096, 1024), start=(0, 512), size=(4096, 512))  # the right half of a matrix
    TensorSlice.flat(first_index=1000, count=500)                      # a range that cuts rows

Section 2 of proto/lehr/v1/NOISE.md. No index array is made here but that of a chunk's rows.
"""

import dataclasses
import functools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

BLOCK = 4  # Neighbouring indices that share a block of random words.

# A Python integer, or an array or tensor of int64.
Integers = TypeVar("Integers")


@dataclasses.dataclass(frozen=True)
class TensorSlice:
    """A range for each dimension of a tensor of this shape; () is a scalar's.

    ValueError: a range that leaves the shape, or a shape whose indices do not fit 64 bits.
    """

    shape: tuple[int, ...]
    start: tuple[int, ...]
    size: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("shape", "start", "size"):
            object.__setattr__(self, name, tuple(map(operator.index, getattr(self, name))))
        if not len(self.shape) == len(self.start) == len(self.size):
            raise ValueError(f"{self} needs one shape, start and size for each dimension")
        for extent, start, size in zip(self.shape, self.start, self.size):
            if start < 0 or size < 0 or start + size > extent:
                raise ValueError(f"{self} leaves its tensor")
        if math.prod(self.shape) > 2**64:
            raise ValueError(f"{self} is of a tensor whose indices do not fit 64 bits")

    @classmethod
    @functools.lru_cache(maxsize=1 << 16)
    def flat(cls, first_index: int, count: int) -> "TensorSlice":
        """The elements first_index, first_index + 1, ... of a tensor of any shape."""
        return cls((first_index + count,), (first_index,), (count,))

    @classmethod
    def whole(cls, shape: Sequence[int]) -> "TensorSlice":
        return cls(tuple(shape), (0,) * len(shape), tuple(shape))

    @property
    def count(self) -> int:
        return math.prod(self.size)

    @property
    def first(self) -> int:
        """The index of the first element."""
        return self._index(self.start)

    @property
    def last(self) -> int:
        """The index of the last element; of no use where there is none."""
        return self._index([start + size - 1 for start, size in zip(self.start, self.size)])

    def shares_index_with(self, other: "TensorSlice") -> bool:
        """Whether an index of the tensor is in both. One of them is flat, or the shapes equal."""
        if self.shape == other.shape:
            return all(a < b + b_size and b < a + a_size for a, a_size, b, b_size in
                       zip(self.start, self.size, other.start, other.size))
        flat, sliced = (self, other) if len(self.shape) == 1 else (other, self)
        return sliced._count_before(flat.last + 1) > sliced._count_before(flat.first)

    def _index(self, position: Iterable[int]) -> int:
        index = 0
        for extent, i in zip(self.shape, position):
            index = index * extent + i
        return index

    def _count_before(self, index: int) -> int:
        """How many elements have a smaller index."""
        if not self.shape:
            return int(index > 0)
        position = []
        for extent in reversed(self.shape[1:]):
            index, i = divmod(index, extent)
            position.append(i)
        position.append(index)
        before, inner = 0, self.count
        for i, start, size in zip(reversed(position), self.start, self.size):
            inner //= size
            before += inner * min(max(i - start, 0), size)
            if not start <= i < start + size:
                break
        return before


@dataclasses.dataclass(frozen=True)
class Chunk:
    """`rows` rows from number `row` on, of each the `length` indices behind the first `skip`."""

    row: int
    rows: int
    skip: int
    length: int
    offset: int  # Of the first element, in the slice's row-major order.

    @property
    def count(self) -> int:
        return self.rows * self.length


class Rows:
    """A slice as rows of neighbouring indices, as long as they come."""

    def __init__(self, part: TensorSlice) -> None:
        self.length = 1
        self._outer: list[tuple[int, int]] = []  # Size and stride of each dimension, last first.
        stride, is_whole = 1, True
        for extent, size in zip(reversed(part.shape), reversed(part.size)):
            if is_whole:
                self.length *= size
            elif size > 1:
                self._outer.append((size, _signed(stride)))
            is_whole = is_whole and size == extent
            stride *= extent
        self.count = part.count // max(self.length, 1)
        self._first = part.first

    def chunks(self, blocks: int) -> Iterator[Chunk]:
        """The slice in order, in pieces that touch at most `blocks` blocks, where `blocks` > 1."""
        longest = BLOCK * (blocks - 1)
        if self.length > longest:
            for row in range(self.count):
                for skip in range(0, self.length, longest):
                    length = min(longest, self.length - skip)
                    yield Chunk(row, 1, skip, length, row * self.length + skip)
        else:
            at_once = blocks // self._blocks_touched(self.length)
            for row in range(0, self.count, at_once):
                rows = min(at_once, self.count - row)
                yield Chunk(row, rows, 0, self.length, row * self.length)

    def starts(self, chunk: Chunk, numbers: Integers) -> Integers:
        """The first index of each of the chunk's rows, modulo 2**64, given their numbers."""
        starts = numbers * 0 + _signed(self._first + chunk.skip)
        for size, stride in self._outer:
            starts = starts + numbers % size * stride
            numbers = numbers // size
        return starts

    def lead(self, chunk: Chunk) -> int | None:
        """How many indices of its first block lie before a row; None: not the same in all."""
        if chunk.rows > 1 and any(stride % BLOCK for _, stride in self._outer):
            return None
        return self.starts(chunk, chunk.row) % BLOCK

    def blocks_in_row(self, chunk: Chunk) -> int:
        lead = self.lead(chunk)
        if lead is None:
            return self._blocks_touched(chunk.length)
        return -(-(lead + chunk.length) // BLOCK)

    @staticmethod
    def _blocks_touched(length: int) -> int:
        """At most, wherever the row begins."""
        return (length + 2 * BLOCK - 2) // BLOCK


def flat_partition(counts: Sequence[int], start: int,
                   size: int) -> Iterator[tuple[int, slice, TensorSlice]]:
    """What a shard of a flat buffer holds (FSDP, ZeRO): the buffer is tensors of these element
    counts one after another, perhaps padding, and the shard its elements start ... start + size.

    Yields for each tensor that the shard has elements of: the tensor's number, where its elements
    lie in the shard, and what part of the tensor they are. Padding belongs to none.
    """
    begin = 0
    for number, count in enumerate(counts):
        first, end = max(start, begin), min(start + size, begin + count)
        if first < end:
            yield number, slice(first - start, end - start), TensorSlice.flat(first - begin,
                                                                              end - first)
        begin += count


def _signed(index: int) -> int:
    """The 64-bit word as two's complement."""
    return (index + 2**63) % 2**64 - 2**63
