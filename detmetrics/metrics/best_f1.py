"""Precision, recall and F1 where a detector would be run: at the confidence of the best mean F1.

Each class has a precision and a recall for every confidence; between the confidences of its
detections they are joined by straight lines and read at 1,000 places. The mean F1 over classes is
smoothed by a box as wide as a tenth of them, and one place, its maximum, serves all classes.
Source: ``ultralytics/utils/metrics.py``, ``ap_per_class`` and ``smooth``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import MetricGroup, MetricKind, at_first_threshold

__all__ = ["GROUP", "BestF1", "at_places", "best_f1"]

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


def best_f1(at_places: Floats) -> BestF1:
    """Where the mean F1 is best.

    at_places : (2, 1000, K) recall and precision of each class at each place, nan without ground
    truth, see :func:`at_places`.
    """
    # One contiguous row per class, so that sums over classes do not depend on where they come from.
    recall, precision = np.ascontiguousarray(at_places.swapaxes(1, 2))
    f1 = 2 * precision * recall / (precision + recall + EPS)
    known = np.flatnonzero(~np.isnan(f1[:, 0]))
    best = int(_smooth(f1[known].mean(axis=0)).argmax()) if len(known) else 0
    return BestF1(
        confidence=float(np.linspace(0, 1, PLACES)[best]) if len(known) else np.nan,
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


def at_places(curves: Curves) -> Floats:
    """(2, 1000, K) recall and precision at each confidence, nan without ground truth; at the first
    threshold, over all sizes.
    """
    matches, places = curves.matches, np.linspace(0, 1, PLACES)
    values = np.full((matches.categories, 2, PLACES), np.nan)
    for category in range(matches.categories):
        curve = curves.curve(category, 0, 0, matches.rules.max_limit)
        if curve.positives:
            values[category] = _at(places, curve.recall, curve.precision, curve.scores)
    return np.moveaxis(values, 0, -1)


def _kind(part: str, name: str, words: str) -> MetricKind:
    def choice(values: Floats) -> Floats:
        """(K,) a part; a confidence serves every class."""
        return np.broadcast_to(getattr(best_f1(values), part), values.shape[-1]).astype(float)

    return MetricKind(
        name=name,
        cells=lambda curves, _: curves.once(at_places),
        choice=choice,
        words=lambda _: words,
    )


KINDS = (
    _kind("precision", "P", "precision at the confidence of the best mean F1,"),
    _kind("recall", "R", "recall at that confidence,"),
    _kind("f1", "F1", "F1 at that confidence,"),
    _kind("confidence", "confidence", "confidence, the best mean F1,"),
)

GROUP = MetricGroup(
    name="pr", metrics=lambda rules: [at_first_threshold(kind.name, kind, rules) for kind in KINDS]
)
