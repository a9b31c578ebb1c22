"""AP and AR, the means of curves, each with its reason where it is undefined.

AP is the mean of the sampled precision over thresholds, recall points and categories; AR the
mean of the highest recall over thresholds and categories. Categories without ground truth in
range are left out. Means are taken over the cells in pycocotools' order, so that they agree to
the last bit. Source: ``pycocotools/cocoeval.py``, ``summarize``; unlike it, every AP stands at
the largest detection limit of the rules, whatever it is, and nothing is ever -1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.messages import no_such
from detmetrics.matching.match_counts import PerClass
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.registry import GROUPS
from detmetrics.rules import COCO, Rules

__all__ = [
    "ClassCells",
    "Summary",
    "cells_of",
    "lower_is_better",
    "mean_of",
    "means_of_categories",
    "metrics_of",
    "per_category",
    "summarize",
]

UNSIZED = "image sizes are unknown, so no area in px² is"


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

    def __contains__(self, name: object) -> bool:
        return name in self.values_by_name

    def __getitem__(self, name: str) -> float:
        if name not in self.values_by_name:
            raise KeyError(no_such("metric", name, self, " under these rules"))
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


class ClassCells(PerClass, Protocol):
    """The classes that means are taken over, measured together or separately."""

    def of_each_class(self, metric: Metric) -> Floats:
        """(..., K) what each class alone gives to a metric."""
        ...


def lower_is_better(name: str) -> bool:
    """Whether a metric is better when it is lower: miss rates and errors.

    name: of a metric, or of one over a range of sizes (``MR_Reasonable``).

    >>> lower_is_better("MR"), lower_is_better("AP50")
    (True, False)
    """
    lower = _lower_is_better()
    return lower.get(name, lower.get(name.partition("_")[0], False))


@cache
def _lower_is_better() -> dict[str, bool]:
    """By the name that a metric has over all sizes."""
    return {
        metric.name: metric.kind.lower_is_better
        for group in GROUPS
        for metric in group.metrics(COCO)
    }


def metrics_of(rules: Rules) -> tuple[Metric, ...]:
    """The metrics that the rules ask for: AP, AP50 and AP75 where those thresholds are among
    them, AP by area, AR by limit, AR by area.

    >>> from detmetrics.rules import COCO
    >>> " ".join(metric.name for metric in metrics_of(COCO))
    'AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl'
    """
    groups = {group.name: group for group in GROUPS}
    return tuple(metric for name in rules.metrics for metric in groups[name].metrics(rules))


def summarize(classes: ClassCells) -> Summary:
    """All metrics over all categories."""
    values, undefined = {}, {}
    for metric in metrics_of(classes.rules):
        values[metric.name] = mean_of(cells_of(classes, metric), classes, metric.area)
        if math.isnan(values[metric.name]):
            undefined[metric.name] = _why_undefined(classes, metric)
    return Summary(values, undefined)


def mean_of(cells: Floats, classes: ClassCells, area: int) -> float:
    """The mean over all cells of the classes that the rules take it over, nan where there is none.

    cells : (..., K), nan in classes that the metric is not about.
    """
    # A class is measured where it has ground truth in range, and where the metric is about it: of a
    # metric that is not, every cell is nan, so the first tells.
    measured = (classes.positives[:, area] > 0) & ~np.isnan(cells[(0,) * (cells.ndim - 1)])
    if classes.rules.classes == "detected":
        measured &= classes.detected > 0
    elif classes.rules.classes == "all" and measured.any():
        cells = np.where(measured, cells, 0.0)
        measured[:] = True
    defined = cells[..., measured].ravel()
    return float(defined.mean()) if len(defined) else math.nan


def per_category(classes: ClassCells) -> dict[str, Floats]:
    """(K,) each metric of every category; nan without ground truth in range."""
    return {
        metric.name: means_of_categories(cells_of(classes, metric))
        for metric in metrics_of(classes.rules)
    }


def means_of_categories(cells: Floats) -> Floats:
    """(K,) the mean of the cells of each category; cells : (..., K)."""
    # One contiguous row per class, so that NumPy sums the cells of a class as if it were alone.
    rows = np.ascontiguousarray(cells.reshape(math.prod(cells.shape[:-1]), cells.shape[-1]).T)
    means: Floats = rows.mean(axis=1)
    return means


def cells_of(classes: ClassCells, metric: Metric) -> Floats:
    """The cells that a metric is the mean of; the last axis is the category."""
    cells = classes.of_each_class(metric)
    return cells if metric.kind.choice is None else metric.kind.choice(cells)


def _why_undefined(classes: ClassCells, metric: Metric) -> str:
    if classes.unsized[metric.area]:
        return UNSIZED
    if not metric.kind.classes and classes.positives[:, metric.area].any():
        return metric.kind.no_value
    reason = _reason(classes.rules, metric.area)
    return f"{reason} in {metric.kind.classes}" if metric.kind.classes else reason


def _reason(rules: Rules, area: int) -> str:
    if area == 0:
        return "no ground truth"
    bounds = rules.area_ranges[area]
    return f"no ground truth in range {bounds.name} ({bounds.words})"
