"""Decimal marks and thousands separators: decided from all numbers of columns, never from one.

``1,250`` is 1250 in one country and 1.25 in another. ``0,25`` and ``1,250.5`` can be read in one
way only, so they decide for the others of their columns. Where nothing decides, the user must.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

__all__ = ["DECIMALS", "Decimal", "Found", "decided", "found_in", "number_in", "open_note", "plain"]

Decimal = Literal["comma", "point"]
DECIMALS = ("comma", "point")

# Patterns are texts: re compiles them at their first use, which few files need.
EXPONENT = r"(?:[eE][-+]?\d+)?"
# 1250  1,250  1,250,000.5  .5  5.
POINT = rf"[-+]?(?:[1-9]\d{{0,2}}(?:,\d{{3}})+|\d+|(?=\.\d))(?:\.\d*)?{EXPONENT}"
# 1250  1.250  1.250.000,5  ,5
COMMA = rf"[-+]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+|\d+|(?=,\d))(?:,\d+)?{EXPONENT}"
# 1 250,5  1'250.5
SPACES = r"[ \u00a0\u2009\u202f'\u2019]"
SPACED = rf"[-+]?\d{{1,3}}(?:{SPACES}\d{{3}})+(?:[.,]\d+)?"
BEGINS = ("+", "-", ".", ",")
ODD = rf",|{SPACES}|\.\d+\."
"""In every number that is written otherwise than 1250.5, and cheap to look for."""


class Found(NamedTuple):
    """What the numbers of columns show.

    point, comma: some can be read in this way only; open: the first that has a
    decimal comma or a comma between thousands; dotted: some are as open with a point (``1.250``).
    """

    point: bool = False
    comma: bool = False
    open: str | None = None
    dotted: bool = False

    def __or__(self, other: Found) -> Found:
        return Found(
            self.point or other.point,
            self.comma or other.comma,
            self.open or other.open,
            self.dotted or other.dotted,
        )

    @property
    def clear(self) -> Decimal | None:
        """The mark that all others follow; None where they show none, or both."""
        if self.point == self.comma:
            return None
        return "point" if self.point else "comma"


def _ways(text: str) -> tuple[float | None, float | None]:
    """A number with a decimal point, and with a decimal comma; None where it is none."""
    if not (text[:1].isdigit() or text[:1] in BEGINS):
        return None, None
    if re.fullmatch(SPACED, text, re.ASCII):  # then its comma or point is the decimal mark
        plain = re.sub(SPACES, "", text)
        value = float(plain.replace(",", "."))
        return (None, value) if "," in plain else (value, value if "." not in plain else None)
    point = float(text.replace(",", "")) if re.fullmatch(POINT, text, re.ASCII) else None
    comma = None
    if re.fullmatch(COMMA, text, re.ASCII):
        comma = float(text.replace(".", "").replace(",", "."))
    return point, comma


def plain(texts: Iterable[str]) -> bool:
    """Whether all texts that are numbers are written as Python writes them."""
    return re.search(ODD, "\n".join(texts)) is None


def found_in(texts: Iterable[str]) -> Found:
    """What the texts of columns show; those that are no numbers show nothing.

    >>> found_in(["1,250", "10", "0,5"]).clear
    'comma'
    >>> found_in(["1,250", "10"]).open
    '1,250'
    """
    point = comma = dotted = False
    open_one = None
    for text in texts:
        with_point, with_comma = _ways(text)
        if with_point is None:
            comma = comma or with_comma is not None
        elif with_comma is None:
            point = True
        elif with_point != with_comma:
            dotted = dotted or "." in text
            open_one = open_one or (text if "," in text else None)
    return Found(point, comma, open_one, dotted)


def decided(groups: Sequence[Found], asked: Decimal | None) -> list[Decimal | None]:
    """The mark of each group of columns; None where an open number stays open.

    A group that shows nothing follows the others where these have a decimal comma: a file that
    writes ``0,9`` does not write thousands with commas.
    """
    others = Found()
    for found in groups:
        others |= found
    return [asked or _of(found, others) for found in groups]


def _of(found: Found, others: Found) -> Decimal | None:
    if found.clear:
        return found.clear
    if found.point and found.comma:
        return None if found.open or found.dotted else "point"
    if others.clear == "comma":
        return "comma"
    return None if found.open else "point"


def number_in(text: str, decimal: Decimal) -> float:
    """A number; decimal: the mark, where the text leaves it open.

    Raises:
        ValueError: it is none.

    >>> number_in("1,250", "point"), number_in("1,250", "comma"), number_in("1.250,5", "point")
    (1250.0, 1.25, 1250.5)
    """
    with_point, with_comma = _ways(text)
    first, second = (with_point, with_comma) if decimal == "point" else (with_comma, with_point)
    if first is None:
        first = second
    if first is not None:
        return first
    if "_" in text:  # which Python allows between digits
        raise ValueError(text)
    return float(text)


def open_note(text: str) -> str:
    """That a number is open, both its values, and the options that decide."""
    with_point, with_comma = (f"{value:g}" for value in _ways(text) if value is not None)
    return (
        f"{text!r} is {with_point} or {with_comma}, and no other number of these columns decides. "
        f"Fix: --decimal point reads {with_point}, --decimal comma reads {with_comma}"
    )
