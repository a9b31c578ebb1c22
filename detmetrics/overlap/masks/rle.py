"""COCO's run-length encoding, decoded in one go: lengths, areas and boxes of many masks.

A mask is read down its columns, and told as the lengths of runs of 0 and 1 by turns, 0 first. In
its compressed form each length is a text of characters from ``0`` on that hold 5 bits each, lowest
first; bit 5 says that more follow, bit 4 of the last is the sign, and from the fourth length on the
one before the last is subtracted. Source: ``pycocotools/common/maskApi.c``, ``rleFrString``,
``rleArea``, ``rleToBbox``.

Any bytes can be decoded: those that are no encoding are told, and nothing is believed of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts
from detmetrics.foundation.parallel import each

__all__ = [
    "LONGEST",
    "Lengths",
    "Ones",
    "Pixels",
    "Runs",
    "decoded",
    "encoded",
    "joined",
    "lengths_between",
    "lengths_of",
    "texts_of",
]

FIRST, MORE, SIGN, BITS = 48, 32, 16, 31
"""Of a character: what is added to all ("0"), the bit that says that more follow, the bit of the
sign, and the bits of the number (bit 4 of the last character is both)."""
LONGEST = 6
"""Characters of a length at most; pycocotools shifts an ``int`` and loses the bits of a seventh."""
PIECE = 1 << 17
"""Characters that are decoded at once: temporaries, many times as large, stay in cache."""

Pixels: TypeAlias = NDArray[np.int32]
"""Places of pixels: images have fewer than 2 ** 31."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What many masks hold.

    size : (R, 2) height and width of their images; total, area : (R,) pixels, and those of value
    1; boxes : (R, 4) ``x y w h`` of these; sound : (R,) it is a text of the encoding; idle : (R,)
    runs behind the first have no pixel; mask : (R,) which mask of ``ones`` each is.
    """

    size: Ints
    total: Ints
    area: Ints
    boxes: Floats
    sound: Bools
    idle: Bools
    mask: Ints
    ones: Ones

    def take(self, rows: Ints) -> Self:
        """These rows, in this order."""
        columns = {name: getattr(self, name).take(rows, axis=0) for name in _COLUMNS}
        return replace(self, **columns)

    @staticmethod
    def of_ones(ones: Ones, size: Ints) -> Runs:
        """Masks of which the runs of 1 are known; size : (R, 2) height and width."""
        count = np.diff(ones.first)
        filled = np.flatnonzero(count)  # masks that have pixels
        starts = ones.first[filled]
        area = np.zeros(len(count), np.int64)
        if len(filled):
            area[filled] = np.add.reduceat(ones.stop - ones.begin, starts, dtype=np.int64)
        boxes = np.zeros((len(count), 4))
        boxes[filled] = _boxes(ones, size[:, 0], filled)
        sound = np.ones(len(count), bool)
        return Runs(
            size, size.prod(axis=1), area, boxes, sound, ~sound, np.arange(len(count)), ones
        )

    @staticmethod
    def joined(parts: Sequence[Runs]) -> Runs:
        """The masks of all parts, in order."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS
        }
        before = np.cumsum([0, *(len(part.ones.first) - 1 for part in parts)])
        each = zip(parts, before.tolist(), strict=False)
        columns["mask"] = np.concatenate([part.mask + masks for part, masks in each])
        return Runs(**columns, ones=Ones.joined([part.ones for part in parts]))


_COLUMNS = ("size", "total", "area", "boxes", "sound", "idle", "mask")


@dataclass(frozen=True, slots=True, eq=False)
class Ones:
    """The runs of 1 of masks, mask by mask; pixels are counted down the columns.

    begin, stop : (N,) the first pixel of each, and the one behind the last; first : (M + 1,) where
    the runs of each mask begin.
    """

    begin: Pixels
    stop: Pixels
    first: Ints

    @staticmethod
    def joined(parts: Sequence[Ones]) -> Ones:
        """The masks of all parts, in order."""
        before = np.cumsum([0, *(len(part.begin) for part in parts)])
        each = zip(parts, before.tolist(), strict=False)
        return Ones(
            np.concatenate([part.begin for part in parts]),
            np.concatenate([part.stop for part in parts]),
            np.concatenate([[0], *(part.first[1:] + runs for part, runs in each)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """Runs one by one.

    length : (N,) of all masks, one after the other; count : (R,) how many each has; sound : (R,).
    """

    length: Ints
    count: Ints
    sound: Bools


def decoded(texts: Sequence[bytes], size: Ints) -> Runs:
    """What masks hold; size : (R, 2) height and width of their images."""
    parts = each(lambda part: _runs(lengths_of(texts[part]), size[part]), _pieces(texts))
    return Runs.joined(parts)


def _pieces(texts: Sequence[bytes]) -> list[slice]:
    """Slices of texts that hold about ``PIECE`` characters each."""
    # A cut behind the text with which the running length reaches each multiple of a piece.
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(PIECE, total, PIECE)) + 1
    each = sorted({0, *cuts.tolist(), len(texts)})
    return [slice(a, b) for a, b in pairwise(each)] or [slice(0, 0)]


def lengths_of(texts: Sequence[bytes]) -> Lengths:
    """The lengths that texts stand for; of those that are no encoding, any numbers."""
    # rleFrString, for each text:
    #     while characters are left:
    #         x = 0; k = 0; more = True
    #         while more:
    #             c = next character - 48; x |= (c & 31) << 5 * k; more = c & 32; k += 1
    #             if not more and c & 16: x |= -1 << 5 * k
    #         if m > 2: x += counts[m - 2]
    #         counts[m] = x; m += 1
    # Here all texts are one column: numbers end where a character has no "more", texts where their
    # length says. (tests/parity/test_segm.py compares with pycocotools)
    character: NDArray[np.uint8] = np.frombuffer(b"".join(texts), np.uint8) - np.uint8(FIRST)
    size = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(size)
    stops = (character & MORE) == 0
    filled = size > 0
    sound = filled.copy()
    sound[filled] = stops[ends[filled] - 1]
    stops[ends[filled] - 1] = True  # so that no number goes on into the next text
    if len(odd := np.flatnonzero(character > 63)):  # what is below "0" is far above, too
        sound[np.searchsorted(ends, odd, side="right")] = False
    stop = np.flatnonzero(stops)
    value, wide = _numbers(character, stop)
    if len(wide):
        sound[np.searchsorted(ends, wide, side="right")] = False
    count = np.diff(np.searchsorted(stop, ends), prepend=0)
    length = _summed(value, count)
    sound[_rows_of(np.flatnonzero(length < 0), count)] = False
    return Lengths(length, count, sound)


def _numbers(character: NDArray[np.uint8], stop: Ints) -> tuple[Ints, Ints]:
    """(N,) numbers that end at these places, and the places of those that are too long."""
    width = np.diff(stop, prepend=-1)
    # The last character is the highest digit: its 5 bits, of which the highest is the sign, so
    # 16..31 stand for -16..-1. Then each character before it, as Horner's rule has it:
    #     value = value * 32 + digit
    last = character[stop].astype(np.int64)
    value = (last & BITS) - ((last & SIGN) << 1)
    longer = np.flatnonzero(width > 1)  # those that have a character more
    for digit in range(1, LONGEST):
        value[longer] = (value[longer] << 5) | (character[stop[longer] - digit] & BITS)
        longer = longer[width[longer] > digit + 1]
    return value, stop[longer]


def _summed(value: Ints, count: Ints) -> Ints:
    """Lengths of their differences.

    counts[m] += counts[m - 2] from m = 3 on: two running sums that take turns; what went before
    in each is subtracted.
    """
    # So counts[1], counts[3], ... of a mask are running sums of its values at odd places; those at
    # 2, 4, ... are running sums at even places but the first; and counts[0] is the first itself.
    # Every other value is summed over all masks in one go; from the sums of a mask, what they had
    # come to before it is subtracted.
    running = np.empty_like(value)
    running[::2], running[1::2] = np.cumsum(value[::2]), np.cumsum(value[1::2])
    first = np.cumsum(count) - count
    filled = first[count > 0]
    # (R, 2) what to subtract from runs of 0, up to their first one, and from runs of 1
    before = np.zeros((len(count), 2), np.int64)
    before[:, 0][count > 0] = running[filled]
    before[:, 1][count > 0] = np.where(filled > 0, running[filled - 1], 0)
    turn = np.repeat(2 * np.arange(len(count)), count)
    turn += _turns(first, count)
    running -= before.ravel().take(turn)
    running[filled] = value[filled]  # the first run, from which all of itself was subtracted
    return running


def _turns(first: Ints, count: Ints) -> Ints:
    """(N,) 0 for runs of 0, 1 for runs of 1."""
    turns: Ints = (np.arange(int(count.sum())) - np.repeat(first, count)) & 1
    return turns


def _runs(lengths: Lengths, size: Ints) -> Runs:
    # for each mask: total = sum of all lengths; area = sum of the lengths of runs of 1;
    #     box = around the pixels of these; idle = some length behind the first is 0
    length, count = lengths.length, lengths.count
    first = np.cumsum(count) - count
    end = np.append(0, np.cumsum(length))  # end[n] = pixels before run n, of all masks before too
    total = end[first + count] - end[first]
    turned = np.flatnonzero((_turns(first, count) == 1) & (length > 0))
    starts = np.append(np.searchsorted(turned, first), len(turned))
    before = np.repeat(end[first], np.diff(starts))
    # What is no encoding has any numbers; nothing is asked of its runs.
    begin = end[turned] - before  # the first pixel of each run of 1, counted in its mask
    ones = Ones(begin.astype(np.int32), (begin + length[turned]).astype(np.int32), starts)
    idle = np.bincount(_rows_of(np.flatnonzero(length == 0), count), minlength=len(count))
    idle[count > 0] -= length[first[count > 0]] == 0
    return replace(Runs.of_ones(ones, size), total=total, sound=lengths.sound, idle=idle > 0)


def _rows_of(places: Ints, count: Ints) -> Ints:
    """The mask that each run belongs to."""
    rows: Ints = np.searchsorted(np.cumsum(count), places, side="right")
    return rows


def _boxes(ones: Ones, height: Ints, filled: Ints) -> Floats:
    """(F, 4) ``x y w h`` around the runs of masks; height : (M,); filled : (F,) those with runs.

    x, y = divmod(t, height)
    a run that goes on into another column has all rows of it
    """
    if not len(filled):
        return np.zeros((0, 4))
    begin, last, starts = ones.begin, ones.stop - 1, ones.first[filled]
    # One divisor for all is several times as fast.
    alike = bool((height == height[0]).all())
    high: Any = int(height[0]) if alike else np.repeat(height, np.diff(ones.first)).astype(np.int32)
    x1, x2 = begin // high, last // high
    across = x1 < x2
    y1 = np.minimum.reduceat(np.where(across, 0, begin - x1 * high), starts)
    y2 = np.maximum.reduceat(np.where(across, high - 1, last - x2 * high), starts)
    left, right = x1[starts], x2[ones.first[filled + 1] - 1]
    return np.stack([left, y1, right - left + 1, y2 - y1 + 1], axis=1).astype(np.float64)


def joined(length: Ints) -> Ints:
    """The lengths of the same mask without runs that have no pixel, but for the first.

    >>> joined(np.array([0, 0, 2, 3, 0, 4])).tolist()
    [2, 7]
    """
    # Without the empty runs neighbours may have the same value: those are one run.
    turns = np.arange(len(length)) & 1
    filled = length > 0
    turns, length = turns[filled], length[filled]
    starts = run_starts(turns)
    if not len(starts):
        return length
    summed: Ints = np.add.reduceat(length, starts)
    return np.append(0, summed) if turns[0] else summed


def texts_of(runs: Runs) -> list[bytes]:
    """(R,) the texts of masks that hold no idle runs."""
    lengths = lengths_between(runs)
    return _encoded(lengths.length, lengths.count)


def lengths_between(runs: Runs) -> Lengths:
    """The lengths of masks that hold no idle runs."""
    # Of each mask the ends of its runs, by turns of 0 and of 1, to the end of the image; a last run
    # without a pixel is left out.
    first, count = runs.ones.first[runs.mask], np.diff(runs.ones.first)[runs.mask]
    run = np.arange(int(count.sum())) + np.repeat(first - (np.cumsum(count) - count), count)
    turns = np.stack([runs.ones.begin[run], runs.ones.stop[run]], axis=1).ravel()
    ends = np.cumsum(2 * count)
    last = np.zeros(len(count), np.int64)
    last[count > 0] = turns[ends[count > 0] - 1]
    open_end = last < runs.total
    ends = np.insert(turns.astype(np.int64), ends[open_end], runs.total[open_end])
    many = 2 * count + open_end
    length = np.diff(ends, prepend=0)
    starts = (np.cumsum(many) - many)[many > 0]
    length[starts] = ends[starts]
    return Lengths(length, many, np.ones(len(many), bool))


def encoded(length: Ints) -> bytes:
    """The text of a mask; length : (N,) of its runs."""
    return _encoded(length, np.array([len(length)]))[0]


def _encoded(length: Ints, count: Ints) -> list[bytes]:
    """(R,) the texts of masks; length : (N,) of all runs, count : (R,) how many each has.

    Source: ``maskApi.c``, ``rleToString``, which may write a byte behind what it has asked for.
    """
    # rleToString, for each length x (less the one before the last, from the fourth on):
    #     more = True
    #     while more:
    #         c = x & 31; x >>= 5                   (an arithmetic shift, which ends at 0 or -1)
    #         more = x != -1 if c & 16 else x != 0  (until the rest is what the sign says)
    #         write chr(48 + c + (32 if more else 0))
    # Here one digit of all lengths at a time; going : (N,) which lengths have digits left.
    place = np.arange(len(length)) - np.repeat(np.cumsum(count) - count, count)
    later = np.flatnonzero(place > 2)
    rest = length.copy()
    rest[later] -= length[later - 2]
    characters = np.zeros((len(length), LONGEST), np.uint8)
    written = np.zeros((len(length), LONGEST), bool)
    going = np.ones(len(length), bool)
    for digit in range(LONGEST):
        bits = rest & BITS
        rest >>= 5
        written[:, digit] = going
        more = np.where(bits & SIGN, rest != -1, rest != 0)
        characters[:, digit] = FIRST + bits + MORE * more
        going = going & more
    text = characters[written].tobytes()  # length by length, and its digits in order
    ends = np.append(0, np.cumsum(written.sum(axis=1)))[np.cumsum([0, *count.tolist()])]
    return [text[a:b] for a, b in pairwise(ends.tolist())]
