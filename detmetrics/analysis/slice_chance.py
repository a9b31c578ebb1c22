"""Whether a slice differs from the rest by more than chance.

AP of few images is higher than AP of many, so a slice is compared with random subsets of as many
images of the same set, drawn without replacement: what it would be had its images been picked
blindly. The subsets of some hundred images are spread normally (measured on VOC2007: skewness and
excess kurtosis below 0.25 from 100 images on), so their mean and standard deviation give a
probability smaller than one over their number, which several slices need. The spread is widened by
a tenth, and the probabilities are made larger by Holm's method: any slice of those that are random
is then called different in fewer than 5 % of data sets (``docs/slices.md``).

Sources: E. J. G. Pitman, Significance tests which may be applied to samples from any populations
(1937); S. Holm, A simple sequentially rejective multiple test procedure (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detmetrics.analysis.bootstrap import Samples
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.parallel import each
from detmetrics.foundation.progress import Share
from detmetrics.foundation.students_t import upper_tail
from detmetrics.metrics.summary import summarize

__all__ = ["chance_of", "holm", "of_random_subsets"]

WIDER = 1.1
"""On the safe side: slices of one data set are not independent, nor quite normal."""


def of_random_subsets(
    result: Evaluation,
    metric: str,
    images: int,
    seeds: Sequence[np.random.SeedSequence],
    progress: Share | None = None,
) -> Floats:
    """(B,) the metric of random subsets of so many images, one a seed; nothing is matched again."""
    samples, total = Samples(result), result.matching.images
    done = iter(range(1, len(seeds) + 1))

    def of(seed: np.random.SeedSequence) -> float:
        weights = np.zeros(total, np.int64)
        weights[np.random.default_rng(seed).permutation(total)[:images]] = 1
        value: float = summarize(samples.curves(weights))[metric]
        if progress is not None:
            progress(next(done) / len(seeds))
        return value

    return np.array(each(of, seeds))


def chance_of(value: float, subsets: Floats) -> tuple[float, float]:
    """What a random subset gives on average, and the two-sided probability to be as far from it.

    Both nan where the slice has no value, or fewer than three subsets have one.

    >>> mean, chance = chance_of(0.2, np.array([0.48, 0.5, 0.52, 0.49, 0.51]))
    >>> round(mean, 3), chance < 0.001
    (0.5, True)
    """
    known = subsets[~np.isnan(subsets)]
    if math.isnan(value) or len(known) < 3:
        return math.nan, math.nan
    mean, spread = float(known.mean()), float(known.std(ddof=1))
    far = abs(value - mean)
    if spread == 0:
        return mean, 1.0 if far == 0 else 0.0
    ratio = far / (WIDER * spread * math.sqrt(1 + 1 / len(known)))
    return mean, 2 * upper_tail(ratio, len(known) - 1)


def holm(chances: Sequence[float]) -> list[float]:
    """The probabilities after Holm's correction for as many tests; nan is no test and stays.

    Those below 0.05 are then the tests that Holm's procedure rejects at 0.05.

    >>> [round(chance, 2) for chance in holm([0.01, math.nan, 0.04, 0.03])]
    [0.03, nan, 0.06, 0.06]
    """
    # from the smallest: corrected = max(corrected so far, how many are left * chance), at most 1
    corrected, highest = [math.nan] * len(chances), 0.0
    order = sorted((chance, at) for at, chance in enumerate(chances) if not math.isnan(chance))
    for done, (chance, at) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - done) * chance))
        corrected[at] = highest
    return corrected
