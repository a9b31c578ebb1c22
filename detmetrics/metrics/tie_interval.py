"""What a metric could be if equal scores stood in another order.

Detections of equal score have no order of their own: pycocotools takes that of images and of the
file. Precision at a true positive is lowest where all false positives of its score come first,
highest where they come last; recall does not depend on the order. The matching is kept as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, run_starts
from detmetrics.matching.matches import Matches
from detmetrics.metrics.average_precision import FREQUENCY, RECALL
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.interpolation import TruePositives
from detmetrics.metrics.summary import cells_of, mean_of
from detmetrics.metrics.true_positives import TINY, running

__all__ = ["NO_INTERVAL", "sharing_scores", "tie_interval"]

NO_INTERVAL = {
    "trapezoid": "the area under the curve itself, by trapezoids, neither rises nor falls with it",
    "cuts": "a cut takes all detections of its score",
}
"""Why AP of an interpolation has no interval over the order of equal scores."""


def tie_interval(
    curves: Curves, metric: Metric, category: int | None = None
) -> tuple[float, float]:
    """The lowest and the highest value of a metric over all orders of equal scores.

    category: of this one alone, not of the mean over all.
    """

    def mean(cells: Floats) -> float:
        if category is None:
            return mean_of(cells, curves, metric.area)
        if curves.positives[category, metric.area] == 0:
            return math.nan
        return float(cells[..., category].mean())

    hits = curves.true_positives(metric.area, curves.matches.rules.max_limit)
    orders = None if metric.kind is RECALL else _orders(curves, hits, metric.area)
    if orders is None:
        value = mean(cells_of(curves, metric))
        return value, value
    low, high = (
        curves.cells(metric.area, replace(hits, precision=precision, false_positives=wrong))
        for precision, wrong in orders
    )
    if metric.kind in FREQUENCY.values():
        own = np.array(curves.matches.frequency) == metric.kind.name
        low, high = np.where(own, low, np.nan), np.where(own, high, np.nan)
    at = slice(None) if metric.threshold is None else metric.threshold
    return mean(low[at]), mean(high[at])


def sharing_scores(matches: Matches) -> int:
    """How many detections have the score of another one of their class."""
    count = np.diff(np.append(_score_runs(matches), len(matches.row)))
    return int(count[count > 1].sum())


def _orders(
    curves: Curves, hits: TruePositives, area: int
) -> tuple[tuple[Floats, Ints], tuple[Floats, Ints]] | None:
    """(Q,) precision at each true positive and false positives before it, twice: with those of
    its score first, and last; None where no false positive has the score of a true one.
    """
    matches = curves.matches
    starts = _score_runs(matches)
    ends = np.append(starts[1:], len(matches.row))
    run = np.repeat(np.arange(len(starts)), ends - starts)
    threshold = np.repeat(np.arange(len(hits.first)), hits.count.sum(axis=1))

    # Only true positives whose score another detection of the class has: (S,) places among hits.
    own = run[hits.detection]
    shared = np.flatnonzero((ends - starts)[own] > 1)
    own, at = own[shared], hits.detection[shared]
    # Those of one threshold and run are neighbours: of each, where they begin and how many.
    first = run_starts(threshold[shared] * len(starts) + own)
    count = np.diff(np.append(first, len(shared)))
    sooner = np.arange(len(shared)) - np.repeat(first, count) + 1  # of this score, up to this one
    later = np.repeat(count, count) - sooner

    # For the j-th true positive of a run of equal scores, of t true and f false positives:
    #     lowest:  all f come before it, and the j - 1 true positives: those of its run behind it
    #              (t - j) are taken from the count up to the run's end
    #     highest: none of the f, only the true positives up to it
    # Of all that count down to a true positive: every one of its score, or only what it needs.
    counted = _counting(matches, area, threshold[shared])
    here = counted(at + 1)
    more = counted(ends[own]) - here - later
    less = here - counted(starts[own]) - sooner
    if not (more.any() or less.any()):
        return None
    found = np.arange(len(hits.detection)) - np.repeat(hits.first.ravel(), hits.count.ravel()) + 1

    def order(moved: Ints) -> tuple[Floats, Ints]:
        wrong = hits.false_positives.copy()
        wrong[shared] += moved
        return found / (found + wrong + TINY), wrong

    return order(more), order(-less)


def _counting(matches: Matches, area: int, threshold: Ints) -> Callable[[Ints], Ints]:
    """From (S,) places among detections to how many before them count, at (S,) thresholds.

    One sum of what counts unmatched serves all thresholds; what a match changes is corrected, as in
    :meth:`Curves.true_positives`.
    """
    alone, matched = matches.fp_if_unmatched[area], matches.matched[area]
    detection = matches.pairs.detection[matched.pair]
    changes = np.subtract(matched.true_positive, alone[detection], dtype=np.int64)
    some = np.flatnonzero(changes)
    before, corrected = running(alone), running(changes[some])
    size = len(matches.row) + 1
    place = matched.threshold[some] * size + detection[some]

    def counted(at: Ints) -> Ints:
        total: Ints = before[at]
        if len(some):
            total += corrected[np.searchsorted(place, threshold * size + at)]
        return total

    return counted


def _score_runs(matches: Matches) -> Ints:
    """Where each run of equal category and score begins."""
    begins = np.zeros(len(matches.row), bool)
    begins[run_starts(matches.category)] = True
    begins[run_starts(matches.score)] = True
    return np.flatnonzero(begins)
