"""The one place where a gate asks for differences and their intervals: :func:`compare`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.analysis.comparison import Comparison, Difference, compare
from detmetrics.analysis.gating.families import Gain
from detmetrics.analysis.gating.open_orders import Slack, slack_of
from detmetrics.analysis.gating.settings import GateSettings
from detmetrics.analysis.slicing import NONE, part_of
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Objects, object_column
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.foundation.progress import Share
from detmetrics.metrics.summary import lower_is_better, metrics_of

__all__ = ["PairedLine", "differences", "gain_of", "losses", "reporting", "slice_column"]

MOST_SLICES = 200


@dataclass(frozen=True, slots=True)
class PairedLine:
    """What one line rests on; scope: ``"all"``, ``"class"`` or ``"slice"``, name: of which; slack:
    what equal scores leave open.
    """

    scope: str
    name: str
    metric: str
    difference: Difference
    images: int
    slack: Slack = (0.0, 0.0)


def differences(
    baseline: Evaluation,
    candidate: Evaluation,
    metrics: Sequence[str],
    settings: GateSettings,
    slices: Objects | None,
    progress: Share | None = None,
) -> list[PairedLine]:
    """The difference of every line: metrics, then classes, then slices, in their order.

    slices : (N,) of each image, see :func:`slice_column`.
    """
    names = [] if slices is None else sorted({*slices.tolist()})
    parts = len(names) + 1

    def share(at: int) -> Share | None:
        return None if progress is None else lambda done: progress((at + done) / parts)

    both = [reporting(one, metrics) for one in (baseline, candidate)]
    whole = _compared(both[0], both[1], settings, share(0), per_class=settings.per_class)
    images, first = candidate.matching.images, metrics[0]
    lines = [_line("all", "", name, whole.metrics[name], images, both) for name in metrics]
    lines += [
        _line("class", label, first, own[first], images, both)
        for label, own in whole.classes.items()
    ]
    narrow = [reporting(one, metrics[:1]) for one in (baseline, candidate)]
    for at, name in enumerate(names, start=1):
        own = slices == name
        a, b = (part_of(one, own) for one in narrow)
        found = _compared(a, b, settings, share(at)).metrics[first]
        lines.append(_line("slice", name, first, found, int(own.sum()), (a, b)))
    return lines


def _line(
    scope: str,
    name: str,
    metric: str,
    found: Difference,
    images: int,
    both: Sequence[Evaluation],
) -> PairedLine:
    category = name if scope == "class" else None
    slack = slack_of(both[0], both[1], metric, (found.a, found.b), category)
    return PairedLine(scope, name, metric, found, images, slack)


def _compared(
    a: Evaluation,
    b: Evaluation,
    settings: GateSettings,
    progress: Share | None,
    *,
    per_class: bool = False,
) -> Comparison:
    return compare(
        a,
        b,
        settings.resamples,
        settings.level,
        settings.seed,
        per_class=per_class,
        iou=a.rules.iou_thresholds[0],
        progress=progress,
    )


def gain_of(line: PairedLine, margin: float) -> Gain | None:
    """How much better the candidate is; None where there is no interval to decide by."""
    found = line.difference.interval
    value, low, high = found.value, found.low, found.high
    # A handful of images says nothing of others that a release could rest on.
    if found.few_objects or math.isnan(low) or math.isnan(value):
        return None
    low, high = low - line.slack[0], high + line.slack[1]
    if lower_is_better(line.metric):
        value, low, high = -value, -high, -low
    return Gain(value, low, high, margin, found.freedom)


def reporting(result: Evaluation, metrics: Sequence[str]) -> Evaluation:
    """The same result with only the groups of these metrics: what is not asked is not resampled."""
    rules = result.rules
    groups = tuple(group for group in rules.metrics if {*_names(result, group)} & {*metrics})
    rules = rules.replace(metrics=groups)
    return replace(result, rules=rules, matching=replace(result.matching, rules=rules))


def _names(result: Evaluation, group: str) -> Iterator[str]:
    return (one.name for one in metrics_of(result.rules.replace(metrics=(group,))))


def slice_column(values: Sequence[str | None], images: int, by: str) -> Objects:
    """(N,) the slice of each image; None is :data:`~detmetrics.analysis.slicing.NONE`.

    Raises:
        InputError: another number of values than of images, a value that is no text, or too many.
    """
    if len(values) != images:
        expected = counted(images, "image")
        raise InputError(f"{by}: expected a value for each of the {expected}, got {len(values):,}")
    for value in values:
        if value is not None and not isinstance(value, str):
            raise InputError(f"{by}: expected text or None, got {shown(value)}")
    column = object_column([NONE if value is None else value for value in values])
    if (found := len({*column.tolist()})) > MOST_SLICES:
        raise InputError(
            f"{by}: expected at most {MOST_SLICES} different values, got {found:,}. Fix: group "
            "them, numbers with --slices-bins"
        )
    return column


def losses(
    baseline: Evaluation, candidate: Evaluation, metric: str
) -> Mapping[str, tuple[float, float]]:
    """Both values of every class that has them, the largest loss first."""
    columns = [reporting(one, [metric]).class_columns()[metric] for one in (baseline, candidate)]
    a, b = (np.asarray(column, np.float64) for column in columns)
    gain = (a - b) if lower_is_better(metric) else (b - a)
    order = np.argsort(gain, kind="stable")
    labels = candidate.class_names
    return {
        labels[row]: (float(a[row]), float(b[row]))
        for row in order.tolist()
        if not math.isnan(gain[row])
    }
