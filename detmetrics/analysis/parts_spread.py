"""How sure a number of a result in parts is: confidence intervals from random halves of the parts.

The rule is that of :mod:`detmetrics.analysis.bootstrap`, with parts in place of images: what stands
there of halves of n images holds for halves of n parts, as long as these are of one size. An
interval then rests on as many numbers as there are parts, or deals if these are fewer: ends are
those of Student's t distribution with one degree of freedom less. How often they hold the value is
measured by ``benchmarks/parts_coverage.py``.

Nothing is matched again: a half-sample is the counting of half of the condensed parts.
"""

from __future__ import annotations

import numpy as np

from detmetrics.analysis.bootstrap import (
    Intervals,
    intervals_of,
    require_samples,
    sample_seeds,
)
from detmetrics.analysis.resampling import half_samples
from detmetrics.analysis.support import Support
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.progress import Progress
from detmetrics.metrics.summary import per_category, summarize
from detmetrics.parts.mapping import Engine
from detmetrics.parts.result import PartsEvaluation

__all__ = ["RESAMPLES", "part_intervals", "require_parts"]

LEAST_PARTS, RESAMPLES = 20, 40
UNEVEN = 2
"""How many times the mean number of images a part may have at most."""


def part_intervals(
    result: PartsEvaluation,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    *,
    per_class: bool = False,
    engine: Engine | str | None = None,
    workers: int = 1,
    address: str | None = None,
    progress: Progress | None = None,
) -> Intervals:
    """Intervals of every metric of a result in parts, for its value on the population of images.

    resamples: how many half-samples of the parts; each takes half the time of counting all
    classes. level: how often such intervals hold the value. seed: the same one gives the same
    halves on every machine. per_class: of every class, too. engine, workers, address, progress: as
    of :func:`detmetrics.evaluate_parts`.

    Raises:
        InputError: fewer than 20 parts, parts of very different sizes, fewer than two samples, a
            level that is no share, or a state that is damaged.
        WorkerError: a process was killed.

    >>> import os, tempfile
    >>> import detmetrics as dm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sides = "fixtures/ground_truth.json", "fixtures/detections.json"
    ...     done = dm.partition(*sides, f"{folder}/set", into=24)
    ...     folders = done.ground_truth, done.detections
    ...     result = dm.evaluate_parts(*folders, "coco", state=f"{folder}/state")
    ...     found = part_intervals(result, resamples=8)
    >>> found.parts, found.metrics["AP50"].low < found.metrics["AP50"].value
    (24, True)
    """
    require_samples(resamples, level, seed)
    require_parts(len(result.parts))
    _require_even(result)
    parts = len(result.index.parts)
    seeds = sample_seeds(seed, resamples)
    halves = [half_samples(parts, seeds[one - one % 2])[one % 2] for one in range(resamples)]
    measured = result.of_parts(
        [np.flatnonzero(half).tolist() for half in halves],
        engine=engine,
        workers=workers,
        address=address,
        progress=progress,
    )
    whole = np.array([[*summarize(one).values()] for one in measured])
    classes = [np.stack([*per_category(one).values()], axis=1) for one in measured if per_class]
    return intervals_of(
        result,
        Support.in_parts(result),
        whole,
        np.array(classes) if per_class else None,
        level,
        seed,
        deals=(resamples + 1) // 2,
        parts=parts,
    )


def require_parts(count: int) -> None:
    """Refuse a data set of so few parts that no interval can be taken of them.

    Raises:
        InputError: it has fewer than 20.
    """
    if count < LEAST_PARTS:
        raise InputError(
            f"intervals of a result in parts need {LEAST_PARTS} parts or more, got {count}. Fix: "
            f"divide into more parts (detmetrics partition --into {LEAST_PARTS})"
        )


def _require_even(result: PartsEvaluation) -> None:
    """Refuse parts that do not stand for one another.

    Raises:
        InputError: one has more than twice the images of the mean.
    """
    images = np.array([part.head.images for part in result.index.parts])
    if images.max() > UNEVEN * images.mean():
        name = printable(result.parts[int(images.argmax())])
        raise InputError(
            "intervals of a result in parts need parts of about the same number of images: part "
            f"{name} has {images.max():,}, the mean is {images.mean():,.0f}. Fix: divide anew "
            "(detmetrics partition), or evaluate without intervals"
        )
