"""What is left of rules where detections have no scores."""

from __future__ import annotations

from detmetrics.rules.signature import UNLIMITED
from detmetrics.rules.value import Rules

__all__ = ["without_scores"]

OF_NO_ORDER = ("point", "ap_range", "ar", "ar_area")
"""Groups of metrics that need no order of the detections."""


def without_scores(rules: Rules) -> Rules:
    """These rules for detections without scores, which no order makes better or worse.

    Pairs of the largest overlap match first, all detections count, and the metrics are those that
    need no order; rules that are such already stay as they are.

    >>> from detmetrics.rules import COCO
    >>> without_scores(COCO).signature.rpartition("|")[0]
    'coco|iou:.50:.05:.95|recall:101|dets:all|assignment:overlap'
    """
    kept = [name for name in rules.metrics if name in OF_NO_ORDER]
    metrics = kept if {"point", "ap_range"} & {*kept} else ["point", "ap_range", *kept]
    # Cuts of the score are none; the range of AP is not known for them either.
    if rules.interpolation == "cuts":
        rules = rules.replace(assignment="overlap", interpolation="trapezoid")
    return rules.replace(
        assignment="overlap",
        max_detections=(UNLIMITED,),
        image_limit=None,
        class_limit=None,
        min_score=None,
        score_decimals=None,
        metrics=metrics,
    )
