"""What two convex polygons share: Sutherland and Hodgman's clipping, of many pairs at once.

    shared = mine
    for each edge of the other, which has its inside on the left:
        shared = what of shared lies on the left: every corner that does, and where an edge of
            shared crosses, the point where it does
    area of shared

A half-plane cuts a convex polygon at most twice, so it has one corner more at most (one or two
more where rounding bends an edge that lies on the line). Corners stand in planes, one plane a
corner and one column a pair, so that every step is one operation on all pairs. Polygons of fewer
corners repeat their last one: an edge of no length has everything on its left, and adds nothing to
an area.

Source: Sutherland and Hodgman, Reentrant Polygon Clipping (1974).
"""

from __future__ import annotations

import numpy as np

from detmetrics.arrays import Bools, Floats

__all__ = ["areas", "counter_clockwise", "shared_areas"]

Planes = tuple[Floats, Floats]
"""x and y of corners, each (C, P): by corner, then by polygon."""


def areas(x: Floats, y: Floats) -> Floats:
    """(P,) areas of polygons with corners x, y : (C, P), below 0 where they run clockwise.

    Measured from the first corner, so that large coordinates cost no digits.
    """
    u, v = x[1:] - x[0], y[1:] - y[0]
    total = np.zeros(x.shape[1])
    for corner in range(len(u) - 1):
        total += u[corner] * v[corner + 1] - v[corner] * u[corner + 1]
    return total / 2


def counter_clockwise(corners: Floats) -> tuple[Floats, Bools]:
    """Polygons turned so that their inside is on the left, and which of them are convex.

    corners : (P, C, 2), the last corner repeated where a polygon has fewer. Three corners on one
    line are convex; no corner is passed twice but by repeating it at the end.
    """
    x, y = corners[:, :, 0].T, corners[:, :, 1].T
    clockwise = areas(x, y) < 0
    turned = corners.copy()
    turned[clockwise] = corners[clockwise, ::-1]
    # A repeated corner stands at the end of both.
    x, y = turned[:, :, 0].T, turned[:, :, 1].T
    return turned, _convex(x, y)


def _convex(x: Floats, y: Floats) -> Bools:
    """(P,) no corner turns right, and all turns together make one round."""
    ex, ey = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    long = (ex != 0) | (ey != 0)
    convex = np.ones(x.shape[1], bool)
    # Against every corner, so that what winds twice is not taken for convex.
    for edge in range(len(x)):
        side = ex[edge] * (y - y[edge]) - ey[edge] * (x - x[edge])
        convex &= ((side >= 0) | ~long[edge]).all(axis=0)
    return convex


def shared_areas(mine: Planes, other: Planes) -> Floats:
    """(P,) the area that each pair of convex polygons shares; insides are on the left."""
    # From a corner of one of them, so that large coordinates cost no digits.
    at_x, at_y = mine[0][0], mine[1][0]
    x, y = mine[0] - at_x, mine[1] - at_y
    edge_x, edge_y = other[0] - at_x, other[1] - at_y
    for edge in range(len(edge_x)):
        start = edge_x[edge], edge_y[edge]
        end = edge_x[(edge + 1) % len(edge_x)], edge_y[(edge + 1) % len(edge_x)]
        x, y = _left_of(x, y, start, end)
    return areas(x, y)


def _left_of(x: Floats, y: Floats, start: Planes, end: Planes) -> Planes:
    """What lies on the left of a line; x, y : (C, P); start, end : (P,) two points of it."""
    corners, pairs = x.shape
    side = (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0])
    inside = side >= 0
    if inside.all():
        return x, y
    following = np.roll(side, -1, axis=0)
    crosses = inside != (following >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # where nothing crosses
        share = side / (side - following)
        cut_x = x + share * (np.roll(x, -1, axis=0) - x)
        cut_y = y + share * (np.roll(y, -1, axis=0) - y)
    most = max(1, int((inside.astype(np.int8) + crosses).sum(axis=0).max(initial=0)))
    out_x, out_y = np.zeros((most, pairs)), np.zeros((most, pairs))
    filled = np.zeros(pairs, np.intp)
    column = np.arange(pairs)
    for corner in range(corners):
        for put, from_x, from_y in ((inside, x, y), (crosses, cut_x, cut_y)):
            at = column[put[corner]]
            slot = filled[at]
            out_x[slot, at] = from_x[corner][at]
            out_y[slot, at] = from_y[corner][at]
            filled[at] += 1
    for corner in range(1, most):  # the last corner, repeated
        empty = filled <= corner
        out_x[corner] = np.where(empty, out_x[corner - 1], out_x[corner])
        out_y[corner] = np.where(empty, out_y[corner - 1], out_y[corner])
    return out_x, out_y
