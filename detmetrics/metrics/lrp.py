"""Localisation recall precision: how far a detector is from finding everything exactly.

``LRP = (sum over true positives of (1 - IoU) / (1 - t) + false positives + missed) / (true
positives + false positives + missed)``, 0 where everything is found exactly, 1 where nothing is.
The optimal LRP of a class is the least over all confidences to cut at. Source: Oksuz et al.,
Localization Recall Precision (2018); ``LRP-Error``, ``cocoeval.py``, ``accumulate``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric, MetricGroup, MetricKind, at_first_threshold

__all__ = ["GROUP", "NOTHING_FOUND", "OptimalLRP", "optimal_lrp"]


class OptimalLRP(NamedTuple):
    """The least LRP, and what it consists of at the confidence that gives it.

    lrp; loc: the mean of 1 - IoU over true positives; fp: the share of detections that is false;
    fn: the share of ground truths that is missed; confidence: of the last detection that is kept.
    """

    lrp: float
    loc: float
    fp: float
    fn: float
    confidence: float


NOTHING_FOUND = OptimalLRP(1.0, np.nan, np.nan, 1.0, np.nan)


def optimal_lrp(
    right: Bools, apart: Floats, scores: Floats, truths: int, threshold: float
) -> OptimalLRP:
    """The optimal LRP of one class.

    right, scores : (n,) of the detections that count, best first; apart : (n,) 1 - IoU of those
    that are right, 0 of others; truths: ground truths that count, at least one.
    """
    # for each confidence, best first: TP = found, FP = wrong, FN = missed of what is kept down to
    # here, and LRP as in the docstring above; the least of all is the optimal one
    found = np.cumsum(right)
    if len(found) == 0 or found[-1] == 0:
        return NOTHING_FOUND
    wrong = np.arange(1, len(found) + 1) - found
    missed = truths - found
    distance = np.cumsum(apart)
    lrp = (distance / (1 - threshold) + wrong + missed) / (found + wrong + missed)
    best = int(np.argmin(lrp))
    with np.errstate(invalid="ignore"):  # the best may be to find nothing
        return OptimalLRP(
            lrp=float(lrp[best]),
            loc=float(distance[best] / found[best]),
            fp=float(wrong[best] / (found[best] + wrong[best])),
            fn=float(missed[best] / truths),
            confidence=float(scores[best]),
        )


def _of_classes(curves: Curves) -> tuple[OptimalLRP | None, ...]:
    """(K,) at the first threshold, over all sizes; None without ground truth."""
    outcomes = curves.outcomes(0, 0)

    def of(category: int) -> OptimalLRP | None:
        one = outcomes.of_class(category)
        apart = np.where(one.true_positive, 1 - one.overlap, 0.0)
        columns = one.true_positive, apart, one.score
        return optimal_lrp(*columns, one.positives, one.threshold) if one.positives else None

    return tuple(of(category) for category in range(curves.matches.categories))


def _kind(name: str, part: str, words: str, *, lower_is_better: bool = True) -> MetricKind:
    def cells(curves: Curves, _: Metric) -> Floats:
        """(K,) a part; nan without ground truth, and where nothing is found."""
        found = curves.once(_of_classes)
        return np.array([np.nan if one is None else getattr(one, part) for one in found])

    return MetricKind(
        name=name,
        cells=cells,
        words=lambda _: words,
        lower_is_better=lower_is_better,
        no_value="nothing is found",
    )


KINDS = (
    _kind("oLRP", "lrp", "optimal LRP, 0 is best,"),
    _kind("oLRP_Loc", "loc", "1 - IoU of what is found there,"),
    _kind("oLRP_FP", "fp", "share of false positives there,"),
    _kind("oLRP_FN", "fn", "share of missed objects there,"),
    _kind("oLRP_confidence", "confidence", "confidence of the optimal LRP", lower_is_better=False),
)

GROUP = MetricGroup(
    name="olrp",
    metrics=lambda rules: [at_first_threshold(kind.name, kind, rules) for kind in KINDS],
)
