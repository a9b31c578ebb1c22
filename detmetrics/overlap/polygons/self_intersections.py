"""Polygons that cross themselves or one another too often to be repaired, cut or put together.

Time and memory of each grow faster than the number of crossings, and some hundred corners may cross
as many thousand times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "MOST_CROSSINGS",
    "UNTANGLED",
    "cross_often",
    "crossed_too_often",
    "shared_areas",
    "tangled",
]

MOST_CROSSINGS = 50_000
"""Of two polygons, and of all of a column with themselves that do so more than a few times: it
takes some seconds, and a kilobyte each."""

FEW_CROSSINGS = 100
"""Polygons with so few are repaired about as fast as they are read."""

MOST_PAIRS = 1 << 20
"""Of edges that are looked at, or may cross, at once."""

UNTANGLED = "fewer corners in a polygon that crosses itself thousands of times"
"""What is expected in place of such a polygon."""


def tangled(points: Floats, first: Ints, crosses: Bools) -> Bools:
    """(V,) which polygons cross themselves too often; those with fewest crossings are no such.

    points, first: as of :class:`~detmetrics.overlap.polygons.polygons.Polygons`; crosses : (V,)
    they cross or touch themselves.
    """
    found = np.zeros(len(first) - 1, bool)
    # No two edges cross more than once, and none crosses the one behind it, so C corners cross
    # fewer than C**2 / 2 times: polygons of few corners need not be counted.
    many = np.flatnonzero(crosses & (np.diff(first) ** 2 > 2 * FEW_CROSSINGS))
    if len(many):
        count = np.array(
            [_with_itself(points[first[row] : first[row + 1]]) for row in many.tolist()]
        )
        # One bound for all of a column: those with fewest crossings are taken first, and from where
        # the sum exceeds it all others are refused.
        order = np.argsort(count, kind="stable")
        total = np.cumsum(np.where(count > FEW_CROSSINGS, count, 0)[order])
        found[many[order]] = total > MOST_CROSSINGS
    return found


def _with_itself(points: Floats) -> int:
    """How many pairs of edges of a polygon cross or touch that do not follow each other.

    Nobody counts on from more than :data:`MOST_CROSSINGS`.
    """
    # sum(e crosses f for e < f, unless f follows e); the first edge follows the last.
    corners = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]  # no edges of no length
    edges, last, total = _edges(corners), len(corners) - 1, 0
    for mine, other in _crossing(edges, edges):
        total += int(np.count_nonzero((other > mine + 1) & ((mine > 0) | (other < last))))
        if total > MOST_CROSSINGS:
            break
    return total


def shared_areas(one: NDArray[Any], two: NDArray[Any]) -> Floats:
    """(P,) areas that pairs of geometries share; nan of those that cross too often."""
    import shapely

    # Two edges cross once at most, so the product of both numbers of edges bounds the crossings;
    # only where that is too much are they counted.
    most = shapely.get_num_coordinates(one) * shapely.get_num_coordinates(two)
    shared = np.full(len(one), np.nan)
    able = most <= MOST_CROSSINGS
    for row in np.flatnonzero(~able).tolist():
        able[row] = not cross_often(*map(shapely.get_coordinates, (one[row], two[row])))
    rows = np.flatnonzero(able)
    # What they share is kept until it is measured: so many at once as may cross that often.
    batch = np.cumsum(np.minimum(most[rows], MOST_CROSSINGS)) // MOST_PAIRS
    for part in np.split(rows, run_starts(batch)[1:]):
        shared[part] = shapely.area(shapely.intersection(one[part], two[part]))
    return shared


def crossed_too_often(corners: tuple[int, int], hull: Floats) -> str:
    """What to say of two polygons with so many corners; hull : (4,) of the first."""
    x1, y1, x2, y2 = hull.tolist()
    return (
        f"expected polygons that cross each other {MOST_CROSSINGS:,} times at most, got two of "
        f"{corners[0]:,} and {corners[1]:,} corners that do so more often, one from x {x1:g} to "
        f"{x2:g} and y {y1:g} to {y2:g}: leave out corners, or --shape box (shape='box') measures "
        "boxes"
    )


def cross_often(points: Floats, other: Floats) -> bool:
    """Whether two outlines cross more than :data:`MOST_CROSSINGS` times; (C, 2), (B, 2) corners."""
    mine, theirs = _edges(points), _edges(other)
    # Few edges lie beside as many of the other in x or in y, unless the outlines are combs.
    if min(_beside(mine[..., axis], theirs[..., axis]) for axis in (0, 1)) <= MOST_CROSSINGS:
        return False
    total = 0
    for at, _ in _crossing(mine, theirs):
        total += len(at)
        if total > MOST_CROSSINGS:
            return True
    return False


def _edges(corners: Floats) -> Floats:
    """(C, 2, 2) from each corner to the next, round and round."""
    edges: Floats = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    return edges


def _beside(mine: Floats, other: Floats) -> int:
    """How many pairs of spans have a place in common; (C, 2) and (B, 2) ends."""
    # Of the other's spans, those that begin before mine ends, less those that end before it begins:
    # whatever ends before mine begins has begun before mine ends too.
    begin, end = np.sort(other.min(axis=1)), np.sort(other.max(axis=1))
    before = np.searchsorted(begin, mine.max(axis=1), side="right")
    return int((before - np.searchsorted(end, mine.min(axis=1), side="left")).sum())


def _crossing(mine: Floats, other: Floats) -> Iterator[tuple[Ints, Ints]]:
    """The places of edges that cross or touch, some at a time."""
    import shapely

    if not len(mine) or not len(other):
        return
    lines, tree = shapely.linestrings(mine), shapely.STRtree(shapely.linestrings(other))
    # So many of mine at once that all their pairs with all of the other's can be held.
    step = max(MOST_PAIRS // len(other), 1)
    for start in range(0, len(mine), step):
        at, there = tree.query(lines[start : start + step], predicate="intersects")
        yield at + start, there
