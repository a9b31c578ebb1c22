"""detmetrics' own journal, as :mod:`detmetrics.training.history.journal` writes it."""

from __future__ import annotations

from detmetrics.training.history.journal import is_journal, read_lines
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOG"]


def _read(content: Content) -> Parsed:
    rows, notes = read_lines(content.text, content.path)
    return Parsed(rows, notes)


LOG = Log(
    name="journal",
    title="a journal of dm.History",
    knows=lambda content: is_journal(content.text),
    read=_read,
)
