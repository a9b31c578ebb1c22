"""Miss rates where a detector may raise a few false alarms an image, and no more.

``MR^-2`` is the geometric mean of the share of missed objects at nine rates of false positives an
image, evenly spread from 0.01 to 1 on a log scale. Lower is better. Source: Dollár et al.,
Pedestrian Detection: An Evaluation of the State of the Art (2012).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from detmetrics.foundation.arrays import Bools
from detmetrics.matching.matches import ClassOutcomes
from detmetrics.metrics.definitions import MetricGroup, at_first_threshold, by_area, kind_of_classes

__all__ = ["BY_AREA", "OVERALL", "RATES", "log_average_miss_rate"]

RATES = np.array([0.01, 0.0178, 0.0316, 0.0562, 0.1, 0.1778, 0.3162, 0.5623, 1.0])
"""False positives an image, to four decimals, as the scripts have them."""


def log_average_miss_rate(
    right: Bools, truths: int, images: int, where: Literal["reached", "within"]
) -> float:
    """The mean miss rate of one class; 0 where nothing is missed at some rate.

    right : (n,) of the detections that count, best first; truths: ground truths that count, at
    least one; where: which place of the curve stands for a rate, see :attr:`Rules.miss_rate`.
    """
    if len(right) == 0:
        return 1.0
    found = np.cumsum(right)
    alarms = (np.arange(1, len(right) + 1) - found) / images
    if where == "reached":
        # The first place with so many, the last of all where there are never so many:
        # CrowdDet's ``eval_MR``.
        at = np.minimum(np.searchsorted(alarms, RATES, side="left"), len(right) - 1)
    else:
        # The last place with no more. Where already the first has more, the index is -1, and
        # stands for the last of all: so it is in ``eval_MR_multisetup.py``.
        at = np.searchsorted(alarms, RATES, side="right") - 1
    missed = 1 - found[at] / truths
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(missed).mean()))


def _of_class(one: ClassOutcomes) -> float:
    where = one.rules.miss_rate
    return log_average_miss_rate(one.true_positive, one.positives, one.images, where)


MISS_RATE = kind_of_classes(
    "MR",
    _of_class,
    "miss rate at 0.01 to 1 false positives an image, 0 is best,",
    lower_is_better=True,
)

BY_AREA = MetricGroup(
    name="mr_area",
    metrics=lambda rules: [
        at_first_threshold(name, MISS_RATE, rules, area)
        for name, area in by_area(lambda area: f"MR_{area}", rules)
    ],
)
OVERALL = MetricGroup(name="mr", metrics=lambda rules: [at_first_threshold("MR", MISS_RATE, rules)])
