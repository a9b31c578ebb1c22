"""Views for spreadsheets: the result in one row for all classes together, then a row a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detmetrics.analysis.bootstrap import Intervals
from detmetrics.evaluation.measurement import Measurement
from detmetrics.foundation.csv_text import csv_text
from detmetrics.reports.tables import full_table

__all__ = ["as_csv", "to_csv"]

# What makes a spreadsheet take a text for a formula, and the wide forms that some take alike:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(
    result: Measurement,
    *,
    sort: str | None = None,
    intervals: Intervals | None = None,
    safe: bool = False,
) -> str:
    """CSV with numbers at full precision; undefined is empty. safe: as of :func:`as_csv`."""
    table = full_table(result, sort, intervals)
    return as_csv(table.columns, table.rows, safe=safe)


def as_csv(header: Sequence[str], rows: Iterable[Iterable[object]], *, safe: bool) -> str:
    r"""A table as CSV.

    safe: put an apostrophe before texts that a spreadsheet would run; numbers stay as they are.

    >>> as_csv(["class", "AP"], [("=1+1", -0.5)], safe=True)
    "class,AP\n'=1+1,-0.5\n"
    """
    return csv_text([header, *([_inert(cell) for cell in row] if safe else row for row in rows)])


def _inert(cell: object) -> object:
    """A cell that no spreadsheet runs; some pass over spaces before a formula."""
    runs = isinstance(cell, str) and cell.lstrip(" \xa0").startswith(FORMULA_STARTS)
    return f"'{cell}" if runs else cell
