"""Curves of noisy numbers: a running median, the scatter about it, and where it turns.

**Level.** The median over a window: one epoch that comes out by chance changes nothing. The window
is a twentieth of the epochs, an odd number from 3 to 31; at the ends it is cut.

**Scatter.** The standard deviation of a single epoch by chance: 1.4826 times the median of the
absolute second differences, divided by the square root of six, which is what it comes to where the
noise is normal. A steady trend does not add to it.

**A change** between two levels is one that is larger than a hundredth of the level, and than five
standard errors of a median (1.2533 times the scatter, divided by the square root of the window).
Five and not two, since the best of many levels is high by chance alone: with five, a course of 30
to 300 epochs that rests and is noisy is taken for one that falls in less than 2 of 100 cases.

**A trend** is the rise of the line of least squares through the last values, from the first of them
to the last, and how likely a slope as steep is by chance (Student's t, one-sided). It finds what
rises steadily by less than the scatter, where no level differs from another by a change.

All of these scale with the curve, so no unit matters. Source: J. Tukey, Exploratory Data Analysis
(1977), for the running median; N. Draper, H. Smith, Applied Regression Analysis (1998), chapter 1,
for the slope; P. Rousseeuw, C. Croux, Alternatives to the Median Absolute
Deviation (1993), for 1.4826; what is a change, and how many epochs a window has, is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.students_t import upper_tail

__all__ = ["SmoothedCurve", "curve_of", "running_median", "window"]

LEAST_CHANGE = 0.01
FAR = 1e150  # beyond it differences and products are infinite; nothing is measured there
TWENTIETH = 20
NARROWEST, WIDEST = 3, 31
NORMAL = 1.4826  # standard deviations in a median absolute deviation: 1 / quantile(3 / 4)
MEDIAN = 1.2533  # the standard error of a median in that of a mean: sqrt(pi / 2)
ERRORS = 5


def window(count: int) -> int:
    """How many epochs a level is the median of.

    >>> [window(count) for count in (1, 12, 100, 225, 100_000)]
    [3, 3, 5, 11, 31]
    """
    return min(WIDEST, max(NARROWEST, count // TWENTIETH | 1))  # | 1: the next odd number


def running_median(values: Floats, width: int) -> Floats:
    """(N,) the median of the window about each value; windows are cut at the ends.

    >>> running_median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
    [5.0, 2.0, 3.0, 2.5]
    """
    # [median(values[max(0, k - half) : k + half + 1]) for k in range(N)]; all whole windows at once
    half, count = width // 2, len(values)
    levels = np.empty(count)
    if count >= width:
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        levels[half : count - half] = np.median(windows, axis=1)
    ends = range(count) if count < width else (*range(half), *range(count - half, count))
    for index in ends:
        levels[index] = np.median(values[max(0, index - half) : index + half + 1])
    return levels


@dataclass(frozen=True)
class SmoothedCurve:
    """index : (N,) places in the course; values : (N,) finite, of which more is better.

    sign: 1, or -1 where the numbers of the log are better when lower, and were turned round.
    """

    index: Ints
    values: Floats
    sign: int

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def width(self) -> int:
        """Of the window."""
        return window(len(self))

    @cached_property
    def levels(self) -> Floats:
        """(N,) the running median."""
        return running_median(self.values, self.width)

    @cached_property
    def scatter(self) -> float:
        """The standard deviation of a single epoch."""
        if len(self) < 3:
            return 0.0
        # A second difference is v0 - 2 v1 + v2: of a line it is 0, and of independent noise its
        # variance is 1 + 4 + 1 times that of one value, hence the root of six.
        return float(NORMAL * np.median(np.abs(np.diff(self.values, 2))) / math.sqrt(6))

    @cached_property
    def end(self) -> float:
        """The level at the end: the median of the last window."""
        return float(np.median(self.values[-self.width :]))

    @cached_property
    def top(self) -> int:
        """Where the level is best: the best single epoch of the window about it."""
        # The level says where, since one lucky epoch cannot move it; the epoch is one that exists.
        at, half = int(np.argmax(self.levels)), self.width // 2
        start = max(0, at - half)
        return start + int(np.argmax(self.values[start : at + half + 1]))

    @cached_property
    def best(self) -> int:
        """The best single epoch, the first of equal ones."""
        return int(np.argmax(self.values))

    @property
    def highest(self) -> float:
        """The best level."""
        return float(self.levels.max())

    def level_before(self, at: int) -> float:
        """The best level of the epochs before a place."""
        return float(running_median(self.values[:at], self.width).max())

    def trend(self, start: int) -> tuple[float, float]:
        """The rise of a line from a place to the end, and the probability of its slope by chance.

        1 where fewer than three values stand there.
        """
        values, at = self.values[start:], self.index[start:].astype(np.float64)
        if len(values) < 3:
            return 0.0, 1.0
        at = at - at.mean()
        spread = float(at @ at)
        slope = float(at @ (values - values.mean())) / spread
        left = values - values.mean() - slope * at
        error = math.sqrt(float(left @ left) / (len(values) - 2) / spread)
        t = slope / error if error else math.copysign(math.inf, slope) if slope else 0.0
        return slope * float(at[-1] - at[0]), upper_tail(t, len(values) - 2)

    def change(self, level: float) -> float:
        """How large a difference from a level must be to count as a change."""
        error = MEDIAN * self.scatter / math.sqrt(self.width)
        return max(ERRORS * error, LEAST_CHANGE * abs(level))

    def shown(self, value: float) -> float:
        """A value as it stands in the log."""
        return self.sign * value


def curve_of(values: Floats, *, lower: bool) -> SmoothedCurve | None:
    """The finite values of a column as a curve; None where there are none."""
    index = np.flatnonzero(np.isfinite(values))
    if not len(index):
        return None
    sign = -1 if lower else 1
    return SmoothedCurve(index, sign * np.clip(values[index], -FAR, FAR), sign)
