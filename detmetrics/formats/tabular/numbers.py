"""Columns of a table as numbers and flags, with the place of what is neither."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.formats.tabular.notation import (
    Decimal,
    Found,
    decided,
    found_in,
    number_in,
    open_note,
    plain,
)
from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.tables.columns import LARGEST

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Numbers", "decimals_of", "exact_floats", "is_numeric", "refuse"]

TRUE = frozenset(("1", "true", "yes", "t", "y", "1.0"))
BLOCK = 1 << 12
SHOWN = 100
BEGIN = frozenset(("", *"0123456789+-.,nNiI \t\r\n\x0b\x0c"))
"""What a text of ASCII begins with that may be a number, ``nan`` and ``inf`` too, or nothing."""
FALSE = frozenset(("", "0", "false", "no", "f", "n", "0.0", "-1", "nan", "none", "null"))


def exact_floats() -> dict[str, Any]:
    """What pandas must be told to read numbers to the last bit; from 3.1 on it does unasked."""
    import pandas as pd

    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    return {} if version >= (3, 1) else {"float_precision": "round_trip"}


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers, and no texts."""
    return getattr(column.dtype, "kind", "O") in "iuf"


class Numbers:
    """Columns as numbers; what is none is named with its place.

    path: for messages; where: where row R of the frame stands; rows : (B,) those with boxes;
    decimals: the decimal mark of columns by name, see :func:`decimals_of`.
    """

    def __init__(
        self,
        path: str,
        place: Callable[[int], str],
        rows: Ints,
        decimals: Mapping[str, Decimal] = MappingProxyType({}),
    ) -> None:
        self.path = path
        self.where = place
        self._rows = rows
        self._decimals = decimals

    def of_rows(self, rows: Ints) -> Numbers:
        """The same of other rows."""
        return Numbers(self.path, self.where, rows, self._decimals)

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
        """A column as float64, with decimal commas and thousands as its columns have them."""
        if is_numeric(column):
            return column.to_numpy(np.float64)
        decimal = self._decimals.get(str(column.name), "point")
        values, bad, more = column.to_numpy(dtype=object), list[tuple[int, Any]](), 0
        found = np.empty(len(values))
        # Nearly all texts are plain numbers: only blocks with others are read one by one.
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK]
            plain = _plain_numbers(block) if decimal == "point" else None
            if plain is None and len(bad) >= SHOWN:
                more += _count_bad(block.tolist(), decimal, empty)
                continue
            found[start : start + BLOCK] = (
                [*_one_by_one(block, start, decimal, empty, bad)] if plain is None else plain
            )
        self._refuse(column, bad, "a number", more)
        return found

    def of_or_nan(self, column: pd.Series[Any]) -> Floats:
        """A column that few ask for: what is no number there is unknown, and no fault."""
        if is_numeric(column):
            return column.to_numpy(np.float64)
        decimal = self._decimals.get(str(column.name), "point")
        found = np.full(len(column), np.nan)
        for at, value in enumerate(column):
            with contextlib.suppress(ValueError):
                found[at] = number_in(str(value).strip(), decimal)
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
        self, column: pd.Series[Any], bad: Sequence[tuple[int, Any]], expected: str, more: int = 0
    ) -> None:
        """more: further ones, of which none is shown."""
        if bad:
            faults = [
                f"{self.where(int(self._rows[at]))}: {column.name}: expected {expected}, "
                f"got {'nothing' if value is None else shown(value)}"
                for at, value in bad[:SHOWN]
            ]
            raise FormatError(self.path, faults, len(bad) + more)


def _one_by_one(
    values: Iterable[Any],
    first: int,
    decimal: Decimal,
    empty: float | None,
    bad: list[tuple[int, Any]],
) -> Iterator[float]:
    """Texts as numbers, nan where they are none; empty: what nothing is; bad: takes the others."""
    known: dict[str, float | None] = {}
    for at, value in enumerate(values, first):
        text = "" if value is None else str(value).strip()
        if not text and empty is not None:
            yield empty
            continue
        if text not in known:
            known[text] = _number_or_none(text, decimal)
        if (number := known[text]) is None:
            bad.append((at, value if text else None))
        yield np.nan if number is None else number


def _count_bad(values: Sequence[Any], decimal: Decimal, empty: float | None) -> int:
    """How many are no numbers, once enough of them are known to be shown."""
    # What begins as no number does is none; only the others are read.
    odd = [value for value in values if not isinstance(value, str) or _may_be_number(value)]
    bad: list[tuple[int, Any]] = []
    for _ in _one_by_one(odd, 0, decimal, empty, bad):
        pass
    return len(values) - len(odd) + len(bad)


def _may_be_number(text: str) -> bool:
    return text[:1] in BEGIN or not text[:1].isascii()


def _number_or_none(text: str, decimal: Decimal) -> float | None:
    try:
        return number_in(text, decimal)
    except ValueError:
        return None


def _plain_numbers(values: Objects) -> Floats | None:
    """Texts that are all numbers as Python reads them, at once; None where some are not."""
    try:
        if "_" in "".join(values):  # which Python allows between digits
            return None
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return None


def decimals_of(
    frame: pd.DataFrame,
    groups: Sequence[Sequence[str]],
    asked: Decimal | None,
    path: str,
    place: Callable[[int], str],
    whole: Iterable[str] = (),
) -> dict[str, Decimal]:
    """The decimal mark of columns by name, decided from all numbers of each group of columns.

    place: where row R of the frame stands; whole: columns of whole numbers, where 1,250 is 1250
    unless something else shows a decimal comma.

    Raises:
        FormatError: a number may be read in two ways, and nothing decides.
    """
    columns = [[name for name in names if not is_numeric(frame[name])] for names in groups]
    texts = [_texts(frame, names) for names in columns]
    if all(map(plain, texts)):
        return {}
    found = [*map(found_in, texts)]
    for shown_there, seen in zip(texts, found, strict=True):
        _refuse_contradicted(shown_there, seen, asked, path)
    decimals = decided(found, asked)
    for names, seen, decimal in zip(columns, found, decimals, strict=True):
        if decimal is None and not set(names) <= set(whole):
            raise FormatError(path, [_open(frame, names, seen, place)])
    return {
        name: decimal or "point"
        for names, decimal in zip(columns, decimals, strict=True)
        for name in names
    }


def _refuse_contradicted(
    texts: Iterable[str], seen: Found, asked: Decimal | None, path: str
) -> None:
    """Refuse a mark that was asked for where a number can only have the other one.

    Raises:
        FormatError: there is such a number.
    """
    other = {"point": seen.comma, "comma": seen.point}
    if asked is None or not other[asked]:
        return
    wrong = next(text for text in texts if getattr(found_in([text]), _OTHER[asked]))
    raise FormatError(
        path, [f"--decimal {asked}, but {shown(wrong)} can only have a decimal {_OTHER[asked]}"]
    )


_OTHER = {"point": "comma", "comma": "point"}


def _texts(frame: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """The different texts of columns."""
    columns = [frame[name] for name in names]
    values = (one.cat.categories if one.dtype == "category" else one for one in columns)
    objects = (one.to_numpy(dtype=object).tolist() for one in values)  # which iterate fast
    return [*{str(value).strip() for column in objects for value in column}]


def _open(
    frame: pd.DataFrame, names: Sequence[str], found: Found, place: Callable[[int], str]
) -> str:
    """Where the first number stands that may be read in two ways."""
    for name in names:
        for row, value in enumerate(frame[name]):
            seen = found_in([str(value).strip()])
            if seen.open or (seen.dotted and found.open is None):
                return f"{place(row)}: {name}: {open_note(str(value).strip())}"
    raise AssertionError(names)


def refuse(faults: Sequence[tuple[int, str]], path: str, place: Callable[[int], str]) -> None:
    """Refuse rows with their places.

    Raises:
        FormatError: there are some.
    """
    if faults:
        texts = [f"{place(row)}: {text}" for row, text in faults[:100]]
        raise FormatError(path, texts, len(faults))
