"""What the ground truth covers: classes and images without objects, sizes, flags."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.datasets.checks.findings import Finding, finding, marked
from detmetrics.datasets.checks.sides import Subject
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.messages import printable

__all__ = ["of_ground_truth"]


def of_ground_truth(truth: Subject) -> Iterator[Finding | None]:
    """Nothing of this is wrong by itself, and all of it is worth knowing."""
    listing, sheet = truth.listing, truth.sheet
    yield _without("D401", truth.name, truth.category, listing.category_names)
    yield _without("D402", truth.name, truth.image, listing.image_names)
    unsized = np.flatnonzero(np.isnan(listing.image_sizes).any(axis=1))
    yield marked("D403", truth.name, unsized, lambda row: printable(listing.image_names[row]))
    if sheet.ignore is not None:
        crowd = np.zeros(len(sheet), bool) if sheet.crowd is None else sheet.crowd
        yield marked("D404", truth.name, sheet.ignore & ~crowd, truth.place("ignore"))


def _without(code: str, source: str, index: Ints, names: tuple[str, ...]) -> Finding | None:
    """The images or classes that no row names."""
    times = np.bincount(index[index >= 0], minlength=len(names))
    empty = np.flatnonzero(times == 0)
    if not len(empty):
        return None
    return finding(code, source, len(empty), (printable(names[at]) for at in empty.tolist()))
