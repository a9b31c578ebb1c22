"""The result for spreadsheets: one row for all classes together, then a row a class."""

from __future__ import annotations

import csv
import io

from detmetrics.analysis.bootstrap import Intervals
from detmetrics.evaluation.result import Evaluation
from detmetrics.reports.tables import full_table

__all__ = ["to_csv"]


def to_csv(
    result: Evaluation, *, sort: str | None = None, intervals: Intervals | None = None
) -> str:
    """CSV with numbers at full precision; undefined is empty."""
    table = full_table(result, sort, intervals)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return out.getvalue()
