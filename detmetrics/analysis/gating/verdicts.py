"""The rule that decides a line: better, not worse, worse, or cannot tell.

With the interval ``[l, u]`` of the gain of a candidate over a baseline and a margin ``m >= 0``, the
first that holds::

    l > 0                        better
    l >= -m                      not worse
    u < -m                       worse
    otherwise                    cannot tell

The gain is candidate minus baseline, turned round for metrics of which a lower value is better.
*Not worse* is the test of non-inferiority: a loss of more than the margin is outside the interval.
Metrics are sums of floats, whose last bits depend on their order: less than 1e-12 is no difference.
Source: G. Piaggio et al., Reporting of Noninferiority and Equivalence Randomized Trials, JAMA 308
(2012), 2594-2604.
"""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["Verdict", "images_to_settle", "verdict_of"]

DUST = 1e-12
MOST_IMAGES = 10**9  # more than any data set has: that many settle nothing
Verdict = Literal["better", "not worse", "worse", "cannot tell", "undefined"]


def verdict_of(low: float, high: float, margin: float) -> Verdict:
    """The verdict on a gain in ``[low, high]``; an interval that is nan decides nothing.

    >>> verdict_of(-0.01, 0.02, 0.01), verdict_of(-0.01, 0.02, 0.005)
    ('not worse', 'cannot tell')
    """
    if low > DUST:
        return "better"
    if low >= -margin - DUST:
        return "not worse"
    if high < -margin - DUST:  # with a margin of 0 this is high < 0
        return "worse"
    return "cannot tell"


def images_to_settle(
    gain: float, low: float, high: float, margin: float, images: int
) -> int | None:
    """How many images would settle a line that cannot tell; None where a billion would not.

    At that many, half the width of the interval falls below the distance of the gain from
    ``-margin``; the width falls as ``1 / sqrt(n)``.

    >>> images_to_settle(0.01, -0.01, 0.03, 0.0, 1000), images_to_settle(0.0, -0.1, 0.1, 0.0, 9)
    (4001, None)
    """
    # half * sqrt(images / n) < distance
    half, distance = (high - low) / 2, abs(gain + margin)
    if not (math.isfinite(half) and images * half * half < MOST_IMAGES * distance * distance):
        return None
    needed = images * (half / distance) ** 2
    # An interval that lies askew may be decided by its half already, and is not: more, anyway.
    return max(math.floor(needed), images) + 1
