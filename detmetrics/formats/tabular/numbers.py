"""Columns of a table as numbers and flags, with the place of what is neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.tables.columns import LARGEST

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Numbers", "is_numeric", "refuse"]

DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
TRUE = frozenset(("1", "true", "yes", "t", "y", "1.0"))
FALSE = frozenset(("", "0", "false", "no", "f", "n", "0.0", "-1", "nan", "none", "null"))


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers, and no texts."""
    return getattr(column.dtype, "kind", "O") in "iuf"


class Numbers:
    """Columns as numbers; what is none is named with its place.

    path: for messages; where: where row R of the frame stands; rows : (B,) those with boxes.
    """

    def __init__(self, path: str, place: Callable[[int], str], rows: Ints) -> None:
        self.path = path
        self.where = place
        self._rows = rows

    def place(self, row: int) -> str:
        """Where a row of the boxes stands."""
        return self.where(int(self._rows[row]))

    def refuse_unusable(self, values: Floats, what: str) -> None:
        """Refuse numbers that are not finite or no pixels."""
        bad = np.flatnonzero(~(np.abs(values) <= LARGEST).all(axis=1))
        faults = [
            (row, f"expected {what} of finite numbers, got {values[row].tolist()}")
            for row in bad.tolist()
        ]
        refuse(faults, self.path, self.place)

    def of(self, column: pd.Series[Any], empty: float | None = None) -> Floats:
        """A column as float64; decimal commas are read as points."""
        if is_numeric(column):
            return column.to_numpy(np.float64)
        if (plain := _plain_numbers(column)) is not None:
            return plain
        found, bad = np.full(len(column), np.nan), []
        for at, value in enumerate(column):
            text = "" if value is None else str(value).strip()
            if not text and empty is not None:
                found[at] = empty
                continue
            try:
                found[at] = _number(text)
            except ValueError:
                bad.append((at, value if text else None))
        self._refuse(column, bad, "a number")
        return found

    def flags(self, column: pd.Series[Any]) -> Bools:
        """A column as flags; unknown (-1 or nothing) is no."""
        if is_numeric(column):
            return column.to_numpy(np.float64) > 0
        texts = [str(value).strip().lower() for value in column]
        bad = [(at, t) for at, t in enumerate(texts) if t not in TRUE and t not in FALSE]
        self._refuse(column, bad, "0 or 1")
        return np.array([text in TRUE for text in texts], bool)

    def _refuse(
        self, column: pd.Series[Any], bad: Sequence[tuple[int, Any]], expected: str
    ) -> None:
        if bad:
            faults = [
                f"{self.where(int(self._rows[at]))}: {column.name}: expected {expected}, "
                f"got {'nothing' if value is None else shown(value)}"
                for at, value in bad[:100]
            ]
            raise FormatError(self.path, faults, len(bad))


def _plain_numbers(column: pd.Series[Any]) -> Floats | None:
    """Texts that are all numbers as Python reads them, at once; None where some are not."""
    values = column.to_numpy(dtype=object)
    try:
        if "_" in "".join(values):  # which Python allows between digits
            return None
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return None


def _number(text: str) -> float:
    if "_" in text:  # which Python allows between digits
        raise ValueError
    return float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)


def refuse(faults: Sequence[tuple[int, str]], path: str, place: Callable[[int], str]) -> None:
    """Refuse rows with their places.

    Raises:
        FormatError: there are some.
    """
    if faults:
        texts = [f"{place(row)}: {text}" for row, text in faults[:100]]
        raise FormatError(path, texts, len(faults))
