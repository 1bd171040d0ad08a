"""That no element is perturbed twice, through one name or through two."""

import collections
import operator
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")


class Extent(NamedTuple, Generic[Item]):
    """What of a space (a device's memory, a tensor's indices) something may use, at most."""

    space: object
    first: int
    last: int
    owner: str
    item: Item


def first_overlap(extents: Iterable[Extent[Item]],
                  share: Callable[[Item, Item], bool]) -> tuple[str, str] | None:
    """Owners of two extents that meet and whose items share something; None where all keep apart.

    Sorts, then asks `share` of those pairs only that meet.
    """
    spaces: dict[object, list[Extent[Item]]] = collections.defaultdict(list)
    for extent in extents:
        spaces[extent.space].append(extent)
    for of_space in spaces.values():
        before: list[Extent[Item]] = []
        for extent in sorted(of_space, key=operator.attrgetter("first")):
            before = [e for e in before if e.last >= extent.first]
            for other in before:
                if share(other.item, extent.item):
                    return other.owner, extent.owner
            before.append(extent)
    return None
