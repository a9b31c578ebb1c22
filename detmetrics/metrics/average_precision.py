"""AP and AR: the mean of precision over recall, and the mean of the highest recall.

AP is the mean over thresholds and classes of what a rule set makes of each curve, see
:attr:`Rules.interpolation`; AR that of the highest recall at a limit. Source:
``pycocotools/cocoeval.py``, ``summarize``; unlike it, every AP is at the largest detection limit
of the rules, whatever it is. AP of rare, common and frequent classes: ``lvis-api``, ``eval.py``.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric, MetricGroup, MetricKind, by_area
from detmetrics.rules import UNLIMITED, Rules
from detmetrics.tables.federation import FREQUENCIES

__all__ = [
    *("AP", "AP_AREA", "AP_FREQUENCY", "AP_IOU", "AR", "AR_AREA", "FREQUENCY", "PRECISION"),
    "RECALL",
]

SHORT_AREAS = {"small": "s", "medium": "m", "large": "l"}
NAMED_THRESHOLDS = {0.5: "AP50", 0.75: "AP75"}


def _precision_cells(curves: Curves, metric: Metric) -> Floats:
    """(T, R, K) precision at the recall points, or (T, K) areas under the curves."""
    sampled = curves.matches.rules.interpolation == "points"
    precision = (curves.headline_precision if sampled else curves.headline_area)[..., metric.area]
    return precision if metric.threshold is None else precision[metric.threshold]


def _precision_words(rules: Rules) -> str:
    points = len(rules.recall_points)
    return {
        "points": "precision" if points == 101 else f"precision of {points} recall points",
        "every": "area under the envelope",
        "trapezoid": "area under the curve",
        "cuts": f"precision at {points} cuts of the score",
        "linear": f"area under the envelope, read at {points} points,",
        "slope": f"area under the envelope down to recall 1, read at {points} points,",
    }[rules.interpolation]


PRECISION = MetricKind(
    name="precision", cells=_precision_cells, words=_precision_words, of_curves=True
)
RECALL = MetricKind(
    name="recall",
    cells=lambda curves, metric: curves.recall[:, :, metric.area, metric.limit],
    words=lambda _: "recall",
    of_curves=True,
)


def _kind_of_frequency(letter: str, word: str) -> MetricKind:
    def cells(curves: Curves, metric: Metric) -> Floats:
        own = np.array(curves.matches.frequency) == letter
        return np.where(own, _precision_cells(curves, metric), np.nan)

    return MetricKind(
        name=letter,
        cells=cells,
        words=lambda _: f"precision of {word} classes",
        of_curves=True,
        classes=f"classes that are {word}",
    )


FREQUENCY = {letter: _kind_of_frequency(letter, word) for letter, word in FREQUENCIES.items()}
"""The kinds of AP of the classes of one frequency, by LVIS's letter."""


def _last(rules: Rules) -> int:
    return len(rules.max_detections) - 1


def _named(prefix: str, kind: MetricKind, rules: Rules) -> list[Metric]:
    """One number for each range of sizes: ``APs`` of small objects, ``AP_tiny`` of others."""
    named = by_area(lambda area: prefix + SHORT_AREAS.get(area, f"_{area}"), rules)
    return [Metric(name, kind, area, None, _last(rules)) for name, area in named]


def _at_named_thresholds(rules: Rules) -> list[Metric]:
    return [
        Metric(name, PRECISION, 0, index, _last(rules))
        for iou, name in NAMED_THRESHOLDS.items()
        if (index := rules.threshold_index(iou)) is not None
    ]


def _at_limits(rules: Rules) -> list[Metric]:
    return [
        Metric(f"AR{'' if limit == UNLIMITED else limit}", RECALL, 0, None, index)
        for index, limit in enumerate(rules.max_detections)
    ]


def ap_at(iou: float) -> str:
    """What AP at one threshold is called.

    >>> ap_at(0.5), ap_at(1 / 3)
    ('AP50', 'AP at IoU 0.333333')
    """
    percent = round(100 * iou)
    whole = 10 <= percent < 100 and abs(100 * iou - percent) < 1e-9
    return f"AP{percent}" if whole else f"AP at IoU {iou:g}"


AP = MetricGroup(name="ap", metrics=lambda rules: [Metric("AP", PRECISION, 0, None, _last(rules))])
AP_IOU = MetricGroup(name="ap_iou", metrics=_at_named_thresholds)
AP_AREA = MetricGroup(name="ap_area", metrics=lambda rules: _named("AP", PRECISION, rules))
AP_FREQUENCY = MetricGroup(
    name="ap_frequency",
    metrics=lambda rules: [
        Metric(f"AP{letter}", kind, 0, None, _last(rules)) for letter, kind in FREQUENCY.items()
    ],
)
AR = MetricGroup(name="ar", metrics=_at_limits)
AR_AREA = MetricGroup(name="ar_area", metrics=lambda rules: _named("AR", RECALL, rules))
