"""One level for all lines that can fail together: Holm's correction, applied to intervals.

Of many lines one is worse by chance. Holm's step-down procedure tests the ``K`` hypotheses in order
of their evidence, the first at ``alpha / K``, the one after ``w`` rejections at
``alpha / (K - w)``, and stops at the first that it does not reject. A line is rejected where its
interval at that level is below ``-margin``. The intervals of one line are nested, so all lines can
be tested at once::

    w = 0
    repeat
        w = how many lines are worse by their intervals at the level 1 - alpha / (K - w)
    until w stays

That rejects the same lines. All intervals are then given at the last level, so that the rule of
:mod:`~detmetrics.analysis.gating.verdicts` reads the very intervals that are shown, and the
probability that any line is called worse that is not, is at most ``alpha / 2``. Source: S. Holm, A
Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).

The ends at another level lie farther from the value, each on its side, by the ratio of the
quantiles of Student's t distribution. Percentiles so far out would need a hundred thousand samples;
a thousand would give the smallest of them, and the same one for any number of lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from detmetrics.analysis.bootstrap import widths
from detmetrics.analysis.gating.verdicts import Verdict, verdict_of

__all__ = ["Gain", "settled", "widened"]


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better a candidate is, its interval, and the margin that it is held to.

    freedom: the degrees of it that the interval has.
    """

    value: float
    low: float
    high: float
    margin: float
    freedom: float = math.inf

    @property
    def verdict(self) -> Verdict:
        """What the interval says."""
        return verdict_of(self.low, self.high, self.margin)


def settled(
    gains: Sequence[Gain], level: float, rejecting: Sequence[Verdict] = ("worse",)
) -> tuple[float, list[Gain]]:
    """The level at which Holm's procedure stops, and the gains with intervals at that level.

    level: of the intervals that are given. rejecting: the verdicts that reject a hypothesis.

    >>> level, found = settled([Gain(-0.5, -0.6, -0.4, 0.0), Gain(-0.1, -0.2, -0.01, 0.0)], 0.95)
    >>> level, [gain.verdict for gain in found]
    (0.95, ['worse', 'worse'])
    """
    count, rejected = max(len(gains), 1), 0
    while True:
        # the lines that are not rejected; where all are, the last was tested at the level itself
        family = max(count - rejected, 1)
        found = [widened(gain, level, family) for gain in gains]
        again = sum(gain.verdict in rejecting for gain in found)
        if again == rejected or family == 1:
            return (level if family == 1 else 1 - (1 - level) / family), found
        rejected = again


def widened(gain: Gain, level: float, family: int) -> Gain:
    """The interval at ``1 - (1 - level) / family`` in place of that at ``level``."""
    if family == 1:
        return gain
    ratio = widths(1 - (1 - level) / (2 * family), gain.freedom) / widths(
        (1 + level) / 2, gain.freedom
    )
    centre = min(max(gain.value, gain.low), gain.high)
    return Gain(
        gain.value,
        centre - ratio * (centre - gain.low),
        centre + ratio * (gain.high - centre),
        gain.margin,
        gain.freedom,
    )
