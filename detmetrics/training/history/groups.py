"""Several runs (seeds) of each of several trainings, from their logs.

Of every run the best value of the metric is taken; the spread between seeds is the standard
deviation of these, with n - 1, and a difference of two groups has Welch's interval over seeds. What
other images would give, logs tell only where the metric stands beside its confidence interval, and
then for a run by itself: errors of two groups are added as if they had been measured on different
images, which is more than they are apart on the same ones. So a gain may be seen to exceed the
spread between images, but never to be within it; ``detmetrics compare --group`` measures that from
detections. Source: as of :mod:`detmetrics.foundation.spread`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.spread import MeanDifference, mean_difference, standard_deviation
from detmetrics.training.history.comparing import TrainingComparison, TrainingStanding, compare
from detmetrics.training.history.metric_names import lower_is_better
from detmetrics.training.history.record import History

__all__ = ["TrainingGroup", "TrainingGroups", "compare_groups"]


@dataclass(frozen=True, slots=True)
class TrainingGroup:
    """Best values of the runs of a group; nan where unknown.

    values: of each run; mean, seed_spread: of them; image_error: the mean of the standard errors
    over images of the runs, nan where a log has no interval.
    """

    standings: tuple[TrainingStanding, ...]
    values: tuple[float, ...]
    mean: float
    seed_spread: float
    image_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingGain:
    """A group less the first one.

    seeds: the difference of the means and its interval over seeds; image_error: its standard error
    at most, nan where unknown; exceeds_images: True where it is beyond that, None where logs do not
    tell; verdict: ``better``, ``worse``, ``better beyond seeds``, ``worse beyond seeds`` (images
    are not known), ``cannot tell``, ``undefined`` or ``not comparable``.
    """

    seeds: MeanDifference
    image_error: float
    exceeds_images: bool | None
    verdict: str

    @property
    def exceeds_seeds(self) -> bool | None:
        """Whether it is beyond what seeds explain; None where that cannot be told."""
        if math.isnan(self.seeds.low):
            return None
        return not self.seeds.low <= 0 <= self.seeds.high


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingGroups:
    """comparison: of all runs; groups: by name; gains: of each group but the first."""

    comparison: TrainingComparison
    level: float
    groups: Mapping[str, TrainingGroup]
    gains: Mapping[str, TrainingGain]

    @property
    def conclusions(self) -> tuple[str, ...]:
        """Whether each group is better than the first one, in a sentence each."""
        first = next(iter(self.groups))
        return tuple(self._conclusion(first, name, gain) for name, gain in self.gains.items())

    def _conclusion(self, first: str, name: str, gain: TrainingGain) -> str:
        ends = f"the mean best value differs by {gain.seeds.value:+.4f}"
        if gain.verdict in ("undefined", "not comparable"):
            return f"{name} and {first}: the best values are {gain.verdict}"
        single = [each for each in (first, name) if len(self.groups[each].values) == 1]
        if single:
            has = "has" if len(single) == 1 else "have"
            return (
                f"Cannot tell: {' and '.join(single)} {has} one run, which does not show the "
                f"spread between seeds; {ends}"
            )
        ends += f" [{gain.seeds.low:+.4f}, {gain.seeds.high:+.4f}]"
        if not gain.exceeds_seeds:
            return f"Inconclusive: {name} and {first}: {ends}; the spread between seeds explains it"
        word = gain.verdict.split()[0]
        if gain.exceeds_images:
            return f"{name} is {word} than {first}: {ends}, more than seeds and images explain"
        return (
            f"{name} is {word} than {first} beyond the spread between seeds: {ends}. Whether it "
            "exceeds that between images, logs do not tell: use detmetrics compare --group"
        )


def compare_groups(
    groups: Mapping[str, Sequence[History]], metric: str | None = None, level: float = 0.95
) -> TrainingGroups:
    """Compare the best values of groups of runs, each with the first.

    metric: as of :func:`detmetrics.training.history.comparing.compare`.

    Raises:
        InputError: a group without runs, or a history lacks the metric or has only test data.

    >>> def run(ap):
    ...     history = History()
    ...     history.append(0, metrics={"AP": ap})
    ...     return history
    >>> a, b = [run(ap) for ap in (0.30, 0.31, 0.32)], [run(ap) for ap in (0.40, 0.41, 0.42)]
    >>> compare_groups({"A": a, "B": b}).gains["B"].verdict
    'better beyond seeds'
    """
    if not groups or not all(groups.values()):
        raise InputError("groups: expected one or more, each with one run or more")
    if not 0 < level < 1:
        raise InputError(f"level: expected a number between 0 and 1, got {level}")
    comparison = compare([history for runs in groups.values() for history in runs], metric)
    standings = iter(comparison.standings)
    found = {name: _group([next(standings) for _ in runs]) for name, runs in groups.items()}
    first, *others = found
    return TrainingGroups(
        comparison=comparison,
        level=level,
        groups=found,
        gains={
            name: _gain(found[first], found[name], level, comparable=not comparison.reasons)
            for name in others
        },
    )


def _group(standings: Sequence[TrainingStanding]) -> TrainingGroup:
    values = [each.best.value if each.best else math.nan for each in standings]
    errors = [each.best.standard_error if each.best else math.nan for each in standings]
    return TrainingGroup(
        tuple(standings),
        tuple(values),
        float(np.mean(values)),
        standard_deviation(values),
        float(np.mean(errors)),
    )


def _gain(a: TrainingGroup, b: TrainingGroup, level: float, *, comparable: bool) -> TrainingGain:
    seeds = mean_difference(a.values, b.values, level)
    error = math.hypot(a.image_error, b.image_error)
    width = NormalDist().inv_cdf((1 + level) / 2) * error
    images = True if abs(seeds.value) > width else None
    best = next(each.best for each in (*a.standings, *b.standings))
    lower = best is not None and bool(lower_is_better(best.column))
    gain = TrainingGain(seeds=seeds, image_error=error, exceeds_images=images, verdict="")
    verdict = "cannot tell"
    if not comparable:
        verdict = "not comparable"
    elif math.isnan(seeds.value):
        verdict = "undefined"
    elif gain.exceeds_seeds:
        verdict = "better" if (seeds.value > 0) is not lower else "worse"
        verdict += "" if images else " beyond seeds"
    return TrainingGain(seeds=seeds, image_error=error, exceeds_images=images, verdict=verdict)
