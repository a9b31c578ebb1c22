"""More than two models: each against the first, and the ranks that the intervals support.

A model is certainly better than another one where the interval of their difference by the first
metric of the rules excludes 0. Its best rank is one behind all models that are certainly better,
its worst rank one before all that are certainly worse; between the two the images cannot tell. All
pairs are tested together, by Holm's correction (:mod:`detmetrics.analysis.gating.families`), so
that the ranks of all models hold together at the level. Source: D. Al Mohamad, J. Goeman, E. van
Zwet, Simultaneous Confidence Intervals for Ranks with Application to Ranking Institutions,
Biometrics 78 (2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from detmetrics.analysis.bootstrap import RESAMPLES
from detmetrics.analysis.comparison import Comparison, compare
from detmetrics.analysis.gating.differences import PairedLine, gain_of, reporting
from detmetrics.analysis.gating.families import Gain, settled
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.progress import Share

__all__ = ["ModelRank", "ModelRanks", "compare_models", "worse_than_first"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRank:
    """A model with its value, and the ranks from ``best`` to ``worst`` that it may have."""

    name: str
    value: float
    best: int
    worst: int

    @property
    def words(self) -> str:
        """One rank, or two ends."""
        return f"{self.best}" if self.best == self.worst else f"{self.best} to {self.worst}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ModelRanks:
    """Several models; comparisons: of each with the first, ranks: of all, in the order given.

    level: of the intervals that ranks rest on.
    """

    metric: str
    level: float
    comparisons: tuple[Comparison, ...]
    ranks: tuple[ModelRank, ...]

    def __repr__(self) -> str:
        """The rank of each model."""
        told = (f"{one.name} {one.words}" for one in self.ranks)
        return f"<ModelRanks by {self.metric}: {', '.join(told)}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``docs/json.md`` has them; undefined is None."""
        return {
            "schema": SCHEMA,
            "ranks": {
                "metric": self.metric,
                "level": self.level,
                "models": [
                    {
                        "detections": one.name,
                        "value": None if math.isnan(one.value) else one.value,
                        "best": one.best,
                        "worst": one.worst,
                    }
                    for one in self.ranks
                ],
            },
            "comparisons": [one.to_dict() for one in self.comparisons],
        }


def compare_models(
    results: Sequence[Evaluation],
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    *,
    per_class: bool = False,
    iou: float = 0.5,
    confidence: float | None = None,
    progress: Share | None = None,
) -> ModelRanks:
    """Compare each of several results with the first, and rank them all by the first metric.

    The options are those of :func:`compare`.

    Raises:
        InputError, RulesError: fewer than two results, or see :func:`compare`.

    >>> import detmetrics as dm
    >>> whole = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> half = dm.evaluate(whole.ground_truth, whole.detections.keep(whole.detections.scores > 0.8))
    >>> found = compare_models([whole, half, whole], resamples=60)
    >>> [rank.words for rank in found.ranks]
    ['1 to 2', '3', '1 to 2']
    """
    if len(results) < 2:
        raise InputError(f"expected two results or more, got {len(results)}")
    pairs = [*combinations(range(len(results)), 2)]
    metric = next(iter(results[0].summary))
    narrow = [reporting(one, [metric]) for one in results]  # pairs without the first are for ranks

    def compared(at: int) -> Comparison:
        (a, b), whole = pairs[at], pairs[at][0] == 0
        of = results if whole else narrow
        return compare(
            of[a],
            of[b],
            resamples,
            level,
            seed,
            per_class=per_class and whole,
            iou=iou,
            confidence=confidence,
            progress=None if progress is None else lambda done: progress((at + done) / len(pairs)),
        )

    comparisons = [compared(at) for at in range(len(pairs))]
    level_of_all, better = _better(pairs, comparisons)
    return ModelRanks(
        metric=metric,
        level=level_of_all,
        comparisons=tuple(comparisons[: len(results) - 1]),
        ranks=tuple(_rank(at, results, better) for at in range(len(results))),
    )


def worse_than_first(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The models that are certainly worse than the first by its first metric, all tested together.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> worse_than_first([dm.compare(result, result, resamples=50)])
    ()
    """
    gains = [_gain(one) for one in comparisons]
    found = iter(settled([one for one in gains if one], comparisons[0].level)[1])
    worse = [gain is not None and next(found).verdict == "worse" for gain in gains]
    names = [one.b.detections.source.name for one in comparisons]
    return tuple(name for name, is_worse in zip(names, worse, strict=True) if is_worse)


def _gain(comparison: Comparison) -> Gain | None:
    """How much better b is by the first metric; None where no interval decides."""
    metric, difference = next(iter(comparison.metrics.items()))
    return gain_of(PairedLine("all", "", metric, difference, comparison.a.matching.images), 0.0)


def _better(
    pairs: Sequence[tuple[int, int]], comparisons: Sequence[Comparison]
) -> tuple[float, set[tuple[int, int]]]:
    """The level at which all pairs were tested, and (better, worse) of those that it tells."""
    gains = [_gain(one) for one in comparisons]
    known = [one for one in gains if one is not None]
    level, found = settled(known, comparisons[0].level, ("better", "worse"))
    told = iter(found)
    verdicts = [None if gain is None else next(told).verdict for gain in gains]
    better = {pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict == "worse"}
    better |= {
        (b, a) for (a, b), verdict in zip(pairs, verdicts, strict=True) if verdict == "better"
    }
    return level, better


def _rank(at: int, results: Sequence[Evaluation], better: set[tuple[int, int]]) -> ModelRank:
    others = range(len(results))
    return ModelRank(
        name=results[at].detections.source.name,
        value=next(iter(results[at].summary.values())),
        best=1 + sum((other, at) in better for other in others),
        worst=len(results) - sum((at, other) in better for other in others),
    )
