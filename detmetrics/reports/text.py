"""The result for a terminal, drawn with rich."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from detmetrics.messages import counted, printable
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.tables import Table, class_table, summary_table
from detmetrics.result import Evaluation
from detmetrics.rules import Rules
from detmetrics.summary import metrics_of

__all__ = ["to_text"]


def to_text(
    result: Evaluation,
    *,
    per_class: bool = False,
    sort: str | None = None,
    width: int | None = None,
) -> str:
    """Metrics, signature, what was read and what deserves attention; classes where asked.

    width: characters a line; 100 unless given.
    """
    console, out = plain_console(width)
    console.print(grid(summary_table(result)))
    console.print(Text(result.signature), soft_wrap=True)
    console.print()
    if per_class:
        classes = class_table(result, sort)
        console.print(grid(classes.select(*_headline(classes, result.rules))))
    for line in (*_read(result), *_attention(result)):
        console.print(Text(line), soft_wrap=True)
    return trimmed(out)


def _headline(classes: Table, rules: Rules) -> tuple[str, ...]:
    """All but AR by area and by smaller limits: what fits a terminal; files hold all."""
    last = len(rules.max_detections) - 1
    left_out = {
        metric.name
        for metric in metrics_of(rules)
        if metric.kind == "recall" and (metric.area > 0 or metric.limit < last)
    }
    return tuple(name for name in classes.columns if name not in left_out)


def _read(result: Evaluation) -> Iterator[str]:
    counts = result.counts
    objects = counted(counts["ground_truths"], "object")
    if counts["crowds"]:
        objects += f" ({counted(counts['crowds'], 'crowd')})"
    images = counted(counts["images"], "image")
    classes = counted(counts["classes"], "class", "classes")
    detections = counted(counts["detections"], "detection")
    yield f"Read      {printable(result.ground_truth.source.name)}: {images}, {objects}, {classes}"
    yield f"          {printable(result.detections.source.name)}: {detections}"


def _attention(result: Evaluation) -> Iterator[str]:
    for number, sentence in enumerate(result.attention):
        yield f"{'' if number else 'Attention':<10}{printable(sentence)}"
