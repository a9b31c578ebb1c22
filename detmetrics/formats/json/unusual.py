"""What Python's parser of JSON takes and the fast one refuses, written so that both take it.

``NaN``, ``Infinity`` and numbers beyond floats become numbers that nobody measures; halves of
surrogate pairs become a character that is no one's. They are told again in the values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Floats, Ints

__all__ = [
    "HALF",
    "HALF_TEXT",
    "MEANT",
    "as_written",
    "decoded",
    "meant",
    "restored",
    "restored_in",
    "usual",
]

STAND_INS = {
    b"-Infinity": b" -7.41852964e21 ",
    b"Infinity": b" 7.41852964e21 ",
    b"NaN": b" 7.41852963e21 ",
}
"""Few digits and a small exponent: others take parsers a hundred times as long. Spaces around, so
that ``NaN5`` is no number."""
MEANT = {float(text): float(word) for word, text in STAND_INS.items()}
WORDS = {-math.inf: b"-Infinity", math.inf: b"Infinity"}
HALF = "\ue7f3"
HALF_TEXT = b"\\ue7f3"
# Tokens of texts from left to right, so that an escaped backslash begins nothing.
ESCAPES = re.compile(
    rb"\\(?:[^u]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|u)"
)
E, PLUS, LOWER = ord("e"), ord("+"), 0x20
DIGIT = np.isin(np.arange(256), [*b"0123456789"])
BEFORE = np.isin(np.arange(256), [*b",:[ \n"])
LEAST_DIGITS = 3
PIECE = 1 << 18
LONGEST = 40


class Usual(NamedTuple):
    """A text as the fast parser takes it; numbers: how many stand in for others."""

    text: bytes
    numbers: int = 0


def usual(text: bytes, why: Exception | None = None) -> Usual:
    """The text without anything of the kind; the text itself where there is nothing.

    why: what the fast parser said; only where numbers are out of range they are looked for.
    """
    found, numbers, beyond = text, 0, 0
    for word, stand_in in STAND_INS.items():
        if count := found.count(word):
            found, numbers = found.replace(word, stand_in), numbers + count
    if "out of range" in str(why):
        found, beyond = _within_range(found)
    if b"\\ud" in found or b"\\uD" in found:
        found = ESCAPES.sub(lambda at: HALF_TEXT if at[1] else at[0], found)
    return Usual(found, numbers + beyond)


def _within_range(text: bytes) -> tuple[bytes, int]:
    """With stand-ins for decimals like 1e999, and how many."""
    parts, done = [], 0
    begin, end = _with_large_exponents(text)
    for first, last in zip(begin.tolist(), end.tolist(), strict=True):
        if (word := WORDS.get(_value(text[first:last]))) is not None:
            parts += [text[done:first], STAND_INS[word]]
            done = last
    return b"".join((*parts, text[done:])), len(parts) // 2


def _with_large_exponents(text: bytes) -> tuple[Ints, Ints]:
    """The start and end of tokens with an exponent of three digits or more."""
    # for e in text: "e" or "E"
    #     digits = what follows, without a plus
    #     if the first three of them are digits:
    #         from the mark before it (40 letters at most), to behind the last digit
    letters = np.frombuffer(text + b" " * (LEAST_DIGITS + 2), np.uint8)
    starts = range(0, len(letters), PIECE)
    at = np.concatenate(
        [_exponents(letters[start : start + PIECE + 1]) + start for start in starts]
    )
    first = at + 1 + (letters[at + 1] == PLUS)
    for more in range(LEAST_DIGITS):
        digit = DIGIT[letters[first + more]]
        at, first = at[digit], first[digit]
    end = first + LEAST_DIGITS
    for _ in range(LONGEST):
        if not (more_digits := DIGIT[letters[end]]).any():
            break
        end = end + more_digits
    short = ~DIGIT[letters[end]]  # longer ones are left to the careful path
    end, begin = end[short], at[short]
    for _ in range(LONGEST):
        within = ~BEFORE[letters[begin - 1]] & (begin > 0)
        if not within.any():
            break
        begin = begin - within
    return begin, end


def _exponents(letters: NDArray[np.uint8]) -> Ints:
    """Positions of an ``e`` before a digit or a plus; the last letter is not checked."""
    at = np.flatnonzero((letters[:-1] | LOWER) == E)
    after = letters[at + 1]
    found: Ints = at[DIGIT[after] | (after == PLUS)]
    return found


def _value(token: bytes) -> float:
    try:
        return float(token)
    except ValueError:
        return math.nan


def as_written(text: bytes) -> bytes:
    """The text that a usual one was made of, or one that means the same."""
    for word, stand_in in STAND_INS.items():
        text = text.replace(stand_in, word)
    return text.replace(HALF_TEXT, b"\\ud800")


def meant(value: Any) -> Any:
    """What a number stands for."""
    return MEANT.get(value, value) if isinstance(value, float) else value


def restored(rows: Iterable[Any], names: tuple[str, ...]) -> int:
    """Put what they stand for in place of numbers in ``bbox`` and fields; returns how many."""
    count, known = 0, MEANT.keys()
    for row in rows:
        box = row.bbox
        if box and not known.isdisjoint(box):
            row.bbox = tuple([MEANT.get(value, value) for value in box])
            count += sum(map(box.count, known))
        for name in names:
            if (value := getattr(row, name)) in MEANT:
                setattr(row, name, MEANT[value])
                count += 1
    return count


def restored_in(column: Floats) -> int:
    """Put what they stand for in place of numbers of an array; returns how many."""
    count = 0
    for stand_in, value in MEANT.items():
        at = column == stand_in
        column[at] = value
        count += int(np.count_nonzero(at))
    return count


def decoded(text: bytes, decode: Callable[[bytes], list[Any]], names: tuple[str, ...]) -> list[Any]:
    """Records of a text that may have such numbers in ``bbox`` and the fields of these names.

    Raises:
        msgspec.MsgspecError, UnicodeError, RecursionError: it is no such text, or has them
            elsewhere.
    """
    try:
        return decode(text)
    except msgspec.MsgspecError as error:
        plain = usual(text, error)
        if plain.text == text:
            raise
    rows = decode(plain.text)
    if restored(rows, names) != plain.numbers or HALF_TEXT in plain.text:
        raise msgspec.DecodeError("unusual values in other places")
    return rows
