"""The second map: classes of all parts are counted, and every metric is taken of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.memory import peak_memory
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import metrics_of
from detmetrics.parts.index import Index, read_index
from detmetrics.parts.storage import STORAGE, Storage
from detmetrics.rules import Rules

__all__ = [
    "ClassesTask",
    "MeasuredClass",
    "MeasuredClasses",
    "MeasuredTask",
    "measure_classes",
    "measured_class",
    "tasks_of",
]

AT_ONCE = 1 << 20
"""Detections of a task: small classes share one, as each task has its costs."""


@dataclass(frozen=True)
class ClassesTask:
    """Some classes; index: the path of the index of all parts; storage: how it is reached; parts:
    those that are counted, all unless given.
    """

    index: str
    rules: Rules
    categories: tuple[int, ...]
    storage: Storage = STORAGE
    parts: tuple[int, ...] | None = None


class MeasuredClass(NamedTuple):
    """What one class gives to each metric, by name: (..., 1)."""

    category: int
    cells: Mapping[str, Floats]


class MeasuredTask(NamedTuple):
    """The classes of a task; peak: the most bytes of memory that the process has had; parts: those
    of the task.
    """

    classes: list[MeasuredClass]
    peak: int
    parts: tuple[int, ...] | None = None


def tasks_of(index: Index, path: str, storage: Storage = STORAGE) -> list[ClassesTask]:
    """All classes in tasks, the largest first; path: of the index, storage: how it is reached."""
    tasks: list[list[int]] = []
    room = 0
    for category in np.argsort(-index.detections, kind="stable").tolist():
        size = int(index.detections[category])
        if not tasks or size > room:
            tasks.append([])
            room = AT_ONCE
        tasks[-1].append(category)
        room -= size
    return [ClassesTask(path, index.rules, tuple(some), storage) for some in tasks]


def measure_classes(task: ClassesTask) -> MeasuredTask:
    """Every metric of each class, one class in memory at a time.

    Raises:
        InputError: the state is damaged.
    """
    index = read_index(task.index, task.rules, task.storage)
    if task.parts is not None:
        index = index.of_parts(task.parts)
    classes = [measured_class(index, category) for category in task.categories]
    return MeasuredTask(classes, peak_memory(), task.parts)


def measured_class(index: Index, category: int) -> MeasuredClass:
    """Every metric of one class (an index)."""
    metrics = metrics_of(index.rules)
    listed = not all(one.kind.of_curves for one in metrics)
    curves = Curves(index.counted(category, listed=listed))
    cells = {one.name: curves.of_each_class(one).copy() for one in metrics}
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
        if not self._cells:
            return Curves(self._index.no_class()).of_each_class(metric)
        return np.concatenate([cells[metric.name] for cells in self._cells], axis=-1)
