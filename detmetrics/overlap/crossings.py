"""Polygons that cross themselves too often to be repaired.

Time and memory of a repair grow faster than the number of crossings, and some hundred corners may
cross as many thousand times.
"""

from __future__ import annotations

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints

__all__ = ["UNTANGLED", "tangled"]

MOST_CROSSINGS = 50_000
"""Of all polygons of a column together that have more than a few: some seconds."""

FEW_CROSSINGS = 100
"""Polygons with so few are repaired about as fast as they are read."""

MOST_PAIRS = 1 << 20
"""Of edges that are compared at once."""

UNTANGLED = "fewer corners in a polygon that crosses itself thousands of times"
"""What is expected in place of such a polygon."""


def tangled(points: Floats, first: Ints, crosses: Bools) -> Bools:
    """(V,) which polygons cross themselves too often; those with fewest crossings are no such.

    points, first: as of :class:`~detmetrics.overlap.polygons.Polygons`; crosses : (V,) they cross
    or touch themselves.
    """
    found = np.zeros(len(first) - 1, bool)
    # No two edges cross more than once, and none crosses the one behind it.
    many = np.flatnonzero(crosses & (np.diff(first) ** 2 > 2 * FEW_CROSSINGS))
    if len(many):
        count = np.array([_crossings(points[first[row] : first[row + 1]]) for row in many.tolist()])
        order = np.argsort(count, kind="stable")
        total = np.cumsum(np.where(count > FEW_CROSSINGS, count, 0)[order])
        found[many[order]] = total > MOST_CROSSINGS
    return found


def _crossings(points: Floats) -> int:
    """How many pairs of edges cross or touch that do not follow each other.

    Nobody counts on from more than :data:`MOST_CROSSINGS`.
    """
    import shapely

    corners = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    count = len(corners)
    edges = shapely.linestrings(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
    tree = shapely.STRtree(edges)
    step, total = max(MOST_PAIRS // max(count, 1), 1), 0
    for start in range(0, count, step):
        mine, other = tree.query(edges[start : start + step], predicate="intersects")
        mine += start
        apart = (other > mine + 1) & ((mine > 0) | (other < count - 1))
        total += int(np.count_nonzero(apart))
        if total > MOST_CROSSINGS:
            break
    return total
