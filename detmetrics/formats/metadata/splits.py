"""The splits that a data set has (train, val, test), as far as files near it tell.

They explain why detections fit only a part of the ground truth, or none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from detmetrics.foundation.errors import InputError
from detmetrics.tables.image_paths import stem

__all__ = ["DataSplit", "split_with"]


@dataclass(frozen=True, slots=True)
class DataSplit:
    """One split of a data set.

    name: as the data set calls it; source: the file or folder that says so; cure: how to evaluate
    it; images: the names of its images, read when they are asked for; within: the ground truth may
    be of several splits, of which this is one, and not of a split beside it.
    """

    name: str
    source: str
    cure: str
    images: Callable[[], Iterable[str]]
    within: bool = False

    def stems(self) -> frozenset[str]:
        """The images without folders and suffixes; none where they cannot be read."""
        try:
            return frozenset(map(stem, self.images()))
        except InputError:  # what only helps to explain must not stop anything
            return frozenset()


def split_with(
    splits: Iterable[DataSplit], images: Iterable[str], without: Collection[str] = ()
) -> DataSplit | None:
    """The smallest split that has all of these images; without: and hardly any of those."""
    wanted = frozenset(map(stem, images))
    others = frozenset(map(stem, without)) - wanted
    fitting = [
        (len(found), split)
        for split in splits
        if (found := split.stems()) >= wanted and 2 * len(found & others) <= len(others)
    ]
    return min(fitting, key=lambda one: one[0])[1] if wanted and fitting else None
