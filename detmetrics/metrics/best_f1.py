"""Precision, recall and F1 where a detector would be run: at the confidence of the best mean F1.

Each class has a precision and a recall for every confidence; between the confidences of its
detections they are joined by straight lines and read at 1,000 places. The mean F1 over classes is
smoothed by a box as wide as a tenth of them, and one place, its maximum, serves all classes.
Source: ``ultralytics/utils/metrics.py``, ``ap_per_class`` and ``smooth``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric, MetricGroup, MetricKind, at_first_threshold

__all__ = ["GROUP", "BestF1", "best_f1", "best_f1_of"]

PLACES = 1_000
SMOOTHED = 0.1
EPS = 1e-16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestF1:
    """confidence: one for all classes; precision, recall, f1 : (K,) there, nan without truth."""

    confidence: float
    precision: Floats
    recall: Floats
    f1: Floats


def best_f1(curves: Sequence[tuple[Floats, Floats, Floats] | None]) -> BestF1:
    """Where the mean F1 is best.

    curves: of each class recall, precision and score at every detection, best first; None
    without ground truth.
    """
    places = np.linspace(0, 1, PLACES)
    recall, precision = np.full((2, len(curves), PLACES), np.nan)
    for row, curve in enumerate(curves):
        if curve is not None:
            recall[row], precision[row] = _at(places, *curve)
    f1 = 2 * precision * recall / (precision + recall + EPS)
    known = [row for row, curve in enumerate(curves) if curve is not None]
    best = int(_smooth(f1[known].mean(axis=0)).argmax()) if known else 0
    return BestF1(
        confidence=float(places[best]) if known else np.nan,
        precision=precision[:, best],
        recall=recall[:, best],
        f1=f1[:, best],
    )


def _at(places: Floats, recall: Floats, precision: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Recall and precision at these confidences; above the best score nothing is found."""
    if len(scores) == 0:
        return np.zeros(PLACES), np.zeros(PLACES)
    # Confidences fall along a curve, and interpolation wants them to rise.
    return (
        np.interp(-places, -scores, recall, left=0),
        np.interp(-places, -scores, precision, left=1),
    )


def _smooth(values: Floats) -> Floats:
    """The mean over a box around each place; beyond the ends the values there go on."""
    # an odd width, so that the box has a middle: ``smooth`` of Ultralytics
    width = round(len(values) * SMOOTHED * 2) // 2 + 1
    ends = np.ones(width // 2)
    padded = np.concatenate([ends * values[0], values, ends * values[-1]])
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def best_f1_of(curves: Curves) -> BestF1:
    """At the first threshold, over all sizes."""
    limit = curves.matches.rules.max_limit

    def of(category: int) -> tuple[Floats, Floats, Floats] | None:
        curve = curves.curve(category, 0, 0, limit)
        return (curve.recall, curve.precision, curve.scores) if curve.positives else None

    return best_f1([of(category) for category in range(curves.matches.categories)])


def _kind(name: str, part: str, words: str) -> MetricKind:
    def cells(curves: Curves, _: Metric) -> Floats:
        """(K,) a part; a confidence serves every class."""
        values = getattr(curves.once(best_f1_of), part)
        return np.broadcast_to(values, curves.matches.categories).astype(float)

    return MetricKind(name=name, cells=cells, words=lambda _: words)


KINDS = (
    _kind("P", "precision", "precision at the confidence of the best mean F1,"),
    _kind("R", "recall", "recall at that confidence,"),
    _kind("F1", "f1", "F1 at that confidence,"),
    _kind("confidence", "confidence", "confidence, the best mean F1,"),
)

GROUP = MetricGroup(
    name="pr", metrics=lambda rules: [at_first_threshold(kind.name, kind, rules) for kind in KINDS]
)
