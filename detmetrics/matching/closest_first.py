"""The pairs of largest overlap first: a matching that asks for no order of the detections.

All pairs that reach the threshold stand in one order: ground truths that count before ignored ones,
then larger overlap. A pair is matched if both of its sides are still free; a region is always free.
Of pairs of equal overlap the ground truth that is chosen first comes first; of those with the same
ground truth the detection that overlaps the others less, then one that is in range. Detections that
agree in this too can be exchanged without a difference, so that shuffling them changes no number.

Source: greedy matching by falling IoU, as Ultralytics matched until 2026 (``val.py``,
``match_predictions``). It is stable matching where both sides prefer the larger overlap.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.overlap import Pairs

__all__ = ["closest_first"]


def closest_first(pairs: Pairs, slots: Ints, region: Bools, late: Bools, inside: Bools) -> Ints:
    """The matched pairs among those that may match, rising.

    slots : (S,) the pairs that may; region, late : (G,) accepts everyone, is ignored; inside : (D,)
    detections in range.
    """
    # for d, g in sorted(pairs, key=lambda d, g: (late[g], -overlap[d, g], g, tie[d], d)):
    #     if d is free and (g is free or a region): they match
    detection, truth = pairs.detection[slots], pairs.ground_truth[slots]
    overlap = pairs.overlap[slots]
    tie = _ties(detection, truth, overlap, inside)
    order = np.lexsort((detection, tie[detection], truth, -overlap, late[truth]))
    accepted = _accepted(detection[order], truth[order], region)
    return np.sort(slots[order[accepted]])


def _accepted(detection: Ints, truth: Ints, region: Bools) -> Ints:
    """Which of the pairs are matched, where they stand in the order in which they try."""
    # A pair that is the first of all that are left, both of its detection and of its ground truth,
    # is matched whatever the others do. So all such pairs are at once, and what they take leaves.
    left = np.arange(len(detection))
    matched = np.zeros(len(detection), bool)
    while len(left):
        found, there = detection[left], truth[left]
        single = ~region[there]
        first = _firsts(found)
        first[single] &= _firsts(there[single])
        matched[left[first]] = True
        gone = np.zeros(int(found.max()) + 1, bool)
        gone[found[first]] = True
        taken = np.zeros(len(region), bool)
        taken[there[first & single]] = True
        left = left[~(gone[found] | taken[there])]
    return np.flatnonzero(matched)


def _firsts(values: Ints) -> Bools:
    """(n,) which values were not there before."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _ties(detection: Ints, truth: Ints, overlap: Floats, inside: Bools) -> Ints:
    """(D,) who comes first of the detections with an equal overlap with one ground truth."""
    rank = np.zeros(len(inside), np.int64)
    order = np.lexsort((overlap, truth))
    again = (truth[order][1:] == truth[order][:-1]) & (overlap[order][1:] == overlap[order][:-1])
    if not again.any():
        return rank
    tied = np.unique(detection[np.concatenate([order[1:][again], order[:-1][again]])])
    # (overlap of d with g for g in order of choice), compared one by one; of a ground truth that d
    # does not overlap there is no entry, which the negative number of the next one tells.
    others: dict[int, list[tuple[int, float]]] = defaultdict(list)
    rows = np.flatnonzero(np.isin(detection, tied))
    rows = rows[np.argsort(truth[rows], kind="stable")]
    columns = (column[rows].tolist() for column in (detection, truth, overlap))
    for found, there, value in zip(*columns, strict=True):
        others[found].append((-there, value))
    best_first = sorted(others, key=lambda found: (others[found], not inside[found]))
    rank[best_first] = np.arange(len(best_first))
    return rank
