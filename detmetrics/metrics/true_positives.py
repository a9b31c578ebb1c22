"""The true positives of all curves of an area range, each with its place on its curve.

They are found threshold by threshold: what one threshold needs stays in cache, and its memory is
there for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Counts, Ints, counting, running
from detmetrics.matching.match_counts import MatchCounts, Unmatched
from detmetrics.metrics.interpolation import TruePositives

__all__ = ["found_within", "true_positives"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _OfThreshold:
    """What :class:`TruePositives` holds, of one threshold."""

    detection: Counts
    false_positives: Counts
    count: Ints
    all_false_positives: Ints


def true_positives(matches: MatchCounts, area: int, limit: float) -> TruePositives:
    """The true positives of an area range (an index) and a detection limit."""
    alone, of_class = matches.unmatched(area, limit), matches.first
    narrow = counting(int(alone.above[-1]) + len(matches.score))
    parts = []
    for threshold in range(len(matches.rules.iou_thresholds)):
        row, right = matches.settled_at(area, threshold)
        if limit < matches.rules.max_limit:
            right = right & matches.within(limit, row)
        parts.append(_at_threshold(row, right, alone, of_class, narrow))
    return _joined(parts)


def _at_threshold(
    row: Ints, right: Bools, alone: Unmatched, of_class: Ints, narrow: type[np.integer]
) -> _OfThreshold:
    """The true positives among the matched detections of a threshold.

    row, right : (Q,) of each; of_class : (K + 1,) the rows where classes begin; narrow: integers of
    which one holds every count.
    """
    # The scalar rule, tests/reference.py, curve, for one class:
    #
    #     wrong = 0
    #     for detection in best_first:
    #         if false_positive(detection):
    #             wrong += 1
    #         if true_positive(detection):
    #             false_positives.append(wrong)
    #
    # ``alone`` counts as if nothing were matched, for all thresholds at once. What is matched here
    # is no false positive and is taken out again. Both are taken from where the curve begins.
    hit = np.flatnonzero(right)
    taken = running(alone.counts[row])
    # Rows are by class: those of a curve are neighbours.
    first = np.searchsorted(row, of_class)
    above = alone.above - taken[first]
    count = np.diff(np.searchsorted(hit, first))
    own = row[hit]
    wrong = alone.down_to[own] - taken[hit + 1] - np.repeat(above[:-1], count)
    return _OfThreshold(
        detection=own.astype(narrow),
        false_positives=wrong.astype(narrow),
        count=count,
        all_false_positives=np.diff(above),
    )


def _joined(parts: Sequence[_OfThreshold]) -> TruePositives:
    count = np.stack([part.count for part in parts])
    return TruePositives(
        detection=np.concatenate([part.detection for part in parts]),
        false_positives=np.concatenate([part.false_positives for part in parts]),
        first=(np.cumsum(count) - count.ravel()).reshape(count.shape),
        count=count,
        all_false_positives=np.stack([part.all_false_positives for part in parts]),
    )


def found_within(hits: TruePositives, within: Bools) -> Ints:
    """(T, K) how many true positives of each curve are marked; within : (Q,)."""
    if within.all():
        return hits.count
    marked = np.flatnonzero(within)
    ends = np.searchsorted(marked, hits.first + hits.count)
    found: Ints = ends - np.searchsorted(marked, hits.first)
    return found
