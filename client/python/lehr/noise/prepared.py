"""Perturbing the same tensors again and again, with what does not depend on the command done once."""

import operator
from collections.abc import Sequence

import numpy as np

from lehr.noise import memory, native
from lehr.noise.command import NamedTensor, Perturbation
from lehr.noise.float_environment import contract_environment
from lehr.noise.names import selects
from lehr.noise.perturbation import apply
from lehr.noise.plan import Target, check_command, choose, find_targets
from lehr.noise.update import Result, Update


class Prepared:
    """apply() for tensors that mostly stay where they are: the same bits, results and errors.

        prepared = noise.Prepared(tensors)
        prepared.apply(command)  # at each step

    Checks and C structures are kept until a tensor's address, shape, strides or element type is
    another, and then made anew. Only where liblehr_noise.so reaches all tensors without a copy;
    others go through apply() every time. Not thread-safe.
    """

    def __init__(self, tensors: Sequence[NamedTensor], *, threads: int = 0) -> None:
        self._tensors = list(tensors)
        self._threads = threads
        self._layouts: list[tuple[object, ...]] = []
        self._targets: list[Target] | None = None  # None: not to be perturbed in one call.
        self._selection: _Selection | None = None

    def apply(self, perturbation: Perturbation) -> Result:
        with contract_environment():
            check_command(perturbation)
            self._look_at_tensors()
            if self._targets is not None:
                selector = perturbation.tensor_selector
                if self._selection is None or self._selection.selector != selector:
                    self._selection = _Selection(selector, self._targets)
                if self._selection.set_command(perturbation):
                    return self._selection.perturb(self._threads)
        return apply(perturbation, self._tensors, threads=self._threads)

    def _look_at_tensors(self) -> None:
        if self._layouts and self._layouts == self._current_layouts():
            return
        self._layouts, self._targets, self._selection = [], None, None
        targets = find_targets(self._tensors)
        if all(map(_is_reached, targets)):
            self._targets = targets
        self._layouts = self._current_layouts()

    def _current_layouts(self) -> list[tuple[object, ...]]:
        return [memory.layout(tensor.values) for tensor in self._tensors]


class _Selection:
    """The tensors that a selector chooses, as the library takes them."""

    def __init__(self, selector: str, targets: Sequence[Target]) -> None:
        self.selector = selector
        chosen = [target for target in targets if selects(selector, target.name)]
        values = [target.tensor.values for target in chosen]
        self._updates = native.c_updates([
            (Update(0, target.tensor_id, target.part, target.element_type, 0.0, 0.0),
             memory.footprint(target.tensor.values)) for target in chosen])
        self._fields = np.frombuffer(self._updates, native.COMMAND_FIELDS) if chosen else None
        self._references = np.array([target.tensor.reference_stddev for target in chosen],
                                    np.float32)
        self._nothing = [memory.nothing_of(v) for v in values if memory.is_torch(v)]

    def set_command(self, perturbation: Perturbation) -> bool:
        """False if it has no sigma for a tensor."""
        sigma = np.float32(perturbation.stddev)
        if perturbation.scale == "relative":
            sigma = sigma * self._references
            if not np.all((self._references > 0) & np.isfinite(self._references)
                          & np.isfinite(sigma)):
                return False
        if self._fields is not None:
            self._fields["seed"] = operator.index(perturbation.seed)
            self._fields["shrink"] = perturbation.shrink
            self._fields["sigma"] = sigma
        return True

    def perturb(self, threads: int) -> Result:
        result = native.call(self._updates, threads)
        for nothing in self._nothing:
            nothing.zero_()
        return result


def _is_reached(target: Target) -> bool:
    values = target.tensor.values
    if choose(None, values) != "native" or not memory.is_contiguous(values):
        return False
    footprint = memory.footprint(values)
    return footprint.__array_interface__["data"][0] % footprint.itemsize == 0
