"""torch tensors: their formats, their layouts, autograd, and what keeps the bits on a device."""

import copy
import unittest
from unittest import mock

import numpy as np
import torch

from lehr import noise
from lehr.noise import memory, torch_noise
from lehr.noise.float_environment import contract_environment
from lehr.noise.update import Update
from tests.client.python.support import (bits_of, command, every_kind_of_value,
                                         for_each_implementation)


def bits(tensor: torch.Tensor) -> list[int]:
    with memory.flat_array(tensor.clone()) as array:
        return bits_of(array)


@for_each_implementation
class TorchTests:
    def apply(self, perturbation: noise.Perturbation, *tensors: noise.NamedTensor) -> noise.Result:
        return noise.apply(perturbation, tensors, implementation=self.implementation)

    def test_every_format_is_changed_as_the_same_array(self):
        for element_type in ("float32", "float64", "bfloat16", "float16"):
            array = every_kind_of_value(element_type, 40_000)
            tensor = torch.from_numpy(array.view(f"i{array.itemsize}").copy())
            tensor = tensor.view(getattr(torch, element_type))
            expected = noise.apply(command(shrink=0.9), [noise.NamedTensor(
                "weight", array, element_type=element_type)], implementation="numpy")
            result = self.apply(command(shrink=0.9), noise.NamedTensor("weight", tensor))
            self.assertEqual(bits(tensor), bits_of(array), element_type)
            self.assertEqual(result, expected)

    def test_parameters_that_require_grad(self):
        model = torch.nn.Linear(30, 20)
        expected = copy.deepcopy(model.state_dict())
        self.apply(command(), *(noise.NamedTensor(name, parameter)
                                for name, parameter in model.named_parameters()))
        noise.apply(command(), [noise.NamedTensor(name, tensor.numpy())
                                for name, tensor in expected.items()], implementation="numpy")
        for name, parameter in model.named_parameters():
            self.assertTrue(parameter.requires_grad and parameter.is_leaf)
            self.assertTrue(torch.equal(parameter, expected[name]))

    def test_autograd_notices_a_change_between_forward_and_backward(self):
        weight = torch.ones(3, requires_grad=True)
        loss = (weight * weight).sum()
        self.apply(command(), noise.NamedTensor("weight", weight))
        with self.assertRaisesRegex(RuntimeError, "modified by an inplace operation"):
            loss.backward()

    def test_tensors_that_are_not_contiguous(self):
        channels_last = {"memory_format": torch.channels_last}
        for name, view_of in {
                "transposed": lambda base: base.permute(3, 0, 2, 1),
                "column": lambda base: base[..., 3],
                "every third": lambda base: base[:, :, ::3],
                "channels last": lambda base: base.contiguous(**channels_last)}.items():
            for dtype in (torch.float32, torch.bfloat16):
                with self.subTest(name, dtype=dtype):
                    base = torch.randn(2, 3, 7, 5).to(dtype)
                    view = view_of(base)
                    expected = view.contiguous().clone()
                    self.apply(command(), noise.NamedTensor("weight", expected))
                    self.apply(command(), noise.NamedTensor("weight", view))
                    self.assertEqual(bits(view.contiguous()), bits(expected))

    def test_empty_tensors_and_scalars(self):
        scalar, array = torch.tensor(1.0), np.array(1, np.float32)
        result = self.apply(command(), noise.NamedTensor("empty", torch.empty(0, 3)),
                            noise.NamedTensor("scalar", scalar))
        noise.apply(command(), [noise.NamedTensor("scalar", array)], implementation="numpy")
        self.assertEqual(result.perturbed, 1)
        self.assertEqual(scalar.item(), array.item())

    def test_overlap_of_tensors_and_arrays(self):
        tensor = torch.ones(4)
        with self.assertRaisesRegex(ValueError, "'a' and 'b' overlap in memory"):
            self.apply(command(), noise.NamedTensor("a", tensor),
                       noise.NamedTensor("b", tensor.numpy()[3:]))
        self.assertEqual(tensor.tolist(), [1, 1, 1, 1])

    def test_refused_kinds_of_tensors(self):
        with torch.inference_mode():
            inference = torch.ones(3)
        local = torch.ones(3)
        local.to_local = lambda: None  # As a DTensor has it.
        for tensor, text in ((torch.eye(3).to_sparse(), "dense"),
                             (torch.empty(3, device="meta"), "dense.*meta"),
                             (inference, "inference"), (local, "to_local")):
            with self.assertRaisesRegex(ValueError, f"'weight': .*{text}"):
                self.apply(command(), noise.NamedTensor("weight", tensor))

    def test_inference_tensors_in_inference_mode(self):
        with torch.inference_mode():
            tensor, expected = torch.ones(3), torch.ones(3).numpy()
            self.apply(command(), noise.NamedTensor("weight", tensor))
            noise.apply(command(), [noise.NamedTensor("weight", expected)], implementation="numpy")
            self.assertEqual(tensor.tolist(), expected.tolist())


class DeviceTest(unittest.TestCase):
    def operations(self) -> set[str]:
        """What torch runs for every format, for aligned and for other slices."""
        with contract_environment(), torch.autograd.profiler.profile() as profile:
            for part in (noise.TensorSlice((9, 8), (1, 2), (8, 4)),
                         noise.TensorSlice((9, 7), (1, 2), (8, 4))):
                for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
                    element_type = str(dtype).removeprefix("torch.")
                    torch_noise.perturb(Update(1, 2, part, element_type, 0.5, 0.1),
                                        torch.ones(part.count, dtype=dtype))
        return {event.name.removeprefix("aten::") for event in profile.function_events}

    def test_floats_meet_plain_operations_only(self):
        found = self.operations()
        self.assertLessEqual({"mul", "add", "rsub", "sqrt"}, found)
        for fused in ("addcmul", "addcmul_", "lerp", "addmm", "sub_", "div", "rsqrt", "pow"):
            self.assertNotIn(fused, found)

    def test_nothing_waits_for_the_device(self):
        found = self.operations()
        self.assertTrue(found.isdisjoint({"_local_scalar_dense", "item", "nonzero", "is_nonzero"}))

    def assert_refused(self, text: str) -> None:
        torch_noise.check_device.cache_clear()
        self.addCleanup(torch_noise.check_device.cache_clear)
        theta = np.ones(3, np.float32)
        with self.assertRaisesRegex(RuntimeError, text):
            noise.apply(command(), [noise.NamedTensor("weight", theta)], implementation="torch")
        self.assertEqual(theta.tolist(), [1, 1, 1])

    def test_a_device_that_is_inexact_is_refused(self):
        exact = torch_noise._radius
        with mock.patch.object(torch_noise, "_radius", lambda a: exact(a) * (1 + 2.0**-23)):
            self.assert_refused("cpu does not compute the noise contract's bits")

    def test_a_device_that_flushes_subnormals_is_refused(self):
        exact = torch_noise.perturb

        def perturb(update: Update, values: torch.Tensor) -> torch.Tensor:
            torch.set_flush_denormal(True)
            counts = exact(update, values)
            torch.set_flush_denormal(False)
            return counts

        with mock.patch.object(torch_noise, "perturb", perturb):
            self.assert_refused("cpu does not compute .* float32 update, or flushes subnormals")
