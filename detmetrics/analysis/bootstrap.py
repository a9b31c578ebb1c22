"""How sure a number is: percentile intervals over bootstrap samples of the images.

A sample draws as many images as there are, with replacement; every metric is taken of it, and the
interval leaves out the same share of samples at both ends. Images are drawn, not boxes, since
what a detector finds in one image hangs together. It tells what another set of images from the
same source would give, not what another training would. Source: B. Efron, R. Tibshirani, An
Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.analysis.resampling import Resampler, image_weights, resampled
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import in_bytes
from detmetrics.foundation.parallel import each
from detmetrics.foundation.progress import Share
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import per_category, summarize

__all__ = [
    "Interval",
    "Intervals",
    "confidence_intervals",
    "interval_of",
    "require_samples",
    "sample_seeds",
]

MOST_RESAMPLES, BYTES_OF_SEED = 100_000, 600
RESAMPLES = 1_000  # the ends of a 95% interval then rest on 25 samples on either side


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric and where it could have been; nan where it is undefined.

    value: of the data set itself; low, high: ends of the interval; standard_error: the standard
    deviation over samples; defined: in how many samples the metric was defined.
    """

    value: float
    low: float
    high: float
    standard_error: float
    defined: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain values; undefined is None."""
        ends = {"low": self.low, "high": self.high, "standard_error": self.standard_error}
        known = {name: None if math.isnan(end) else end for name, end in ends.items()}
        return {**known, "defined": self.defined}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Intervals of every metric, and of every metric of each class where that was asked for."""

    level: float
    resamples: int
    seed: int
    metrics: Mapping[str, Interval]
    classes: Mapping[str, Mapping[str, Interval]]

    @property
    def words(self) -> str:
        """What the ends are, in a sentence."""
        return (
            f"low to high: {100 * self.level:g} % of {self.resamples:,} bootstrap samples of the "
            f"images (seed {self.seed})"
        )

    def scalars(self, prefix: str = "") -> dict[str, float]:
        """``NAME_low`` and ``NAME_high`` of every metric, as :class:`~detmetrics.History` knows
        them.
        """
        return {
            f"{prefix}{name}_{side}": getattr(interval, side)
            for name, interval in self.metrics.items()
            for side in ("low", "high")
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        return {
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "metrics": _plain(self.metrics),
            "per_class": {label: _plain(found) for label, found in self.classes.items()},
        }


def confidence_intervals(
    result: Evaluation,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    *,
    per_class: bool = False,
    progress: Share | None = None,
) -> Intervals:
    """Percentile intervals of every metric over bootstrap samples of the images.

    level: the share of samples that lie inside. seed: the same one gives the same samples on
    every machine. per_class: of every class, too. progress: called with the share that is done.

    Raises:
        InputError: fewer than two samples, or a level that is no share.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = confidence_intervals(result, resamples=200).metrics["AP50"]
    >>> found.low < found.value < found.high
    True
    """
    require_samples(resamples, level, seed)
    names = list(result.summary)
    of = Samples(result, per_class=per_class)
    weights = sample_seeds(seed, resamples)
    whole, classes = of.all(weights, progress)
    values = result.class_columns() if per_class else {}
    return Intervals(
        level=level,
        resamples=resamples,
        seed=seed,
        metrics={
            name: interval_of(result.summary[name], whole[:, column], level)
            for column, name in enumerate(names)
        },
        classes={
            label: {
                name: interval_of(float(values[name][row]), classes[:, row, column], level)
                for column, name in enumerate(names)
            }
            for row, label in enumerate(result.class_names if per_class else ())
        },
    )


def _plain(intervals: Mapping[str, Interval]) -> dict[str, dict[str, float | int | None]]:
    return {name: interval.to_dict() for name, interval in intervals.items()}


def require_samples(resamples: int, level: float, seed: int) -> None:
    """Refuse what no interval can be taken of.

    Raises:
        InputError: it can not.
    """
    whole = isinstance(resamples, int | np.integer) and isinstance(seed, int | np.integer)
    if whole and resamples > MOST_RESAMPLES:
        raise InputError(
            f"expected at most {MOST_RESAMPLES:,} resamples, got {resamples:,}: their seeds alone "
            f"take {in_bytes(int(resamples) * BYTES_OF_SEED)}, and more resamples make no interval "
            "surer"
        )
    if not whole or resamples < 2 or seed < 0 or not 0 < level < 1:
        raise InputError(
            "expected 2 resamples or more, 0 < level < 1 and a seed from 0, got "
            f"{resamples}, {level} and {seed}"
        )


def sample_seeds(seed: int, resamples: int) -> list[np.random.SeedSequence]:
    """A seed a sample, so that neither their order nor threads change one."""
    return np.random.SeedSequence(seed).spawn(resamples)


def interval_of(value: float, samples: Floats, level: float) -> Interval:
    """The interval of one metric; samples : (B,), nan where it was undefined."""
    known = samples[~np.isnan(samples)]
    if math.isnan(value) or len(known) < 2:
        return Interval(value, math.nan, math.nan, math.nan, len(known))
    # Percentiles of the samples themselves, between which the share `level` of them lies.
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(value, low, high, float(known.std(ddof=1)), len(known))


class Samples:
    """Every metric of a result for weights of its images."""

    def __init__(self, result: Evaluation, *, per_class: bool = False) -> None:
        self._result, self._per_class = result, per_class
        self._counted = Resampler(result) if Resampler.follows(result) else None

    def curves(self, weights: Ints) -> Curves:
        """By counting where that is enough, else by copying."""
        if self._counted is not None:
            return self._counted.curves(weights)
        return Curves(resampled(self._result, weights))

    def all(
        self, seeds: Sequence[np.random.SeedSequence], progress: Share | None = None
    ) -> tuple[Floats, Floats]:
        """(B, M) every metric of each sample, and (B, K, M) of every class where asked for."""
        # One count for all threads, which finish in any order; the results come in that of seeds.
        images, done = self._result.matching.images, iter(range(1, len(seeds) + 1))

        def of(seed: np.random.SeedSequence) -> tuple[list[float], Floats]:
            curves = self.curves(image_weights(images, seed))
            whole = [*summarize(curves).values()]
            classes = (
                np.stack([*per_category(curves).values()], axis=1) if self._per_class else NONE
            )
            if progress is not None:
                progress(next(done) / len(seeds))
            return whole, classes

        told = each(of, seeds)
        return np.array([whole for whole, _ in told]), np.array([classes for _, classes in told])


NONE = np.zeros((0, 0))
