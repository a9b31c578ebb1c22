"""Lines with something else between their numbers than spaces: commas, semicolons, brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from detmetrics.formats.lines.decimals import reads_as_float

__all__ = ["spaced", "thousands"]

BRACKETS = b"[](){}"
LOOKED_AT = 20
LEAST = 5
"""A line holds a class and four numbers at least."""


def spaced(parts: Sequence[bytes]) -> tuple[list[bytes], str] | None:
    """The texts with spaces between numbers, and what stood there; None where spaces stand there.

    >>> spaced([b"[0, 0.5, 0.5, 0.2, 0.2]"])
    ([b' 0  0.5  0.5  0.2  0.2 '], 'commas and brackets')
    >>> spaced([b"0;0,5;0,5;0,2;0,2"])
    ([b'0 0.5 0.5 0.2 0.2'], 'semicolons, with decimal commas')
    """
    lines = _lines(parts)[:LOOKED_AT]
    if not lines or any(map(_is_plain, lines)):
        return None
    for separator, decimal, said in DIALECTS:
        table = _table(separator, decimal)
        if all(separator in line or (separator == b" " and decimal in line) for line in lines) and (
            all(_is_plain(line.translate(table)) for line in lines)
        ):
            brackets = any(mark in line for line in lines for mark in BRACKETS)
            what = said.replace(",", " and brackets,", 1) if "," in said else f"{said} and brackets"
            return [part.translate(table) for part in parts], what if brackets else said
    return None


# Decimal commas before commas between numbers: "0 0,5 0,2" would else be five numbers.
DIALECTS = (
    (b";", b".", "semicolons"),
    (b";", b",", "semicolons, with decimal commas"),
    (b" ", b",", "spaces, with decimal commas"),
    (b",", b".", "commas"),
    (b"|", b".", "bars"),
)


THOUSANDS = re.compile(rb"(?<![\d,.])[1-9]\d{0,2},\d{3}(?![\d,.])")
DECIMALS = re.compile(rb"\d,\d")


def thousands(parts: Sequence[bytes]) -> str | None:
    """A number with a comma that may part thousands, where all that have one are so."""
    found = [part for part in parts if b"," in part]
    first = next((THOUSANDS.search(part) for part in found), None)
    if first is None or any(DECIMALS.search(THOUSANDS.sub(b"0", part)) for part in found):
        return None
    return first[0].decode()


def _table(separator: bytes, decimal: bytes) -> bytes:
    marks = separator + BRACKETS
    return bytes.maketrans(marks + decimal, b" " * len(marks) + b".")


def _lines(parts: Sequence[bytes]) -> list[bytes]:
    """The first lines with something in them of each of the first files."""
    found = []
    for part in parts:
        found += [line for line in part[:4096].splitlines()[:LOOKED_AT] if line.strip()][:5]
        if len(found) >= LOOKED_AT:
            break
    return found


def _is_plain(line: bytes) -> bool:
    """Whether spaces part a word and numbers."""
    words = line.split()
    return len(words) >= LEAST and all(map(reads_as_float, words[-4:]))
