"""The result for a pull request or a job summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detmetrics.analysis.bootstrap import Intervals
from detmetrics.evaluation.measurement import Measurement
from detmetrics.foundation.messages import printable
from detmetrics.reports.tables import Cell, Table, class_table, summary_table

__all__ = ["escaped", "table_rows", "to_markdown"]


def to_markdown(
    result: Measurement,
    *,
    per_class: bool = False,
    sort: str | None = None,
    intervals: Intervals | None = None,
) -> str:
    """Tables of metrics and, where asked, of classes; signature and remarks below."""
    parts = ["\n".join(table_rows(summary_table(result, intervals)))]
    if intervals is not None:
        parts.append(escaped(intervals.words))
    if per_class:
        parts.append("\n".join(table_rows(class_table(result, sort))))
    parts.append(f"`{result.signature}`")
    if result.attention:
        parts.append("\n".join(f"- {escaped(sentence)}" for sentence in result.attention))
    return "\n\n".join(parts) + "\n"


def table_rows(table: Table) -> Iterator[str]:
    """The lines of a table."""
    yield _row(table.columns)
    yield _row(tuple("---" for _ in table.columns), escape=False)
    for row in table.rows:
        yield _row(row)


def _row(cells: tuple[Cell, ...], *, escape: bool = True) -> str:
    shown = (_shown(cell) if escape else str(cell) for cell in cells)
    return f"| {' | '.join(shown)} |"


def _shown(value: Cell) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if isinstance(value, float) else escaped(str(value))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no end of the cell."""
    return re.sub(r"([\\`*_{}\[\]<>|~#&@!])", r"\\\1", printable(text))
