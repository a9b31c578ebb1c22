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

from detmetrics.foundation.arrays import Floats, Ints, run_starts, running
from detmetrics.matching.match_counts import SettledRows, Unmatched
from detmetrics.matching.matches import Matches
from detmetrics.metrics.average_precision import FREQUENCY, RECALL
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.interpolation import TruePositives
from detmetrics.metrics.summary import ClassCells, cells_of, mean_of

__all__ = ["NO_INTERVAL", "extremes", "interval_of", "sharing_scores", "tie_interval"]

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
    low, high = extremes(curves, metric)
    return interval_of(low, high, curves, metric, category)


def interval_of(
    low: Floats, high: Floats, classes: ClassCells, metric: Metric, category: int | None
) -> tuple[float, float]:
    """The interval from the cells at both extremes, (..., K) each."""

    def mean(cells: Floats) -> float:
        if category is None:
            return mean_of(cells, classes, metric.area)
        if classes.positives[category, metric.area] == 0:
            return math.nan
        return float(cells[..., category].mean())

    return mean(low), mean(high)


def extremes(curves: Curves, metric: Metric) -> tuple[Floats, Floats]:
    """(..., K) the cells of a metric of curves in the worst order of equal scores, and the best."""
    hits = curves.true_positives(metric.area, curves.matches.rules.max_limit)
    orders = None if metric.kind is RECALL else _orders(curves, hits, metric.area)
    if orders is None:
        cells = cells_of(curves, metric)
        return cells, cells
    measured = curves.positives[:, metric.area] > 0
    if metric.kind in FREQUENCY.values():
        measured &= np.array(curves.matches.frequency) == metric.kind.name
    low, high = (
        curves.cells(metric.area, replace(hits, false_positives=wrong)) for wrong in orders
    )
    low, high = np.where(measured, low, np.nan), np.where(measured, high, np.nan)
    at = slice(None) if metric.threshold is None else metric.threshold
    return low[at], high[at]


def sharing_scores(matches: Matches) -> int:
    """How many detections have the score of another one of their class."""
    count = np.diff(np.append(matches.equal_scores, len(matches.row)))
    return int(count[count > 1].sum())


def _orders(curves: Curves, hits: TruePositives, area: int) -> tuple[Ints, Ints] | None:
    """(Q,) false positives before each true positive, twice: with those of its score first, and
    last; None where no false positive has the score of a true one.
    """
    runs = curves.matches.score_runs(area)
    threshold = np.repeat(np.arange(len(hits.first)), hits.count.sum(axis=1))

    # Only true positives whose score another detection of the class has: (S,) places among hits.
    own = runs.run[hits.detection]
    shared = np.flatnonzero(runs.shared[own])
    own = own[shared]
    # Those of one threshold and run are neighbours: of each, where they begin and how many.
    first = run_starts(threshold[shared] * len(runs.first) + own)
    count = np.diff(np.append(first, len(shared)))
    sooner = np.arange(len(shared)) - np.repeat(first, count) + 1  # of this score, up to this one
    later = np.repeat(count, count) - sooner

    # For the j-th true positive of a run of equal scores, of t true and f false positives:
    #     lowest:  all f come before it, and the j - 1 true positives: those of its run behind it
    #              (t - j) are taken from the count up to the run's end
    #     highest: none of the f, only the true positives up to it
    # Of all that count down to a true positive: every one of its score, or only what it needs.
    alone = curves.matches.unmatched(area, curves.rules.max_limit)
    corrected = _corrections(curves.matches.settled(area), alone, threshold[shared])
    at = hits.detection[shared]
    here = alone.down_to[at] + corrected(at + 1)
    more = runs.through[own] + corrected(runs.end[own]) - here - later
    less = here - runs.before[own] - corrected(runs.first[own]) - sooner
    if not (more.any() or less.any()):
        return None

    def order(moved: Ints) -> Ints:
        wrong = hits.false_positives.copy()
        wrong[shared] += moved
        return wrong

    return order(more), order(-less)


def _corrections(settled: SettledRows, alone: Unmatched, threshold: Ints) -> Callable[[Ints], Ints]:
    """From (S,) rows to what matches change in the count of all before them, at (S,) thresholds.

    What counts unmatched is counted once for all thresholds; what a match changes is corrected, as
    in :mod:`detmetrics.metrics.true_positives`.
    """
    changes = np.subtract(settled.true_positive, alone.counts[settled.row], dtype=np.int64)
    some = np.flatnonzero(changes)
    sums = running(changes[some])
    size = len(alone.counts) + 1
    place = settled.threshold[some] * size + settled.row[some]

    def corrected(rows: Ints) -> Ints:
        total: Ints = sums[np.searchsorted(place, threshold * size + rows)]
        return total

    return corrected
