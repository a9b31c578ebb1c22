"""Tables drawn for a terminal with rich, without colours and with nothing that steers it."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from detmetrics.foundation.messages import printable
from detmetrics.reports.tables import Cell, Table

__all__ = ["grid", "grid_text", "plain_console", "trimmed"]

WIDTH = 100


def plain_console(width: int | None = None) -> tuple[Console, io.StringIO]:
    """A console that writes into a text; width: characters a line, 100 unless given."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width or WIDTH,
        color_system=None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    return console, out


def trimmed(out: io.StringIO) -> str:
    """What was drawn, without blanks at the ends of lines."""
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def grid_text(table: Table, width: int | None = None) -> str:
    """One table as text."""
    console, out = plain_console(width)
    console.print(grid(table))
    return trimmed(out)


def grid(table: Table) -> Grid:
    """A table for rich: numbers to the right, texts to the left."""
    drawn = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(table.columns):
        numbers = index > 0 and not any(isinstance(row[index], str) for row in table.rows)
        drawn.add_column(
            name.replace("ground_truths", "objects"),
            justify="right" if numbers else "left",
            overflow="fold",
        )
    for row in table.rows:
        drawn.add_row(*(Text(_shown(value)) for value in row))
    return drawn


def _shown(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return printable(value) if isinstance(value, str) else f"{value:,}"
