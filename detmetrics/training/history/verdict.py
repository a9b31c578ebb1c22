"""Whether a model is still learning: a word for the course of a training, and the evidence.

Judged are the train loss, the validation loss (:mod:`~detmetrics.training.history.losses`) and a
metric of the validation data. *Levels*, *changes* and *scatter* are those of
:mod:`~detmetrics.training.history.smoothing`; rows that a restart left behind are not judged
(:mod:`~detmetrics.training.history.course`). The first of these that holds is the verdict:

**failed**
    The train loss ends in nan or infinity, unless the metric, which ends above half of its best,
    shows that only the log is wrong; or the metric is 0 in every one of five or more epochs; or
    there are columns for a metric or validation losses, and no number in any.
**not comparable**
    Nothing was measured on validation data, or nothing but losses that have no counterpart among
    the train losses. Train losses alone do not say what a model is worth.
**too short**
    Fewer than five epochs: a smoothed curve needs a before and an after.
**collapsed**
    The metric ends below half of its best level: noise and overfitting take a part of what was
    learnt, not most of it. Or, after validation has turned, the train loss rises as well: it is the
    training that comes apart.
**overfitting since epoch N**
    After epoch N the train loss falls by a change, while the metric falls by a change. Where the
    metric stays, or there is none, the validation loss decides: it rises by a change. N is the best
    epoch at that turn. A validation loss that rises while the metric still improves is said, and is
    no overfitting: models are chosen by the metric.
**still improving**
    The best epoch is among the last fifth, and the level at the end is better, by a change, than
    the best level before that fifth. Or the best epoch is the last, and the line through the last
    third (five epochs at least) rises by a thousandth of the level, with a slope that is
    significant at 0.01, two-sided: a last epoch that is the best by chance pulls the line up. By
    the metric; by the validation loss where there is none.
**underfitting**
    Neither: the curves rest, the train loss has fallen by less than a tenth of its first level, and
    the metric, if there is one, has never reached a tenth of its range (1, or 100 where it is in
    percent). The model is too small, the learning rate wrong, or the labels do not fit.
**converged**
    None of these: more epochs bring nothing, and nothing is lost.

Where the metric falls and there is no train loss, whether it is overfitting cannot be told, and the
verdict is *not comparable*. Losses may be scaled: nothing depends on their unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from detmetrics.foundation.messages import counted
from detmetrics.training.history.course import FEWEST, Course
from detmetrics.training.history.epoch_rows import Epoch
from detmetrics.training.history.evidence import Case, case_of, number, percent
from detmetrics.training.history.smoothing import SmoothedCurve

__all__ = ["VERDICTS", "Verdict", "verdict_of"]

VERDICTS = (
    "failed",
    "not comparable",
    "too short",
    "collapsed",
    "overfitting",
    "still improving",
    "underfitting",
    "converged",
)
HALF = 0.5
FIFTH = 5
NEWEST = 3  # epochs that the last fifth has at least
SHORTEST = 5  # epochs that a line is laid through at least
THIRD = 3
BY_CHANCE = 0.005  # of a slope as steep upwards: half of 0.01
THOUSANDTH = 0.001
TENTH = 0.1
PERCENT = 1.5  # a metric that was ever above this is not in 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """name: one of :data:`VERDICTS`; since: where it began, for what has a beginning;
    counted_by: ``epoch`` or ``row``; evidence: sentences with numbers; notes: on the log itself.
    """

    name: str
    since: Epoch | None = None
    counted_by: str = "epoch"
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.since is None:
            return self.name
        return f"{self.name} since {self.counted_by} {self.since:,}"


_Found = tuple[str, Epoch | None, list[str]]


def verdict_of(course: Course, *, lower: bool = False) -> Verdict:
    """The verdict on a course; lower: whether the metric is better when it is lower."""
    case = case_of(course, lower=lower)
    found = (rule(case) for rule in RULES)
    name, since, evidence = next(verdict for verdict in found if verdict)
    return Verdict(
        name=name,
        since=since,
        counted_by=course.counted_by,
        evidence=tuple(evidence),
        notes=course.notes,
    )


def _failed(case: Case) -> _Found | None:
    course, metric = case.course, case.metric
    if course.lost is not None and (metric is None or _far_below(metric)):
        place = course.place(course.lost)
        what = f"the train loss is nan or infinite from {place} to the end"
        return "failed", course.epochs[course.lost], [what]
    zero = metric is not None and metric.sign > 0 and not metric.values.any()
    if zero and metric is not None and len(metric) >= FEWEST:
        return "failed", None, [f"{course.column} is 0 in every one of {len(metric):,} epochs"]
    if course.column is not None and metric is None and case.val is None:
        return "failed", None, [f"{course.column} is undefined in every row"]
    return None


def _far_below(metric: SmoothedCurve) -> bool:
    """Whether it ends half of its best away from it; a metric that never left 0 does, too."""
    lost, half = metric.highest - metric.end, HALF * abs(metric.highest)
    return lost >= half if metric.sign > 0 else lost > half


def _unmeasured(case: Case) -> _Found | None:
    if case.metric is not None:
        return None
    losses = case.course.losses
    if not len(case.course):
        return "too short", None, ["there are no epochs"]
    if case.val is None:
        return "not comparable", None, ["nothing was measured on validation data"]
    if not losses.matched:
        ours = losses.train[0] if losses.train else "none"
        what = f"train losses ({ours}) and validation losses ({losses.val[0]}) have no counterpart"
        return "not comparable", None, [f"{what}, and there is no metric"]
    return None


def _short(case: Case) -> _Found | None:
    curve = case.main
    if len(curve) >= FEWEST:
        return None
    what = f"{case.name(curve)} was measured in {counted(len(curve), 'epoch')}"
    return "too short", None, [f"{what}, and a verdict needs {FEWEST}"]


def _collapsed(case: Case) -> _Found | None:
    metric = case.metric
    if metric is None or metric.sign < 0:
        return None
    lost = metric.highest - metric.end
    if lost <= max(HALF * abs(metric.highest), metric.change(metric.highest)):
        return None
    evidence = [*case.fall(metric), *case.learnt_since(metric)]
    return "collapsed", case.epoch(metric, metric.top), evidence


def _overfitting(case: Case) -> _Found | None:
    curve = _turned(case)
    if curve is None:
        return None
    since = case.epoch(curve, curve.top)
    evidence = [*case.fall(curve)]
    if case.metric is not None and case.val is not None:
        other = case.val if curve is case.metric else case.metric
        evidence += case.fall(other) if _fell(other) else case.rest(other)
    if case.train is None or len(case.train) < FEWEST:
        return "not comparable", None, [*evidence, "without a train loss the cause is not known"]
    evidence += case.learnt_since(curve)
    # Of all curves more is better: a train loss that falls is one that grows here.
    before, end = case.train_since(curve)
    change = case.train.change(before)
    if end - before > change:
        return "overfitting", since, evidence
    return ("collapsed", since, evidence) if before - end > change else None


def _turned(case: Case) -> SmoothedCurve | None:
    """The curve that shows that validation turned: the metric, before the loss."""
    if case.metric is not None and _fell(case.metric):
        return case.metric
    improves = case.metric is not None and _rises(case.metric)
    return case.val if case.val is not None and not improves and _fell(case.val) else None


def _fell(curve: SmoothedCurve) -> bool:
    """Whether it ends worse than its best level by a change, with a whole window after the best."""
    after = len(curve) - 1 - curve.top
    lost = curve.highest - curve.end
    return len(curve) >= FEWEST and after >= curve.width and lost > curve.change(curve.highest)


def _recent(curve: SmoothedCurve) -> int:
    """Where the last fifth begins."""
    return len(curve) - max(NEWEST, len(curve) // FIFTH)


def _rises(curve: SmoothedCurve) -> bool:
    """Whether the best epoch is in the last fifth, and the end a change above what was before; or
    whether the best epoch is the last, and a line through the last third rises.
    """
    return _steps_up(curve) or _climbs(curve)


def _steps_up(curve: SmoothedCurve) -> bool:
    start = _recent(curve)
    if start < 1 or curve.best < start:
        return False
    before = curve.level_before(start)
    return curve.end - before > curve.change(before)


def _sloped(curve: SmoothedCurve) -> int:
    """Where the values begin that a line is laid through."""
    return max(0, len(curve) - max(SHORTEST, len(curve) // THIRD))


def _climbs(curve: SmoothedCurve) -> bool:
    if len(curve) < FEWEST or curve.best != len(curve) - 1:
        return False
    rise, by_chance = curve.trend(_sloped(curve))
    return by_chance < BY_CHANCE and rise > THOUSANDTH * abs(curve.end)


def _improving(case: Case) -> _Found | None:
    curve = case.main
    if not _rises(curve):
        return None
    evidence = [*(_stepped if _steps_up(curve) else _climbed)(case, curve), *case.learnt()]
    if curve is case.metric and case.val is not None and _fell(case.val):
        evidence += [*case.fall(case.val), "the metric does not follow it, and it is what chooses"]
    return "still improving", None, evidence


def _stepped(case: Case, curve: SmoothedCurve) -> Iterator[str]:
    start = _recent(curve)
    before, end = curve.shown(curve.level_before(start)), curve.shown(curve.end)
    best = number(curve.shown(curve.values[curve.best]))
    place = case.place(curve, curve.best)
    yield f"the best {case.name(curve)}, {best}, is at {place}, in the last fifth"
    yield _raised(curve, before, end, case.place(curve, start))


def _climbed(case: Case, curve: SmoothedCurve) -> Iterator[str]:
    start, last = _sloped(curve), len(curve) - 1
    rise, by_chance = curve.trend(start)
    best = number(curve.shown(curve.values[last]))
    yield f"the best {case.name(curve)}, {best}, is at {case.place(curve, last)}, the last"
    moves = "rises" if curve.sign > 0 else "falls"
    yield (
        f"a line through the last {last - start + 1} epochs {moves} by {number(rise)} (its slope "
        f"is significant, p = {by_chance:.2g})"
    )


def _raised(curve: SmoothedCurve, before: float, end: float, first: str) -> str:
    return (
        f"the median of the last {curve.width} epochs is {number(end)}, {percent(before, end)} "
        f"from the best level before {first}, {number(before)}"
    )


def _underfitting(case: Case) -> _Found | None:
    train, metric = case.train, case.metric
    if train is None or len(train) < FEWEST:
        return None
    first = float(train.levels[0])
    if train.end - first >= TENTH * abs(first):
        return None
    if metric is not None:
        best = metric.shown(float(metric.values[metric.best]))
        if metric.sign < 0 or best >= TENTH * (100 if best > PERCENT else 1):
            return None
    return "underfitting", None, [*case.learnt(), *case.rest(case.main)]


def _converged(case: Case) -> _Found:
    evidence = [*case.rest(case.main), *case.waited()]
    if case.metric is not None and case.val is not None:
        evidence += case.fall(case.val) if _fell(case.val) else case.rest(case.val)
    return "converged", None, [*evidence, *case.learnt()]


RULES: tuple[Callable[[Case], _Found | None], ...] = (
    _failed,
    _unmeasured,
    _short,
    _collapsed,
    _overfitting,
    _improving,
    _underfitting,
    _converged,
)
