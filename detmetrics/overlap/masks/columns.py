"""The pixels that two masks share, found on columns of the image.

A run of pixels goes down a column and on into the next. Cut where columns end, it is one piece, or
several, with a first and a last row, and two masks share what their pieces of a column share.
Nearly every column of a mask holds one piece, so that nearly all of it is one minimum less one
maximum. Where a column holds several, and of masks so wide that pieces are far more than runs, the
pixels before a place are looked up among the runs.

The numbers are those of pycocotools' ``rleIou``, which walks along the runs of both masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from detmetrics.foundation.arrays import Ints
from detmetrics.overlap.masks.rle import Ones, Pixels

__all__ = ["ComparedMasks", "compared", "shared_pixels"]

PIECES = 1 << 17
"""Pieces that are compared at once: temporaries, many times as large, stay in cache."""
FEW = 24
"""Pieces of a column that are compared one after the other; more are looked up."""
WIDE = 1 << 17
"""Pieces that masks may have beside as many as eight times their runs."""


@dataclass(frozen=True, eq=False)
class ComparedMasks:
    """Some masks. height : (R,) of their images."""

    ones: Ones
    height: Pixels

    @property
    def mask(self) -> Ints:
        """(N,) the mask of each run."""
        return np.repeat(np.arange(len(self.height)), np.diff(self.ones.first))

    @cached_property
    def before(self) -> _Before:
        """Counts the pixels before a place."""
        return _Before(self)


def compared(ones: Ones, masks: Ints, height: Ints) -> ComparedMasks:
    """Masks by themselves; masks : (R,) which; height : (R,) of their images."""
    first = ones.first[masks]
    count = ones.first[masks + 1] - first
    run = _each(first, count)
    starts = np.append(0, np.cumsum(count))
    return ComparedMasks(Ones(ones.begin[run], ones.stop[run], starts), height.astype(np.int32))


def shared_pixels(one: ComparedMasks, mine: Ints, other: ComparedMasks, theirs: Ints) -> Ints:
    """(P,) how many pixels pairs of masks of images of one size share; mine, theirs : (P,)."""
    columns = [_columns(masks) for masks in (one, other)]
    if columns[0] is None or columns[1] is None:
        return _by_runs(one, mine, other, theirs)
    return _by_columns(columns[0], mine, columns[1], theirs, other)


# --- by runs -------------------------------------------------------------------------------------


class _Before:
    """How many pixels a mask has before a place."""

    def __init__(self, masks: ComparedMasks) -> None:
        # Runs of all masks rise if each mask begins behind the one before.
        ones = masks.ones
        self.step = int(ones.stop.max(initial=0)) + 1
        base = masks.mask * self.step
        self.begin, self.stop = ones.begin + base, ones.stop + base
        self.pixels = np.append(0, np.cumsum(ones.stop - ones.begin))

    def __call__(self, mask: Ints, place: Ints | Pixels) -> Ints:
        """(n,) pixels before places of masks, and all pixels of the masks before them."""
        # all runs that begin before the place, less what of the last one lies behind it
        at = mask * self.step + np.minimum(place, self.step - 1)
        last = np.searchsorted(self.begin, at, side="right")
        behind = np.where(last > 0, self.stop[last - 1] - at, 0) if len(self.stop) else 0
        found: Ints = self.pixels[last] - np.maximum(behind, 0)
        return found


def _by_runs(one: ComparedMasks, mine: Ints, other: ComparedMasks, theirs: Ints) -> Ints:
    """For each pair, for each run of mine: their pixels before its end, less those before it."""
    before = other.before
    first = one.ones.first[mine]
    count = one.ones.first[mine + 1] - first
    shared = np.zeros(len(mine), np.int64)
    for block in _blocks(count):
        run = _each(first[block], count[block])
        mask = np.repeat(theirs[block], count[block])
        pixels: Ints = before(mask, one.ones.stop[run]) - before(mask, one.ones.begin[run])
        shared[block] = _sums(pixels, count[block])
    return shared


def _each(first: Ints, count: Ints) -> Ints:
    """``first, first + 1, ...``, as many as are counted, of each."""
    before = np.cumsum(count) - count
    each: Ints = np.arange(int(count.sum())) + np.repeat(first - before, count)
    return each


def _sums(values: Ints | Pixels, count: Ints) -> Ints:
    """The sums of groups of values that follow one another."""
    ends = np.cumsum(count)
    summed = np.append(0, np.cumsum(values, dtype=np.int64))
    sums: Ints = summed[ends] - summed[ends - count]
    return sums


def _blocks(pieces: Ints) -> list[slice]:
    """Slices of pairs that have about so many pieces together."""
    ends = np.cumsum(pieces)
    total = int(ends[-1]) if len(ends) else 0
    cuts = [0, *(np.searchsorted(ends, np.arange(PIECES, total, PIECES)) + 1).tolist(), len(pieces)]
    return [slice(a, b) for a, b in pairwise(cuts) if a < b]


# --- by columns ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Pieces of masks, mask by mask, column by column, row by row.

    column, top, bottom : (N,) which column of the image, and which rows, without the last; left,
    right : (R,) the columns of each mask, without the last; start : (R,) where they stand in
    ``before``: (C,) how many pieces come before each column, the one behind the last too.
    """

    column: Pixels
    top: Pixels
    bottom: Pixels
    left: Ints
    right: Ints
    start: Ints
    before: Ints


def _columns(masks: ComparedMasks) -> _Columns | None:
    """The pieces of masks; None where they are far more than runs."""
    # for each mask, for each run of 1 from pixel a to before b:
    #     for x in range(a // height, (b - 1) // height + 1):
    #         a piece of column x, from max(a - x * height, 0) to before min(b - x * height, height)
    ones, runs = masks.ones, np.diff(masks.ones.first)
    height = masks.height
    alike = bool((height == height[:1]).all())
    high: Pixels = height[:1] if alike else np.repeat(height, runs)
    # Quotients of floats are exact enough below 2 ** 52, and several times as fast.
    x = (ones.begin / high).astype(np.int32)
    top = ones.begin - x * high
    bottom = top + (ones.stop - ones.begin)
    over = np.flatnonzero(bottom > high)  # runs that go on into the next column
    further = ((bottom[over] - 1) / (high if alike else high[over])).astype(np.int64)
    pieces = runs.copy()
    np.add.at(pieces, np.searchsorted(ones.first, over, side="right") - 1, further)
    left, right = np.zeros(len(runs), np.int64), np.zeros(len(runs), np.int64)
    filled = np.flatnonzero(runs)
    last = ones.first[filled + 1] - 1
    left[filled] = x[ones.first[filled]]
    ends = x.copy()
    ends[over] += further.astype(np.int32)
    right[filled] = ends[last] + 1
    places = right - left + 1
    if max(pieces.sum(), places.sum()) > 8 * (len(x) + len(runs)) + WIDE:
        return None
    if len(over):
        count = np.ones(len(x), np.int64)
        count[over] += further
        run = np.repeat(np.arange(len(x)), count)
        more = _each(np.zeros(len(x), np.int64), count).astype(np.int32)
        below = more * (high if alike else high[run])
        x = x[run] + more
        top = np.maximum(top[run] - below, 0)
        bottom = np.minimum(bottom[run] - below, high if alike else high[run])
    # for each mask, for each column from its first to behind its last: the pieces before it
    start = np.cumsum(places) - places
    place = np.repeat(start - left + 1, pieces) + x
    before = np.cumsum(np.bincount(place, minlength=int(places.sum()) + 1))
    return _Columns(x, top, bottom, left, right, start, before)


def _by_columns(
    one: _Columns, mine: Ints, other: _Columns, theirs: Ints, masks: ComparedMasks
) -> Ints:
    """For each pair, for each column that both have, for each piece of mine: what theirs share."""
    left = np.maximum(one.left[mine], other.left[theirs])
    right = np.minimum(one.right[mine], other.right[theirs])
    meet = np.flatnonzero(left < right)
    mine, theirs = mine[meet], theirs[meet]
    place = one.start[mine] - one.left[mine]
    first = one.before[place + left[meet]]
    count = one.before[place + right[meet]] - first
    shared = np.zeros(len(left), np.int64)
    for block in _blocks(count):
        piece = _each(first[block], count[block])
        found = _shared(one, piece, other, np.repeat(theirs[block], count[block]), masks)
        shared[meet[block]] = _sums(found, count[block])
    return shared


def _shared(
    one: _Columns, piece: Ints, other: _Columns, mask: Ints, masks: ComparedMasks
) -> Pixels:
    """(n,) the pixels that a piece shares with a mask that has its column."""
    x, top, bottom = one.column[piece], one.top[piece], one.bottom[piece]
    place = (other.start - other.left)[mask] + x
    there = other.before[place]
    count = other.before[place + 1] - there
    last = len(other.top) - 1  # any piece, where there is none
    rows: Pixels = np.minimum(bottom, other.bottom[np.minimum(there, last)])
    rows -= np.maximum(top, other.top[np.minimum(there, last)])
    rows[(count == 0) | (rows < 0)] = 0
    many = np.flatnonzero(count > FEW)
    count[many] = 1  # which are looked up below
    for more in range(1, FEW):
        at = np.flatnonzero(count > more)
        if not len(at):
            break
        also = there[at] + more
        both = np.minimum(bottom[at], other.bottom[also]) - np.maximum(top[at], other.top[also])
        rows[at] += np.maximum(both, 0)
    if len(many):
        of, before = mask[many], masks.before
        above = x[many].astype(np.int64) * masks.height[of]
        rows[many] = before(of, above + bottom[many]) - before(of, above + top[many])
    return rows
