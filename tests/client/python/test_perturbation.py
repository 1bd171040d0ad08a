"""apply() and check(): what they change, what they count, and what they refuse."""

import math
import unittest

import numpy as np
import torch

from lehr import noise
from lehr.noise.memory import flat_array
from tests.client.python.support import (array_of, bits_of, command, every_kind_of_value,
                                         for_each_implementation)

INFINITY, NAN = math.inf, math.nan


def ones(count: int = 3) -> np.ndarray:
    return np.ones(count, np.float32)


@for_each_implementation
class ApplyTests:
    def apply(self, perturbation: noise.Perturbation, *tensors: noise.NamedTensor) -> noise.Result:
        return noise.apply(perturbation, tensors, implementation=self.implementation)

    def expected(self, theta: np.ndarray, name: str = "weight", **fields: object) -> np.ndarray:
        """float32 theta of a whole tensor, by the definition. NumPy's z is tested elsewhere."""
        perturbation = command(**fields)
        z = noise.fill(perturbation.seed, name, noise.TensorSlice.whole(theta.shape),
                       implementation="numpy")
        with np.errstate(all="ignore"):
            new = theta * np.float32(perturbation.shrink) + z * np.float32(perturbation.stddev)
        return np.where(np.isfinite(theta), new, theta)

    def test_counts_what_was_perturbed_and_what_was_kept(self):
        theta = np.array([1, INFINITY, NAN, -INFINITY, 2], np.float32)
        result = self.apply(command(), noise.NamedTensor("weight", theta))
        self.assertEqual(result, noise.Result(perturbed=2, non_finite_kept=3, unchanged=0))

    def test_counts_all_tensors(self):
        result = self.apply(command(), noise.NamedTensor("a", ones(5)),
                            noise.NamedTensor("b", np.full((2, 2), INFINITY)),
                            noise.NamedTensor("c", np.float16([1, 2])))
        self.assertEqual(result, noise.Result(perturbed=7, non_finite_kept=4, unchanged=0))

    def test_counts_16_bit_values_that_kept_their_bits(self):
        for element_type in ("float16", "bfloat16"):
            # 1 and its infinity; noise of 2^-20 moves 2^-20 but not 1.
            one, tiny, infinity = {"float16": (0x3C00, 0x0010, 0x7C00),
                                   "bfloat16": (0x3F80, 0x3580, 0x7F80)}[element_type]
            theta = array_of(element_type, [one] * 50 + [tiny] * 50 + [infinity] * 50)
            before = theta.copy()
            result = self.apply(command(stddev=2.0**-20),
                                noise.NamedTensor("weight", theta, element_type=element_type))
            same = (bits_of(theta[:100]), bits_of(before[:100]))
            self.assertEqual(result, noise.Result(100, 50, sum(map(int.__eq__, *same))))
            self.assertGreaterEqual(result.unchanged, 50)
            self.assertLess(result.unchanged, 75)

    def test_non_finite_values_keep_their_bits(self):
        for element_type in ("float32", "float64", "bfloat16", "float16"):
            theta = every_kind_of_value(element_type, 70_000)
            if element_type == "bfloat16":
                non_finite = theta & 0x7F80 == 0x7F80
            else:
                non_finite = ~np.isfinite(theta)
            kept = bits_of(theta[non_finite])
            self.assertGreater(len(kept), 10)
            result = self.apply(command(), noise.NamedTensor("weight", theta,
                                                             element_type=element_type))
            self.assertEqual(bits_of(theta[non_finite]), kept, element_type)
            self.assertEqual(result.non_finite_kept, len(kept))

    def test_selector_chooses_tensors_by_canonical_names(self):
        theta = {name: ones() for name in ("module.layers.0.weight", "layers.0.bias",
                                           "layers.1.weight")}
        tensors = [noise.NamedTensor(name, values) for name, values in theta.items()]
        result = self.apply(command(tensor_selector="layers.?.weight"), *tensors)
        self.assertEqual(result.perturbed, 6)
        self.assertEqual([np.array_equal(values, ones()) for values in theta.values()],
                         [False, True, False])

    def test_selector_that_matches_nothing_is_no_error(self):
        theta = ones()
        result = self.apply(command(tensor_selector="biases"), noise.NamedTensor("weight", theta))
        self.assertEqual(result, noise.Result())
        self.assertEqual(theta.tolist(), [1, 1, 1])

    def test_relative_scale_is_the_product_in_binary32(self):
        theta, absolute = ones(), ones()
        self.apply(command(stddev=0.1, scale="relative"),
                   noise.NamedTensor("weight", theta, reference_stddev=0.3))
        sigma = float(np.float32(0.1) * np.float32(0.3))
        self.assertNotEqual(sigma, np.float32(0.1 * 0.3))
        self.apply(command(stddev=sigma), noise.NamedTensor("weight", absolute))
        self.assertEqual(bits_of(theta), bits_of(absolute))

    def test_floats_are_rounded_to_binary32(self):
        theta, rounded = ones(), ones()
        self.apply(command(stddev=0.1, shrink=0.7), noise.NamedTensor("weight", theta))
        self.apply(command(stddev=float(np.float32(0.1)), shrink=float(np.float32(0.7))),
                   noise.NamedTensor("weight", rounded))
        self.assertEqual(bits_of(theta), bits_of(rounded))

    def test_sigma_zero_and_shrink_one_turn_negative_zero_to_zero(self):
        theta = np.array([-0.0, 0.0, -1.5], np.float32)
        self.apply(command(stddev=0, shrink=1, seed=3), noise.NamedTensor("weight", theta))
        z = noise.fill(3, "weight", noise.TensorSlice.whole((3,)), implementation="numpy")
        # -0 + RN(0 z) is -0 only where z is negative too.
        self.assertEqual(np.signbit(theta).tolist(), [bool(np.signbit(z[0])), False, True])

    def test_empty_tensors_and_scalars(self):
        empty, scalar = np.empty((0, 4), np.float32), np.array(1, np.float32)
        expected = self.expected(scalar.copy(), name="scalar")
        result = self.apply(command(), noise.NamedTensor("empty", empty),
                            noise.NamedTensor("scalar", scalar))
        self.assertEqual(result.perturbed, 1)
        self.assertEqual(bits_of(scalar), bits_of(expected))
        by_slice = np.array(1, np.float32)
        self.apply(command(), noise.NamedTensor("scalar", by_slice,
                                                slice=noise.TensorSlice((), (), ())))
        self.assertEqual(bits_of(by_slice), bits_of(expected))

    def test_arrays_that_are_not_contiguous(self):
        base = np.arange(60, dtype=np.float32).reshape(6, 10)
        for name, view in {"transposed": base.T, "every second": base[::2, 1::3],
                           "backwards": base[::-1, ::-1], "column": base[:, 3]}.items():
            with self.subTest(name):
                before, expected = base.copy(), self.expected(np.ascontiguousarray(view))
                self.apply(command(), noise.NamedTensor("weight", view))
                self.assertEqual(bits_of(np.ascontiguousarray(view)), bits_of(expected))
                self.assertEqual(np.count_nonzero(base != before), view.size)

    def test_what_lies_around_the_values_stays(self):
        for offset in range(5):
            buffer = np.arange(100, dtype=np.float32)
            self.apply(command(), noise.NamedTensor("weight", buffer[offset:offset + 37]))
            changed = buffer != np.arange(100)
            self.assertEqual(np.flatnonzero(changed).tolist(), list(range(offset, offset + 37)))

    def test_arrays_at_odd_addresses(self):
        memory = np.zeros(4 * 33 + 1, np.uint8)
        values = memory[1:].view(np.float32)
        expected = self.expected(values.copy())
        with flat_array(values) as flat:
            self.assertTrue(flat.flags.aligned)
        self.apply(command(), noise.NamedTensor("weight", values))
        self.assertEqual(bits_of(values.copy()), bits_of(expected))


@for_each_implementation
class RefusalTests:
    """A command that is refused changes no element, also not of the tensors before the bad one."""

    def assert_refused(self, error: type, text: str, perturbation: noise.Perturbation,
                       *tensors: noise.NamedTensor) -> None:
        first = ones()
        tensors = [noise.NamedTensor("first", first, reference_stddev=1), *tensors]
        before = [bits_of(np.array(tensor.values)) for tensor in tensors
                  if isinstance(tensor.values, np.ndarray)]
        for function in (noise.apply, noise.check):
            with self.assertRaisesRegex(error, text):
                function(perturbation, tensors, implementation=self.implementation)
        self.assertEqual([bits_of(np.array(tensor.values)) for tensor in tensors
                          if isinstance(tensor.values, np.ndarray)], before)

    def test_unknown_noise_spec(self):
        for spec in ("", "philox4x32-10/box-muller-f32/v2", "philox4x32-10/box-muller-f32/v1 "):
            self.assert_refused(noise.UnknownNoiseSpecError, f"unknown noise_spec '{spec}'",
                                command(noise_spec=spec))

    def test_stddev_out_of_bounds(self):
        for stddev in (-1.0, INFINITY, NAN, 1e39):
            self.assert_refused(ValueError, "stddev must be finite and >= 0, is",
                                command(stddev=stddev))

    def test_shrink_out_of_bounds(self):
        for shrink in (-0.1, 1.1, NAN):
            self.assert_refused(ValueError, f"shrink must lie in .0, 1., is {shrink}",
                                command(shrink=shrink))

    def test_seed_that_does_not_fit(self):
        for seed in (-1, 2**64):
            self.assert_refused(ValueError, f"seed must fit 64 bits, is {seed}", command(seed=seed))

    def test_unknown_enumerations(self):
        self.assert_refused(ValueError, "unknown noise scale 'both'", command(scale="both"))
        self.assert_refused(ValueError, "unknown optimizer state action 'drop'",
                            command(optimizer_state="drop"))

    def test_relative_scale_without_a_reference(self):
        for reference in (0.0, -1.0, INFINITY, NAN):
            self.assert_refused(ValueError, "needs a reference_stddev > 0 for tensor 'weight'",
                                command(scale="relative"),
                                noise.NamedTensor("weight", ones(), reference_stddev=reference))

    def test_sigma_that_is_not_finite(self):
        self.assert_refused(ValueError, "of tensor 'weight' is not finite",
                            command(scale="relative", stddev=1e30),
                            noise.NamedTensor("weight", ones(), reference_stddev=1e30))

    def test_reference_is_not_needed_where_the_tensor_is_not_selected(self):
        theta = ones()
        noise.apply(command(scale="relative", tensor_selector="weight"),
                    [noise.NamedTensor("weight", ones(), reference_stddev=1),
                     noise.NamedTensor("bias", theta)], implementation=self.implementation)
        self.assertEqual(theta.tolist(), [1, 1, 1])

    def test_empty_name(self):
        self.assert_refused(ValueError, "empty name", command(), noise.NamedTensor("", ones()))

    def test_indices_beyond_64_bits(self):
        self.assert_refused(ValueError, "'weight': .*64 bits", command(),
                            noise.NamedTensor("weight", ones(), first_index=2**64 - 2))

    def test_slice_that_does_not_fit(self):
        part = noise.TensorSlice((4, 4), (0, 0), (3, 1))
        self.assert_refused(ValueError, r"'weight': values of shape \(3,\) for a slice of size",
                            command(), noise.NamedTensor("weight", ones(), slice=part))
        self.assert_refused(ValueError, "'weight': a slice and first_index 4", command(),
                            noise.NamedTensor("weight", ones(), 4, slice=part))

    def test_overlap_in_memory(self):
        buffer = ones(10)
        self.assert_refused(ValueError, "'a' and 'b' overlap in memory; list a tied tensor once",
                            command(), noise.NamedTensor("a", buffer[:6]),
                            noise.NamedTensor("b", buffer[5:]))

    def test_overlap_in_memory_of_views_with_another_between_them(self):
        buffer = np.ones((3, 4), np.float32)
        self.assert_refused(ValueError, "'column' and 'last' overlap in memory", command(),
                            noise.NamedTensor("column", buffer[:, 0]),
                            noise.NamedTensor("between", buffer[1, 1:]),
                            noise.NamedTensor("last", buffer[2, :1]))

    def test_neighbours_and_interleaved_views_do_not_overlap(self):
        buffer = ones(12).reshape(3, 4)
        noise.apply(command(), [noise.NamedTensor("a", buffer[:, :2]),
                                noise.NamedTensor("b", buffer[:, 2:3]),
                                noise.NamedTensor("c", buffer[:, 3])],
                    implementation=self.implementation)
        self.assertTrue(np.all(buffer != 1))

    def test_overlap_in_indices(self):
        self.assert_refused(ValueError, "'module.weight' and 'weight' overlap in indices",
                            command(), noise.NamedTensor("weight", ones(), first_index=2),
                            noise.NamedTensor("module.weight", ones()))

    def test_overlap_of_a_slice_and_a_range(self):
        column = noise.NamedTensor("weight", np.ones((3, 1), np.float32),
                                   slice=noise.TensorSlice((3, 4), (0, 1), (3, 1)))
        self.assert_refused(ValueError, "overlap in indices", command(), column,
                            noise.NamedTensor("weight", ones(2), first_index=4))
        noise.apply(command(), [column, noise.NamedTensor("weight", ones(3), first_index=6)],
                    implementation=self.implementation)

    def test_slices_of_different_shapes(self):
        self.assert_refused(
            ValueError, r"are one, and have slices of the shapes \(4, 3\) and \(3, 4\)", command(),
            noise.NamedTensor("weight", np.ones((1, 3)), slice=noise.TensorSlice(
                (4, 3), (0, 0), (1, 3))),
            noise.NamedTensor("module.weight", np.ones((1, 4)), slice=noise.TensorSlice(
                (3, 4), (2, 0), (1, 4))))

    def test_values_that_are_no_parameters(self):
        for values, text in (([1.0], "not list"), (np.ones(3, int), "not int64"),
                             (np.ones(3, np.uint16), "not uint16; for bfloat16 say"),
                             (np.ones(3, ">f4"), "not >f4"),
                             (torch.ones(3, dtype=torch.complex64), "not complex64")):
            self.assert_refused(TypeError, f"'weight': expected .*{text}", command(),
                                noise.NamedTensor("weight", values))

    def test_element_type_that_the_values_do_not_have(self):
        self.assert_refused(TypeError, "element_type is 'bfloat16', but the values are float32",
                            command(), noise.NamedTensor("weight", ones(), element_type="bfloat16"))

    def test_read_only_arrays(self):
        values = ones()
        values.flags.writeable = False
        self.assert_refused(ValueError, "'weight': the array is read-only", command(),
                            noise.NamedTensor("weight", values))

    def test_values_that_overlap_themselves(self):
        for values in (np.lib.stride_tricks.as_strided(ones(8), (3, 3), (4, 4)),
                       torch.ones(1).expand(5)):
            self.assert_refused(ValueError, "overlap themselves", command(),
                                noise.NamedTensor("weight", values))


class ImplementationTest(unittest.TestCase):
    def test_unknown_implementation(self):
        with self.assertRaisesRegex(ValueError, "unknown implementation 'cuda'"):
            noise.apply(command(), [noise.NamedTensor("weight", ones())], implementation="cuda")
