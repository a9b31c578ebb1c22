"""The result for a terminal, drawn with rich."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from detmetrics.messages import counted, printable
from detmetrics.reports.tables import Cell, Table, class_table, summary_table
from detmetrics.result import Evaluation

__all__ = ["to_text"]

WIDTH = 100


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
    out = io.StringIO()
    console = Console(
        file=out,
        width=width or WIDTH,
        color_system=None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    console.print(_grid(summary_table(result)))
    console.print(Text(result.signature), soft_wrap=True)
    console.print()
    if per_class:
        classes = class_table(result, sort)
        console.print(_grid(classes.select(*_headline(classes))))
    for line in (*_read(result), *_attention(result)):
        console.print(Text(line), soft_wrap=True)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def _headline(classes: Table) -> tuple[str, ...]:
    """Every AP and the last AR over all areas: what fits a terminal; files hold all."""
    limits = [name for name in classes.columns if name.startswith("AR") and name[2:].isdigit()]
    return tuple(
        name for name in classes.columns if not name.startswith("AR") or name == limits[-1]
    )


def _grid(table: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(table.columns):
        numbers = index > 0 and not any(isinstance(row[index], str) for row in table.rows)
        grid.add_column(
            name.replace("ground_truths", "objects"),
            justify="right" if numbers else "left",
            overflow="fold",
        )
    for row in table.rows:
        grid.add_row(*(Text(_shown(value)) for value in row))
    return grid


def _shown(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return printable(value) if isinstance(value, str) else f"{value:,}"


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
