"""Detections: scores, repetitions, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.datasets.checks.findings import Finding, finding, marked
from detmetrics.datasets.checks.sides import Subject
from detmetrics.formats.loading import benchmark_of_format
from detmetrics.foundation.arrays import Bools, Ints, used
from detmetrics.foundation.messages import printable
from detmetrics.rules import COCO, UNLIMITED
from detmetrics.rules.by_name import named
from detmetrics.tables.coverage import Coverage

__all__ = ["of_detections"]

FEW = 2
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with bits all over: the golden ratio, as in SplitMix64."""


def of_detections(detections: Subject, ground_truth: Subject) -> Iterator[Finding | None]:
    """What can be wrong with detections beyond their boxes."""
    scored = detections.sheet.scores is not None
    if scored:
        yield from _of_scores(detections)
    yield marked("D304", detections.name, _repeated(detections), detections.place("boxes"))
    if (
        scored
        and named(benchmark_of_format(ground_truth.sheet.source.format)).max_limit != UNLIMITED
    ):
        yield _beyond_limit(detections)
    yield _unseen(detections, ground_truth)
    yield _uncovered(detections, ground_truth)


def _of_scores(detections: Subject) -> Iterator[Finding | None]:
    scores, place = detections.sheet.scores, detections.place("scores")
    assert scores is not None
    finite = np.isfinite(scores)
    yield marked("D301", detections.name, ~finite, place)
    yield marked("D302", detections.name, finite & ((scores < 0) | (scores > 1)), place)
    if len(scores) > FEW and finite.all() and (scores == scores[0]).all():
        yield finding("D303", detections.name, len(scores), (), f"every score is {scores[0]:g}")


def _repeated(detections: Subject) -> Ints:
    """Rows that equal an earlier one in image, class, score and box."""
    count = len(detections.sheet)
    scores = np.zeros(count) if detections.sheet.scores is None else detections.sheet.scores
    columns = (*detections.sheet.boxes.T, scores, detections.category, detections.image)
    order, same = _equal(columns)
    if detections.drawn is not None and same.any():  # other outlines may share an upright box
        outline = np.arange(count)
        rows = np.union1d(order[1:][same], order[:-1][same])
        outline[rows] = detections.drawn.contents(rows)
        order, same = _equal((outline, *columns))
    known = (detections.image >= 0) & (detections.category >= 0)
    return np.sort(order[1:][same & known[order[1:]]])


def _equal(columns: Sequence[NDArray[Any]]) -> tuple[Ints, Bools]:
    """Rows in order, and whether each but the first equals the one before in all columns.

    Rows that equal no other may be left out.
    """
    # Sorted by all columns, rows that are equal stand together, the first of the file in front.
    # Rows of which no other has the same hash are not sorted, and those are nearly all.
    shared = _shared(_hashes(columns))
    order = shared[np.lexsort([column[shared] for column in columns])]
    same = np.ones(max(len(order) - 1, 0), bool)
    for column in columns:
        ranked = column[order]
        same &= ranked[1:] == ranked[:-1]
    return order, same


def _hashes(columns: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """(R,) equal rows have equal ones."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed ^= (column.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
        mixed *= MULTIPLIER
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _shared(hashes: NDArray[np.uint64]) -> Ints:
    """The places of those that are there more than once, ascending."""
    ranked = np.sort(hashes)
    repeated = ranked[1:][ranked[1:] == ranked[:-1]]
    if not len(repeated):
        return np.zeros(0, np.int64)
    # Of few a look-up among them is quicker than an order of all.
    at = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    return np.flatnonzero(repeated[at] == hashes)


def _beyond_limit(detections: Subject) -> Finding | None:
    known = (detections.image >= 0) & (detections.category >= 0)
    rows = np.flatnonzero(known)
    group = (detections.category * len(detections.listing.image_ids) + detections.image)[rows]
    _, index, count = np.unique(group, return_inverse=True, return_counts=True)
    full = count[index] > COCO.max_limit
    rows, index = rows[full], index[full]
    scores = detections.sheet.scores
    assert scores is not None
    order = np.lexsort((-scores[rows], index))
    # The best of a group come first; its rows beyond the limit are not counted.
    first = np.searchsorted(index[order], index[order])
    beyond = np.arange(len(order)) - first >= COCO.max_limit
    return marked("D305", detections.name, np.sort(rows[order[beyond]]), detections.place("boxes"))


def _unseen(detections: Subject, ground_truth: Subject) -> Finding | None:
    seen: Bools = np.zeros(len(ground_truth.listing.category_ids), bool)
    seen[ground_truth.category[ground_truth.category >= 0]] = True
    known = detections.category >= 0
    unseen = known & ~seen[np.where(known, detections.category, 0)] if len(seen) else ~known & False
    names = ground_truth.listing.category_names
    classes = [names[at] for at in used(detections.category[unseen]).tolist()]
    detail = f"classes: {', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}"
    return marked("D306", detections.name, unseen, detections.place("categories"), detail)


def _uncovered(detections: Subject, ground_truth: Subject) -> Finding | None:
    """Images with objects and without a detection."""
    names = ground_truth.listing.image_names
    truth, found = (side.image[side.image >= 0] for side in (ground_truth, detections))
    coverage = Coverage.of_rows(truth, found, names)
    if not len(coverage.undetected) or not coverage.detections:
        return None
    missing = len(coverage.undetected)
    detail = f"of {coverage.images:,} images with objects"
    places = (printable(names[row]) for row in coverage.undetected.tolist())
    code = "D309" if coverage.partial else "D308"
    return finding(code, detections.name, missing, places, detail)
