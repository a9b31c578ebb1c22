"""Floors: what a candidate must reach by itself, whatever the baseline is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from detmetrics.analysis.bootstrap import Interval, confidence_intervals
from detmetrics.analysis.gating.differences import reporting
from detmetrics.analysis.gating.records import GateFloor
from detmetrics.analysis.gating.settings import GateSettings
from detmetrics.analysis.slicing import part_of
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Objects
from detmetrics.metrics.summary import lower_is_better

__all__ = ["floors_of"]


def floors_of(
    candidate: Evaluation, settings: GateSettings, first: str, slices: Objects | None
) -> Iterator[GateFloor]:
    """Every floor with what it tests, first those of metrics, then of classes, then of slices.

    first: the metric of classes and slices. slices : (N,) of each image.
    """
    asked, on = settings.own_floors, settings.floor_on
    for metric, tested in _of_metrics(candidate, [*asked.metrics], settings).items():
        yield _floor("all", "", metric, asked.metrics[metric], on, tested)
    if asked.classes or asked.every_class is not None:
        for name, tested in _of_classes(candidate, first, settings).items():
            least = asked.of("class", name, first)
            # A class without objects is undefined for every model: only a floor of its own fails.
            if least is not None and (name in asked.classes or not math.isnan(tested)):
                yield _floor("class", name, first, least, on, tested)
    if slices is not None:
        for name in sorted({*slices.tolist()}):
            if (least := asked.of("slice", name, first)) is not None:
                part = part_of(candidate, slices == name)
                tested = _of_metrics(part, [first], settings)[first]
                yield _floor("slice", name, first, least, on, tested)


def _floor(scope: str, name: str, metric: str, floor: float, on: str, tested: float) -> GateFloor:
    return GateFloor(
        scope=scope,
        name=name,
        metric=metric,
        floor=floor,
        on=on,
        tested=tested,
        lower_is_better=lower_is_better(metric),
    )


def _of_metrics(
    result: Evaluation, metrics: Sequence[str], settings: GateSettings
) -> dict[str, float]:
    if settings.floor_on == "value" or not metrics:
        return {name: result.summary[name] for name in metrics}
    found = confidence_intervals(
        reporting(result, metrics), settings.resamples, settings.level, settings.seed
    )
    return _worse_ends({name: found.metrics[name] for name in metrics}, metrics, result)


def _of_classes(result: Evaluation, metric: str, settings: GateSettings) -> dict[str, float]:
    if settings.floor_on == "value":
        values = np.asarray(reporting(result, [metric]).class_columns()[metric], np.float64)
        return dict(zip(result.class_names, values.tolist(), strict=True))
    narrow = reporting(result, [metric])
    found = confidence_intervals(
        narrow, settings.resamples, settings.level, settings.seed, per_class=True
    )
    return _worse_ends(
        {name: own[metric] for name, own in found.classes.items()},
        [metric] * len(found.classes),
        result,
    )


def _worse_ends(
    intervals: Mapping[str, Interval], metrics: Sequence[str], result: Evaluation
) -> dict[str, float]:
    """The end of each interval that is worse; one image, drawn again and again, has none."""
    if result.matching.images < 2:
        return dict.fromkeys(intervals, math.nan)
    return {
        name: one.high if lower_is_better(metric) else one.low
        for (name, one), metric in zip(intervals.items(), metrics, strict=True)
    }
