"""Outlines of masks: from runs of pixels to rings along the edges of those that are set.

Pixel ``x, y`` is the square from there to ``x + 1, y + 1``. A ring has what is set on its right,
clockwise as images are seen; rings of holes run the other way, so that the signed areas of all
rings add up to that of the mask, and either rule of filling shows it. Where two pixels meet at a
corner alone, a ring stays with its own.

Masks are never unpacked as a whole: what is traced is a grid of cells around the pixels that are
set, one a pixel or coarser, of which a cell is set where at least half of it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints

__all__ = ["Grid", "edge_count", "grid_of", "rings"]

STEP_X, STEP_Y = np.array([1, 0, -1, 0]), np.array([0, 1, 0, -1])
"""Of the directions right, down, left, up: a turn to the right is the next one."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells that are set, and their borders.

    cells : (H, W); x : (W + 1,), y : (H + 1,) in pixels.
    """

    cells: Bools
    x: Ints
    y: Ints


def grid_of(lengths: Ints, height: int, side: int) -> Grid:
    """The pixels that are set as cells of so many pixels a side.

    lengths : (N,) runs of 0 and 1 by turns, down the columns; height: of the image.
    """
    column, top, bottom = _intervals(lengths, height)
    if not len(column):
        return Grid(np.zeros((0, 0), bool), np.zeros(1, np.int64), np.zeros(1, np.int64))
    left, high = column.min(), top.min()
    x, y = _borders(left, column.max() + 1, side), _borders(high, bottom.max(), side)
    across, down = len(x) - 1, len(y) - 1
    at = (column - left) // side * (down + 2)  # the first cell of each interval's column, in a row
    # Of the cells down a column an interval [a, b) covers what begins at a less what begins at b;
    # what begins at a is a part of its cell and all of those below.
    covered = np.zeros(across * (down + 2))
    # An end inside a cell covers `part` pixels of it, and the rest of a whole cell is what the next
    # one covers more; the running sum makes whole cells of all further down.
    for ends, sign in ((top - high, 1), (bottom - high, -1)):
        part = side - ends % side
        for cell, pixels in ((at + ends // side, part), (at + ends // side + 1, side - part)):
            covered += np.bincount(cell, sign * pixels, len(covered))
    covered = covered.reshape(across, down + 2)[:, :down].cumsum(axis=1).T
    cells = covered * 2 >= np.outer(np.diff(y), np.diff(x))
    return Grid(cells if cells.any() else covered > 0, x, y)


def _intervals(lengths: Ints, height: int) -> tuple[Ints, Ints, Ints]:
    """Columns, first row and row after the last of what is set, parted where a column ends."""
    # Every other run is of 1. Pixel t stands in column t // height; a run that goes on into further
    # columns is parted into one interval a column.
    ends = np.cumsum(lengths)
    start, stop = ends[: len(ends) // 2 * 2 : 2], ends[1::2]
    filled = stop > start
    start, stop = start[filled], stop[filled]
    first = start // height
    count = (stop - 1) // height - first + 1
    run = np.repeat(np.arange(len(count)), count)
    column = first[run] + np.arange(len(run)) - (np.cumsum(count) - count)[run]
    top = np.maximum(start[run] - column * height, 0)
    return column, top, np.minimum(stop[run] - column * height, height)


def _borders(low: int, high: int, side: int) -> Ints:
    return np.append(np.arange(low, high, side), high)


def edge_count(cells: Bools) -> int:
    """How many sides of cells part what is set from what is not."""
    padded = np.pad(cells, 1)
    across, down = padded[:, 1:] != padded[:, :-1], padded[1:] != padded[:-1]
    return int(np.count_nonzero(across) + np.count_nonzero(down))


def rings(grid: Grid) -> tuple[Floats, ...]:
    """(C, 2) x and y of the corners of each ring, 4 or more."""
    # Every side is followed by exactly one other and follows exactly one, so sides form rings: walk
    # from any side that has not been seen until it comes round.
    x, y, way = _edges(grid.cells)
    follows = _followers(x, y, way, grid.cells.shape[1] + 1).tolist()
    found = []
    seen = np.zeros(len(follows), bool)
    for first in range(len(follows)):
        if seen[first]:
            continue
        ring, at = [first], follows[first]
        while at != first:
            ring.append(at)
            at = follows[at]
        seen[ring] = True
        rows = np.array(ring)
        rows = rows[way[rows] != np.roll(way[rows], 1)]  # where the direction changes: corners
        found.append(np.stack([grid.x[x[rows]], grid.y[y[rows]]], axis=1).astype(np.float64))
    return tuple(found)


def _edges(cells: Bools) -> tuple[Ints, Ints, Ints]:
    """Where each side begins, as borders, and its direction, with what is set on its right."""
    padded = np.pad(cells, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    before, after = padded[1:-1, :-1], padded[1:-1, 1:]
    sides = (below & ~above, before & ~after, above & ~below, after & ~before)
    starts = [np.nonzero(side) for side in sides]
    way = np.repeat(np.arange(4), [len(row) for row, _ in starts])
    y, x = (np.concatenate([start[axis] for start in starts]) for axis in (0, 1))
    # A side to the left begins at the right end of its cell's border, one upwards at the lower end.
    return x + (way == 2), y + (way == 3), way


def _followers(x: Ints, y: Ints, way: Ints, across: int) -> Ints:
    """The side that goes on where each ends: to the right if it can, else ahead, else left."""
    # A side is known by where it begins and its direction, as one number; where a side ends, up to
    # two others begin. Turns of 3 (left), 0 and 1 (right) quarters: later ones overwrite earlier.
    key = (y * across + x) * 4 + way
    order = np.argsort(key)
    end = ((y + STEP_Y[way]) * across + x + STEP_X[way]) * 4
    follows = np.full(len(key), -1)
    for turn in (3, 0, 1):
        wanted = end + (way + turn) % 4
        place = np.minimum(np.searchsorted(key, wanted, sorter=order), len(key) - 1)
        there = key[order[place]] == wanted
        follows[there] = order[place[there]]
    return follows
