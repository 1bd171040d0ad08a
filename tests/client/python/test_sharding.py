"""Every layout of shards gives the bits that the whole tensors get."""

import itertools

import numpy as np

from lehr import noise
from tests.client.python.support import bits_of, command, for_each_implementation, oracle

COMMAND = command(shrink=0.75)
SHAPES = {"embedding.weight": (13, 6), "layers.0.weight": (8, 12), "layers.0.bias": (5,),
          "norm.scale": ()}


def parameters() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {name: random.standard_normal(shape).astype(np.float32)
            for name, shape in SHAPES.items()}


def perturbed_whole(theta: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    whole = {name: values.copy() for name, values in theta.items()}
    noise.apply(COMMAND, [noise.NamedTensor(name, values) for name, values in whole.items()],
                implementation="numpy")
    return whole


@for_each_implementation
class ShardingTests:
    def perturb(self, tensors: list[noise.NamedTensor]) -> None:
        noise.apply(COMMAND, tensors, implementation=self.implementation)

    def assert_slices_are_the_whole(self, cuts: tuple[list[int], list[int]]) -> None:
        """Cuts layers.0.weight at these rows and columns; a rank has one piece of it."""
        name = "layers.0.weight"
        theta = parameters()[name]
        whole = perturbed_whole({name: theta})[name]
        edges = [[0, *cut, extent] for cut, extent in zip(cuts, theta.shape)]
        for (top, bottom), (left, right) in itertools.product(*map(itertools.pairwise, edges)):
            shard = theta[top:bottom, left:right].copy()
            self.perturb([noise.NamedTensor(name, shard, slice=noise.TensorSlice(
                theta.shape, (top, left), shard.shape))])
            self.assertEqual(bits_of(shard), bits_of(whole[top:bottom, left:right].copy()))

    def test_row_parallel(self):
        self.assert_slices_are_the_whole(([3, 4], []))

    def test_column_parallel(self):
        self.assert_slices_are_the_whole(([], [4, 8]))

    def test_column_parallel_at_uneven_columns(self):
        self.assert_slices_are_the_whole(([], [1, 3, 10]))

    def test_two_dimensional(self):
        self.assert_slices_are_the_whole(([2, 5], [5, 6]))

    def test_rows_as_flat_ranges(self):
        theta = parameters()
        whole = perturbed_whole(theta)["embedding.weight"]
        for first, last in itertools.pairwise([0, 4, 5, 13]):
            shard = theta["embedding.weight"][first:last].copy()
            self.perturb([noise.NamedTensor("embedding.weight", shard, first_index=6 * first)])
            self.assertEqual(bits_of(shard), bits_of(whole[first:last]))

    def assert_partition_is_the_whole(self, world_size: int, alignment: int) -> None:
        """All parameters in one flat buffer, padded, cut into equal shards, one for each rank."""
        theta = parameters()
        flat = np.concatenate([values.reshape(-1) for values in theta.values()])
        size = -(-flat.size // (world_size * alignment)) * alignment
        padding = np.full(size * world_size - flat.size, 7, np.float32)
        names, counts = list(theta), [values.size for values in theta.values()]
        shards = np.split(np.concatenate([flat, padding]), world_size)
        for rank, shard in enumerate(shards):
            self.perturb([noise.NamedTensor(names[number], shard[where], part.first)
                          for number, where, part
                          in noise.flat_partition(counts, rank * size, size)])
        whole = perturbed_whole(theta)
        flat_whole = np.concatenate([whole[name].reshape(-1) for name in names])
        self.assertEqual(bits_of(np.concatenate(shards)),
                         bits_of(np.concatenate([flat_whole, padding])))

    def test_fsdp_flat_parameters_cut_rows(self):
        self.assert_partition_is_the_whole(world_size=3, alignment=1)

    def test_zero_partitions_with_aligned_shards(self):
        self.assert_partition_is_the_whole(world_size=4, alignment=16)

    def test_one_element_a_rank(self):
        self.assert_partition_is_the_whole(world_size=180, alignment=1)

    def test_views_of_one_buffer_are_perturbed_in_place(self):
        theta = parameters()["layers.0.weight"]
        whole = perturbed_whole({"layers.0.weight": theta})["layers.0.weight"]
        self.perturb([noise.NamedTensor("layers.0.weight", theta[:, left:left + width],
                                        slice=noise.TensorSlice((8, 12), (0, left), (8, width)))
                      for left, width in ((0, 5), (5, 7))])
        self.assertEqual(bits_of(theta), bits_of(whole))

    def test_more_elements_than_a_chunk(self):
        part = noise.TensorSlice((3, 70_001), (0, 1), (3, 70_000))
        z = noise.fill(5, "weight", part, implementation=self.implementation)
        for row in range(3):
            expected = noise.fill(5, "weight", noise.TensorSlice.flat(row * 70_001 + 1, 70_000),
                                  implementation="numpy")
            self.assertEqual(bits_of(z[row]), bits_of(expected))
        narrow = noise.TensorSlice((70_000, 5), (0, 1), (70_000, 2))
        z = noise.fill(5, "weight", narrow, implementation=self.implementation)
        whole = noise.fill(5, "weight", noise.TensorSlice.whole((70_000, 5)),
                           implementation="numpy")
        self.assertEqual(bits_of(z), bits_of(whole[:, 1:3].copy()))

    def test_indices_beyond_32_bits_and_up_to_the_last(self):
        contract = oracle()
        seed, tensor_id = 9, noise.tensor_id("weight")
        for shape, start, size in (((2**20, 2**20), (2**12 - 1, 2**20 - 2), (2, 2)),
                                   ((2**34,), (2**34 - 2,), (2,)),
                                   ((2**32, 2**32), (2**32 - 2, 2**32 - 3), (2, 3)),
                                   ((2**62, 3), (2**62 - 3, 1), (3, 2)),
                                   ((2**64,), (2**64 - 5,), (5,))):
            z = noise.fill(seed, "weight", noise.TensorSlice(shape, start, size),
                           implementation=self.implementation)
            for position in np.ndindex(*size):
                index = 0
                for extent, first, i in zip(shape, start, position):
                    index = index * extent + first + i
                self.assertEqual(bits_of(z[position]), [contract.noise(seed, tensor_id, index)],
                                 (shape, index))
