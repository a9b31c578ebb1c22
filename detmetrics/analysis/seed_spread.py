"""How far runs of one training, and groups of runs, lie apart by seeds and by images.

Of every metric of a group of runs, measured on the same images:

- the **mean** over runs;
- the **spread between seeds**: the standard deviation of the runs, with n - 1, so that one run has
  none: it cannot be told;
- the **spread between images**: the standard error of the mean of these runs over samples of the
  images.

**The difference** of two means varies by ``s_a^2 / n_a + s_b^2 / n_b`` between seeds, and between
images by the variance of the paired difference over samples. A part of the latter is in the former
already: runs disagree on single images, and so differ on these images by more than they would on
all images. What runs of a group disagree by, over the same samples, divided by their number, is
subtracted. The interval is Welch's, with Satterthwaite's degrees of freedom; those of the images
have no end.

A difference is *better* or *worse* only where the interval excludes zero, and where it is also
beyond what seeds alone and images alone explain at the same level. Source: as of
:mod:`detmetrics.foundation.spread`, and of :mod:`detmetrics.analysis.bootstrap` for the samples;
S. Searle, G. Casella, C. McCulloch, Variance Components (1992), for taking apart what crosses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.spread import mean_difference, standard_deviation

__all__ = ["GroupDifference", "GroupMean", "group_difference", "group_mean"]


@dataclass(frozen=True, slots=True)
class GroupMean:
    """One metric of a group; nan where it is undefined in one of its runs.

    values: of each run; mean: of them; seed_spread: their standard deviation, nan of one run;
    image_error: the standard error of the mean of these runs, over samples of the images.
    """

    values: tuple[float, ...]
    mean: float
    seed_spread: float
    image_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        plain = {
            name: _known(getattr(self, name)) for name in ("mean", "seed_spread", "image_error")
        }
        return {"values": [_known(value) for value in self.values], **plain}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference:
    """One metric of a group less that of the first one; nan where it cannot be told.

    value: of the means; low, high: its interval over seeds and images; error, freedom: its standard
    error and the degrees of freedom; seed_error, image_error: the standard errors by either alone;
    seed_low, seed_high, image_low, image_high: the intervals by either alone; verdict: ``better``,
    ``worse``, ``cannot tell`` or ``undefined``.
    """

    value: float
    low: float
    high: float
    error: float
    freedom: float
    seed_error: float
    seed_low: float
    seed_high: float
    image_error: float
    image_low: float
    image_high: float
    verdict: str

    @property
    def exceeds_seeds(self) -> bool | None:
        """Whether it is beyond what seeds alone explain; None where that cannot be told."""
        return _excludes_zero(self.seed_low, self.seed_high)

    @property
    def exceeds_images(self) -> bool | None:
        """Whether it is beyond what images alone explain; None where it is undefined."""
        return _excludes_zero(self.image_low, self.image_high)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        names = ("value", "low", "high", "error", "freedom", "seed_error", "seed_low", "seed_high",
                 "image_error", "image_low", "image_high")  # fmt: skip
        found: dict[str, Any] = {name: _known(getattr(self, name)) for name in names}
        found["exceeds_seeds"], found["exceeds_images"] = self.exceeds_seeds, self.exceeds_images
        return {**found, "verdict": self.verdict}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _excludes_zero(low: float, high: float) -> bool | None:
    return None if math.isnan(low) else not low <= 0 <= high


def group_mean(values: Floats, samples: Floats) -> GroupMean:
    """The mean of runs, and how they spread.

    values : (n,) of the runs; samples : (n, B) of each over the same samples of the images.
    """
    return GroupMean(
        tuple(values.tolist()),
        float(values.mean()),
        standard_deviation(values.tolist()),
        math.sqrt(_variance(samples.mean(axis=0))),
    )


def group_difference(
    a: tuple[Floats, Floats], b: tuple[Floats, Floats], level: float, *, lower: bool = False
) -> GroupDifference:
    """The mean of b less that of a, from the values and samples of their runs."""
    runs_a, runs_b = a[0].tolist(), b[0].tolist()
    images = _variance(b[1].mean(axis=0) - a[1].mean(axis=0))
    # Runs of a group differ by their seeds and by what they disagree on over images. The variance
    # over images includes the latter, too: it is taken out there.
    twice = _disagreement(*a) + _disagreement(*b)
    both = mean_difference(runs_a, runs_b, level, variance=max(0.0, images - twice))
    seeds = mean_difference(runs_a, runs_b, level)
    width = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(images)
    value = both.value
    found = GroupDifference(
        value=value, low=both.low, high=both.high, error=both.error, freedom=both.freedom,
        seed_error=seeds.error, seed_low=seeds.low, seed_high=seeds.high,
        image_error=math.sqrt(images), image_low=value - width, image_high=value + width,
        verdict="cannot tell",
    )  # fmt: skip
    return _judged(found, lower=lower)


def _judged(found: GroupDifference, *, lower: bool) -> GroupDifference:
    if math.isnan(found.value) or math.isnan(found.image_error):
        return replace(found, verdict="undefined")
    beyond = _excludes_zero(found.low, found.high) and found.exceeds_seeds and found.exceeds_images
    if not beyond:
        return found
    return replace(found, verdict="better" if (found.value > 0) is not lower else "worse")


def _variance(samples: Floats) -> float:
    """Over samples in which it is defined; nan of fewer than two."""
    known = samples[~np.isnan(samples)]
    return float(known.var(ddof=1)) if len(known) > 1 else math.nan


def _disagreement(values: Floats, samples: Floats) -> float:
    """The variance of a mean by what its runs disagree on images; 0 of one run."""
    if len(values) < 2:
        return 0.0
    # mean over samples of var(sample[r] - value[r] over runs r), over the number of runs
    apart = samples - values[:, None]
    known = apart[:, ~np.isnan(apart).any(axis=0)]
    if known.shape[1] < 2:
        return 0.0
    known = known - known.mean(axis=1, keepdims=True)
    return float(known.var(axis=0, ddof=1).mean()) / len(values)
