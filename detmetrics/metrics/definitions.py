"""What a metric is: its definition, the numbers that rules report of it, and the groups of these.

A new metric is one file beside this one and one row in ``registry.py``; nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.matching.matches import ClassOutcomes
from detmetrics.metrics.curves import Curves
from detmetrics.rules import Rules

__all__ = [
    "Metric",
    "MetricGroup",
    "MetricKind",
    "at_first_threshold",
    "by_area",
    "kind_of_classes",
]

UNDEFINED = "no class has a value"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricKind:
    """The definition of a metric.

    Attributes:
        name: what distinguishes it from others.
        cells: (..., K) the values that the metric averages, nan in classes that it leaves out. The
            last axis is the class; each value depends on its own class only.
        words: what the values are under some rules, for a reader; "mean" stands before it, and
            thresholds, sizes and limits behind it.
        lower_is_better: of two values the lower is better.
        of_curves: the values are precision or recall of the curves, so that resamples of images
            can be counted instead of copied, and the order of equal scores gives an interval.
        choice: where classes share a choice, such as one confidence for all: from what ``cells``
            has of each class to the values.
        no_value: the reason where no class has a value though there is ground truth.
        classes: the classes that it is about, in words; empty for all.
    """

    name: str
    cells: Callable[[Curves, Metric], Floats]
    words: Callable[[Rules], str]
    lower_is_better: bool = False
    of_curves: bool = False
    choice: Callable[[Floats], Floats] | None = None
    no_value: str = UNDEFINED
    classes: str = ""


class Metric(NamedTuple):
    """One number that rules report; indices into the rules, None for all thresholds."""

    name: str
    kind: MetricKind
    area: int
    threshold: int | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGroup:
    """What :attr:`Rules.metrics` names: some numbers that are reported together."""

    name: str
    metrics: Callable[[Rules], Sequence[Metric]]


def kind_of_classes(
    name: str,
    of_class: Callable[[ClassOutcomes], float],
    words: str,
    *,
    lower_is_better: bool = False,
    no_value: str = UNDEFINED,
) -> MetricKind:
    """The definition of a metric that is one number for each class with ground truth."""

    def cells(curves: Curves, metric: Metric) -> Floats:
        values = np.full(curves.matches.categories, np.nan)
        outcomes = curves.outcomes(metric.area, metric.threshold or 0)
        for category in np.flatnonzero(outcomes.positives > 0).tolist():
            values[category] = of_class(outcomes.of_class(category))
        return values

    return MetricKind(
        name=name,
        cells=cells,
        words=lambda _: words,
        lower_is_better=lower_is_better,
        no_value=no_value,
    )


def at_first_threshold(name: str, kind: MetricKind, rules: Rules, area: int = 0) -> Metric:
    """A number at the first threshold and the largest limit; over all sizes unless asked."""
    return Metric(name, kind, area, 0, len(rules.max_detections) - 1)


def by_area(named: Callable[[str], str], rules: Rules) -> list[tuple[str, int]]:
    """A name and the index of each range of sizes but that of all; named: from the range's name."""
    return [(named(area.name), index) for index, area in enumerate(rules.area_ranges) if index > 0]
