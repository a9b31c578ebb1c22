"""COCO's run-length encoding, decoded in one go: counts, areas and boxes of many masks.

A mask is read down its columns, and told as the lengths of runs of 0 and 1 by turns, 0 first. In
its compressed form each length is a text of characters from ``0`` on that hold 5 bits each, lowest
first; bit 5 says that more follow, bit 4 of the last is the sign, and from the fourth length on the
one before the last is subtracted. Source: ``pycocotools/common/maskApi.c``, ``rleFrString``,
``rleArea``, ``rleToBbox``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints

__all__ = ["Runs", "decoded", "run_lengths"]

FIRST, MORE, SIGN = 48, 32, 16
PIECE = 1 << 20
"""Characters that are decoded at once: temporaries are eight times as large, and more."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of many masks.

    total, area : (R,) pixels, and those of value 1; boxes : (R, 4) ``x y w h`` of these; sound :
    (R,) it is a text of the encoding.
    """

    total: Ints
    area: Ints
    boxes: Floats
    sound: Bools


def decoded(texts: Sequence[bytes], height: Ints) -> Runs:
    """What masks hold; height : (R,) of their images."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    cuts = np.searchsorted(np.cumsum(lengths), np.arange(PIECE, lengths.sum() + 1, PIECE)) + 1
    ends = np.unique(np.concatenate([[0], cuts, [len(texts)]]))
    parts = [
        _piece(texts[a:b], lengths[a:b], height[a:b])
        for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]
    if not parts:
        none = np.zeros(0, np.int64)
        return Runs(none, none, np.zeros((0, 4)), np.zeros(0, bool))
    return Runs(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("total", "area", "boxes", "sound")
        )
    )


def run_lengths(text: bytes) -> Ints:
    """(N,) how long the runs of one sound mask are, of 0 and 1 by turns."""
    characters = np.frombuffer(text, np.uint8).astype(np.int64) - FIRST
    stop = np.flatnonzero((characters & MORE) == 0)
    start = np.append(0, stop[:-1] + 1)
    digit = np.arange(len(characters)) - np.repeat(start, stop - start + 1)
    length = np.add.reduceat((characters & 31) << (5 * digit), start)
    length -= ((characters[stop] & SIGN) != 0).astype(np.int64) << (5 * (stop - start + 1))
    # counts[m] += counts[m - 2] from m = 3 on
    length[1::2] = np.cumsum(length[1::2])
    length[2::2] = np.cumsum(length[2::2])
    return length


def _piece(texts: Sequence[bytes], lengths: Ints, height: Ints) -> Runs:
    characters = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64) - FIRST
    rows = len(texts)
    ends = np.cumsum(lengths)
    row = np.repeat(np.arange(rows), lengths)
    last = (characters & MORE) == 0
    sound = np.zeros(rows, bool)
    filled = lengths > 0
    sound[filled] = last[ends[filled] - 1]
    odd = (characters < 0) | (characters >= 64)
    sound[row[odd]] = False
    last[ends[filled] - 1] = True  # so that no number goes on into the next mask
    stop = np.flatnonzero(last)
    start = np.append(0, stop[:-1] + 1) if len(stop) else stop
    width = stop - start + 1
    sound[row[start[width > 12]]] = False  # no number has so many digits
    digit = np.arange(len(characters)) - np.repeat(start, width)
    parts = (characters & 31) << (5 * np.minimum(digit, 12))
    value = np.add.reduceat(parts, start) if len(start) else np.zeros(0, np.int64)
    negative = (characters[stop] & SIGN) != 0
    value = value - (negative.astype(np.int64) << (5 * np.minimum(width, 12)))
    return _summed(value, row[start], rows, height, sound)


def _summed(value: Ints, row: Ints, rows: int, height: Ints, sound: Bools) -> Runs:
    """Runs of their differences; value, row : (N,) one after the other."""
    count = np.bincount(row, minlength=rows)
    first = np.cumsum(count) - count
    place = np.arange(len(value)) - first[row]
    odd = place % 2 == 1
    # counts[m] += counts[m - 2] from m = 3 on: two running sums, and the first length by itself
    length = value.copy()
    for of_turn in (odd, ~odd & (place > 0)):
        running = np.cumsum(np.where(of_turn, value, 0))
        before = np.append(0, running)[first[row]]
        length[of_turn] = (running - before)[of_turn]
    sound[row[length < 0]] = False
    total = _by_row(length, row, rows)
    area = _by_row(np.where(odd, length, 0), row, rows)
    running = np.cumsum(length)
    position = running - np.append(0, running)[first[row]]
    return Runs(total, area, _boxes(position, place, row, count, height), sound)


def _by_row(values: Ints, row: Ints, rows: int) -> Ints:
    running = np.append(0, np.cumsum(values))
    count = np.bincount(row, minlength=rows)
    end = np.cumsum(count)
    summed: Ints = running[end] - running[end - count]
    return summed


def _boxes(position: Ints, place: Ints, row: Ints, count: Ints, height: Ints) -> Floats:
    """(R, 4) ``x y w h`` around runs of 1.

    position: (N,) where each run ends.

        t = position - place % 2; x, y = divmod(t, height)
        a run of 1 that goes on into another column has all rows of it
    """
    boxes = np.zeros((len(count), 4))
    whole = place < (count // 2 * 2)[row]  # a last run of 0 bounds nothing
    position, place, row = position[whole], place[whole], row[whole]
    if not len(row):
        return boxes
    high = np.maximum(height, 1)[row]
    x, y = np.divmod(position - place % 2, high)
    begins, ends = slice(0, None, 2), slice(1, None, 2)  # each row has an even number of them
    across = x[begins] < x[ends]
    low, top = y.copy(), y.copy()
    low[begins][across] = 0
    top[ends][across] = (high - 1)[ends][across]
    filled = np.flatnonzero(np.bincount(row, minlength=len(count)))
    first = np.searchsorted(row, filled)
    x1, x2 = np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)
    y1, y2 = np.minimum.reduceat(low, first), np.maximum.reduceat(top, first)
    boxes[filled] = np.stack([x1, y1, x2 - x1 + 1, y2 - y1 + 1], axis=1)
    return boxes
