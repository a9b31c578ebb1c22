"""What a metric could be if equal scores stood in another order.

Detections of equal score have no order of their own: pycocotools takes that of images and of the
file. Precision at a true positive is lowest where all false positives of its score come first,
highest where they come last; recall does not depend on the order. The matching is kept as it is.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, run_starts
from detmetrics.matching.matches import Matches
from detmetrics.metrics.average_precision import FREQUENCY, RECALL
from detmetrics.metrics.curves import TINY, Curves, running
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.interpolation import TruePositives
from detmetrics.metrics.summary import cells_of, mean_of

__all__ = ["NO_INTERVAL", "tie_interval"]

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

    if metric.kind is RECALL:
        value = mean(cells_of(curves, metric))
        return value, value
    hits = curves.true_positives(metric.area, curves.matches.rules.max_limit)
    low, high = (
        curves.cells(metric.area, replace(hits, precision=precision, false_positives=wrong))
        for precision, wrong in _orders(curves, hits, metric.area)
    )
    if metric.kind in FREQUENCY.values():
        own = np.array(curves.matches.frequency) == metric.kind.name
        low, high = np.where(own, low, np.nan), np.where(own, high, np.nan)
    at = slice(None) if metric.threshold is None else metric.threshold
    return mean(low[at]), mean(high[at])


def _orders(
    curves: Curves, hits: TruePositives, area: int
) -> tuple[tuple[Floats, Ints], tuple[Floats, Ints]]:
    """(Q,) precision at each true positive and false positives before it, twice: with those of
    its score first, and last.
    """
    matches = curves.matches
    starts = _score_runs(matches)
    ends = np.append(starts[1:], len(matches.row))
    run = np.repeat(np.arange(len(starts)), ends - starts)
    first = np.searchsorted(matches.category, matches.category)  # of the category
    of_threshold = np.append(hits.first[:, :1].ravel(), len(hits.detection))

    # For the j-th true positive of a run of equal scores, of t true and f false positives:
    #     lowest:  all f come before it, and the j - 1 true positives: those of its run behind it
    #              (t - j) are taken from the count up to the run's end
    #     highest: none of the f, only the true positives up to it
    # Of all that count down to a true positive: every one of its score, or only what it needs.
    place = np.empty((3, len(hits.detection)), np.int64)
    for threshold in range(len(matches.rules.iou_thresholds)):
        rows = slice(of_threshold[threshold], of_threshold[threshold + 1])
        hit = hits.detection[rows]
        outcomes = matches.outcomes(area, threshold)
        all_before = running(outcomes.counts)
        right_before = running(outcomes.true_positive)

        begin, end, origin = starts[run[hit]], ends[run[hit]], first[hit]
        found = right_before[hit + 1] - right_before[origin]
        later = right_before[end] - right_before[hit + 1]  # true positives of this score, behind
        sooner = right_before[hit + 1] - right_before[begin]
        place[0, rows] = found
        place[1, rows] = all_before[end] - all_before[origin] - later
        place[2, rows] = all_before[begin] - all_before[origin] + sooner
    found, most, least = place
    return (found / (most + TINY), most - found), (found / (least + TINY), least - found)


def _score_runs(matches: Matches) -> Ints:
    """Where each run of equal category and score begins."""
    return np.union1d(run_starts(matches.category), run_starts(matches.score))
