"""Views made of sections: a heading, a table, and lines below it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from detmetrics.foundation.messages import printable
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.markdown import escaped, table_rows
from detmetrics.reports.tables import Table

__all__ = ["Section", "sections_as_markdown", "sections_as_text"]

Section = tuple[str, Table | None, tuple[str, ...]]
"""A heading, a table where there is one, and lines below it."""


def sections_as_text(sections: Iterable[Section], width: int | None = None) -> str:
    """For a terminal; width: characters a line, 100 unless given."""
    console, out = plain_console(width)
    for heading, table, lines in sections:
        console.print(Text(printable(heading)), soft_wrap=True)
        if table is not None:
            console.print(grid(table))
        for line in lines:
            console.print(Text(printable(line)), soft_wrap=True)
        console.print()
    return trimmed(out)


def sections_as_markdown(sections: Iterable[Section]) -> str:
    """For a pull request or a job summary."""
    parts = []
    for heading, table, lines in sections:
        parts.append(f"### {escaped(heading)}")
        if table is not None:
            parts.append("\n".join(table_rows(table)))
        if lines:
            parts.append("\n".join(f"- {escaped(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"
