"""The findings of a check for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from detmetrics.datasets.checks.checking import CheckReport, Finding
from detmetrics.foundation.messages import counted, printable

__all__ = ["to_text"]

WIDTH = 100
# What their findings name are reasons, such as "the file is empty", with the place in them.
REASONS = ("D001", "D002")


def to_text(report: CheckReport) -> str:
    """A block a finding, and a line that counts them."""
    lines = [line for finding in report.findings for line in _block(finding)]
    return "\n".join([*lines, _total(report), ""])


def _block(finding: Finding) -> Iterator[str]:
    code = finding.code
    head = f"{code.code} {code.severity:<7} {finding.count:>9,}  "
    yield f"{head}{printable(finding.source)}: {code.title}"
    indent = " " * len(head)
    if finding.detail:
        yield from textwrap.wrap(
            printable(finding.detail), WIDTH, initial_indent=indent, subsequent_indent=indent
        )
    at = "" if code.code in REASONS else "at "
    for place in finding.places:
        yield f"{indent}{at}{printable(place)}"
    if finding.count > len(finding.places) > 0:
        yield f"{indent}and {finding.count - len(finding.places):,} more"


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
