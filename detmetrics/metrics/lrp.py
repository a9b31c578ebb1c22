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

__all__ = ["NOTHING_FOUND", "OptimalLRP", "optimal_lrp"]


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
