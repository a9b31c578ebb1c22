"""AP and AR under many weights of the images at once, some five times faster than one by one.

The weights of S samples stand side by side in the last axis, so that each step of a curve is one
operation on S numbers. It is for small sets, which a study draws by the thousand; the library
counts one sample at a time, which takes less memory. A test compares both.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from detmetrics.analysis.resampling import plan_of
from detmetrics.metrics.summary import metrics_of

Arrays = Any


class ManyWeights:
    """The metrics of some matches under COCO's rules, for weights of their images."""

    def __init__(self, matches: Any, names: tuple[str, ...], label: str) -> None:
        self._matches, self._names = matches, names
        self._metrics = {one.name: one for one in metrics_of(matches.rules)}
        self._points = np.array(matches.rules.recall_points)
        self._class = matches.catalog.class_labels.index(label)
        self._label = f"AP of class {label}"
        areas = {self._metrics[name].area for name in names}
        self._plans = {area: plan_of(matches, area, set()) for area in areas}

    def metrics(self, weights: Arrays) -> dict[str, Arrays]:
        """(S,) of each metric, nan where undefined; weights : (S, N)."""
        turned = np.ascontiguousarray(weights.T, np.int32)
        cells = {area: self._cells(area, turned) for area in self._plans}
        values = {}
        for name in self._names:
            metric = self._metrics[name]
            precision, recall = cells[metric.area]
            of_kind = recall if name.startswith("AR") else precision
            if metric.threshold is not None:
                of_kind = of_kind[metric.threshold : metric.threshold + 1]
            values[name] = _mean(of_kind)
        values[self._label] = cells[0][0][:, self._class].mean(axis=0)
        return values

    def _cells(self, area: int, weights: Arrays) -> tuple[Arrays, Arrays]:
        """(T, K, S) the mean precision of the recall points, and the recall of all."""
        plan, matches = self._plans[area], self._matches
        classes, samples = matches.categories, weights.shape[1]
        unmatched = _running(weights[plan.unmatched])
        corrected = _running(weights[plan.corrected] * plan.correction[:, None])
        objects = self._objects(area, weights)
        precision = np.zeros((len(plan.start) - 1, samples))
        recall = np.zeros_like(precision)
        for curve in np.flatnonzero(np.diff(plan.start)).tolist():
            hit = slice(plan.start[curve], plan.start[curve + 1])
            found = np.cumsum(weights[plan.hit[hit]], axis=0)
            counted = unmatched[plan.down_to[hit]] + corrected[plan.done[hit]]
            counted -= unmatched[plan.above[curve]] + corrected[plan.before[curve]]
            height = np.maximum.accumulate((found / np.maximum(counted, 1))[::-1])[::-1]
            share = found / np.maximum(objects[curve % classes], 1)
            # How many of the points 0, 0.01, ... are reached here and not before; the last of them
            # is a guess, as 0.58 is not 58 / 100 there.
            last = np.floor(100 * share + 1e-9).astype(np.int64)
            reached = np.where(found > 0, last + (self._points[last] <= share), 0)
            precision[curve] = (height * np.diff(reached, axis=0, prepend=0)).sum(axis=0) / 101
            recall[curve] = share[-1]
        shape = (len(matches.rules.iou_thresholds), classes, samples)
        cells = precision.reshape(shape), recall.reshape(shape)
        for one in cells:
            one[:, objects == 0] = math.nan
        return cells

    def _objects(self, area: int, weights: Arrays) -> Arrays:
        """(K, S) ground truths that count."""
        matches = self._matches
        own = ~matches.ignored[area]
        ends = np.searchsorted(matches.truth_category[own], np.arange(matches.categories + 1))
        return np.diff(_running(weights[matches.truth_image[own]])[ends], axis=0)


def _running(values: Arrays) -> Arrays:
    """(n + 1, S) the sum of all values before each place."""
    sums = np.zeros((len(values) + 1, values.shape[1]), np.int32)
    np.cumsum(values, axis=0, out=sums[1:])
    return sums


def _mean(cells: Arrays) -> Arrays:
    """(S,) over the cells that have a value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a sample without any
        return np.nanmean(cells, axis=(0, 1))
