"""Which rule set, or which mistake, gives a number that somebody reported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from detmetrics.analysis.reconcile.mistakes import cuts, roundings, usual_mistakes
from detmetrics.analysis.reconcile.shape_effect import measured_as, other_shapes
from detmetrics.analysis.reconcile.workbench import Workbench, lean
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.metrics.summary import Summary, metrics_of
from detmetrics.metrics.tie_interval import NO_INTERVAL
from detmetrics.rules import Rules

__all__ = ["Candidate", "Reported", "Way", "candidates", "ways"]

NEAR = 1e-3
"""Equal scores in another order are looked into where a value is as near as this."""

HEADLINE, OTHER_METRIC, OTHER_SHAPE, OTHER_CLASSES, MISTAKE, OF_CLASS = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A number as it was written: its value, and how far off rounding may have put it."""

    text: str
    value: float
    unit: float

    @classmethod
    def parse(cls, given: str | float) -> Reported:
        """From ``"0.523"``, ``"52.3"`` or ``"52.3%"``; above 1 it is a percentage.

        Raises:
            InputError: not a number from 0 to 100.

        >>> Reported.parse("52.3%").value, Reported.parse(0.5).unit
        (0.523, 0.1)
        """
        text = str(given).strip()
        try:
            number = Decimal(text.removesuffix("%").strip())
            exponent = number.as_tuple().exponent
        except InvalidOperation:
            exponent = "n"
        if not isinstance(exponent, int) or not 0 <= number <= 100:
            raise InputError(
                f"--reported: expected a number such as 0.523, 52.3 or 52.3%, got {text!r}"
            )
        if text.endswith("%") or number > 1:
            number, exponent = number / 100, exponent - 2
        return cls(text=text, value=float(number), unit=10.0**exponent)

    def given_by(self, low: float, high: float) -> bool:
        """Whether a value between the two is written so, rounded or cut off at its last digit."""
        half, hair = self.unit / 2, 1e-12
        return low < self.value + self.unit + hair and high > self.value - half - hair


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a number.

    rules, metric: under which rules it is which metric; category: of one class, None for all;
    how: what else was done, empty where nothing; value: what it gives; likely: the lower, the
    more likely where several give the same; result: for the orders of equal scores, None where
    these are not looked into.
    """

    rules: str
    metric: str
    category: str | None
    how: str
    value: float
    likely: int
    result: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to a number, and whether it is the one that was reported.

    rules, metric: under which rules it is which metric; category: of one class, None for all;
    how: what else was done, empty where nothing; value: what these files give; low, high: over
    the orders of equal scores, where that was looked into; gives: it is the number that was
    reported, to its digits.
    """

    rules: str
    metric: str
    category: str | None
    how: str
    value: float
    low: float
    high: float
    gives: bool


def ways(
    bench: Workbench,
    rule_sets: Sequence[Rules],
    shapes: tuple[str, ...] = ("box",),
    suspected: Sequence[Mistake] = (),
) -> Iterator[Way]:
    """Every number that these rule sets and the usual mistakes give for the files.

    shapes: what else overlap may be measured of; suspected: mistakes that the files may contain,
    which somebody may have read right.
    """
    with_ap = [rules for rules in rule_sets if "ap" in rules.metrics]
    for rules in rule_sets:
        yield from _plain(bench.evaluation(rules))
    for rules in with_ap:
        yield from _by_other_shapes(bench, rules, shapes)
        yield from _other_classes(bench, rules)
        for name, changed in (*cuts(lean(rules)), *roundings(lean(rules))):
            yield from _changed(bench, rules, bench.summary(changed), f"with {name}")
    usual = {mistake.name: mistake for mistake in usual_mistakes(bench.detections)}
    for mistake in ({mistake.name: mistake for mistake in suspected} | usual).values():
        other = bench.without(mistake)
        how = f"undoing: {mistake.name}" if mistake.undoes else f"with {mistake.name}"
        for rules in with_ap:
            if mistake.changes(rules, other.detections):
                yield from _changed(bench, rules, other.summary(lean(rules)), how)


def candidates(found: Iterable[Way], reported: Reported) -> tuple[Candidate, ...]:
    """What gives the number, the likeliest first; then all others, the nearest first."""

    def order(pair: tuple[Way, Candidate]) -> tuple[bool, int, float]:
        way, candidate = pair
        distance = abs(way.value - reported.value)
        return not candidate.gives, way.likely if candidate.gives else 0, distance

    pairs = [(way, _compared(way, reported)) for way in found if not math.isnan(way.value)]
    return tuple(candidate for _, candidate in sorted(pairs, key=order))


def _compared(way: Way, reported: Reported) -> Candidate:
    low = high = way.value
    near = abs(way.value - reported.value) < NEAR
    if near and not reported.given_by(low, high) and _has_interval(way):
        assert way.result is not None
        low, high = way.result.tie_interval(way.metric, way.category)
    return Candidate(
        rules=way.rules,
        metric=way.metric,
        category=way.category,
        how=way.how,
        value=way.value,
        low=low,
        high=high,
        gives=reported.given_by(low, high),
    )


def _has_interval(way: Way) -> bool:
    """Whether the order of equal scores may move it, and by how much is known."""
    return (
        way.result is not None
        and way.metric.startswith("AP")
        and way.result.rules.interpolation not in NO_INTERVAL
    )


def _plain(result: Evaluation) -> Iterator[Way]:
    """Every metric, over all classes and of each."""
    headline = metrics_of(result.rules)[0].name
    for way in _of_result(result, ""):
        first = way.metric == headline and way.category is None
        yield replace(way, likely=HEADLINE) if first else way


def _by_other_shapes(bench: Workbench, rules: Rules, shapes: tuple[str, ...]) -> Iterator[Way]:
    """What measuring another shape gives, where that is another number."""
    plain = {(way.metric, way.category): way.value for way in _plain(bench.evaluation(rules))}
    for changed in other_shapes(rules, shapes):
        how = f"measured by {measured_as(changed)}"
        for way in _of_result(bench.evaluation(changed), how):
            if way.value != plain[way.metric, way.category]:
                yield replace(way, likely=OF_CLASS if way.category else OTHER_SHAPE)


def _of_result(result: Evaluation, how: str) -> Iterator[Way]:
    """Every metric of a result; how: what was done to get it."""
    columns = result.class_columns()

    def way(metric: str, category: str | None, value: float, likely: int) -> Way:
        return Way(
            rules=result.rules.name,
            metric=metric,
            category=category,
            how=how,
            value=value,
            likely=likely,
            result=result,
        )

    for metric, value in result.summary.items():
        yield way(metric, None, value, OTHER_METRIC)
        for label, own in zip(result.class_names, columns.get(metric, ()), strict=False):
            yield way(metric, label, float(own), OF_CLASS)


def _other_classes(bench: Workbench, rules: Rules) -> Iterator[Way]:
    """The mean over another set of classes, where that is another one."""
    counts = bench.evaluation(rules).counts
    sets = {
        "detected": ("classes_without_detections", "mean over classes with detections"),
        "all": ("classes_without_ground_truth", "mean over all classes, 0 without ground truth"),
    }
    for choice, (reason, how) in sets.items():
        if counts[reason] and rules.classes == "truth":
            result = bench.evaluation(rules.replace(classes=choice))
            for way in _changed(bench, rules, result.summary, how):
                yield replace(way, likely=OTHER_CLASSES, result=result)


def _changed(bench: Workbench, rules: Rules, summary: Summary, how: str) -> Iterator[Way]:
    """The metrics over all classes that are not what they would be without the change."""
    plain = bench.evaluation(rules).summary
    for metric, value in summary.items():
        if value != plain.get(metric, bench.summary(lean(rules)).get(metric)):
            yield Way(
                rules=rules.name,
                metric=metric,
                category=None,
                how=how,
                value=value,
                likely=MISTAKE,
            )
