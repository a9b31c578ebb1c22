"""Whether one way of training is better than another, from several runs (seeds) of each.

A metric of a run varies for two reasons: another seed gives another model, and other images of the
same source give another number for the same model. A gain is one of the method where it exceeds
both (:mod:`detmetrics.analysis.seed_spread`). All runs are measured on the same images, and over
the same samples of them (*paired*), from the matches that are there: nothing is matched again.
Source: X. Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks (2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.analysis.bootstrap import RESAMPLES, Samples, require_samples, sample_seeds
from detmetrics.analysis.comparison import require_alike
from detmetrics.analysis.seed_spread import (
    GroupDifference,
    GroupMean,
    group_difference,
    group_mean,
)
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.foundation.progress import Share
from detmetrics.metrics.summary import lower_is_better

__all__ = ["GroupComparison", "compare_groups"]

SCHEMA = 1
FEW_RUNS = 3
"""With fewer runs the spread between seeds is hardly known."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GroupComparison:
    """Groups of runs side by side; differences are those from the first group.

    groups: by name, the results of its runs; means: by group and metric; differences: by group but
    the first, and metric.
    """

    groups: Mapping[str, tuple[Evaluation, ...]]
    level: float
    resamples: int
    seed: int
    means: Mapping[str, Mapping[str, GroupMean]]
    differences: Mapping[str, Mapping[str, GroupDifference]]

    def __repr__(self) -> str:
        """The conclusions; ``to_dict()`` holds all."""
        return f"<GroupComparison: {'; '.join(self.conclusions)}>"

    @property
    def signature(self) -> str:
        """Of the rules by which all were measured."""
        return next(iter(self.groups.values()))[0].signature

    @property
    def conclusions(self) -> tuple[str, ...]:
        """Whether each group is better than the first by the first metric, in a sentence each."""
        first = next(iter(self.groups))
        return tuple(
            self._conclusion(first, group, *next(iter(found.items())))
            for group, found in self.differences.items()
        )

    def _conclusion(self, first: str, group: str, name: str, found: GroupDifference) -> str:
        if found.verdict == "undefined":
            return f"{name} is undefined in a run of {first} or {group}"
        single = [each for each in (first, group) if len(self.groups[each]) == 1]
        if single:
            has = "has" if len(single) == 1 else "have"
            ends = _ends(found.value, found.image_low, found.image_high)
            return (
                f"Cannot tell: {' and '.join(single)} {has} one run, which does not show the "
                f"spread between seeds. Mean {name} of these very runs differs by {ends} between "
                "images"
            )
        ends = f"{name} of {group} differs from that of {first} by "
        ends += _ends(found.value, found.low, found.high)
        if found.verdict in ("better", "worse"):
            return (
                f"{group} is {found.verdict} than {first}: mean {ends}, more than the spread "
                f"between seeds ({found.seed_error:.4f}) and between images "
                f"({found.image_error:.4f}) explains"
            )
        return f"Inconclusive: mean {ends}; {_explained(found)}"

    @property
    def attention(self) -> tuple[str, ...]:
        """Groups of few runs, runs that are one and the same, and what each result says."""
        return tuple(_attention(self.groups))

    @property
    def words(self) -> str:
        """What the columns are, in a sentence."""
        return (
            f"low to high: {100 * self.level:g}% confidence interval of the difference over seeds "
            "and images (Welch); seeds: standard deviation of the runs, of a difference its "
            f"standard error; images: standard error over {self.resamples:,} samples of the images "
            f"(seed {self.seed})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``docs/json.md`` has them; undefined is None."""
        return {
            "schema": SCHEMA,
            "signature": self.signature,
            "conclusions": list(self.conclusions),
            "attention": list(self.attention),
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "groups": {
                group: {
                    "runs": [run.detections.source.name for run in runs],
                    "metrics": {name: one.to_dict() for name, one in self.means[group].items()},
                }
                for group, runs in self.groups.items()
            },
            "differences": {
                group: {name: one.to_dict() for name, one in found.items()}
                for group, found in self.differences.items()
            },
        }


def _ends(value: float, low: float, high: float) -> str:
    return f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"


def _explained(found: GroupDifference) -> str:
    if not found.exceeds_seeds and not found.exceeds_images:
        return "the spread between seeds explains it, and so does that between images"
    if not found.exceeds_seeds:
        return "it exceeds the spread between images, but not that between seeds"
    if not found.exceeds_images:
        return "it exceeds the spread between seeds, but not that between images"
    return "it exceeds the spread between seeds and that between images, but not both together"


def _attention(groups: Mapping[str, Sequence[Evaluation]]) -> Iterator[str]:
    for group, runs in groups.items():
        if len(runs) == 1:
            yield f"{group} has one run: the spread between seeds cannot be told"
        elif len(runs) < FEW_RUNS:
            yield (
                f"{group} has {len(runs)} runs: the spread between seeds is hardly known, and "
                "intervals are wide; three runs or more help most"
            )
    every = [(group, run) for group, runs in groups.items() for run in runs]
    for at, (group, run) in enumerate(every):
        for other, earlier in every[:at]:
            if _same(run, earlier):
                names = f"{earlier.detections.source.name} and {run.detections.source.name}"
                where = group if group == other else f"{other} and {group}"
                yield f"{names} ({where}) hold the same detections: they are one run"
    shared = set.intersection(*(set(run.attention) for _, run in every))
    yield from (f"all runs: {text}" for text in every[0][1].attention if text in shared)
    for _, run in every:
        name = run.detections.source.name
        yield from (f"{name}: {text}" for text in run.attention if text not in shared)


def _same(one: Evaluation, other: Evaluation) -> bool:
    a, b = one.detections, other.detections
    return len(a) == len(b) and all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("image", "category", "scores", "boxes")
    )


def compare_groups(
    groups: Mapping[str, Sequence[Evaluation]],
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    *,
    progress: Share | None = None,
) -> GroupComparison:
    """Compare groups of runs, each with the first, on the same ground truth under the same rules.

    groups: by name, the results of the runs of each; resamples, level, seed, progress: as in
    :func:`confidence_intervals`.

    Raises:
        InputError: no groups, a group without runs, other ground truth, or other rules.

    >>> import detmetrics as dm
    >>> run = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = compare_groups({"A": [run], "B": [run, run]}, resamples=50)
    >>> found.differences["B"]["AP"].verdict, found.means["B"]["AP"].seed_spread
    ('cannot tell', 0.0)
    """
    kept = {name: tuple(runs) for name, runs in groups.items()}
    _require_runs(kept)
    require_samples(resamples, level, seed)
    every = [run for runs in kept.values() for run in runs]
    for run in every[1:]:
        require_alike(every[0], run)
    seeds = sample_seeds(seed, resamples)
    samples: dict[str, Floats] = {}
    done = 0
    for group, runs in kept.items():
        told = []
        for run in runs:
            told.append(Samples(run).all(seeds, _part(progress, done, len(every)))[0])
            done += 1
        samples[group] = np.stack(told)
    names = [*every[0].summary]
    first = next(iter(kept))
    values = {
        group: np.array([[run.summary[name] for name in names] for run in runs])
        for group, runs in kept.items()
    }
    return GroupComparison(
        groups=kept,
        level=level,
        resamples=resamples,
        seed=seed,
        means={
            group: {
                name: group_mean(values[group][:, at], samples[group][:, :, at])
                for at, name in enumerate(names)
            }
            for group in kept
        },
        differences={
            group: {
                name: group_difference(
                    (values[first][:, at], samples[first][:, :, at]),
                    (values[group][:, at], samples[group][:, :, at]),
                    level,
                    lower=bool(lower_is_better(name)),
                )
                for at, name in enumerate(names)
            }
            for group in [*kept][1:]
        },
    )


def _require_runs(groups: Mapping[str, Sequence[Evaluation]]) -> None:
    empty = [shown(name) for name, runs in groups.items() if not runs]
    if not groups or empty:
        what = f"groups without runs: {few(empty)}" if empty else "none"
        raise InputError(f"groups: expected one or more, each with one run or more, got {what}")


def _part(progress: Share | None, done: int, runs: int) -> Share | None:
    return None if progress is None else lambda share: progress((done + share) / runs)
