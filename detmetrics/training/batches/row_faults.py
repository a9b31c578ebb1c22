"""Rows of a batch that can be no box, score or label: refused, or left out and counted.

A setting that does not fit (an unknown label, angles in degrees, shares for pixels) is no fault of
a row, and stays an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from detmetrics.foundation.arrays import Bools
from detmetrics.foundation.errors import InputError

__all__ = ["ON_INVALID", "OnInvalid", "RowFaults"]

OnInvalid = Literal["error", "drop"]
ON_INVALID = ("error", "drop")


class RowFaults:
    """The faults of the rows of one side of an image; wish: what becomes of such rows.

    Attributes:
        bad : (n,) the rows that are to be left out; None where none is.
        first: what is wrong with the first of them, empty where none is.
    """

    def __init__(self, wish: OnInvalid) -> None:
        self._wish = wish
        self.bad: Bools | None = None
        self.first = ""

    def refuse(self, bad: Bools, told: Callable[[int], str]) -> None:
        """Rows that are bad, and what is wrong with one of them.

        Raises:
            InputError: there are some, and such rows are errors.
        """
        if not bad.any():
            return
        text = told(int(np.argmax(bad)))
        if self._wish == "error":
            raise InputError(text)
        self.bad = bad if self.bad is None else self.bad | bad
        self.first = self.first or text

    @property
    def kept(self) -> Bools | None:
        """(n,) the rows that stay; None where all do."""
        return None if self.bad is None else ~self.bad

    @property
    def count(self) -> int:
        """How many rows are left out."""
        return 0 if self.bad is None else int(self.bad.sum())
