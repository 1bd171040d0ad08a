import itertools
import unittest

import numpy as np

from lehr.noise.slices import BLOCK, Rows, TensorSlice, flat_partition


def indices_of(part: TensorSlice) -> list[int]:
    """Row-major indices, one by one."""
    indices = []
    for position in itertools.product(*(range(start, start + size)
                                        for start, size in zip(part.start, part.size))):
        index = 0
        for extent, i in zip(part.shape, position):
            index = index * extent + i
        indices.append(index)
    return indices


def indices_by_chunks(part: TensorSlice, blocks: int) -> list[int]:
    rows, indices = Rows(part), []
    for chunk in rows.chunks(blocks):
        assert chunk.offset == len(indices)
        starts = rows.starts(chunk, np.arange(chunk.row, chunk.row + chunk.rows))
        for start in starts.view(np.uint64).tolist():
            touched = (start + chunk.length - 1) // BLOCK - start // BLOCK + 1
            assert touched <= rows.blocks_in_row(chunk)
            assert rows.lead(chunk) in (None, start % BLOCK)
            indices += range(start, start + chunk.length)
        assert chunk.rows * rows.blocks_in_row(chunk) <= blocks
    return indices


PARTS = {
    "scalar": TensorSlice((), (), ()),
    "whole matrix": TensorSlice.whole((5, 7)),
    "rows": TensorSlice((6, 7), (2, 0), (3, 7)),
    "columns": TensorSlice((6, 7), (0, 3), (6, 2)),
    "one column": TensorSlice((6, 7), (0, 6), (6, 1)),
    "aligned columns": TensorSlice((6, 16), (1, 5), (4, 9)),
    "a corner": TensorSlice((6, 7), (4, 5), (2, 2)),
    "4-D": TensorSlice((3, 4, 5, 6), (1, 1, 1, 2), (2, 2, 3, 3)),
    "whole within": TensorSlice((3, 4, 5, 6), (1, 1, 0, 0), (2, 2, 5, 6)),
    "size 1 outside": TensorSlice((3, 1, 5), (1, 0, 1), (2, 1, 2)),
    "flat": TensorSlice.flat(13, 29),
    "nothing": TensorSlice((3, 4), (1, 2), (2, 0)),
    "no extent": TensorSlice.whole((0, 4)),
    "end of the indices": TensorSlice((2**32, 2**32), (2**32 - 2, 2**32 - 7), (2, 7)),
}


class RowsTest(unittest.TestCase):
    def test_chunks_of_every_size_give_the_indices_in_order(self):
        for (name, part), blocks in itertools.product(PARTS.items(), (2, 3, 4, 7, 1000)):
            with self.subTest(name, blocks=blocks):
                self.assertEqual(indices_by_chunks(part, blocks), indices_of(part))

    def test_rows_are_as_long_as_they_come(self):
        self.assertEqual(Rows(PARTS["rows"]).count, 1)
        self.assertEqual(Rows(PARTS["whole within"]).length, 2 * 5 * 6)
        self.assertEqual(Rows(PARTS["columns"]).length, 2)

    def test_first_and_last(self):
        for name, part in PARTS.items():
            if part.count:
                self.assertEqual([part.first, part.last],
                                 [indices_of(part)[0], indices_of(part)[-1]], name)


class SharedIndicesTest(unittest.TestCase):
    def test_every_pair_of_slices_of_a_small_tensor(self):
        ranges = [(start, size) for start in range(4) for size in range(1, 5 - start)]
        parts = [TensorSlice((4, 4), (a, b), (m, n)) for (a, m), (b, n)
                 in itertools.product(ranges, ranges)]
        for one, other in itertools.product(parts[::3], parts):
            expected = not set(indices_of(one)).isdisjoint(indices_of(other))
            self.assertEqual(one.shares_index_with(other), expected, (one, other))

    def test_slices_against_flat_ranges(self):
        parts = [TensorSlice((3, 4, 5), (1, 1, 2), (2, 2, 2)), TensorSlice((3, 4, 5), (0, 0, 4),
                                                                           (3, 4, 1)),
                 TensorSlice.whole((3, 4, 5)), TensorSlice((), (), ()), TensorSlice.flat(20, 15)]
        for part, first, count in itertools.product(parts, range(60), range(1, 12)):
            flat = TensorSlice.flat(first, count)
            expected = not set(indices_of(part)).isdisjoint(indices_of(flat))
            self.assertEqual(part.shares_index_with(flat), expected, (part, flat))
            self.assertEqual(flat.shares_index_with(part), expected, (part, flat))


class RefusalTest(unittest.TestCase):
    def assert_refused(self, text: str, *fields: tuple[int, ...]) -> None:
        with self.assertRaisesRegex(ValueError, text):
            TensorSlice(*fields)

    def test_dimensions_differ(self):
        self.assert_refused("for each dimension", (3, 4), (0,), (3, 4))

    def test_leaves_its_tensor(self):
        self.assert_refused("leaves", (3, 4), (0, 1), (3, 4))
        self.assert_refused("leaves", (3, 4), (-1, 0), (1, 1))
        self.assert_refused("leaves", (3, 4), (1, 1), (1, -1))

    def test_indices_beyond_64_bits(self):
        TensorSlice((2**32, 2**32), (0, 0), (1, 1))
        self.assert_refused("64 bits", (2**32 + 1, 2**32), (0, 0), (1, 1))
        TensorSlice.flat(2**64 - 1, 1)
        with self.assertRaisesRegex(ValueError, "64 bits"):
            TensorSlice.flat(2**64 - 1, 2)

    def test_numbers_that_are_no_integers(self):
        with self.assertRaises(TypeError):
            TensorSlice((3.0,), (0,), (1,))


class FlatPartitionTest(unittest.TestCase):
    def test_parameters_cut_by_ranks_without_the_padding(self):
        # 3 parameters of 10, 1 and 6 elements, padded to 20, on 4 ranks of 5.
        parts = [list(flat_partition([10, 1, 6], 5 * rank, 5)) for rank in range(4)]
        self.assertEqual(parts, [
            [(0, slice(0, 5), TensorSlice.flat(0, 5))],
            [(0, slice(0, 5), TensorSlice.flat(5, 5))],
            [(1, slice(0, 1), TensorSlice.flat(0, 1)), (2, slice(1, 5), TensorSlice.flat(0, 4))],
            [(2, slice(0, 2), TensorSlice.flat(4, 2))],
        ])

    def test_only_padding(self):
        self.assertEqual(list(flat_partition([3], 4, 4)), [])
