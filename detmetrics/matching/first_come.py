"""Ground truths that are matched at all thresholds at once: nobody who wants them has a choice.

Most detections overlap one ground truth alone, and most ground truths are wanted by such detections
alone. Of these the first that reaches a threshold, best score first, takes the ground truth at this
threshold. So who takes it, at all thresholds, follows from one look at its pairs: a pair is matched
at the thresholds that it reaches and that no pair before it does.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Bools, Counts, Ints, slots_of_repeats, stable_order

__all__ = ["contested", "crowds_apart", "first_come"]


def crowds_apart(truth: Ints, crowd: Bools) -> Ints:
    """The ground truth of each pair, where a crowd is another one in each of its pairs.

    A crowd accepts everyone, so that no detection keeps another one from it.

    truth : (P,) of each pair; crowd : (G,).

    >>> crowds_apart(np.array([1, 0, 1, 0]), np.array([False, True])).tolist()
    [2, 0, 3, 0]
    """
    of_crowd = np.flatnonzero(crowd[truth])
    if not len(of_crowd):
        return truth
    apart = truth.copy()
    apart[of_crowd] = len(crowd) + np.arange(len(of_crowd))
    return apart


def contested(detection: Ints, truth: Ints) -> Bools:
    """(P,) which pairs are with a ground truth that some detection with several choices wants.

    detection, truth : (P,) of each pair, by detection.

    >>> contested(np.array([0, 1, 2, 2, 3]), np.array([5, 5, 7, 8, 8])).tolist()
    [False, False, True, True, True]
    """
    wanted = np.zeros(int(truth.max(initial=-1)) + 1, bool)
    wanted[truth[slots_of_repeats(detection)]] = True
    of_several: Bools = wanted[truth]
    return of_several


def first_come(truth: Ints, reached: Counts) -> Counts:
    """(P,) the first threshold at which each pair is matched; it is at all others that it reaches.

    truth : (P,) of each pair, by detection, which has no other pair; reached : (P,) how many of the
    thresholds, which rise, its overlap reaches. A pair that is never matched starts where it ends.

    >>> first_come(np.array([0, 0, 0, 1]), np.array([2, 5, 4, 1])).tolist()
    [0, 2, 5, 0]
    """
    # for g in truths:
    #     taken = 0 (how many thresholds the pairs so far reach)
    #     for p in pairs of g, best detection first:
    #         start[p], taken = taken, max(taken, reached[p])
    # The running maximum is one for all ground truths, if those of a later one are larger.
    order, together = stable_order(truth)
    ends = int(reached.max(initial=0)) + 1
    base = together * ends
    taken = np.maximum.accumulate(base + reached[order])
    start = np.zeros_like(reached)
    start[order[1:]] = np.maximum(taken[:-1] - base[1:], 0)
    return start
