"""Which ground truths can reach an overlap with a box: looked up, and not compared one by one.

Where many ground truths share a group, as all classes of an image do, nearly all pairs are far
apart. So a ground truth is a bit in a word of its group, and each limit that a box sets has a
table: for each of :data:`BINS` places the word of the ground truths that keep to it. A box reads a
word a limit, and what is set in all of them is worth a comparison, however many there are.

The limits follow from ``shared >= t * union``, where ``t`` is the lowest overlap, ``A`` and ``A'``
are the two areas and ``w``, ``h`` the sides of what is shared:

- ``union = A + A' - shared``, so ``shared >= s (A + A')`` with ``s = t / (1 + t)``;
- ``shared = w h`` and ``h <= high``, so ``w >= s A / high``. With ``n`` for that, the ground truth
  ends at ``x1 + n`` or behind, and begins at ``x2 - n`` or before; y alike;
- ``shared <= wide high``, so ``A' <= wide high / s - A``, and ``A`` alike by the ground truth.

A crowd is no part of its union, which only makes it smaller: of the limits the last two do not hold
for it. Rounding is allowed for by :data:`SLACK`, and a limit that falls between two places counts
for both, so that nothing is left out that reaches the lowest overlap. What else is let through is
compared afterwards.

Source: Chan and Ioannidis, Bitmap Index Design and Evaluation (1998), range encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, by_group, rank_in_runs
from detmetrics.overlap.shapes import Edges

__all__ = ["BitmapIndex", "Upright"]

BINS = 32
"""Places in a table: of an image of 640 pixels 20 each."""
BITS = 63
"""Ground truths a word; one bit is left for the sign."""
SLACK = 1e-5
"""The share by which limits are wider; the roundings of an overlap in float32 come to 1e-6."""
LEAST_OVERLAP = 1e-3
"""A lower one sets no limit but that something is shared."""
LEAST_AREA = 1e-30
"""A smaller area sets none either: what it shares may have lost its digits."""


class Upright(Protocol):
    """Boxes with corners and areas; pixel: is added to what two share."""

    @property
    def edges(self) -> Edges:
        """x1, x2, y1, y2."""

    @property
    def areas(self) -> Floats:
        """(R,) areas."""

    @property
    def pixel(self) -> int:
        """0 or 1."""

    def take(self, rows: Ints) -> Self:
        """These rows."""


class BitmapIndex:
    """The tables of some slices of ground truths, for one lowest overlap."""

    def __init__(
        self, targets: Upright, crowd: Bools, first: Ints, count: Ints, lowest: float
    ) -> None:
        """targets, crowd: columns of G rows; first, count : (n,) where each group of them begins,
        and how many it holds.
        """
        self._share = _share(lowest)
        self._word, start, size = _words(first, count, len(crowd))
        word = np.repeat(np.arange(len(size)), size)
        bit = rank_in_runs(word)
        member = start[word] + bit
        value = np.left_shift(1, bit)
        begins = np.cumsum(size) - size
        bins = _Bins.of(word)

        def table(scale: _Scale, limit: Floats) -> Ints:
            """(W, BINS) the ground truths whose limit falls in each place."""
            words = np.zeros(len(size) * BINS, np.int64)
            np.add.at(words, bins.cells(scale.at(word), limit), value)
            return words.reshape(-1, BINS)

        x1, x2, y1, y2 = (side[member] for side in targets.edges)
        self._x, self._y = _Scale.over(x1, x2, begins), _Scale.over(y1, y2, begins)
        self._begin_x, self._end_x = _up_to(table(self._x, x1)), _from(table(self._x, x2))
        self._begin_y, self._end_y = _up_to(table(self._y, y1)), _from(table(self._y, y2))
        if self._share:
            crowded = crowd[member]
            area = _magnitude(targets.areas[member])
            most = _magnitude(self._most_area(targets.areas, *_sides(targets))[member])
            self._size = _Scale.over(area, area, begins)
            # A crowd keeps to every limit.
            self._area = _up_to(table(self._size, np.where(crowded, -np.inf, area)))
            self._of_area = _from(table(self._size, np.where(crowded, np.inf, most)))

    def candidates(self, mine: Upright, first: Ints, count: Ints) -> tuple[Ints, Ints]:
        """Pairs that may reach the lowest overlap, by row of mine and then by ground truth.

        first, count : (R,) the slice of each row, a group or its first ground truths.
        """
        word = self._word[first]
        row, place = _bits(self._reached(mine, word))
        rows, places = [row], [place]
        for before in range(BITS, int(count.max(initial=0)), BITS):  # groups of several words
            long = np.flatnonzero(count > before)
            row, place = _bits(self._reached(mine.take(long), word[long] + before // BITS))
            rows.append(long[row])
            places.append(place + before)
        row, place = np.concatenate(rows), np.concatenate(places)
        order = by_group(row, np.arange(len(row)))
        row, place = row[order], place[order]
        within = place < count[row]
        if not within.all():
            row, place = row[within], place[within]
        return row, first[row] + place

    def _reached(self, mine: Upright, word: Ints) -> Ints:
        """(R,) of the word of each row the ground truths that keep to all its limits."""
        bins = _Bins.of(word)
        x1, x2, y1, y2 = mine.edges
        wide, high = _sides(mine)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            shared = self._share * (mine.areas - LEAST_AREA)
            w, h = shared / high, shared / wide
        if mine.pixel:
            w -= mine.pixel * (1 + SLACK)
            h -= mine.pixel * (1 + SLACK)
        x, y = self._x.at(word), self._y.at(word)
        found = self._end_x[bins.cells(x, x1 + w)]
        found &= self._begin_x[bins.cells(x, x2 - w)]
        found &= self._end_y[bins.cells(y, y1 + h)]
        found &= self._begin_y[bins.cells(y, y2 - h)]
        if self._share:
            size = self._size.at(word)
            most = self._most_area(mine.areas, wide, high)
            found &= self._area[bins.cells(size, _magnitude(most))]
            found &= self._of_area[bins.cells(size, _magnitude(mine.areas))]
        return found

    def _most_area(self, area: Floats, wide: Floats, high: Floats) -> Floats:
        """(R,) the largest area of what can reach the lowest overlap with each."""
        most: Floats = wide * high
        most *= 1 / self._share
        most -= area
        return most


@dataclass(frozen=True, slots=True)
class _Scale:
    """How the numbers of a word become bins; of words, or of rows by their word.

    density : (n,) bins a unit; offset : (n,) the bin of 0, counted from the first of the table.
    """

    density: Floats
    offset: Floats

    @classmethod
    def over(cls, low: Floats, high: Floats, begins: Ints) -> Self:
        """From the least to the largest of each word; low, high : (M,) by word."""
        origin = np.fmin.reduceat(low, begins).astype(np.float64)
        extent = np.fmax.reduceat(high, begins) - origin
        density = np.where(extent > LEAST_AREA, BINS / np.fmax(extent, LEAST_AREA), 0.0)
        return cls(density, BINS * np.arange(len(begins)) - origin * density)

    def at(self, word: Ints) -> Self:
        """Of rows; word : (n,)."""
        return type(self)(self.density[word], self.offset[word])


@dataclass(frozen=True, slots=True)
class _Bins:
    """first, last : (n,) of the table of the word of each row."""

    first: Floats
    last: Floats

    @classmethod
    def of(cls, word: Ints) -> Self:
        """Of rows; word : (n,)."""
        first = (word * BINS).astype(np.float64)
        return cls(first, first + (BINS - 1))

    def cells(self, scale: _Scale, values: Floats) -> Ints:
        """(n,) a place of the table; of two numbers of a word the larger has no lower one."""
        with np.errstate(over="ignore", invalid="ignore"):
            cells = values * scale.density
            cells += scale.offset
        # nan has no place and must get one: fmax and fmin take the other.
        np.fmax(cells, self.first, out=cells)
        np.fmin(cells, self.last, out=cells)
        return cells.astype(np.int64)


def _share(lowest: float) -> float:
    """The share of both areas together that must be shared."""
    return lowest / (1 + lowest) * (1 - SLACK) if lowest >= LEAST_OVERLAP else 0.0


def _words(first: Ints, count: Ints, rows: int) -> tuple[Ints, Ints, Ints]:
    """The words that groups are cut into: the first word of a group by its first ground truth, and
    where each word begins and how many ground truths it holds.

    rows: how many ground truths there are.
    """
    words = -(-count // BITS)
    number = np.zeros(rows, np.int64)
    number[first] = np.cumsum(words) - words
    group = np.repeat(np.arange(len(first)), words)
    before = BITS * rank_in_runs(group)
    return number, first[group] + before, np.minimum(count[group] - before, BITS)


def _sides(boxes: Upright) -> tuple[Floats, Floats]:
    """(R,) width and height, computed as those of what two share: these are never larger."""
    x1, x2, y1, y2 = boxes.edges
    wide, high = x2 - x1, y2 - y1
    return (wide + boxes.pixel, high + boxes.pixel) if boxes.pixel else (wide, high)


def _magnitude(areas: Floats) -> Floats:
    """(n,) numbers in the order of the areas, as many from 1 to 2 as from 1,000 to 2,000."""
    # The bits of a positive float, read as an integer: first its exponent, then its digits.
    return areas.astype(np.float64, copy=False).view(np.int64).astype(np.float64)


def _up_to(table: Ints) -> Ints:
    """(W * BINS,) words of what falls in a place or an earlier one; written into the table."""
    for place in range(1, BINS):
        table[:, place] |= table[:, place - 1]
    return table.ravel()


def _from(table: Ints) -> Ints:
    """(W * BINS,) words of what falls in a place or a later one; written into the table."""
    for place in range(BINS - 1, 0, -1):
        table[:, place - 1] |= table[:, place]
    return table.ravel()


def _bits(words: Ints) -> tuple[Ints, Ints]:
    """Which bits are set: the word and the bit of each, those of a word from the lowest up."""
    # while a word has bits: the lowest of them is the next
    row = np.flatnonzero(words != 0)
    left = words[row]
    rows, bits = [row], [left & -left]
    while len(row):
        left = left ^ bits[-1]
        more = np.flatnonzero(left != 0)
        row, left = row[more], left[more]
        rows.append(row)
        bits.append(left & -left)
    # A bit alone is a power of two, of which frexp gives the exponent, counted from 1.
    _, exponent = np.frexp(np.concatenate(bits).astype(np.float64))
    return np.concatenate(rows), exponent.astype(np.int64) - 1
