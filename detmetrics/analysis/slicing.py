"""Metrics by an attribute of images: where a detector is weak, worst slice first.

A slice holds the images of one value; images without a value form the slice ``(none)``. Nothing
is matched across images, so the matches of a slice are those of the whole that lie in it, and its
metrics are those of an evaluation of its images alone, without matching again. (A limit of
detections of a class over all images, ``class_limit``, is the one setting for which that differs:
what the whole left out stays out.) Classes without ground truth in a slice are left out of its
means, so slices may be means over different classes.

Intervals are those of :mod:`detmetrics.analysis.bootstrap`, over images of the slice. The first of
many slices is the worst by chance, too: a slice stands out where random subsets of as many images
are hardly ever as far from their mean (:mod:`detmetrics.analysis.slice_chance`). Slices of few
images are marked, stand behind the others, and are compared with nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from detmetrics.analysis.bootstrap import Interval, confidence_intervals, sample_seeds
from detmetrics.analysis.resampling import resampled
from detmetrics.analysis.slice_chance import chance_of, holm, of_random_subsets
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Objects, object_column
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.foundation.progress import Progress, Share
from detmetrics.metrics.summary import lower_is_better, metrics_of
from detmetrics.tables import restrict

__all__ = ["NONE", "Slice", "Slices", "part_of", "slices"]

NONE = "(none)"
"""The slice of the images without a value."""

MOST = 200
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One value of the attribute, or all images.

    images, objects, detections: how many; objects are ground truths that count, detections those
    within the limits. small: fewer images than asked for. metrics: every metric of the rules, nan
    where undefined, and undefined: why. interval: of the metric that slices are sorted by; None
    where none was asked for, and for a single image. expected: that metric of random subsets of as
    many images, on average; chance: how often such subsets are as far from it, after Holm's
    correction; both nan without intervals, and of slices of few images.
    """

    name: str
    images: int
    objects: int
    detections: int
    small: bool
    metrics: Mapping[str, float]
    undefined: Mapping[str, str]
    interval: Interval | None
    expected: float = math.nan
    chance: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Slices by one attribute, worst first by ``metric``; overall: all images.

    resamples is 0 without intervals. without_value: images of the slice ``(none)``.
    """

    by: str
    metric: str
    overall: Slice
    slices: tuple[Slice, ...]
    without_value: int
    smallest: int
    level: float
    resamples: int
    seed: int
    signature: str
    notes: tuple[str, ...] = ()

    def stands_out(self, one: Slice) -> str:
        """``below`` or ``above`` where chance does not explain how far a slice is from random
        subsets of as many images, else an empty text.
        """
        if not one.chance < 1 - self.level:
            return ""
        return "below" if one.metrics[self.metric] < one.expected else "above"

    def to_dict(self) -> dict[str, Any]:
        """As plain values; undefined is None."""
        return {
            "schema": SCHEMA,
            "by": self.by,
            "metric": self.metric,
            "signature": self.signature,
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "smallest": self.smallest,
            "images_without_value": self.without_value,
            "overall": _plain(self.overall),
            "slices": [_plain(one) for one in self.slices],
            "notes": [*self.notes],
        }


def _plain(one: Slice) -> dict[str, Any]:
    return {
        "name": one.name,
        "images": one.images,
        "objects": one.objects,
        "detections": one.detections,
        "small": one.small,
        "metrics": {name: _or_none(value) for name, value in one.metrics.items()},
        "undefined": dict(one.undefined),
        "interval": one.interval and one.interval.to_dict(),
        "expected": _or_none(one.expected),
        "chance": _or_none(one.chance),
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def part_of(result: Evaluation, images: Bools) -> Evaluation:
    """The result of some images alone, without matching again; images : (N,) the marked ones.

    Raises:
        InputError: another number of marks than of images, or none is marked.

    >>> import numpy as np
    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> half = part_of(result, np.arange(24) < 12)
    >>> half.counts["images"], half.counts["ground_truths"]
    (12, 57)
    """
    ground_truth, detections, matches = result.ground_truth, result.detections, result.matching
    if len(images) != matches.images or not images.any():
        raise InputError(
            f"images: expected {matches.images:,} marks and some of them set, got {len(images):,} "
            f"with {int(np.sum(images)):,} set"
        )
    part = resampled(result, images.astype(np.int64))
    categories = np.ones(len(ground_truth.catalog.category_ids), bool)
    own_truth, own_found = restrict(ground_truth, detections, images, categories)
    # Rows of the tables, too, are counted among those that are left.
    place, truth_place = (
        np.cumsum(images[table.image]) - 1 for table in (detections, ground_truth)
    )
    matching = replace(
        part,
        catalog=own_truth.catalog,
        row=place[part.row],
        truth_row=truth_place[part.truth_row],
    )
    coverage = result.covered.within(images, own_truth, own_found)
    return Evaluation(own_truth, own_found, result.rules, matching, result.notes, coverage)


def slices(
    result: Evaluation,
    values: Sequence[str | None],
    metric: str = "AP",
    *,
    by: str = "attribute",
    resamples: int = 0,
    level: float = 0.95,
    seed: int = 0,
    smallest: int = 20,
    progress: Progress | None = None,
) -> Slices:
    """Every metric of each slice, worst first by one of them.

    values : (N,) of each image, in the order of the catalog; None where there is none. by: what
    they are. resamples: of the intervals, none for 0; level, seed: as in
    :func:`~detmetrics.analysis.bootstrap.confidence_intervals`. smallest: slices of fewer images
    are marked. progress: called with a phase and the share that is done.

    Raises:
        InputError: the rules have no such metric, another number of values than of images, or more
            than 200 slices.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = slices(result, ["day", "night"] * 12, smallest=10)
    >>> [(one.name, round(one.metrics["AP"], 3)) for one in found.slices]
    [('day', 0.375), ('night', 0.393)]
    """
    group = _group(result, metric)
    column = _names(values)
    names = sorted(dict.fromkeys(column.tolist()))
    _check(result, len(values), len(names), by)

    # As many steps again compare the slices with chance.
    told = partial(_told, progress, 2 * len(names) + 1)

    def part(name: str, at: int, images: Bools) -> Slice:
        of = part_of(result, images) if not images.all() else result
        interval = None
        if resamples and of.matching.images > 1:  # one image tells nothing of others
            narrow = _with_metrics_of(of, group)
            intervals = confidence_intervals(narrow, resamples, level, seed, progress=told(at))
            interval = intervals.metrics[metric]
        return _slice(name, of, interval, smallest)

    overall = part("all images", 0, np.ones(len(values), bool))
    found = [part(name, at, column == name) for at, name in enumerate(names, start=1)]
    if resamples:
        seeds = sample_seeds(seed, resamples)
        found = _with_chances(_with_metrics_of(result, group), metric, found, seeds, told)
    sign = -1.0 if lower_is_better(metric) else 1.0

    def worst_first(one: Slice) -> tuple[bool, bool, float, str]:
        value = one.metrics[metric]
        undefined = math.isnan(value)
        return undefined, one.small, 0.0 if undefined else sign * value, one.name

    return Slices(
        by=by,
        metric=metric,
        overall=overall,
        slices=tuple(sorted(found, key=worst_first)),
        without_value=sum(value is None for value in values),
        smallest=smallest,
        level=level,
        resamples=resamples,
        seed=seed,
        signature=result.signature,
        notes=tuple(result.attention),
    )


def _told(progress: Progress | None, steps: int, at: int) -> Share:
    """Tells of the share of one of several steps."""

    def share_of_step(share: float) -> None:
        if progress is not None:
            progress("resampling", (at + share) / steps)

    return share_of_step


def _with_chances(
    result: Evaluation,
    metric: str,
    slices: Sequence[Slice],
    seeds: Sequence[np.random.SeedSequence],
    told: Callable[[int], Share],
) -> list[Slice]:
    """Compared with random subsets of as many images; those of few images, and one of all, are
    not.
    """
    compared = [one for one in slices if not one.small and one.images < result.matching.images]
    sizes = sorted({one.images for one in compared})
    subsets = {
        size: of_random_subsets(result, metric, size, seeds, told(len(slices) + 1 + at))
        for at, size in enumerate(sizes)
    }
    found = [chance_of(one.metrics[metric], subsets[one.images]) for one in compared]
    chances = holm([chance for _, chance in found])
    known = {
        one.name: (expected, chance)
        for one, (expected, _), chance in zip(compared, found, chances, strict=True)
    }
    nothing = (math.nan, math.nan)
    return [
        replace(one, expected=expected, chance=chance)
        for one in slices
        for expected, chance in [known.get(one.name, nothing)]
    ]


def _names(values: Sequence[str | None]) -> Objects:
    """(N,) the slice of each image.

    Raises:
        InputError: a value is no text, or reads as the slice of those without one.
    """
    for place, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise InputError(f"values[{place}]: expected text or None, got {shown(value)}")
        if value == NONE:
            raise InputError(f"values[{place}]: {NONE!r} is the slice of images without a value")
    return object_column([NONE if value is None else value for value in values])


def _group(result: Evaluation, metric: str) -> str:
    """The group of metrics that it is reported in."""
    rules = result.rules
    known = {
        one.name: group
        for group in rules.metrics
        for one in metrics_of(rules.replace(metrics=group))
    }
    if metric not in known:
        raise InputError(f"no metric {metric!r}; there are {', '.join(known)}")
    return known[metric]


def _with_metrics_of(result: Evaluation, group: str) -> Evaluation:
    """The same result that reports one group of metrics: what is not asked is not resampled."""
    rules = result.rules.replace(metrics=group)
    return replace(result, rules=rules, matching=replace(result.matching, rules=rules))


def _check(result: Evaluation, values: int, slices: int, by: str) -> None:
    if values != result.matching.images:
        images = counted(result.matching.images, "image")
        raise InputError(f"values: expected one for each of the {images}, got {values:,}")
    if slices > MOST:
        raise InputError(
            f"{by}: {slices:,} different values are too many slices (at most {MOST}): group them, "
            "numbers by --slices-bins"
        )


def _slice(name: str, of: Evaluation, interval: Interval | None, smallest: int) -> Slice:
    images = of.matching.images
    return Slice(
        name=name,
        images=images,
        objects=int(of.curves.positives[:, 0].sum()),
        detections=len(of.matching.row),
        small=images < smallest,
        metrics=dict(of.summary),
        undefined=dict(of.summary.undefined),
        interval=interval,
    )
