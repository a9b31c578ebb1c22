"""The table model that every view reads, so that a wrong column cannot live in one view only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from detmetrics.errors import InputError
from detmetrics.result import Evaluation
from detmetrics.rules import Rules
from detmetrics.summary import Metric, metrics_of

__all__ = ["Cell", "Table", "class_table", "full_table", "summary_table"]

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


def summary_table(result: Evaluation) -> Table:
    """A row a metric: its name, its value, what it is the mean of or why it is undefined."""
    undefined = result.summary.undefined
    rows = []
    for metric in metrics_of(result.rules):
        what = _description(metric, result.rules)
        if metric.name in undefined:
            what = f"undefined: {undefined[metric.name]}"
        rows.append((metric.name, _cell(result.summary[metric.name]), what))
    return Table(("metric", "value", "what it is"), tuple(rows))


def class_table(result: Evaluation, sort: str | None = None) -> Table:
    """A row a class: name, ground truths, detections and every metric; sort: by a column."""
    columns = {name: column.tolist() for name, column in result.class_columns().items()}
    rows = zip(result.class_names, *columns.values(), strict=True)
    table = Table(("class", *columns), tuple(tuple(_cell(value) for value in row) for row in rows))
    return table.sort(sort) if sort else table


def full_table(result: Evaluation, sort: str | None = None) -> Table:
    """All classes together in one row, then a row a class, each with the signature."""
    classes = class_table(result, sort)
    counts = {
        "ground_truths": int(result.curves.truths[:, 0].sum()),
        "detections": len(result.matching.row),
    }
    values = {**counts, **result.summary}
    overall = ("", *(_cell(values[name]) for name in classes.columns[1:]))
    return Table(
        ("scope", *classes.columns, "signature"),
        (
            ("all", *overall, result.signature),
            *(("class", *row, result.signature) for row in classes.rows),
        ),
    )


def _cell(value: Cell) -> Cell:
    return None if isinstance(value, float) and math.isnan(value) else value


def _description(metric: Metric, rules: Rules) -> str:
    thresholds = rules.iou_thresholds
    if metric.threshold is not None:
        iou = f"{thresholds[metric.threshold]:g}"
    elif len(thresholds) > 1:
        iou = f"{thresholds[0]:g} to {thresholds[-1]:g}"
    else:
        iou = f"{thresholds[0]:g}"
    limit = rules.max_detections[metric.limit]
    detections = "1 detection" if limit == 1 else f"{limit} detections"
    return f"mean {metric.kind} at IoU {iou}, {_areas(metric, rules)}, {detections}"


def _areas(metric: Metric, rules: Rules) -> str:
    if metric.area == 0:
        return "all areas"
    area, widest = rules.area_ranges[metric.area], rules.area_ranges[0]
    if area.high == widest.high:
        return f"{area.name} (from {area.low:g} px²)"
    return f"{area.name} ({area.low:g} to {area.high:g} px²)"
