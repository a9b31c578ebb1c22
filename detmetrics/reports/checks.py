"""The findings of a check for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from detmetrics.datasets.checks.checking import CheckReport, Finding
from detmetrics.foundation.messages import counted, printable

__all__ = ["to_text"]

WIDTH = 100


def to_text(report: CheckReport) -> str:
    """A block a finding, and a line that counts them."""
    lines = [line for found in report.findings for line in _block(found)]
    return "\n".join([*lines, _total(report), ""])


def _block(found: Finding) -> Iterator[str]:
    code = found.code
    head = f"{code.code} {code.severity:<7} {found.count:>9,}  "
    yield f"{head}{printable(found.source)}: {code.title}"
    indent = " " * len(head)
    if found.detail:
        yield from textwrap.wrap(
            printable(found.detail), WIDTH, initial_indent=indent, subsequent_indent=indent
        )
    for place in found.places:
        yield f"{indent}at {printable(place)}"
    if found.count > len(found.places) > 0:
        yield f"{indent}and {found.count - len(found.places):,} more"


def _total(report: CheckReport) -> str:
    sources = " and ".join(map(printable, report.sources))
    if not report.findings:
        return f"{sources}: nothing found"
    kinds = (
        counted(report.count("error"), "kind of error", "kinds of errors"),
        counted(report.count("warning"), "kind of warning", "kinds of warnings"),
        f"{report.count('info')} for information",
    )
    text = f"{', '.join(kinds)} in {sources}"
    return f"{text}; detmetrics check --explain {report.findings[0].code.code} says what to do"
