"""The result for a terminal, drawn with rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from detmetrics.evaluation.measurement import Measurement
from detmetrics.foundation.messages import counted, printable
from detmetrics.metrics.average_precision import RECALL
from detmetrics.metrics.summary import metrics_of
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.tables import Table, class_table, columns_of_interval, summary_table
from detmetrics.rules import Rules

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import Intervals

__all__ = ["to_text"]


def to_text(
    result: Measurement,
    *,
    per_class: bool = False,
    sort: str | None = None,
    width: int | None = None,
    intervals: Intervals | None = None,
) -> str:
    """Metrics, signature, what was read and what deserves attention; classes where asked.

    width: characters a line; 100 unless given.
    """
    console, out = plain_console(width)
    console.print(grid(summary_table(result, intervals)))
    console.print(Text(result.signature), soft_wrap=True)
    if intervals is not None:
        console.print(Text(intervals.words), soft_wrap=True)
    console.print()
    if per_class:
        classes = class_table(result, sort, intervals)
        shown = _headline(classes, result.rules, narrow=intervals is not None)
        console.print(grid(classes.select(*shown)))
    for line in (*_read(result), *_attention(result)):
        console.print(Text(line), soft_wrap=True)
    return trimmed(out)


def _headline(classes: Table, rules: Rules, *, narrow: bool) -> tuple[str, ...]:
    """All but AR by area and by smaller limits: what fits a terminal; files hold all.

    narrow: leave out all that is by area, so that the interval of the first metric fits.
    """
    last = len(rules.max_detections) - 1
    _, *others = metrics_of(rules)
    left_out = {column for metric in others for column in columns_of_interval(metric.name)}
    for metric in others:
        by_area = metric.area > 0
        fewer = metric.kind is RECALL and (by_area or metric.limit < last)
        if fewer or (narrow and by_area):
            left_out.add(metric.name)
    return tuple(name for name in classes.columns if name not in left_out)


def _read(result: Measurement) -> Iterator[str]:
    counts = result.counts
    objects = counted(counts["ground_truths"], "object")
    if counts["crowds"]:
        objects += f" ({counted(counts['crowds'], 'crowd')})"
    images = counted(counts["images"], "image")
    classes = counted(counts["classes"], "class", "classes")
    detections = counted(counts["detections"], "detection")
    truth, found = map(printable, result.sources)
    yield f"Read      {truth}: {images}, {objects}, {classes}"
    yield f"          {found}: {detections}"


def _attention(result: Measurement) -> Iterator[str]:
    for number, sentence in enumerate(result.attention):
        yield f"{'' if number else 'Attention':<10}{printable(sentence)}"
