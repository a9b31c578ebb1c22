"""Numbers in text, very many at once, each exactly as ``float`` reads it.

The digits of a number without its point are a whole number, and the number is that divided by a
power of ten. A float holds both exactly where there are at most 15 digits, so one division, which
is rounded once, gives the float nearest to the text: what ``float`` gives, to the last bit. With up
to 18 digits or so, the remainder of that division is added
(:func:`~detmetrics.formats.lines.quotients.quotients`). What is written in another way (an
exponent, more digits, ``nan``) is left to ``float``.

Eight characters make a word of 64 bits, the last character in its highest byte, and whatever is
done to a character is done to all eight at once. A digit is its character with the bits of ``"0"``
turned over; then no digit has the bit ``0x10``, and a point has it.

Source: W. Clinger, How to Read Floating Point Numbers Accurately (1990), for the one division;
D. Lemire, Number Parsing at a Gigabyte per Second (2021), for eight digits in three products.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.given import Text
from detmetrics.formats.lines.quotients import LARGEST_WHOLE, quotients
from detmetrics.foundation.arrays import Bools, Floats, Ints

__all__ = [
    "Span",
    "Words",
    "as_number",
    "byte_table",
    "floats",
    "is_number",
    "meant_as_number",
    "meant_as_numbers",
    "reads_as_float",
    "span_of",
    "words",
]

Words: TypeAlias = NDArray[np.uint64]

MOST_DIGITS = 15
"""Whole numbers of so many digits are below 2**53, and all powers of ten up to the 22nd are floats:
both sides of the division are exact, and IEEE 754 rounds the quotient once."""
LONGEST = 24
"""Characters of three words, in which numbers of more digits are looked for."""

MINUS = ord("-")
SIGNS = np.frombuffer(b"+-", np.uint8)
DIGITS = b"0123456789"
POINT = np.uint64(ord(".") ^ ord("0"))
ONE, NIBBLE, BYTE = (np.uint64(bits) for bits in (1, 4, 8))


def byte_table(characters: bytes) -> Bools:
    """(256,) True for the bytes that are among these characters."""
    return np.isin(np.arange(256), np.frombuffer(characters, np.uint8))


# Bytes that no number contains: all of ASCII except digits, signs and the letters of nan, infinity,
# exponents and "difficult".
IN_NO_NUMBER = byte_table(bytes(range(128))) & ~byte_table(DIGITS + b"+-.difcultnaityeEINFATY")
IS_DIGIT, IN_DIGITS_AND_MARKS = byte_table(DIGITS), byte_table(DIGITS + b".,;")
MEANT = re.compile(r"[+-]?(?=[.,;]*[0-9])[0-9.,;]+")

Numbers: TypeAlias = tuple[Floats, Bools]
"""(n,) numbers, and (n,) where there is none that can be read so."""


class Span(NamedTuple):
    """A part of a text. text : (n,) its bytes; before : (n,) the eight bytes before each byte."""

    text: Text
    before: Words


def span_of(text: Text, start: int, stop: int) -> Span:
    """The bytes from ``start`` to before ``stop``; at least eight must lie before them."""
    # A word begins at every byte; NumPy takes from such a view, though it is not aligned.
    before: Words = np.ndarray(stop - start, "<u8", text, start - 8, (1,))
    return Span(text[start:stop], before)


def floats(span: Span, end: Ints, length: Ints) -> Numbers:
    r"""(n,) the numbers of ``length`` characters before ``end``; (n,) where there is none.

    >>> text = np.frombuffer(b"8 spaces        0.25 -3\n", np.uint8)
    >>> floats(span_of(text, 16, 24), np.array([4, 7]), np.array([4, 2]))[0].tolist()
    [0.25, -3.0]
    """
    # [float(text[end - length : end]) for each]; most are decimals, the odd ones are tried with
    # more digits, and what is odd still, with float itself.
    # A sign is looked for where the column begins with one, or where there is something odd.
    if len(end) and span.text[end[0] - length[0]] == MINUS:
        values, odd = _signed(_decimals, span, end, length)
    else:
        values, odd = _decimals(span, end, length)
        at = np.flatnonzero(odd)
        at = at[span.text[end[at] - length[at]] == MINUS]
        values[at], odd[at] = _signed(_decimals, span, end[at], length[at])
    at = np.flatnonzero(odd)
    at = at[_may_be_numbers(span, end[at], length[at])]
    for read in (_signed_long, _one_by_one):
        if len(at):
            values[at], odd[at] = read(span, end[at], length[at])
            at = at[odd[at]]
    return values, odd


def _signed(
    read: Callable[[Span, Ints, Ints], Numbers], span: Span, end: Ints, length: Ints
) -> Numbers:
    """Numbers that may have a minus in front."""
    negative = span.text[end - length] == MINUS
    values, odd = read(span, end, length - negative)
    return np.where(negative, -values, values), odd


def _signed_long(span: Span, end: Ints, length: Ints) -> Numbers:
    return _signed(_long_decimals, span, end, length)


def _one_by_one(span: Span, end: Ints, length: Ints) -> Numbers:
    """By ``float``; texts that come again are read once."""
    places = zip((end - length).tolist(), end.tolist(), strict=True)
    text = span.text.tobytes()
    tokens = [text[start:stop] for start, stop in places]
    if b"_" not in b"".join(tokens):  # which Python allows between digits
        with contextlib.suppress(ValueError):
            return np.array([*map(float, tokens)]), np.zeros(len(end), bool)
    read = {token: _number(token) for token in {*tokens}}
    wrong = np.array([read[token] is None for token in tokens])
    return np.array([read[token] or 0.0 for token in tokens]), wrong


def _number(token: bytes) -> float | None:
    try:
        return as_number(token.decode())
    except ValueError:  # that of Unicode is one too
        return None


def as_number(token: str) -> float:
    """A field as a number; the word ``difficult`` is a flag that is set.

    Raises:
        ValueError: it is none.
    """
    if token == "difficult":  # noqa: S105  (a word of the format, no password)
        return 1.0
    if "_" in token:  # which Python allows between digits
        raise ValueError
    return float(token)


def is_number(token: str) -> bool:
    """Whether a field is a number."""
    try:
        as_number(token)
    except ValueError:
        return False
    return True


def reads_as_float(word: str | bytes) -> bool:
    """Whether ``float`` reads it, finite or not."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def meant_as_number(token: str) -> bool:
    """Whether a field is a number, or written as one with commas, as ``0,5`` and ``1,234.5`` are.

    Such a field is no word of a name.
    """
    return is_number(token) or MEANT.fullmatch(token) is not None


def meant_as_numbers(span: Span, end: Ints, length: Ints) -> Bools:
    """(n,) :func:`meant_as_number` of fields that are no numbers."""
    start = end - length
    start = start + np.isin(span.text[start], SIGNS)
    meant: Bools = IN_DIGITS_AND_MARKS[span.text[start]]
    at = np.flatnonzero(meant)
    if len(at):
        start, end = start[at], end[at]
        marked = _counted(IN_DIGITS_AND_MARKS, span, start, end) == end - start
        meant[at] = marked & (_counted(IS_DIGIT, span, start, end) > 0)
    return meant


def _may_be_numbers(span: Span, end: Ints, length: Ints) -> Bools:
    """(n,) without those that begin as no number does, or have a comma, which is seen soonest."""
    possible: Bools = ~IN_NO_NUMBER[span.text[end - length]]
    for seen in range(0, min(LONGEST, int(length.max(initial=0))), 8):
        word = words(span, np.maximum(end - seen, 0), np.maximum(length - seen, 0))
        word ^= _eight(ord(","))  # a comma is a byte of zeros, from which 1 has to be borrowed
        possible &= ((word - _eight(1)) & ~word & _eight(0x80)) == 0
    return possible


def _counted(kind: Bools, span: Span, start: Ints, end: Ints) -> Ints:
    """(n,) how many bytes from ``start`` to before ``end`` are of a kind; one stands before all."""
    upto = np.cumsum(kind[span.text], dtype=np.int32)
    count: Ints = upto[end - 1] - upto[start - 1]
    return count


def words(span: Span, end: Ints, length: Ints) -> Words:
    """(n,) the last ``length`` of the eight bytes before ``end``, and zeros in front."""
    return _cut(span.before[end], length)


def _cut(word: Words, length: Ints) -> Words:
    """The same words with the characters before the last ``length`` as zeros; in place."""
    # What stands in front is in the low bytes: it is shifted out, and zeros are shifted in.
    unused = np.maximum(8 - length, 0).view(np.uint64) * BYTE
    if unused.any():
        word >>= unused
        word <<= unused
    return word


def _alike(values: Any) -> Any:
    """(1,) where all are equal, so that what follows from them is computed once."""
    return values[:1] if (values == values[:1]).all() else values


def _eight(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101010101010101)


def _decimals(span: Span, end: Ints, length: Ints) -> Numbers:
    """(n,) numbers of digits and a point; (n,) where there is anything else."""
    # "123.45" is 12345 / 10 ** 2: the last eight characters, then the eight in front of them.
    length = _alike(length)
    low, point, odd = _without_point(_digits(span, end, length))
    whole, power, dotted = _whole(low), _power(point, POWERS[0]), point > 0
    if (length > 8).any():
        high, point, more = _without_point(_digits(span, end - 8, length - 8))
        # Without a point behind them, the digits in front stand one place further on.
        ahead = np.where(dotted, np.uint64(10**7), np.uint64(10**8))
        whole += _whole(high) * ahead
        odd |= more | (dotted & (point > 0))
        power, dotted = power * _power(point, POWERS[1]), dotted | (point > 0)
    count = length - dotted
    wrong = (odd != 0) | (count < 1) | (count > MOST_DIGITS)
    return whole.view(np.int64) / power, wrong


def _long_decimals(span: Span, end: Ints, length: Ints) -> Numbers:
    """The same of up to 24 characters, whose digits are a number below 9e18."""
    whole = np.zeros(len(end), np.uint64)
    odd, power, dotted = np.zeros(len(end), np.uint64), np.ones(len(end)), np.zeros(len(end), bool)
    fits = (length > MOST_DIGITS) & (length <= LONGEST)
    for seen, powers in zip(range(0, LONGEST, 8), POWERS, strict=True):
        # Where a shorter one ended before, there are no characters, and no bytes to read them from.
        own = np.maximum(length - seen, 0)
        part, point, more = _without_point(_digits(span, np.maximum(end - seen, 0), own))
        part = _whole(part)
        if seen == 16:  # what they add must be below 9e18
            fits &= part < LARGEST_WHOLE // 10**16
        ahead = np.where(dotted, np.uint64(10 ** max(seen - 1, 0)), np.uint64(10**seen))
        whole += part * ahead
        odd |= more | (dotted & (point > 0))
        power, dotted = power * _power(point, powers), dotted | (point > 0)
    fits &= (odd == 0) & (power <= 1e22)
    values, doubt = quotients(np.where(fits, whole, np.uint64(0)), np.where(fits, power, 1.0))
    return values, ~fits | doubt


def _digits(span: Span, end: Ints, length: Ints) -> Words:
    """(n,) the last characters before ``end`` as digits, 0 in front of them."""
    word = span.before[end]
    word ^= _eight(ord("0"))
    return _cut(word, length)


def _without_point(word: Words) -> tuple[Words, Words, Words]:
    """(n,) the digits alone; (n,) the lowest bit of the point's byte, 0 without one; (n,) not 0
    where there is anything else.

    What stands before the point moves into its place.
    """
    # 1 in the lowest bit of each byte that is no digit for its bit 0x10; a point is 0 then.
    point = _alike(word & _eight(0x10)) >> NIBBLE
    word ^= point * POINT
    # A byte that is 9 or less stays in its low half with 6 added, only 0 does with 15.
    beyond = word + (_eight(6) + point * np.uint64(9))
    beyond |= word
    beyond &= _eight(0xF0)
    beyond |= point & (point - ONE)  # a second point: p & (p - 1) is 0 where one bit is set or none
    # p - 1 has all bits below the point: the characters in front of it. They move up by a byte.
    # Without a point p - 1 has all bits, everything is in front, and moves by none.
    before = word & (point - ONE)
    word ^= before
    before <<= BYTE * (point > 0)
    word |= before
    return word, point, beyond


def _whole(digits: Words) -> Words:
    """The number that eight digits spell: they join to pairs, pairs to fours, fours to one."""
    # Times 10 * 256 + 1, byte k + 1 becomes digit[k] * 10 + digit[k + 1], 99 at most, so that
    # nothing is carried; every other byte of these is a pair. Then the same of 16 and of 32 bits.
    digits *= np.uint64(10 << 8 | 1)
    digits >>= np.uint64(8)
    digits &= np.uint64(0x00FF00FF00FF00FF)
    digits *= np.uint64(100 << 16 | 1)
    digits >>= np.uint64(16)
    digits &= np.uint64(0x0000FFFF0000FFFF)
    digits *= np.uint64(10_000 << 32 | 1)
    digits >>= np.uint64(32)
    return digits


def _powers(last: int) -> Floats:
    """What a number is divided by: without a point, and by the byte of its point.

    last: how many characters there are up to the end of the word.
    """
    return np.array([1.0, *(float(10 ** (last - 1 - byte)) for byte in range(8))])


POWERS = [_powers(last) for last in (8, 16, 24)]


def _power(point: Words, powers: Floats) -> Floats:
    """(n,) the power of ten for the byte that the point stands in."""
    # 2.0 ** n has 1023 + n in its bits from 52 on, and byte b begins at n = 8 * b; 0.0 has nothing.
    # From bit 55 on that is (1023 + 8 b) // 8 = 127 + b.
    byte = (point.astype(np.float64).view(np.int64) >> 55) - 127
    divisor: Floats = powers.take(np.maximum(byte + 1, 0))
    return divisor
