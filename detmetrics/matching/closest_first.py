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

__all__ = ["by_falling_overlap", "closest_first"]


def by_falling_overlap(pairs: Pairs, slots: Ints, late: Bools) -> Ints:
    """These pairs as they are tried, but for those of equal overlap with one ground truth.

    slots : (S,) pairs; late : (G,) ignored ground truths.
    """
    detection, truth = pairs.detection[slots], pairs.ground_truth[slots]
    return slots[np.lexsort((detection, truth, -pairs.overlap[slots], late[truth]))]


def closest_first(pairs: Pairs, order: Ints, region: Bools, inside: Bools) -> Ints:
    """The matched pairs among those that may match, rising.

    order : (S,) the pairs that may, by :func:`by_falling_overlap`; region : (G,) accepts everyone;
    inside : (D,) detections in range.
    """
    # for d, g in sorted(pairs, key=lambda d, g: (late[g], -overlap[d, g], g, tie[d], d)):
    #     if d is free and (g is free or a region): they match
    order = _with_ties(pairs, order, inside)
    accepted = _accepted(pairs.detection[order], pairs.ground_truth[order], region)
    return np.sort(order[accepted])


def _accepted(detection: Ints, truth: Ints, region: Bools) -> Bools:
    """(S,) which pairs are matched, where they stand in the order in which they are tried."""
    # A pair that is the first of all that are left, both of its detection and of its ground truth,
    # is matched whatever the others do. So all such pairs are at once, and what they take leaves.
    left = np.arange(len(detection))
    matched = np.zeros(len(detection), bool)
    gone = np.zeros(int(detection.max(initial=-1)) + 1, bool)
    taken = np.zeros(len(region), bool)
    while len(left):
        found, there = detection[left], truth[left]
        single = ~region[there]
        first = _firsts(found)
        first[single] &= _firsts(there[single])
        matched[left[first]] = True
        gone[found[first]] = True
        taken[there[first & single]] = True
        left = left[~(gone[found] | taken[there])]
    return matched


def _firsts(values: Ints) -> Bools:
    """(n,) which values were not there before."""
    place = np.empty(int(values.max(initial=-1)) + 1, np.int64)
    index = np.arange(len(values))
    place[values[::-1]] = index[::-1]  # of an index that is there twice the last value stays
    first: Bools = place[values] == index
    return first


def _with_ties(pairs: Pairs, order: Ints, inside: Bools) -> Ints:
    """The order in which pairs of equal overlap with one ground truth are settled."""
    detection, truth = pairs.detection[order], pairs.ground_truth[order]
    overlap = pairs.overlap[order]
    again = np.zeros(len(order) + 1, bool)  # as the one before
    again[1:-1] = (truth[1:] == truth[:-1]) & (overlap[1:] == overlap[:-1])
    tied = np.flatnonzero(again[:-1] | again[1:])
    if not len(tied):
        return order
    rank = _ranks(detection, truth, overlap, detection[tied], inside)
    run = np.cumsum(~again[:-1])[tied]
    settled = order.copy()
    settled[tied] = order[tied[np.lexsort((detection[tied], rank[detection[tied]], run))]]
    return settled


def _ranks(detection: Ints, truth: Ints, overlap: Floats, tied: Ints, inside: Bools) -> Ints:
    """(D,) who of the tied detections comes first."""
    # (overlap of d with g for g in order of choice), compared one by one; of a ground truth that d
    # does not overlap there is no entry, which the negative number of the next one tells.
    others: dict[int, list[tuple[int, float]]] = defaultdict(list)
    concerned = np.zeros(len(inside), bool)
    concerned[tied] = True
    rows = np.flatnonzero(concerned[detection])
    rows = rows[np.argsort(truth[rows], kind="stable")]
    columns = (column[rows].tolist() for column in (detection, truth, overlap))
    for found, there, value in zip(*columns, strict=True):
        others[found].append((-there, value))
    keys = {found: (own, not inside[found]) for found, own in others.items()}
    # Those that agree have one rank, so that the order of the table settles them.
    rank = np.zeros(len(inside), np.int64)
    place, before = 0, None
    for found in sorted(keys, key=lambda one: keys[one]):
        place += keys[found] != before
        rank[found], before = place, keys[found]
    return rank
