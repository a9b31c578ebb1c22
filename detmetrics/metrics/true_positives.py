"""The true positives of all curves of an area range, each with its place on its curve.

They are found threshold by threshold: what one threshold needs stays in cache, and its memory is
there for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Counts, Floats, Ints, counting
from detmetrics.matching.matches import Matches
from detmetrics.metrics.interpolation import TruePositives

__all__ = ["TINY", "found_within", "running", "true_positives"]

TINY = np.spacing(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfThreshold:
    """What :class:`TruePositives` holds, of one threshold."""

    detection: Ints
    precision: Floats
    false_positives: Counts
    count: Ints
    all_false_positives: Ints


def true_positives(matches: Matches, area: int, limit: float) -> TruePositives:
    """The true positives of an area range (an index) and a detection limit."""
    matched, alone = matches.matched[area], matches.fp_if_unmatched[area]
    right = matched.true_positive
    if limit < matches.rules.max_limit:
        within = matches.rank < limit
        alone, right = alone & within, right & within[matches.pairs.detection[matched.pair]]
    before, of_class = running(alone), matches.first
    hits = _room(int(np.count_nonzero(right)), matches)
    stop = end = 0
    for threshold, count in enumerate(matched.count.tolist()):
        pairs, stop = slice(stop, stop + count), stop + count
        detection = matches.pairs.detection[matched.pair[pairs]]
        found = _at_threshold(detection, right[pairs], alone, before, of_class)
        own, end = slice(end, end + len(found.detection)), end + len(found.detection)
        hits.detection[own], hits.precision[own] = found.detection, found.precision
        hits.false_positives[own] = found.false_positives
        hits.first[threshold] = own.start + np.cumsum(found.count) - found.count
        hits.count[threshold] = found.count
        hits.all_false_positives[threshold] = found.all_false_positives
    return hits


def _room(size: int, matches: Matches) -> TruePositives:
    """Columns of so many true positives, to be filled."""
    curves = len(matches.rules.iou_thresholds), matches.categories
    narrow = counting(len(matches.row))
    return TruePositives(
        detection=np.empty(size, narrow),
        precision=np.empty(size),
        false_positives=np.empty(size, narrow),
        first=np.empty(curves, np.int64),
        count=np.empty(curves, np.int64),
        all_false_positives=np.empty(curves, np.int64),
    )


def _at_threshold(
    detection: Ints, right: Bools, alone: Bools, before: Counts, of_class: Ints
) -> _OfThreshold:
    """The true positives among the matched pairs of a threshold.

    detection, right : (Q,) of each pair; alone : (D,) would be wrong if it matched nothing;
    before : (D + 1,) how many such stand before each; of_class : (K + 1,) where classes begin.
    """
    # The scalar rule, tests/reference.py, curve, for one class:
    #
    #     found = wrong = 0
    #     for detection in best_first:
    #         if false_positive(detection):
    #             wrong += 1
    #         if true_positive(detection):
    #             found += 1
    #             precision.append(found / (found + wrong + spacing(1)))
    #
    # ``before`` counts as if nothing were matched, for all thresholds at once. What is matched here
    # is no false positive and is taken out again. Both are taken from where the curve begins.
    hit = np.flatnonzero(right)
    taken = running(alone[detection])
    # Pairs stand in order of detections, which is by class: those of a curve are neighbours.
    first = np.searchsorted(detection, of_class)
    above = before[of_class] - taken[first]
    count = np.diff(np.searchsorted(hit, first))
    own = detection[hit]
    wrong = before[own] - taken[hit] - np.repeat(above[:-1], count)
    found = np.arange(1, len(hit) + 1) - np.repeat(np.cumsum(count) - count, count)
    return _OfThreshold(
        detection=own,
        precision=found / (found + wrong + TINY),
        false_positives=wrong,
        count=count,
        all_false_positives=np.diff(above),
    )


def found_within(hits: TruePositives, within: Bools) -> Ints:
    """(T, K) how many true positives of each curve are marked; within : (Q,)."""
    if within.all():
        return hits.count
    marked = np.flatnonzero(within)
    ends = np.searchsorted(marked, hits.first + hits.count)
    found: Ints = ends - np.searchsorted(marked, hits.first)
    return found


def running(values: Bools | Ints) -> Counts:
    """(n + 1,) the sum of all values before each place."""
    width = counting(len(values)) if values.dtype == bool else np.int64
    sums: Counts = np.zeros(len(values) + 1, width)
    np.cumsum(values, dtype=width, out=sums[1:])
    return sums
