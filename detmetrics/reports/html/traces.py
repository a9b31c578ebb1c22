"""Curves as a page draws them: counts at chosen cuts of the score, from which all numbers follow.

A curve is kept as true and false positives at a cut, and the score of the cut: precision is
``TP / (TP + FP)``, recall ``TP / objects``, F1 ``2 TP / (2 TP + FN + FP)``. So a point that is
shown has exactly the numbers of the library (:mod:`detmetrics.analysis.score_curves`), however
few points are kept.

**Precision against recall**: cuts at which something right is found, and of those so many that the
lines between them stay within 0.002 of all that are left out. **Against confidence**: the
numbers at 201 scores from 0 to 1 and at the best one, or at quantiles where scores lie elsewhere.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from detmetrics.analysis.score_curves import OperatingCurve, OperatingCurves, operating_curves
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.metrics.average_precision import PRECISION
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import cells_of, mean_of, means_of_categories

__all__ = ["HOW", "stops", "thinned", "traces"]

TOLERANCE = 0.002
STEPS = 200
MOST = 10
"""IoU thresholds with curves; of more classes than MANY three of them."""
MANY = 100
HOW = (
    "Points are cuts of the score at which something right is found; those left out lie within "
    f"{TOLERANCE:g} of the line between two that are kept. Numbers at a point are exact."
)


def traces(result: Evaluation, best: float | None) -> dict[str, Any]:
    """Curves of all classes together (pooled, first) and of each, at some thresholds of the rules.

    best: a confidence that is among the stops, too.

    Raises:
        InputError: the rules let no score be cut without changing what is matched above it.
    """
    ious = _ious(result)
    cuts = [operating_curves(result, iou) for iou in ious]
    at = stops(result.matching.score, best)
    pooled = cuts[0].pooled
    return {
        "how": HOW,
        "ious": ious,
        "objects": [pooled.positives, *(one.positives for one in cuts[0].classes.values())],
        "images": pooled.images,
        "stops": at.tolist(),
        "by_iou": [
            {
                "iou": iou,
                "AP": _ap(result, iou),
                "points": [_points(one) for one in _all(curves)],
                "kept": [_kept(one, at) for one in _all(curves)],
            }
            for iou, curves in zip(ious, cuts, strict=True)
        ],
    }


def _ious(result: Evaluation) -> list[float]:
    """Thresholds of the rules: all of them, but for many classes the first, 0.75 and the last."""
    known = [*result.rules.iou_thresholds]
    if len(result.class_names) > MANY:
        known = [iou for iou in known if iou in (known[0], 0.75, known[-1])]
    places = np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST)).astype(int))
    return [known[place] for place in places.tolist()]


def _all(curves: OperatingCurves) -> list[OperatingCurve]:
    return [curves.pooled, *curves.classes.values()]


def _ap(result: Evaluation, iou: float) -> list[float | None]:
    """AP over all classes and of each at one threshold; None where undefined."""
    last = len(result.rules.max_detections) - 1
    cells = cells_of(result.curves, Metric("AP", PRECISION, 0, result.threshold_index(iou), last))
    values = [mean_of(cells, result.curves, 0), *means_of_categories(cells).tolist()]
    return [None if math.isnan(value) else value for value in values]


def _points(curve: OperatingCurve) -> dict[str, list[Any]]:
    """The cuts that are drawn: true positives, false positives, score."""
    # Cuts that find something: between them precision only falls.
    finds = np.diff(curve.true_positives, prepend=0) > 0
    rows = np.flatnonzero(finds)
    if curve.positives:
        rows = rows[thinned(curve.recall[rows], curve.precision[rows])]
    return {
        "tp": curve.true_positives[rows].tolist(),
        "fp": curve.false_positives[rows].tolist(),
        "score": curve.thresholds[rows].tolist(),
    }


def _kept(curve: OperatingCurve, at: Floats) -> dict[str, list[int]]:
    """True and false positives with a score of each stop or more."""
    place = np.searchsorted(-curve.thresholds, -at, side="right")
    right, wrong = (np.append(0, one) for one in (curve.true_positives, curve.false_positives))
    return {"tp": right[place].tolist(), "fp": wrong[place].tolist()}


def stops(scores: Floats, best: float | None) -> Floats:
    """Rising confidences at which a slider stops."""
    if len(scores) and not (scores.min() >= 0 and scores.max() <= 1):
        at = np.quantile(scores, np.linspace(0, 1, STEPS + 1), method="lower")
    else:
        at = np.arange(STEPS + 1) / STEPS
    rising: Floats = np.unique(at if best is None else np.append(at, best))
    return rising


def thinned(x: Floats, y: Floats, tolerance: float = TOLERANCE) -> Ints:
    """Which points of a curve to keep, so that lines between them pass by all others within the
    tolerance, measured along y; x rises strictly.

    >>> thinned(np.array([0.0, 0.1, 0.2, 0.3]), np.array([0.0, 0.1, 0.2, 0.0])).tolist()
    [0, 2, 3]
    """
    if len(x) <= 2:
        return np.arange(len(x))
    # low, high: slopes from the last point kept, with which a line passes every point since then
    # within the tolerance. Where the next point asks for another slope, the one before it is kept.
    kept, low, high = [0], -math.inf, math.inf
    left, below = float(x[0]), float(y[0])
    points = [*zip(x.tolist(), y.tolist(), strict=True)]
    for place, ((before, height), (right, top)) in enumerate(pairwise(points), start=1):
        # Slopes of the lines from the last point kept that pass within reach of all since then.
        if not low <= (top - below) / (right - left) <= high:
            kept.append(place - 1)
            left, below, low, high = before, height, -math.inf, math.inf
        low = max(low, (top - tolerance - below) / (right - left))
        high = min(high, (top + tolerance - below) / (right - left))
    return np.unique([*kept, len(x) - 1])
