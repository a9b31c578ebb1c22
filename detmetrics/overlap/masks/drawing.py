"""Polygons drawn as masks: the pixels inside, to the last one those of pycocotools.

``rleFrPoly`` walks along each edge on a grid five times as fine, step by step. Wherever it passes
from grid column ``5 x + 2`` to ``5 x + 3`` or back, it crosses the middle of pixel column ``x``:
from the row there on, pixels turn from outside to inside or back. Here only these crossings are
computed, all at once.

Source: ``pycocotools/common/maskApi.c``, ``rleFrPoly``, ``rleMerge``.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts
from detmetrics.foundation.parallel import each
from detmetrics.overlap.masks.rle import Ones, Runs

__all__ = ["drawn"]

SCALE = 5
STEPS = 1 << 20
"""Steps that are drawn at once: temporaries, as large as their columns, stay in cache."""


def drawn(points: Floats, first: Ints, steps: Floats, row: Ints, images: Ints) -> Runs:
    """The masks of rows, each of one or several polygons.

    points : (V, 2) corners; first : (P + 1,) where those of each polygon begin; steps : (P,) how
    many steps on the fine grid it is long; row : (P,) the row of each polygon, rising from 0
    without a gap; images : (R, 2) width and height.
    """

    def of(part: slice) -> Runs:
        corners = first[part.start : part.stop + 1]
        rows = slice(row[part.start], row[part.stop - 1] + 1)
        size = images[rows]
        own = points[corners[0] : corners[-1]]
        ones = _drawn(own, corners - corners[0], row[part] - rows.start, size)
        return Runs.of_ones(ones, size[:, ::-1])

    if not len(row):
        none = np.zeros(0, np.int32)
        return Runs.of_ones(Ones(none, none, np.zeros(1, np.int64)), images[:, ::-1])
    return Runs.joined(each(of, _parts(steps, row)))


def _parts(steps: Floats, row: Ints) -> list[slice]:
    """Slices of polygons of about so many steps, all those of a row together."""
    starts = np.append(run_starts(row), len(row))
    ends = np.cumsum(steps)[starts[1:] - 1]
    cuts = np.searchsorted(ends, np.arange(STEPS, ends[-1], STEPS)) + 1
    places = [0, *starts[cuts].tolist(), len(row)]
    return [slice(a, b) for a, b in pairwise(places) if a < b]


def _drawn(points: Floats, first: Ints, row: Ints, images: Ints) -> Ones:
    polygon, pixel = _crossings(points, first, *images[row].T)
    # A polygon is closed, so it crosses each column an even number of times: pixels from each first
    # crossing to each second are inside.
    begin, stop, of = pixel[::2], pixel[1::2], row[polygon[::2]]
    kept = np.flatnonzero(begin < stop)
    begin, stop, of = begin[kept], stop[kept], of[kept]
    several = np.bincount(row, minlength=len(images)) > 1
    if several.any():
        again = several[of]
        united = _united(begin[again], stop[again], of[again])
        whole = np.argsort(np.concatenate([of[~again], united[2]]), kind="stable")
        begin, stop, of = (
            np.concatenate([mine[~again], other])[whole]
            for mine, other in zip((begin, stop, of), united, strict=True)
        )
    # One that begins where the one before ends is no run of its own.
    new = np.append(True, (begin[1:] != stop[:-1]) | (of[1:] != of[:-1]))[: len(begin)]
    starts = np.flatnonzero(new)
    last = np.append(starts[1:], len(begin))[: len(starts)] - 1
    rows = np.searchsorted(of[starts], np.arange(len(images) + 1))
    return Ones(begin[starts].astype(np.int32), stop[last].astype(np.int32), rows)


def _united(begin: Ints, stop: Ints, of: Ints) -> tuple[Ints, Ints, Ints]:
    """Runs of pixels that are in any run; of : (N,) their rows, rising."""
    # for each row, its runs by their begin: one that begins behind the farthest end so far is new
    step = int(stop.max(initial=0)) + 1
    key = of * step + begin
    order = np.argsort(key)
    begin, farthest = key[order], np.maximum.accumulate((of * step + stop)[order])
    starts = np.flatnonzero(np.append(True, begin[1:] > farthest[:-1])[: len(begin)])
    row = begin[starts] // step
    last = np.append(starts[1:], len(begin))[: len(starts)] - 1
    return begin[starts] - row * step, farthest[last] - row * step, row


def _crossings(points: Floats, first: Ints, wide: Ints, high: Ints) -> tuple[Ints, Ints]:
    """(C,) polygons, rising, and the pixels from which on they turn, rising in each."""
    # for each edge, from (x, y) to (x2, y2) on the fine grid:
    #     for each step along its longer axis, from (u, v) to the next (u2, v2):
    #         if {u, u2} == {5 X + 2, 5 X + 3} and X is a column:
    #             pixels turn from (X, ceil((min(v, v2) + .5) / 5 - .5)) on
    polygon = np.repeat(np.arange(len(first) - 1), np.diff(first))
    corner = (SCALE * points + 0.5).astype(np.int64)  # as C cuts off
    following = np.arange(1, len(corner) + 1)
    following[first[1:] - 1] = first[:-1]
    (x, y), (x2, y2) = corner.T, corner[following].T
    flat, flip, slope = _direction(x, y, x2, y2)
    x, x2 = np.where(flip, x2, x), np.where(flip, x, x2)
    y = np.where(flip, y2, y)
    left, right = np.minimum(x, x2), np.maximum(x, x2)
    # columns X with left <= 5 X + 2 and 5 X + 3 <= right
    least = np.maximum((left + 2) // SCALE, 0)
    most = np.minimum((right - 3) // SCALE, wide[polygon] - 1)
    count = np.maximum(most - least + 1, 0)
    edge = np.repeat(np.arange(len(count)), count)
    column = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - least, count)
    row = _row(column, x[edge], y[edge], slope[edge], flat[edge])
    below = np.ceil(np.clip((row + 0.5) / SCALE - 0.5, 0, high[polygon[edge]])).astype(np.int64)
    of = polygon[edge]
    # One sort of polygons and pixels as one number.
    step = int((wide * high).max(initial=0)) + 1
    key = of * step + column * high[of] + below
    key.sort()
    of = np.repeat(np.arange(len(first) - 1), np.bincount(of, minlength=len(first) - 1))
    return of, key - of * step


def _direction(x: Ints, y: Ints, x2: Ints, y2: Ints) -> tuple[Bools, Bools, Floats]:
    """(E,) edges that are longer in x; those that are walked from their end; what the other axis
    has in a step.
    """
    dx, dy = np.abs(x2 - x), np.abs(y2 - y)
    flat = dx >= dy
    flip = np.where(flat, x > x2, y > y2)
    up, along = np.where(flat, y2 - y, x2 - x), np.where(flat, dx, dy)
    with np.errstate(invalid="ignore"):
        slope = np.where(flip, -up, up) / along  # nan where both ends are one place, and no step is
    return flat, flip, slope


def _row(column: Ints, x: Ints, y: Ints, slope: Floats, flat: Bools) -> Floats:
    """(C,) the fine row in which an edge crosses the middle of a column, the upper of two."""
    row = np.empty(len(column))
    at = np.flatnonzero(flat)
    # A step a column: t = 5 X + 2 - x, and row(t) = int(y + slope * t + .5)
    before, start, rise = SCALE * column[at] + 2 - x[at], y[at], slope[at]
    row[at] = np.minimum(
        np.trunc(start + rise * before + 0.5), np.trunc(start + rise * (before + 1) + 0.5)
    )
    at = np.flatnonzero(~flat)
    # A step a row: the first t with column(t) = int(x + slope * t + .5) beyond the middle; of that
    # and the one before, the upper is the one before.
    middle, start, rise = SCALE * column[at] + 3, x[at], slope[at]
    step: Floats = np.ceil((middle - 0.5 - start) / rise)

    def beyond(step: Floats, of: Ints | slice = slice(None)) -> Bools:
        right = np.trunc(start[of] + rise[of] * step + 0.5) >= middle[of]
        found: Bools = right == (rise[of] > 0)
        return found

    # The quotient is rounded, and may be one off, though hardly ever.
    early = np.flatnonzero(~beyond(step))
    for _ in range(2):
        step[early] += 1
        early = early[~beyond(step[early], early)]
    late = np.flatnonzero(beyond(step - 1))
    for _ in range(2):
        step[late] -= 1
        late = late[beyond(step[late] - 1, late)]
    row[at] = step - 1 + y[at]
    return row
