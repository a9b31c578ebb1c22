"""Means of repeated measurements, and an interval for the difference of two of them.

Welch's interval: each mean varies by the variance between its measurements over their number; the
degrees of freedom are Satterthwaite's. A further variance that is known from elsewhere adds to it,
and has degrees of freedom without end. One measurement tells nothing of how they vary: nan. Source:
B. L. Welch, The generalization of Student's problem when several different population variances are
involved (1947); F. E. Satterthwaite, An approximate distribution of estimates of variance
components (1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.students_t import quantile

__all__ = ["MeanDifference", "mean_difference", "standard_deviation"]


def standard_deviation(values: Sequence[float]) -> float:
    """With n - 1; nan of fewer than two.

    >>> standard_deviation([1.0, 3.0]), standard_deviation([1.0])
    (1.4142135623730951, nan)
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """value: the second mean less the first; error: its standard error; freedom: degrees of it;
    low, high: ends of the interval; nan where one of them is of one measurement.
    """

    value: float
    error: float
    freedom: float
    low: float
    high: float


def mean_difference(
    a: Sequence[float], b: Sequence[float], level: float, *, variance: float = 0.0
) -> MeanDifference:
    """The difference of two means with its interval; variance: of it, known from elsewhere.

    >>> found = mean_difference([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 0.95)
    >>> found.value, found.freedom, round(found.low, 3)
    (3.0, 4.0, 0.733)
    """
    value = float(np.mean(b) - np.mean(a))
    parts = [standard_deviation(each) ** 2 / len(each) for each in (a, b)]
    total = sum(parts) + variance
    if not math.isfinite(total + value):
        return MeanDifference(value, math.nan, math.nan, math.nan, math.nan)
    # freedom = total^2 / sum(part^2 / (n - 1)); shares of the total, which do not underflow.
    shares = [(part / total) ** 2 / (len(each) - 1) if total else 0.0
              for part, each in zip(parts, (a, b), strict=True)]  # fmt: skip
    freedom = 1 / sum(shares) if sum(shares) > 1e-12 else math.inf
    width = quantile((1 + level) / 2, min(freedom, 1e9)) * math.sqrt(total)
    return MeanDifference(value, math.sqrt(total), freedom, value - width, value + width)
