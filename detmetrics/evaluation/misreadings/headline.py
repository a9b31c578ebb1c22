"""The first metric of a rule set, measured and nothing else."""

from __future__ import annotations

import math

from detmetrics.foundation.errors import DetmetricsError
from detmetrics.matching.matching import match
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import lower_is_better, summarize
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["headline", "improves", "lean"]

LEAST_GAIN = 0.02
LEAST_SHARE = 0.1
"""What is worth a sentence: so much better, and by such a share of the number."""


def lean(rules: Rules) -> Rules:
    """The rules, asked for nothing but AP: over all areas, at the largest limit.

    >>> from detmetrics.rules import COCO
    >>> lean(COCO).signature.split("|")[2:5]
    ['recall:101', 'dets:100', 'areas:']
    """
    return rules.replace(
        area_ranges=rules.area_ranges[:1],
        max_detections=(rules.max_limit,),
        metrics=("ap", "ap_iou") if len(rules.iou_thresholds) > 1 else ("ap",),
    )


def headline(ground_truth: GroundTruth, detections: Detections, rules: Rules) -> float:
    """The value of the first metric, nan where it cannot be measured.

    ground_truth, detections: as :func:`~detmetrics.matching.preparation.prepare` returns them.
    """
    try:
        asked = lean(rules) if rules.metrics[0] == "ap" else rules
        asked = asked.replace(metrics=rules.metrics[:1])
        summary = summarize(Curves(match(ground_truth, detections, asked)))
    except DetmetricsError:
        return math.nan
    return next(iter(summary.values()))


def improves(name: str, before: float, after: float) -> bool:
    """Whether the metric of this name gets better by enough to be told."""
    gain = before - after if lower_is_better(name) else after - before
    return gain >= max(LEAST_GAIN, LEAST_SHARE * before)
