"""Prepared tensors: what apply() does, with less to do each time."""

import unittest
from unittest import mock

import numpy as np
import torch

from lehr import noise
from lehr.noise import prepared as prepared_module
from tests.client.python.support import bits_of, command, every_kind_of_value, needs_native


def model() -> dict[str, torch.Tensor]:
    shapes = {"layers.0.weight": (30, 20), "layers.0.bias": (30,), "layers.1.weight": (5, 30),
              "empty": (0, 3), "scalar": ()}
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(shape, generator=generator).requires_grad_()
            for name, shape in shapes.items()}


def named(tensors: dict[str, torch.Tensor]) -> list[noise.NamedTensor]:
    return [noise.NamedTensor(name, values, reference_stddev=0.25 * (number + 1))
            for number, (name, values) in enumerate(tensors.items())]


class PreparedTest(unittest.TestCase):
    def assert_equal(self, tensors: dict[str, torch.Tensor],
                     expected: dict[str, torch.Tensor]) -> None:
        for name, values in tensors.items():
            self.assertEqual(bits_of(values.detach().numpy().copy()),
                             bits_of(expected[name].detach().numpy().copy()), name)

    def test_every_command_does_what_apply_does(self):
        tensors, expected = model(), model()
        prepared = noise.Prepared(named(tensors))
        for perturbation in (command(), command(seed=2**64 - 1, shrink=0.9),
                             command(stddev=0.1, scale="relative"),
                             command(tensor_selector="*weight"), command(tensor_selector="*bias"),
                             command(tensor_selector="nothing"), command(stddev=0)):
            self.assertEqual(prepared.apply(perturbation),
                             noise.apply(perturbation, named(expected)))
            self.assert_equal(tensors, expected)

    @needs_native
    def test_tensors_that_stay_are_not_checked_again(self):
        prepared = noise.Prepared(named(model()))
        prepared.apply(command())
        with mock.patch.object(prepared_module, "find_targets", side_effect=AssertionError):
            self.assertEqual(prepared.apply(command(seed=5)).perturbed, 781)

    def test_a_tensor_that_moves_or_changes_shape_is_found(self):
        tensors, expected = model(), model()
        prepared = noise.Prepared(named(tensors))
        changes = (lambda t: t.detach().clone(), lambda t: t.detach().t().contiguous(),
                   lambda t: t.detach().t(), lambda t: t.detach()[1:],
                   lambda t: t.detach().to(torch.float64))
        for change in changes:
            for model_ in (tensors, expected):
                model_["layers.0.weight"].data = change(model_["layers.0.weight"])
            self.assertEqual(prepared.apply(command()), noise.apply(command(), named(expected)))
            self.assert_equal(tensors, expected)

    def test_arrays(self):
        for element_type in ("float32", "float64", "bfloat16", "float16"):
            array = every_kind_of_value(element_type, 5000)
            for values in (array, array.reshape(50, 100).T, array[::3]):
                tensor = noise.NamedTensor("weight", values.copy("K"), element_type=element_type)
                expected = noise.NamedTensor("weight", values.copy("K"), element_type=element_type)
                prepared = noise.Prepared([tensor])
                for seed in (1, 2):
                    self.assertEqual(prepared.apply(command(seed=seed)),
                                     noise.apply(command(seed=seed), [expected]))
                self.assertEqual(bits_of(tensor.values.copy()), bits_of(expected.values.copy()))

    def test_autograd_notices_a_change_between_forward_and_backward(self):
        weight = torch.ones(3, requires_grad=True)
        prepared = noise.Prepared([noise.NamedTensor("weight", weight)])
        prepared.apply(command())
        loss = (weight * weight).sum()
        prepared.apply(command())
        with self.assertRaisesRegex(RuntimeError, "modified by an inplace operation"):
            loss.backward()

    def test_what_is_refused_changes_nothing(self):
        tensors = model()
        prepared = noise.Prepared(named(tensors))
        bad = noise.Prepared([noise.NamedTensor("weight", np.ones(3, np.float32))])
        with self.assertRaises(noise.UnknownNoiseSpecError):
            prepared.apply(command(noise_spec="v2"))
        with self.assertRaisesRegex(ValueError, "stddev"):
            prepared.apply(command(stddev=-1))
        with self.assertRaisesRegex(ValueError, "is not finite"):
            prepared.apply(command(stddev=3e38, scale="relative", tensor_selector="scalar",
                                   shrink=0.5))
        with self.assertRaisesRegex(ValueError, "needs a reference_stddev > 0 for tensor 'weight'"):
            bad.apply(command(scale="relative"))
        self.assert_equal(tensors, model())

    def test_tensors_that_overlap_are_refused(self):
        values = torch.ones(4)
        prepared = noise.Prepared([noise.NamedTensor("a", values),
                                   noise.NamedTensor("b", values[3:])])
        with self.assertRaisesRegex(ValueError, "'a' and 'b' overlap in memory"):
            prepared.apply(command())

    def test_values_that_are_no_parameters_are_refused(self):
        for values in ([1.0], np.ones(3, int)):
            with self.assertRaisesRegex(TypeError, "'weight': expected"):
                noise.Prepared([noise.NamedTensor("weight", values)]).apply(command())
        with self.assertRaisesRegex(ValueError, "'weight': expected a dense tensor"):
            noise.Prepared([noise.NamedTensor("weight", torch.eye(3).to_sparse())]).apply(command())
