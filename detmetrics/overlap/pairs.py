"""Which detections and ground truths overlap, and by how much, of whatever kind they are.

Only pairs of the same image and category that reach the lowest overlap are kept. Pairs are
listed and cut down in blocks that stay in cache: a large temporary costs more in page faults
than in arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detmetrics.foundation.arrays import (
    Bools,
    Counts,
    Floats,
    Ints,
    narrow,
    positions,
    run_starts,
)
from detmetrics.foundation.parallel import each
from detmetrics.foundation.progress import Share
from detmetrics.overlap.shapes import PairIndex, Shapes

__all__ = [
    "ANY_OVERLAP",
    "Neighbours",
    "Pairs",
    "candidate_pairs",
    "largest",
    "shared_groups",
]

BLOCK_PAIRS = 32_768
"""Pairs at once: some columns of float64 of so many stay in a cache of one or two megabytes."""
BLOCK_ROWS = 16_384
"""Rows at once that are looked up in an index, for the same reason."""
ROW_COST, GROUP_COST = 3, 64
"""What it costs to look up a row in an index and to write a group into it, in pairs."""
ANY_OVERLAP = float(np.nextafter(0, 1))
"""The smallest number above 0: a lowest overlap that leaves out only pairs that share nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Candidate pairs, in order of detection.

    detection, ground_truth : (P,) row indices; overlap : (P,) IoU, or IoA for a crowd.
    """

    detection: Ints
    ground_truth: Ints
    overlap: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """Detections that share a group with ground truths, and where those stand.

    detection : (S,) row, rising; first, count : (S,) the slice of ground truths of its group.
    starts, sizes : (W,) where the ground truths of each group begin, and how many there are.
    """

    detection: Ints
    first: Counts
    count: Counts
    starts: Ints
    sizes: Ints


def shared_groups(groups: Ints, truth_groups: Ints) -> Neighbours:
    """Join detections with ground truths on their group.

    groups : (D,); truth_groups : (G,) sorted.
    """
    # for d in detections: where do the ground truths of group[d] begin, and how many are there?
    # They are sorted by group, so those of a group are one slice.
    starts = run_starts(truth_groups)
    sizes = np.diff(starts, append=len(truth_groups))
    slot = positions(truth_groups[starts], groups)
    detection = np.flatnonzero(slot >= 0)
    slot = slot[detection]
    most = len(truth_groups)
    return Neighbours(
        detection=detection,
        first=narrow(starts, most)[slot],
        count=narrow(sizes, most)[slot],
        starts=starts,
        sizes=sizes,
    )


def candidate_pairs(
    shapes: Shapes,
    rows: Ints,
    targets: Shapes,
    crowd: Bools,
    near: Neighbours,
    lowest: float,
    progress: Share | None = None,
) -> Pairs:
    """Pairs of a group with ``overlap >= lowest``, in the order of ``near``.

    shapes: of a table, and rows : (D,) the row of each detection in it; targets: a column of G
    rows; crowd : (G,); progress: is told the share of the pairs that have been looked at.

    Raises:
        TableError: two polygons cross too often to be measured, or codes are no masks.
    """
    # for d in near.detection (tests/property/test_pairs.py: listed):
    #     for g in ground truths of the group of d, in their order:
    #         if overlap(d, g) >= lowest: the pair is kept
    # Blocks are slices of the outer loop and come back in order, whatever thread did them.
    index = _index(targets, crowd, near, lowest)

    def of(block: slice) -> tuple[Ints, Ints, Floats]:
        detection = near.detection[block]
        own, first, count = shapes.take(rows[detection]), near.first[block], near.count[block]
        if index is None:
            mine, ground_truth, overlap = own.near(targets, first, count, crowd, lowest)
        else:
            mine, ground_truth = index.candidates(own, first, count)
            mine, ground_truth, overlap = own.reaching(targets, mine, ground_truth, crowd, lowest)
        if progress:
            progress(block.stop / len(near.count))
        return detection[mine], ground_truth, overlap

    blocks = _blocks(near.count) if index is None else _even_blocks(len(near.count))
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    found = zip(nothing, *each(of, blocks), strict=True)
    detection, ground_truth, overlap = map(np.concatenate, found)
    return Pairs(detection=detection, ground_truth=ground_truth, overlap=overlap)


def largest(pairs: Pairs, side: Ints, allowed: Bools) -> Ints:
    """The allowed pair of largest overlap for each index on one side, the first of equal ones.

    side : (P,) ``pairs.detection`` or ``pairs.ground_truth``; allowed : (P,).
    """
    # for s in side: max(allowed pairs of s, key=overlap), the first of equal ones
    slots = np.flatnonzero(allowed)
    if len(slots) == 0:
        return slots
    index, overlap = side[slots], pairs.overlap[slots]
    most = np.full(index.max() + 1, -np.inf)
    np.maximum.at(most, index, overlap)
    first = np.full(len(most), -1)
    equal = np.flatnonzero(overlap == most[index])[::-1]
    first[index[equal]] = slots[equal]  # the last write wins, and that is the first pair
    return first[first >= 0]


def _index(targets: Shapes, crowd: Bools, near: Neighbours, lowest: float) -> PairIndex | None:
    """An index, where it costs less than a look at each pair."""
    if near.count.sum() <= ROW_COST * len(near.count) + GROUP_COST * len(near.starts):
        return None
    return targets.indexed(crowd, near.starts, near.sizes, lowest)


def _even_blocks(count: int) -> Iterator[slice]:
    """Slices of ``BLOCK_ROWS`` rows."""
    for start in range(0, count, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, count))


def _blocks(counts: Ints) -> Iterator[slice]:
    """Slices of rows that hold about ``BLOCK_PAIRS`` pairs each."""
    # A cut before the row with which the running number of pairs reaches each multiple of a block;
    # a row is never split, so one with very many pairs makes a larger block.
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(BLOCK_PAIRS, total, BLOCK_PAIRS))
    each = sorted({0, *cuts.tolist(), len(counts)})  # np.unique imports masked arrays
    yield from (slice(a, b) for a, b in pairwise(each))
