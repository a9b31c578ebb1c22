"""The second map: classes of all parts are counted, and every metric is taken of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import metrics_of
from detmetrics.parts.index import Index, read_index
from detmetrics.rules import Rules

__all__ = [
    "ClassesTask",
    "MeasuredClass",
    "MeasuredClasses",
    "measure_classes",
    "measured_class",
    "tasks_of",
]

AT_ONCE = 1 << 20
"""Detections of a task: small classes share one, as each task has its costs."""


@dataclass(frozen=True)
class ClassesTask:
    """Some classes; index: the path of the index of all parts."""

    index: str
    rules: Rules
    categories: tuple[int, ...]


class MeasuredClass(NamedTuple):
    """What one class gives to each metric, by name: (..., 1)."""

    category: int
    cells: Mapping[str, Floats]


def tasks_of(index: Index, path: str) -> list[ClassesTask]:
    """All classes in tasks, the largest first."""
    tasks: list[list[int]] = []
    room = 0
    for category in np.argsort(-index.detections, kind="stable").tolist():
        size = int(index.detections[category])
        if not tasks or size > room:
            tasks.append([])
            room = AT_ONCE
        tasks[-1].append(category)
        room -= size
    return [ClassesTask(path, index.rules, tuple(categories)) for categories in tasks]


def measure_classes(task: ClassesTask) -> list[MeasuredClass]:
    """Every metric of each class, one class in memory at a time.

    Raises:
        InputError: the state is damaged.
    """
    index = read_index(task.index, task.rules)
    return [measured_class(index, category) for category in task.categories]


def measured_class(index: Index, category: int) -> MeasuredClass:
    """Every metric of one class (an index)."""
    curves = Curves(index.counted(category))
    cells = {one.name: curves.of_each_class(one).copy() for one in metrics_of(index.rules)}
    return MeasuredClass(category, cells)


class MeasuredClasses:
    """The classes of an index, measured apart: what means are taken over."""

    def __init__(self, index: Index, classes: Sequence[MeasuredClass]) -> None:
        self._index = index
        self._cells = [one.cells for one in sorted(classes, key=lambda one: one.category)]

    @property
    def rules(self) -> Rules:
        """The rules that were applied."""
        return self._index.rules

    @property
    def positives(self) -> Ints:
        """(K, A) ground truths that count: the denominators of recall."""
        return self._index.positives

    @property
    def detected(self) -> Ints:
        """(K,) how many detections of each category there are."""
        return self._index.detections

    @property
    def unsized(self) -> Bools:
        """(A,) area ranges that are undefined because image sizes are unknown."""
        return self._index.unsized

    def of_each_class(self, metric: Metric) -> Floats:
        """(..., K) what each class alone gives to a metric."""
        return np.concatenate([cells[metric.name] for cells in self._cells], axis=-1)
