"""Of all detections that count, in whatever order they stand: what those without scores have.

Of a class with ``TP`` true and ``FP`` false positives and ``FN`` missed objects:

- ``precision = TP / (TP + FP)``, 0 where nothing is detected;
- ``recall = TP / (TP + FN)``;
- ``F1 = 2 TP / (2 TP + FP + FN)``;
- ``mean_IoU``: the mean IoU of the true positives, undefined where there is none;
- ``LRP = (sum over true positives of (1 - IoU) / (1 - t) + FP + FN) / (TP + FP + FN)``, lower is
  better, at all detections and not at a cut of their scores. Source: Oksuz et al., Localization
  Recall Precision (2018); without the sum where the threshold ``t`` is 1.

Each is the mean over classes, as every other metric here, and not of pooled counts: of F1 the mean
of the F1 of classes. Classes without objects that count are left out.

- ``AP_min``, ``AP_max`` and those at one threshold: AP where all false positives of a class come
  first, and where all come last, the matching kept. AP of any scores lies between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.matching.matches import ClassOutcomes
from detmetrics.metrics.average_precision import NAMED_THRESHOLDS
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import (
    Metric,
    MetricGroup,
    MetricKind,
    at_first_threshold,
    kind_of_classes,
)
from detmetrics.rules import Rules

__all__ = ["POINT", "RANGE"]


def _counts(one: ClassOutcomes) -> tuple[int, int, int]:
    """True positives, false positives and missed objects."""
    found = int(one.true_positive.sum())
    return found, len(one.true_positive) - found, one.positives - found


def precision(one: ClassOutcomes) -> float:
    """The share of detections that are right; 0 where there is none."""
    found, wrong, _ = _counts(one)
    return found / max(found + wrong, 1)


def recall(one: ClassOutcomes) -> float:
    """The share of objects that are found."""
    return _counts(one)[0] / one.positives


def f1(one: ClassOutcomes) -> float:
    """The harmonic mean of both, 0 where nothing is found."""
    found, wrong, missed = _counts(one)
    return 2 * found / (2 * found + wrong + missed)


def mean_iou(one: ClassOutcomes) -> float:
    """The mean IoU of the true positives, nan where there is none."""
    found = _counts(one)[0]
    # math.fsum is exact, so that the order of detections changes no bit.
    return math.fsum(one.overlap[one.true_positive].tolist()) / found if found else math.nan


def lrp(one: ClassOutcomes) -> float:
    """How far the detections are from finding everything exactly, 0 is best."""
    found, wrong, missed = _counts(one)
    apart = math.fsum((1 - one.overlap[one.true_positive]).tolist())
    distance = apart / (1 - one.threshold) if one.threshold < 1 else 0.0
    return (distance + wrong + missed) / (found + wrong + missed)


KINDS = (
    kind_of_classes("F1", f1, "F1 of all detections,"),
    kind_of_classes("precision", precision, "precision of all detections,"),
    kind_of_classes("recall", recall, "recall of all detections,"),
    kind_of_classes("mean_IoU", mean_iou, "IoU of true positives,", no_value="nothing is found"),
    kind_of_classes("LRP", lrp, "LRP of all detections, 0 is best,", lower_is_better=True),
)

POINT = MetricGroup(
    name="point",
    metrics=lambda rules: [at_first_threshold(kind.name, kind, rules) for kind in KINDS],
)


def _end(name: str, before: Callable[[Ints], Ints], words: str) -> MetricKind:
    """before: from the false positives of each curve to those that come first."""

    def cells(curves: Curves, metric: Metric) -> Floats:
        """(..., K) precision at the recall points, or AP, at all thresholds or at one."""
        hits = curves.true_positives(metric.area, curves.matches.rules.max_limit)
        wrong = np.repeat(before(hits.all_false_positives).ravel(), hits.count.ravel())
        cells = curves.cells(metric.area, replace(hits, false_positives=wrong))
        cells = np.where(curves.positives[:, metric.area] > 0, cells, np.nan)
        return cells if metric.threshold is None else cells[metric.threshold]

    return MetricKind(name=name, cells=cells, words=lambda _: words)


LOWEST = _end("lowest AP", lambda wrong: wrong, "AP of the worst order of detections,")
HIGHEST = _end("highest AP", np.zeros_like, "AP of the best order of detections,")

OPEN_ENDS = ("trapezoid", "cuts")
"""Interpolations of which AP is not least or largest at these two orders."""


def _ends(rules: Rules) -> list[Metric]:
    if rules.interpolation in OPEN_ENDS:
        return []
    at: list[tuple[str, int | None]] = [("AP", None)]
    if len(rules.iou_thresholds) > 1:
        named = [(name, rules.threshold_index(iou)) for iou, name in NAMED_THRESHOLDS.items()]
        at += [(name, index) for name, index in named if index is not None]
    limit = len(rules.max_detections) - 1
    ends = (("min", LOWEST), ("max", HIGHEST))
    return [
        Metric(f"{name}_{end}", kind, 0, index, limit) for name, index in at for end, kind in ends
    ]


RANGE = MetricGroup(name="ap_range", metrics=_ends)
