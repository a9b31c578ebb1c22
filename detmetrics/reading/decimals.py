"""Numbers in text, very many at once, each exactly as ``float`` reads it.

The digits of a number without its point are a whole number, and the number is that divided by a
power of ten. A float holds both exactly where there are at most 15 digits, so one division, which
is rounded once, gives the float nearest to the text: what ``float`` gives, to the last bit. What is
written in another way (an exponent, more digits, ``nan``) is left to ``float``.

Eight characters make a word of 64 bits, the last character in its highest byte, and whatever is
done to a character is done to all eight at once. A digit is its character with the bits of ``"0"``
turned over; then no digit has the bit ``0x10``, and a point has it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detmetrics.arrays import Bools, Floats, Ints
from detmetrics.reading.given import Text

__all__ = ["Span", "floats", "span_of", "tokens", "words"]

Words: TypeAlias = NDArray[np.uint64]

MOST_DIGITS = 15
FEW = 0.05
"""The share of numbers that may be left to ``float``, which takes fifty times as long."""

MINUS = ord("-")
POINT = np.uint64(ord(".") ^ ord("0"))
ONE, NIBBLE, BYTE, WORD = (np.uint64(bits) for bits in (1, 4, 8, 64))


class Span(NamedTuple):
    """A part of a text. text : (n,) its bytes; before : (n,) the eight bytes before each byte."""

    text: Text
    before: Words


def span_of(text: Text, start: int, stop: int) -> Span:
    """The bytes from ``start`` to before ``stop``; at least eight must lie before them."""
    # A word begins at every byte; NumPy takes from such a view, though it is not aligned.
    before: Words = np.ndarray(stop - start, "<u8", text, start - 8, (1,))
    return Span(text[start:stop], before)


def floats(span: Span, end: Ints, length: Ints) -> Floats | None:
    """(n,) the numbers of ``length`` characters before ``end``; None where one is no number.

    None also where many are written in an unusual way.

    >>> text = np.frombuffer(b"8 spaces        0.25 -3\\n", np.uint8)
    >>> floats(span_of(text, 16, 24), np.array([4, 7]), np.array([4, 2])).tolist()
    [0.25, -3.0]
    """
    values, odd = _decimals(span, end, length)
    if not odd.any():
        return values
    at = np.flatnonzero(odd)
    at = at[span.text[end[at] - length[at]] == MINUS]
    positive, odd[at] = _decimals(span, end[at], length[at] - 1)
    values[at] = -positive
    at = np.flatnonzero(odd)
    if len(at) > FEW * len(values):
        return None
    try:
        values[at] = [_float(token) for token in tokens(span, end[at], length[at])]
    except ValueError:
        return None
    return values


def tokens(span: Span, end: Ints, length: Ints) -> list[bytes]:
    """What stands there, one by one."""
    places = zip((end - length).tolist(), end.tolist(), strict=True)
    return [span.text[start:stop].tobytes() for start, stop in places]


def _float(token: bytes) -> float:
    if b"_" in token:  # which Python allows between digits
        raise ValueError
    return float(token)


def words(span: Span, end: Ints, length: Ints) -> Words:
    """(n,) the last ``length`` of the eight bytes before ``end``, and zeros in front."""
    return _cut(span.before[end], length)


def _cut(word: Words, length: Ints) -> Words:
    unused = BYTE * np.clip(8 - length, 0, 8).astype(np.uint64)
    return word >> unused << unused if unused.any() else word


def _alike(values: Any) -> Any:
    """(1,) where all are equal, so that what follows from them is computed once."""
    return values[:1] if (values == values[:1]).all() else values


def _eight(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101010101010101)


def _decimals(span: Span, end: Ints, length: Ints) -> tuple[Floats, Bools]:
    """(n,) numbers of digits and a point; (n,) where there is anything else."""
    length = _alike(length)
    low, point, odd = _without_point(_digits(span, end, length))
    power, dotted = _power(point, POWERS), point > 0
    if (length > 8).any():
        high = _digits(span, end - 8, length - 8)
        # Without a point behind it, what stands in front moves on by one character.
        gap = BYTE * dotted
        low, high = low | high >> (WORD - gap), high << gap
        high, point, more = _without_point(high)
        odd = odd | more | _beyond_nine(high)
        odd = odd | (dotted & (point > 0))
        power, dotted = power * _power(point, POWERS_ABOVE), dotted | (point > 0)
        whole = _whole(high) * np.uint64(10**8) + _whole(low)
    else:
        whole = _whole(low)
    count = length - dotted
    wrong = ((odd | _beyond_nine(low)) != 0) | (count < 1) | (count > MOST_DIGITS)
    return whole.view(np.int64) / power, wrong


def _digits(span: Span, end: Ints, length: Ints) -> Words:
    return _cut(span.before[end] ^ _eight(ord("0")), length)


def _without_point(word: Words) -> tuple[Words, Words, Words]:
    """(n,) the digits alone; (n,) the lowest bit of the point's byte, 0 without one; (n,) faults.

    What stands before the point moves into its place.
    """
    point = _alike((word & _eight(0x10)) >> NIBBLE)
    before = word & (point - ONE)
    behind = word ^ before ^ point * POINT
    odd = (point & (point - ONE)) | (behind & point * np.uint64(0xFF))
    return behind | before << BYTE * (point > 0), point, odd


def _beyond_nine(digits: Words) -> Words:
    """Not 0 where a byte exceeds 9."""
    return (digits + _eight(6) | digits) & _eight(0xF0)


def _whole(digits: Words) -> Words:
    """The number that eight digits spell: neighbours join to pairs, pairs to fours, fours to one."""
    pairs = digits * np.uint64(10 << 8 | 1) >> np.uint64(8)
    fours = (pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 << 16 | 1) >> np.uint64(16)
    return (fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10_000 << 32 | 1) >> np.uint64(32)


def _powers(last: int) -> Floats:
    """By the binary exponent of a point's bit, of a word with ``last`` characters up to its end."""
    powers = np.ones(65)
    powers[1::8] = [float(10 ** (last - 1 - byte)) for byte in range(8)]
    return powers


POWERS, POWERS_ABOVE = _powers(8), _powers(16)


def _power(point: Words, powers: Floats) -> Floats:
    return powers[np.frexp(point.astype(np.float64))[1]]
