"""Precision at cuts of the score, each matched without what is below it: KITTI's curve.

Where detections choose, one of low score changes nothing above it, and a cut is a place on the
curve. Where ground truths choose, one that fits better is taken instead of a surer one, so that
every cut is matched anew. Cuts are scores of true positives about evenly spread over recall; to
find them, each ground truth takes the surest detection that overlaps it enough. Source: KITTI's
``evaluate_object.cpp``, ``getThresholds`` and ``computeStatistics``; kitti-object-eval-python,
``eval.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.matching.matches import Matches
from detmetrics.matching.policies import in_order_of_truths, reaches, taken_by_truths
from detmetrics.overlap import Pairs

__all__ = ["CUTS", "precision_at_cuts", "spread_over_recall"]

CUTS = 41

AtCut = Callable[[Bools], tuple[Ints, Ints]]
"""From (D,) the detections above a cut to those of them that are right, and those that are wrong.
"""


def precision_at_cuts(matches: Matches, area: int, threshold: int) -> Floats:
    """(K, 41) the highest precision at each cut or a later one, 0 behind the last; indices."""
    positives = matches.positives[:, area]
    if matches.rules.assignment == "truths":
        surest, at = _anew(matches, area, threshold)
    else:
        surest, at = _as_matched(matches, area, threshold)
    cuts = _cuts(matches, surest, positives)
    precision = np.zeros((matches.categories, CUTS))
    # for each cut: keep the detections that score as much, match them, and count; a class with
    # fewer cuts has inf in the others, which keeps nothing and gives precision 0.
    for index in range(CUTS):
        above = matches.score >= cuts[matches.category, index]  # inf behind the last cut
        right, wrong = (
            np.bincount(matches.category[found], minlength=matches.categories)
            for found in at(above)
        )
        precision[:, index] = right / np.maximum(right + wrong, 1)
    return np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]


def _as_matched(matches: Matches, area: int, threshold: int) -> tuple[Ints, AtCut]:
    """The true positives, and what is above a cut, where detections choose."""
    outcomes = matches.outcomes(area, threshold)
    right, wrong = outcomes.true_positive, outcomes.false_positive

    def at(above: Bools) -> tuple[Ints, Ints]:
        return np.flatnonzero(right & above), np.flatnonzero(wrong & above)

    return np.flatnonzero(right), at


def _anew(matches: Matches, area: int, threshold: int) -> tuple[Ints, AtCut]:
    """The true positives where truths choose by score, and by overlap among those above a cut."""
    pairs, regions = matches.pairs, matches.regions
    assert regions is not None
    enough = _enough(matches, pairs, threshold)
    to_region = regions.region[pairs.ground_truth]
    single, in_region = np.flatnonzero(enough & ~to_region), np.flatnonzero(enough & to_region)
    in_range, counts = matches.in_range[area], ~matches.ignored[area]
    order = in_order_of_truths(pairs, single, matches.truth_row, matches.row, in_range)

    # for each ground truth in the order of the file: of the free detections above the cut that
    # overlap it enough, take the one in range that overlaps most, or else one out of range
    # (``in_order_of_truths`` sorts the pairs so, and what is below the cut leaves the order alone)
    def at(above: Bools) -> tuple[Ints, Ints]:
        left = order[above[pairs.detection[order]]]
        truth, detection = pairs.ground_truth[left], pairs.detection[left]
        chosen = taken_by_truths(truth, detection)
        truth, detection = truth[chosen], detection[chosen]
        wrong = matches.fp_if_unmatched[area] & above
        wrong[detection] = False  # taken, by an object or by an ignored one
        wrong[pairs.detection[in_region]] = False
        return detection[counts[truth] & in_range[detection]], np.flatnonzero(wrong)

    return _surest(matches, single, area, threshold), at


def _surest(matches: Matches, single: Ints, area: int, threshold: int) -> Ints:
    """The true positives where each ground truth takes the surest detection, strays among them.

    single: the pairs that overlap enough.
    """
    own, in_range = matches.pairs, matches.in_range[area]
    truth, detection = own.ground_truth[single], own.detection[single]
    if (strays := matches.strays) is not None:
        outside = ~in_range[strays.detection] & _enough(matches, strays, threshold)
        truth = np.concatenate([truth, strays.ground_truth[outside]])
        detection = np.concatenate([detection, strays.detection[outside]])
    # for each ground truth in the order of the file: take the free detection of highest score, of
    # equal ones the first in the file
    keys = matches.row[detection], -matches.score[detection], matches.truth_row[truth]
    order = np.lexsort(keys)
    truth, detection = truth[order], detection[order]
    # Classes do not share: a stray may be taken in several.
    place = matches.truth_category[truth] * len(matches.row) + detection
    chosen = taken_by_truths(truth, np.unique(place, return_inverse=True)[1])
    truth, detection = truth[chosen], detection[chosen]
    right = in_range[detection] & ~matches.ignored[area][truth]
    found: Ints = detection[right & (matches.category[detection] == matches.truth_category[truth])]
    return found


def _enough(matches: Matches, pairs: Pairs, threshold: int) -> Bools:
    least = matches.least[threshold][matches.truth_category[pairs.ground_truth]]
    return reaches(pairs.overlap, least, matches.rules)


def _cuts(matches: Matches, found: Ints, truths: Ints) -> Floats:
    """(K, 41) the scores to cut at, inf where there are no more; found: true positives."""
    cuts = np.full((matches.categories, CUTS), np.inf)
    category = matches.category[found]
    for index in np.flatnonzero(truths).tolist():
        scores = np.sort(matches.score[found[category == index]])[::-1]
        own = spread_over_recall(scores, int(truths[index]))
        cuts[index, : len(own)] = own
    return cuts


def spread_over_recall(scores: Floats, truths: int) -> list[float]:
    """At most 41 of the scores of true positives, best first, nearest to recalls 1/40 apart.

    >>> len(spread_over_recall(np.linspace(1, 0, 400), 400))
    41
    """
    # A score is left out while the recall that the next true positive reaches is nearer to the one
    # that is looked for; the last is always taken. ``getThresholds`` of KITTI, index for index.
    cuts: list[float] = []
    recall = 0.0
    for index, score in enumerate(scores.tolist()):
        here, last = (index + 1) / truths, index == len(scores) - 1
        beyond = here if last else (index + 2) / truths
        if beyond - recall < recall - here and not last:
            continue
        cuts.append(score)
        recall += 1 / (CUTS - 1)
    return cuts[:CUTS]
