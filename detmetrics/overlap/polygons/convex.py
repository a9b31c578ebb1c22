"""Convex polygons, many at once: their areas, and the area that two of them share.

With y_e(x) for the line of an edge e, and s_e = 1 where it runs to the right and -1 where it runs
to the left:

    shared = |sum over edges e of mine, f of the other:
              s_e s_f / 2 * integral of |y_e - y_f| over the x that e and f have in common|

For: the area below a polygon's upper edges and above its lower ones is
``-sum of s_e * (area below e)``, so what two share is ``sum of s_e s_f * (area below both)``, and
what lies below both is ``(y_e + y_f - |y_e - y_f|) / 2``. The sums of ``y_e`` and ``y_f`` alone
vanish, as a closed outline passes every x as often to the right as to the left. So no polygon is
cut and no corner of what is shared is sought: a pair of edges is a few operations on all pairs of
polygons, and neither the direction of the corners nor an edge that both have matters. Where lines
cross, from ``a`` apart to ``-b``, the mean of the integrand is ``(a + b) / 2 - a b / (a + b)``.

Corners stand in planes, one plane a corner and one column a polygon. Polygons of fewer corners
repeat their last one: an edge of no length has no x in common with any.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats

__all__ = ["areas", "convex", "shared_areas"]

Planes = tuple[Floats, Floats]
"""x and y of corners, each (C, P): by corner, then by polygon."""

STEEP = 1e-30
"""Edges of so little width for their height have no x in common with any that could be told."""

TINY = np.finfo(np.float64).tiny
"""In place of 0 as a divisor: where lines coincide, 0 / TINY adds 0, as it should."""

BLOCK = 4_096
"""Pairs at once, so that what is computed of them stays in cache."""

WINDS = 6
"""Corners from which on an outline can wind twice with every corner on one side of every edge."""


def areas(x: Floats, y: Floats) -> Floats:
    """(P,) areas of polygons with corners x, y : (C, P), below 0 where they run clockwise.

    Measured from the first corner, so that large coordinates cost no digits.
    """
    # sum of u[k] * v[k + 1] - v[k] * u[k + 1] over the corners, / 2; with the first corner as the
    # origin its own two terms are 0.
    u, v = x[1:] - x[0], y[1:] - y[0]
    crossed = u[:-1] * v[1:]
    crossed -= v[:-1] * u[1:]
    total: Floats = crossed.sum(axis=0)
    total /= 2
    return total


def convex(x: Floats, y: Floats) -> Bools:
    """(P,) every corner lies on one side of every edge, and the outline makes one round.

    x, y : (C, P). Three corners on one line are convex.
    """
    if len(x) == 4:
        return _convex_quads(x, y)
    # for every edge, of every corner: the sign of cross(edge, corner - start of the edge).
    # The turns from edge to edge are not enough: those of a five-pointed star are all to one side.
    ex, ey = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    left, right = np.ones((2, x.shape[1]), bool)
    for edge in range(len(x)):
        side = ex[edge] * (y - y[edge]) - ey[edge] * (x - x[edge])
        left &= (side >= 0).all(axis=0)
        right &= (side <= 0).all(axis=0)
    one_sided: Bools = left | right
    return one_sided & _one_round(ex, ey) if len(x) >= WINDS else one_sided


def _convex_quads(x: Floats, y: Floats) -> Bools:
    """The same of four corners: these turn in one direction, and cannot wind twice."""
    left, right = np.ones((2, x.shape[1]), bool)
    ex, ey = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    for edge in range(4):
        turn = ex[edge - 1] * ey[edge] - ey[edge - 1] * ex[edge]
        left &= turn >= 0
        right &= turn <= 0
    turns: Bools = left | right
    return turns


def _one_round(ex: Floats, ey: Floats) -> Bools:
    """(P,) edges that are convex turn once to the right and once to the left.

    ex, ey : (C, P) edges of outlines of which every corner lies on one side of every edge.
    """
    # A triangle of six corners that runs round twice is such an outline. In one round the direction
    # changes twice, from rightward to leftward and back; upright edges are one or the other.
    ahead = (ex > 0) | ((ex == 0) & (ey > 0))
    short = (ex == 0) & (ey == 0)
    for edge in range(1, len(ex)):  # an edge of no length goes on as the one before
        ahead[edge] = np.where(short[edge], ahead[edge - 1], ahead[edge])
    # Leading edges of no length take theirs from the last one, so the pass is made once more.
    ahead[0] = np.where(short[0], ahead[-1], ahead[0])
    for edge in range(1, len(ex)):
        ahead[edge] = np.where(short[edge], ahead[edge - 1], ahead[edge])
    once: Bools = (ahead != np.roll(ahead, -1, axis=0)).sum(axis=0) <= 2
    return once


def shared_areas(mine: Planes, other: Planes) -> Floats:
    """(P,) the area that each pair of convex polygons shares; mine : (C, P), other : (B, P)."""
    pairs = mine[0].shape[1]
    found = np.empty(pairs)
    for start in range(0, pairs, BLOCK):
        at = slice(start, start + BLOCK)
        found[at] = _shared((mine[0][:, at], mine[1][:, at]), (other[0][:, at], other[1][:, at]))
    return found


def _shared(mine: Planes, other: Planes) -> Floats:
    # for e in my edges, f in the other's (the docstring of this file; exact in tests/rational.py):
    #     x = max(low_e, low_f); width = max(min(high_e, high_f) - x, 0)
    #     a, b = y_e - y_f at x and at x + width
    #     mean = (|a| + |b|) / 2 + min(a b, 0) / (|a| + |b|)
    #     total += s_e s_f * width * mean
    # shared = |total| / 2
    # From a corner of one of them, so that large coordinates cost no digits.
    at_x, at_y = mine[0][0], mine[1][0]
    edges = _edges(mine[0] - at_x, mine[1] - at_y)
    low, high, height, slope, way = _edges(other[0] - at_x, other[1] - at_y)
    total = np.zeros(len(at_x))
    for my_low, my_high, my_height, my_slope, my_way in zip(*edges, strict=True):
        # One of my edges with all of the other's: arrays are (B, P), and written in place.
        # The x in common: from max(low, low') on, min(high, high') - start of it, if any.
        start = np.maximum(low, my_low)
        width = np.minimum(high, my_high)
        width -= start
        np.maximum(width, 0, out=width)
        # a = y_e - y_f where they begin, b where they end
        a = my_slope * (start - my_low)
        a += my_height
        start -= low
        start *= slope
        start += height
        a -= start
        b = my_slope - slope
        b *= width
        b += a
        # mean of |y_e - y_f| = (|a| + |b|) / 2 + min(a b, 0) / (|a| + |b|)
        crossed = a * b
        np.minimum(crossed, 0, out=crossed)
        mean = np.abs(a, out=a)
        mean += np.abs(b, out=b)
        crossed /= np.maximum(mean, TINY)
        mean *= 0.5
        mean += crossed
        mean *= width
        mean *= way
        total += my_way * mean.sum(axis=0)
    shared: Floats = np.abs(total)
    shared /= 2
    return shared


def _edges(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Of each edge its least x, its largest, y at the least, the slope, and 1 or -1 for its way."""
    next_x, next_y = np.roll(x, -1, axis=0), np.roll(y, -1, axis=0)
    right = next_x > x
    dx, dy = next_x - x, next_y - y
    # An upright edge, or one of no length, gets the slope 0 in place of an infinite one or of nan:
    # it has no width, and adds nothing whatever its slope.
    steep = np.abs(dx) <= STEEP * np.abs(dy)
    dx[steep], dy[steep] = 1, 0
    dy /= dx
    return (
        np.minimum(x, next_x),
        np.maximum(x, next_x),
        np.where(right, y, next_y),
        dy,
        np.where(right, 1.0, -1.0),
    )
