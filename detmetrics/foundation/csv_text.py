"""Text of rows of cells, which every reader of CSV takes apart as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

__all__ = ["CsvText", "csv_text"]


class CsvText(io.StringIO):
    r"""Takes rows that end as those of CSV do, and ends them as lines do on Unix.

    A writer that is asked for ``\n`` itself leaves a carriage return in a name without quotes, and
    readers end the row there.
    """

    END = "\r\n"

    def write(self, row: str) -> int:
        """Take one row, as writers of CSV hand it over."""
        return super().write(f"{row.removesuffix(self.END)}\n")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    r"""Rows, the header first, as CSV.

    >>> csv_text([["class", "AP"], ["a\rb", 0.5]])
    'class,AP\n"a\rb",0.5\n'
    """
    text = CsvText()
    csv.writer(text, lineterminator=CsvText.END).writerows(rows)
    return text.getvalue()
