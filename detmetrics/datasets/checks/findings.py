"""What was found: faults with their code, how often, and where first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.datasets.checks.codes import CODES, Code
from detmetrics.foundation.arrays import Bools, Ints

__all__ = ["FIRST", "CheckReport", "Finding", "finding", "marked"]

FIRST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of fault in one source.

    Attributes:
        code: what it is, see ``docs/checks.md``.
        source: the file or folder.
        count: how many there are.
        places: the first few, in the source's own words; of D001 and D002 the first few reasons.
        detail: what is known beyond that, or an empty text.

    >>> import detmetrics as dm
    >>> report = dm.check("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> report.findings[0].code.title, report.findings[0].places
    ('box that reaches outside its image', ('[99].bbox', '[100].bbox'))
    """

    code: Code
    source: str
    count: int
    places: tuple[str, ...]
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "code": self.code.code,
            "severity": self.code.severity,
            "title": self.code.title,
            "source": self.source,
            "count": self.count,
            "places": list(self.places),
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """All findings, worst first; what :func:`check` returns.

    Attributes:
        findings: one a kind of fault and source.
        sources: what was looked at.

    >>> import detmetrics as dm
    >>> report = dm.check("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> report.errors, [found.code.code for found in report.findings]
    (0, ['D204', 'D306', 'D401', 'D402'])
    """

    findings: tuple[Finding, ...]
    sources: tuple[str, ...]

    def count(self, severity: str) -> int:
        """How many kinds of fault of a severity were found."""
        return sum(finding.code.severity == severity for finding in self.findings)

    @property
    def errors(self) -> int:
        """How many kinds of error were found."""
        return self.count("error")

    def to_dict(self) -> dict[str, Any]:
        """As plain values: ``schema`` 1, counts of each severity, and the findings."""
        severities = ("error", "warning", "info")
        return {
            "schema": 1,
            "sources": list(self.sources),
            "counts": {name: self.count(name) for name in severities},
            "findings": [finding.to_dict() for finding in self.findings],
        }


def finding(
    code: str, source: str, count: int, places: Iterable[str] = (), detail: str = ""
) -> Finding:
    """A finding, with its first places."""
    kept = tuple(place for place, _ in zip(places, range(FIRST), strict=False))
    return Finding(code=CODES[code], source=source, count=count, places=kept, detail=detail)


def marked(
    code: str, source: str, rows: Bools | Ints, place: Callable[[int], str], detail: str = ""
) -> Finding | None:
    """A finding of the rows that are marked, or None where none is."""
    at = np.flatnonzero(rows) if rows.dtype == bool else rows
    if not len(at):
        return None
    return finding(code, source, len(at), map(place, at[:FIRST].tolist()), detail)
