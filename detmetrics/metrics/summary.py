"""AP and AR, the means of curves, each with its reason where it is undefined.

AP is the mean of the sampled precision over thresholds, recall points and categories; AR the
mean of the highest recall over thresholds and categories. Categories without ground truth in
range are left out. Means are taken over the cells in pycocotools' order, so that they agree to
the last bit. Source: ``pycocotools/cocoeval.py``, ``summarize``; unlike it, every AP stands at
the largest detection limit of the rules, whatever it is, and nothing is ever -1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.metrics.curves import Curves
from detmetrics.rules import UNLIMITED, Rules

__all__ = [
    "FREQUENCIES",
    "LRP_PARTS",
    "Metric",
    "Summary",
    "cells_of",
    "lower_is_better",
    "mean_of",
    "means_of_categories",
    "metrics_of",
    "per_category",
    "summarize",
]

SHORT_AREAS = {"all": "", "small": "s", "medium": "m", "large": "l"}
UNSIZED = "image sizes are unknown, so no area in px² is"
LRP_PARTS = {
    "oLRP": "lrp",
    "oLRP_Loc": "loc",
    "oLRP_FP": "fp",
    "oLRP_FN": "fn",
    "oLRP_confidence": "confidence",
}
FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}
NAMED_THRESHOLDS = {0.5: "AP50", 0.75: "AP75"}


class Metric(NamedTuple):
    """What one number is the mean of; indices into the rules, None for all thresholds."""

    name: str
    kind: str
    area: int
    threshold: int | None
    limit: int


@dataclass(frozen=True)
class Summary(Mapping[str, float]):
    """Metrics by name, in the order of the benchmark; nan where undefined.

    Attributes:
        values_by_name: the number of each metric.
        undefined: the reason of each metric that is nan.

    >>> Summary({"AP": 0.5}, {})["AP"]
    0.5
    """

    values_by_name: Mapping[str, float]
    undefined: Mapping[str, str]

    def __getitem__(self, name: str) -> float:
        if name not in self.values_by_name:
            raise KeyError(f"no metric {name!r} under these rules; there are {', '.join(self)}")
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def lower_is_better(name: str) -> bool:
    """Whether a metric is better when it is lower: miss rates and errors.

    >>> lower_is_better("MR"), lower_is_better("AP50")
    (True, False)
    """
    return name.startswith("MR") or (name in LRP_PARTS and name != "oLRP_confidence")


def metrics_of(rules: Rules) -> tuple[Metric, ...]:
    """The metrics that the rules ask for: AP, AP50 and AP75 where those thresholds are among
    them, AP by area, AR by limit, AR by area.

    >>> from detmetrics.rules import COCO
    >>> " ".join(metric.name for metric in metrics_of(COCO))
    'AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl'
    """
    last = len(rules.max_detections) - 1

    def by_area(prefix: str, kind: str) -> list[Metric]:
        return [
            Metric(prefix + SHORT_AREAS.get(area.name, f"_{area.name}"), kind, index, None, last)
            for index, area in enumerate(rules.area_ranges)
            if index > 0
        ]

    groups = {
        "ap": [Metric("AP", "precision", 0, None, last)],
        "ap_iou": [
            Metric(name, "precision", 0, index, last)
            for iou, name in NAMED_THRESHOLDS.items()
            if (index := rules.threshold_index(iou)) is not None
        ],
        "ap_area": by_area("AP", "precision"),
        "ap_frequency": [Metric(f"AP{name}", name, 0, None, last) for name in "rcf"],
        "ar": [
            Metric(f"AR{'' if limit == UNLIMITED else limit}", "recall", 0, None, index)
            for index, limit in enumerate(rules.max_detections)
        ],
        "ar_area": by_area("AR", "recall"),
        "mr_area": [
            Metric(f"MR_{area.name}", "miss rate", index, 0, last)
            for index, area in enumerate(rules.area_ranges)
            if index > 0
        ],
        "mr": [Metric("MR", "miss rate", 0, 0, last)],
        "ji": [Metric("JI", "jaccard index", 0, 0, last)],
        "olrp": [Metric(name, name, 0, 0, last) for name in LRP_PARTS],
        "pr": [Metric(name, name, 0, 0, last) for name in ("P", "R", "F1", "confidence")],
    }
    return tuple(metric for group in rules.metrics for metric in groups[group])


def summarize(curves: Curves) -> Summary:
    """All metrics over all categories."""
    rules = curves.matches.rules
    values, undefined = {}, {}
    for metric in metrics_of(rules):
        values[metric.name] = mean_of(cells_of(curves, metric), curves, metric.area)
        if math.isnan(values[metric.name]):
            undefined[metric.name] = _why_undefined(curves, metric)
    return Summary(values, undefined)


def mean_of(cells: Floats, curves: Curves, area: int) -> float:
    """The mean over all cells of the classes that the rules take it over, nan where there is none.

    cells : (..., K), nan in classes that the metric is not about.
    """
    matches = curves.matches
    measured = (curves.positives[:, area] > 0) & ~np.isnan(cells[(0,) * (cells.ndim - 1)])
    if matches.rules.classes == "detected":
        measured &= np.bincount(matches.category, minlength=matches.categories) > 0
    elif matches.rules.classes == "all" and measured.any():
        cells = np.where(measured, cells, 0.0)
        measured[:] = True
    defined = cells[..., measured].ravel()
    return float(defined.mean()) if len(defined) else math.nan


def per_category(curves: Curves) -> dict[str, Floats]:
    """(K,) each metric of every category; nan without ground truth in range."""
    return {
        metric.name: means_of_categories(cells_of(curves, metric))
        for metric in metrics_of(curves.matches.rules)
    }


def means_of_categories(cells: Floats) -> Floats:
    """(K,) the mean of the cells of each category; cells : (..., K)."""
    rows = np.ascontiguousarray(cells.reshape(math.prod(cells.shape[:-1]), cells.shape[-1]).T)
    means: Floats = rows.mean(axis=1)
    return means


def cells_of(curves: Curves, metric: Metric) -> Floats:
    """The cells that a metric is the mean of; the last axis is the category."""
    return CELLS[metric.kind](curves, metric)


def _recall(curves: Curves, metric: Metric) -> Floats:
    return curves.recall[:, :, metric.area, metric.limit]


def _everywhere(curves: Curves, value: float) -> Floats:
    """(K,) one value for every class."""
    return np.full(curves.matches.categories, value)


def _precision(curves: Curves, metric: Metric) -> Floats:
    sampled = curves.matches.rules.interpolation == "points"
    precision = (curves.headline_precision if sampled else curves.headline_area)[..., metric.area]
    return precision if metric.threshold is None else precision[metric.threshold]


def _of_frequency(curves: Curves, metric: Metric) -> Floats:
    """The cells of precision of the classes of one frequency; nan in all others."""
    own = np.array(curves.matches.frequency) == metric.kind
    return np.where(own, _precision(curves, metric._replace(threshold=None)), np.nan)


def _lrp(curves: Curves, metric: Metric) -> Floats:
    """(K,) a part of the optimal LRP; nan without ground truth, and where nothing is found."""
    part = LRP_PARTS[metric.kind]
    return np.array(
        [np.nan if found is None else getattr(found, part) for found in curves.optimal_lrp]
    )


CELLS: dict[str, Callable[[Curves, Metric], Floats]] = {
    "precision": _precision,
    "recall": _recall,
    **dict.fromkeys("rcf", _of_frequency),
    **dict.fromkeys(LRP_PARTS, _lrp),
    "miss rate": lambda curves, metric: curves.miss_rate(metric.area),
    "jaccard index": lambda curves, _: curves.jaccard_index,
    "P": lambda curves, _: curves.operating_point.precision,
    "R": lambda curves, _: curves.operating_point.recall,
    "F1": lambda curves, _: curves.operating_point.f1,
    "confidence": lambda curves, _: _everywhere(curves, curves.operating_point.confidence),
}


def _why_undefined(curves: Curves, metric: Metric) -> str:
    if curves.matches.unsized[metric.area]:
        return UNSIZED
    if metric.kind in LRP_PARTS and curves.positives[:, metric.area].any():
        return "nothing is found"
    reason = _reason(curves.matches.rules, metric.area)
    if metric.kind in FREQUENCIES:
        return f"{reason} in classes that are {FREQUENCIES[metric.kind]}"
    return reason


def _reason(rules: Rules, area: int) -> str:
    if area == 0:
        return "no ground truth"
    bounds = rules.area_ranges[area]
    return f"no ground truth in range {bounds.name} ({bounds.words})"
