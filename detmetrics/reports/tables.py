"""The table model that every view reads, so that a wrong column cannot live in one view only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detmetrics.evaluation.measurement import Measurement
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import metrics_of
from detmetrics.rules import UNLIMITED, Rules

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import Interval, Intervals

__all__ = ["Cell", "Table", "class_table", "columns_of_interval", "full_table", "summary_table"]

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows of plain values; None is undefined."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def select(self, *columns: str) -> Table:
        """The table with these columns, in this order."""
        at = [self.columns.index(name) for name in columns]
        return Table(columns, tuple(tuple(row[index] for index in at) for row in self.rows))

    def sort(self, column: str) -> Table:
        """Rows by a column: text rising, numbers falling, undefined last.

        Raises:
            InputError: no such column.
        """
        if column not in self.columns:
            raise InputError(f"cannot sort by {column!r}; there are {', '.join(self.columns)}")
        at = self.columns.index(column)
        return Table(self.columns, tuple(sorted(self.rows, key=_sorter(at))))


def _sorter(at: int) -> Callable[[tuple[Cell, ...]], tuple[bool, float, str]]:
    def key(row: tuple[Cell, ...]) -> tuple[bool, float, str]:
        value = row[at]
        if isinstance(value, str):
            return False, 0.0, value
        return value is None, -(value or 0.0), ""

    return key


def summary_table(result: Measurement, intervals: Intervals | None = None) -> Table:
    """A row a metric: its name, its value, where there are intervals its estimate without bias, the
    ends and a remark, what it is the mean of or why it is undefined.
    """
    undefined = result.summary.undefined
    rows = []
    for metric in metrics_of(result.rules):
        what = _description(metric, result.rules)
        if metric.name in undefined:
            what = f"undefined: {undefined[metric.name]}"
        sure: tuple[Cell, ...] = ()
        if intervals is not None:
            interval = intervals.metrics[metric.name]
            sure = _cell(interval.estimate), *_ends(interval)
            what = f"{interval.remark}: {what}" if interval.remark else what
        rows.append((metric.name, _cell(result.summary[metric.name]), *sure, what))
    between = () if intervals is None else ("corrected", *SIDES)
    return Table(("metric", "value", *between, "what it is"), tuple(rows))


def class_table(
    result: Measurement, sort: str | None = None, intervals: Intervals | None = None
) -> Table:
    """A row a class: name, ground truths, detections and every metric, with the ends of its
    interval as ``NAME_low`` and ``NAME_high`` where there are any, and a remark on it as
    ``NAME_remark``; sort: by a column.
    """
    columns: dict[str, list[Cell]] = {}
    for name, column in result.class_columns().items():
        columns[name] = column.tolist()
        if intervals is not None and name in result.summary:
            found = [intervals.classes[label][name] for label in result.class_names]
            for at, column_name in enumerate(columns_of_interval(name)):
                columns[column_name] = [_of_interval(interval)[at] for interval in found]
    rows = zip(result.class_names, *columns.values(), strict=True)
    table = Table(("class", *columns), tuple(tuple(_cell(value) for value in row) for row in rows))
    return table.sort(sort) if sort else table


def full_table(
    result: Measurement, sort: str | None = None, intervals: Intervals | None = None
) -> Table:
    """All classes together in one row, then a row a class, each with the signature."""
    classes = class_table(result, sort, intervals)
    counts = {
        "ground_truths": int(result.measured.positives[:, 0].sum()),
        "detections": int(result.measured.detected.sum()),
    }
    values: dict[str, Cell] = {**counts, **result.summary}
    if intervals is not None:
        for name, interval in intervals.metrics.items():
            values |= zip(columns_of_interval(name), _of_interval(interval), strict=True)
    overall = ("", *(_cell(values[name]) for name in classes.columns[1:]))
    return Table(
        ("scope", *classes.columns, "signature"),
        (
            ("all", *overall, result.signature),
            *(("class", *row, result.signature) for row in classes.rows),
        ),
    )


SIDES = ("low", "high")


def columns_of_interval(name: str) -> tuple[str, str, str]:
    """The columns that stand behind a metric where it has an interval."""
    return f"{name}_low", f"{name}_high", f"{name}_remark"


def _of_interval(interval: Interval) -> tuple[Cell, Cell, Cell]:
    return *_ends(interval), interval.remark


def _ends(interval: Interval) -> tuple[Cell, Cell]:
    return _cell(interval.low), _cell(interval.high)


def _cell(value: Cell) -> Cell:
    return None if isinstance(value, float) and math.isnan(value) else value


def _description(metric: Metric, rules: Rules) -> str:
    what = f"mean {metric.kind.words(rules)} at {_overlap(rules)} {_thresholds(metric, rules)}"
    return ", ".join([what, _areas(metric, rules), *_counting(metric, rules)])


def _overlap(rules: Rules) -> str:
    """What the thresholds are of; of upright boxes, unless another shape is named."""
    return "IoU" if rules.shape == "box" else f"{rules.shape} IoU"


def _thresholds(metric: Metric, rules: Rules) -> str:
    thresholds = tuple(sorted({rule.iou for rule in rules.class_rules})) or rules.iou_thresholds
    if metric.threshold is not None:
        thresholds = (thresholds[metric.threshold],)
    above = "> " if rules.strict else ""
    last = f" to {thresholds[-1]:g}" if len(thresholds) > 1 else ""
    if rules.class_rules:
        last += " by class"
    return f"{above}{thresholds[0]:g}{last}"


def _areas(metric: Metric, rules: Rules) -> str:
    area = rules.area_ranges[metric.area]
    return f"{area.name} ({area.words})" if metric.area else "all areas"


def _counting(metric: Metric, rules: Rules) -> list[str]:
    """Which detections count, the limits first."""
    limit = rules.max_detections[metric.limit]
    counting = [] if limit == UNLIMITED else [counted(int(limit), "detection")]
    if rules.image_limit is not None:
        counting.append(f"{counted(rules.image_limit, 'detection')} an image")
    if rules.class_limit is not None:
        counting.append(f"{counted(rules.class_limit, 'detection')} a class")
    if rules.min_score is not None:
        counting.append(f"scores above {rules.min_score:g}")
    return counting or ["all detections"]
