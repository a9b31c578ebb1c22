"""How many images it takes to see that one model is better than another.

The standard error of a paired difference on n images falls as ``1 / sqrt(n)``: images are drawn
independently, and a difference of means over them is nearly a mean. Of two models measured on some
images that gives the error on any number of them, and the number of images on which a true
difference d is seen, by an interval that leaves out 0, with the probability p::

    n = images * (standard error * (z(level) + z(p)) / d) ** 2

z(level) is the quantile of the normal distribution for the two-sided level, z(p) that of the power.
Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences (1988).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from detmetrics.analysis.bootstrap import RESAMPLES
from detmetrics.analysis.comparison import compare
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.progress import Share

__all__ = ["DIFFERENCES", "POWER", "SampleSize", "images_needed", "sample_size"]

DIFFERENCES = (0.005, 0.01, 0.02)
POWER = 0.8
MOST = 10**12
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """What two models on some images tell of other numbers of images.

    Attributes:
        images: on how many they were measured.
        power, level: how often a difference is to be seen, and the level of the interval.
        differences: those that are asked about, from 0 up.
        found: by metric, b less a.
        standard_errors: by metric, of that difference; nan where it is undefined.
        signature, resamples, seed: as of a comparison. attention: sentences on either result.
    """

    images: int
    power: float
    level: float
    differences: tuple[float, ...]
    found: Mapping[str, float]
    standard_errors: Mapping[str, float]
    signature: str
    resamples: int
    seed: int
    attention: tuple[str, ...] = ()

    def needed(self, metric: str, difference: float) -> int | None:
        """On how many images a difference is seen; None where that cannot be told."""
        error = self.standard_errors[metric]
        return images_needed(self.images, error, difference, self.power, self.level)

    def smallest(self, metric: str) -> float:
        """The difference that is seen on as many images as there are; nan where that cannot be
        told.
        """
        error = self.standard_errors[metric]
        return error * _quantiles(self.power, self.level) if error > 0 else math.nan

    def to_dict(self) -> dict[str, Any]:
        """As plain values; undefined is None."""
        return {
            "schema": SCHEMA,
            "images": self.images,
            "power": self.power,
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "signature": self.signature,
            "attention": [*self.attention],
            "differences": [*self.differences],
            "metrics": {
                name: {
                    "difference": _or_none(self.found[name]),
                    "standard_error": _or_none(self.standard_errors[name]),
                    "smallest": _or_none(self.smallest(name)),
                    "images": [self.needed(name, one) for one in self.differences],
                }
                for name in self.found
            },
        }


def sample_size(
    a: Evaluation,
    b: Evaluation,
    differences: Sequence[float] = DIFFERENCES,
    power: float = POWER,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Share | None = None,
) -> SampleSize:
    """How many images it takes to see differences between two models, from some images.

    a, b: on the same images; differences: of any metric, above 0; power: how often each is to be
    seen; level: of the interval that is to leave out 0. resamples, seed, progress: as of
    :func:`~detmetrics.analysis.compare`.

    Raises:
        InputError: a difference that is not above 0, a power that is no share, results on other
            images, or too few resamples.

    >>> import detmetrics as dm
    >>> from detmetrics.analysis import sample_size
    >>> whole = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> sure = dm.evaluate(whole.ground_truth, whole.detections.keep(whole.detections.scores > 0.5))
    >>> plan = sample_size(whole, sure, resamples=200)
    >>> plan.images, plan.needed("AP", 0.01) > plan.needed("AP", 0.02) > plan.images
    (24, True)
    """
    if not differences or not all(math.isfinite(one) and one > 0 for one in differences):
        raise InputError(f"differences: expected numbers above 0, got {[*differences]}")
    if not 0.5 <= power < 1:
        raise InputError(f"power: expected a number from 0.5 and below 1, got {power}")
    found = compare(a, b, resamples, level, seed, progress=progress)
    return SampleSize(
        images=a.matching.images,
        power=power,
        level=level,
        differences=tuple(sorted({float(one) for one in differences})),
        found={name: one.interval.value for name, one in found.metrics.items()},
        standard_errors={name: one.interval.standard_error for name, one in found.metrics.items()},
        signature=a.signature,
        resamples=resamples,
        seed=seed,
        attention=tuple(
            f"{side}: {text}" for side, one in (("A", a), ("B", b)) for text in one.attention
        ),
    )


def images_needed(
    images: int, error: float, difference: float, power: float, level: float
) -> int | None:
    """Images on which a difference is seen, from its standard error on so many; None where the
    error is undefined or 0, as of two models that do not differ, or more images than can ever be
    had are needed.

    >>> images_needed(1000, 0.0064, 0.01, power=0.8, level=0.95)
    3215
    """
    ratio = error * _quantiles(power, level) / difference
    if not 0 < ratio < MOST:
        return None
    needed = images * ratio**2
    return math.ceil(needed) if needed <= MOST else None


def _quantiles(power: float, level: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
