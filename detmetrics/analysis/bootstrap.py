"""How sure a number is: confidence intervals from random halves of the images.

An interval is for the value on the population that the images are drawn from. It tells what more
images from the same source would give, not what another training would. Images are drawn, not
boxes, since what a detector finds in one image hangs together.

**The spread.** The images are dealt into two halves again and again, and every metric is taken of
each half. The halves of n images spread around their mean as data sets of n images do around
theirs, since no image stands twice in a half: of a mean the variance is s^2 / n for both. Sources:
P. J. McCarthy, Pseudo-replication: half samples (1969); J. Shao, C. F. J. Wu, A general theory for
jackknife variance estimation (1989). A bootstrap sample has copies of images, which raise AP and
narrow its spread.

**The bias.** AP of few images is too high: its envelope takes the highest of precisions that
scatter. It falls from the halves to the whole, and that tells how much further it would fall: two
halves correct a bias that falls as 1 / n in Quenouille's way (M. H. Quenouille, Notes on bias in
estimation, 1956). That of an envelope falls as n^(-2/3) (C. Durot, A.-S. Tocquet, On the distance
between the empirical process and its concave majorant, 2003); AP lies between, and the exponent 3/4
held best in ``benchmarks/coverage_study.py``. A third of the bias counts as not known.

**Differences** of two models on the same images are not corrected: their biases are alike and
cancel, and correcting nothing adds noise. Their spread is measured between the two halves of a
deal. For a mean it is the same, and what a rare class adds to or takes from both halves cancels
(K. M. Wolter, Introduction to variance estimation, 2007, section 3.4). Measured around their mean,
halves with rare classes spread more than data sets do.

The ends are those of Student's t distribution, whose degrees of freedom are one less than the
images with objects; they are cut at the ends of the metric's range. Objects in a handful of images
tell nothing of what other images hold: where objects are in one image there is no interval, and
where they are in fewer than five, the interval says that it is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from detmetrics.analysis.resampling import Resampler, half_samples, resampled
from detmetrics.analysis.support import FEW_CLASSES, FEW_IMAGES, Support
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import in_bytes
from detmetrics.foundation.parallel import each
from detmetrics.foundation.progress import Share
from detmetrics.foundation.students_t import quantile
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import per_category, summarize

__all__ = [
    "Interval",
    "Intervals",
    "confidence_intervals",
    "few_words",
    "interval_of",
    "intervals_of",
    "require_samples",
    "sample_seeds",
    "widths",
]

MOST_RESAMPLES, BYTES_OF_SEED = 100_000, 600
RESAMPLES = 1_000  # 500 pairs of halves: the standard error is then known to 3 %
EXPONENT = 0.75
LEAST = 1e-6
UNKNOWN = 1 / 3
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric and where it lies on the population of images; nan where that cannot be told.

    value: of the data set itself, never changed; low, high: ends of the interval; standard_error:
    of the value; defined: in how many half-samples the metric was defined; estimate: the value
    without its bias, on which the interval is centred; few_objects: they lie in so few images that
    the interval is too narrow; freedom: the degrees of it that its width has, one less than the
    images with objects.
    """

    value: float
    low: float
    high: float
    standard_error: float
    defined: int
    estimate: float = math.nan
    few_objects: bool = False
    freedom: float = math.inf

    @property
    def bias(self) -> float:
        """By how much the value is above its estimate."""
        return self.value - self.estimate

    @property
    def remark(self) -> str:
        """What a reader should know of it, empty where nothing."""
        return "few objects" if self.few_objects else ""

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """Plain values; undefined is None."""
        names = ("low", "high", "standard_error", "estimate", "bias")
        ends = {name: float(getattr(self, name)) for name in names}
        known = {name: None if math.isnan(end) else end for name, end in ends.items()}
        return {**known, "defined": self.defined, "few_objects": self.few_objects}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Intervals of every metric, and of every metric of each class where that was asked for.

    parts: of a result in parts how many were dealt into halves; 0 where images were.
    """

    level: float
    resamples: int
    seed: int
    metrics: Mapping[str, Interval]
    classes: Mapping[str, Mapping[str, Interval]]
    parts: int = 0

    @property
    def words(self) -> str:
        """Which question an interval answers, in sentences."""
        every = (one for found in (self.metrics, *self.classes.values()) for one in found.values())
        of = f" of the {self.parts:,} parts" if self.parts else ""
        return (
            f"low to high: {100 * self.level:g}% confidence interval for the value on the "
            "population of images that these are drawn from; corrected: its estimate, without the "
            f"bias of few images ({self.resamples:,} half-samples{of}, seed {self.seed})"
            f"{few_words(every, 'parts' if self.parts else 'images')}"
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
            **({"parts": self.parts} if self.parts else {}),
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
    """Intervals of every metric for its value on the population of images.

    resamples: how many half-samples of the images. level: how often such intervals hold the value.
    seed: the same one gives the same samples on every machine. per_class: of every class, too.
    progress: called with the share that is done.

    Raises:
        InputError: fewer than two samples, or a level that is no share.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = confidence_intervals(result, resamples=200).metrics["AP50"]
    >>> found.low < found.value < found.high
    True
    """
    require_samples(resamples, level, seed)
    whole, classes = Samples(result, per_class=per_class).all(
        sample_seeds(seed, resamples), progress
    )
    return intervals_of(
        result, Support.in_images(result), whole, classes if per_class else None, level, seed
    )


def intervals_of(
    result: Measurement,
    support: Support,
    whole: Floats,
    classes: Floats | None,
    level: float,
    seed: int,
    *,
    deals: float = math.inf,
    parts: int = 0,
) -> Intervals:
    """The intervals that follow from half-samples.

    support: where objects are. whole : (B, M) every metric of each half-sample; classes :
    (B, K, M) of each class, where these are asked for. deals: how many there were, where their
    number limits the degrees of freedom. parts: as of :class:`Intervals`.
    """
    names = list(result.summary)
    values = {} if classes is None else result.class_columns()

    def interval(value: float, samples: Floats, name: str, category: int | None = None) -> Interval:
        return interval_of(
            value,
            samples,
            level,
            support.units,
            freedom=min(support.filled(name, category), deals) - 1,
            few_objects=support.few(name, category),
        )

    return Intervals(
        level=level,
        resamples=len(whole),
        seed=seed,
        metrics={
            name: interval(result.summary[name], whole[:, column], name)
            for column, name in enumerate(names)
        },
        classes={}
        if classes is None
        else {
            label: {
                name: interval(float(values[name][row]), classes[:, row, column], name, row)
                for column, name in enumerate(names)
            }
            for row, label in enumerate(result.class_names)
        },
        parts=parts,
    )


def few_words(intervals: Iterable[Interval], units: str = "images") -> str:
    """What "few objects" means, to stand behind a sentence; empty where no interval has them.

    units: what is dealt into halves.
    """
    if not any(one.few_objects for one in intervals):
        return ""
    return (
        f". Few objects: the class, or {FEW_CLASSES:.0%} of the classes or more, has objects in "
        f"fewer than {FEW_IMAGES} {units}, and the interval may be too narrow"
    )


def _plain(
    intervals: Mapping[str, Interval],
) -> dict[str, dict[str, float | int | bool | None]]:
    return {name: interval.to_dict() for name, interval in intervals.items()}


def require_samples(resamples: int, level: float, seed: int) -> None:
    """Refuse what no interval can be taken of.

    Raises:
        InputError: it can not.
    """
    whole = isinstance(resamples, int | np.integer)
    if whole and resamples > MOST_RESAMPLES:
        raise InputError(
            f"expected at most {MOST_RESAMPLES:,} resamples, got {resamples:,}: their seeds alone "
            f"take {in_bytes(int(resamples) * BYTES_OF_SEED)}, and more resamples make no interval "
            "surer"
        )
    wrong = (
        ("resamples", "2 or more", resamples, not whole or resamples < 2),
        ("seed", "a whole number from 0", seed, not isinstance(seed, int | np.integer) or seed < 0),
        (
            "level",
            f"a share such as 0.95, no nearer to 0 or 1 than {LEAST:g}",
            level,
            not LEAST <= level <= 1 - LEAST,
        ),
    )
    for name, expected, given, bad in wrong:
        if bad:
            raise InputError(f"{name}: expected {expected}, got {given}")


def sample_seeds(seed: int, resamples: int) -> list[np.random.SeedSequence]:
    """A seed a sample, so that neither their order nor threads change one."""
    return np.random.SeedSequence(seed).spawn(resamples)


def interval_of(
    value: float,
    samples: Floats,
    level: float,
    images: int,
    *,
    freedom: float = math.inf,
    few_objects: bool = False,
    difference: bool = False,
) -> Interval:
    """The interval of one metric, or of a difference of two results.

    samples : (B,) of half-samples of so many images, two of a deal in turn, nan where it was
    undefined. freedom: one less than the images with objects, where it is known; one image alone
    tells nothing of others.

    >>> round(interval_of(0.5, np.array([0.48, 0.56]), 0.95, images=100).estimate, 4)
    0.4707
    """
    known = samples[~np.isnan(samples)]
    half = images // 2
    if math.isnan(value) or len(known) < 2 or half == 0 or freedom < 1:
        unknown = (math.nan,) * 3
        return Interval(value, *unknown, len(known), math.nan, few_objects, freedom)
    if difference:
        error, bias = _spread_of_deals(samples) * math.sqrt(half / images), 0.0
    else:
        # With half == n / 2 the root is 1.
        error = float(known.std(ddof=1)) * math.sqrt(half / (images - half))
        # bias(n) = c / n^a, and what falls from half to n is bias(half) - bias(n).
        bias = (float(known.mean()) - value) / ((images / half) ** EXPONENT - 1)
    width = widths((1 + level) / 2, freedom) * math.hypot(error, UNKNOWN * bias)
    lowest, highest = DIFFERENCE if difference else SHARE
    low, middle, high = (
        min(max(end, lowest), highest)
        for end in (value - bias - width, value - bias, value - bias + width)
    )
    return Interval(value, low, high, error, len(known), middle, few_objects, freedom)


def _spread_of_deals(samples: Floats) -> float:
    """The standard deviation of half-samples, from the difference of the two of each deal."""
    first, second = samples[: len(samples) // 2 * 2].reshape(-1, 2).T
    apart = (first - second)[~np.isnan(first - second)]
    return math.sqrt(float(np.mean(apart**2)) / 2) if len(apart) else math.nan


@lru_cache(maxsize=10_000)
def widths(share: float, freedom: float) -> float:
    """The quantile of Student's t distribution, in standard errors."""
    return NormalDist().inv_cdf(share) if math.isinf(freedom) else quantile(share, freedom)


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
        """(B, M) every metric of each half-sample, and (B, K, M) of every class where asked for.

        Two samples in turn are the halves of one deal.
        """
        # One count for all threads, which finish in any order; the results come in that of seeds.
        images, done = self._result.matching.images, iter(range(1, len(seeds) + 1))

        def of(sample: int) -> tuple[list[float], Floats]:
            side = sample % 2
            curves = self.curves(half_samples(images, seeds[sample - side])[side])
            whole = [*summarize(curves).values()]
            classes = (
                np.stack([*per_category(curves).values()], axis=1) if self._per_class else NONE
            )
            if progress is not None:
                progress(next(done) / len(seeds))
            return whole, classes

        told = each(of, range(len(seeds)))
        return np.array([whole for whole, _ in told]), np.array([classes for _, classes in told])


NONE = np.zeros((0, 0))
