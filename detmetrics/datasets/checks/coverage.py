"""What the ground truth covers: classes and images without objects, sizes, flags."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.datasets.checks.findings import Finding, finding, marked
from detmetrics.datasets.checks.sides import Subject
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.messages import printable

__all__ = ["of_ground_truth"]


def of_ground_truth(ground_truth: Subject) -> Iterator[Finding | None]:
    """Nothing of this is wrong by itself, and all of it is worth knowing."""
    listing, sheet = ground_truth.listing, ground_truth.sheet
    yield _without("D401", ground_truth.name, ground_truth.category, listing.category_names)
    yield _without("D402", ground_truth.name, ground_truth.image, listing.image_names)
    unsized = np.flatnonzero(np.isnan(listing.image_sizes).any(axis=1))
    yield marked(
        "D403", ground_truth.name, unsized, lambda row: printable(listing.image_names[row])
    )
    if sheet.ignore is not None:
        crowd = np.zeros(len(sheet), bool) if sheet.crowd is None else sheet.crowd
        yield marked("D404", ground_truth.name, sheet.ignore & ~crowd, ground_truth.place("ignore"))


def _without(code: str, source: str, index: Ints, names: tuple[str, ...]) -> Finding | None:
    """The images or classes that no row names."""
    times = np.bincount(index[index >= 0], minlength=len(names))
    empty = np.flatnonzero(times == 0)
    if not len(empty):
        return None
    return finding(code, source, len(empty), (printable(names[at]) for at in empty.tolist()))
