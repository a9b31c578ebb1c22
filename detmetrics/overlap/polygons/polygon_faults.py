"""What is wrong with polygons: numbers that are no pixels, or outlines too long to walk along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.messages import shown

__all__ = ["MOST_STEPS", "doubtful", "polygons_fault", "steps_of"]

MOST_STEPS = 10_000_000
"""Of the edges of a polygon; a pixel has five, and pycocotools keeps them all."""
REACH, FARTHEST = 10, 1e8
"""How many sides of its image a polygon may reach beyond it; in pixels where the size is unknown"""


def polygons_fault(one: Sequence[Any], image: Floats | None = None) -> str | None:
    """What is wrong with polygons; image : (2,) width and height, where they are known."""
    sides = np.full((1, 2), np.nan) if image is None else image[None]
    for polygon in one:
        if not isinstance(polygon, list) or not set(map(type, polygon)) <= {int, float}:
            return f"expected a polygon x1 y1 x2 y2 ..., got {shown(polygon)}"
        if len(polygon) < 6 or len(polygon) % 2:
            return f"expected a polygon of 3 points or more, got {shown(polygon)}"
        try:
            points = np.array(polygon, np.float64).reshape(-1, 2)
        except OverflowError:
            points = np.full((3, 2), np.inf)
        first = np.array([0, len(points)])
        if doubtful(points, first, steps_of(points, first), sides).any():
            return f"expected a polygon of finite numbers that can be pixels, got {shown(polygon)}"
    return None


def doubtful(points: Floats, first: Ints, steps: Floats, images: Floats) -> Bools:
    """(P,) which polygons are no places of their image, or take too long to walk along."""
    if not len(steps):
        return np.zeros(0, bool)
    # max(|x|, |y|) of each polygon may be 1000 + REACH times the longer side of its image, or
    # FARTHEST where that is unknown.
    farthest = np.maximum.reduceat(np.abs(points).max(axis=1), first[:-1])
    longest = np.where(np.isfinite(images), images, 0).max(axis=1)
    reach = np.where(longest > 0, 1000 + REACH * longest, FARTHEST)
    found: Bools = ~((farthest < reach) & (steps < MOST_STEPS))  # and those that are no numbers
    return found


def steps_of(points: Floats, first: Ints) -> Floats:
    """(P,) how many steps it takes to walk along each polygon."""
    if len(first) < 2:
        return np.zeros(0)
    # rleFrPoly walks each edge pixel by pixel along its longer axis, at five times the scale:
    #     steps = sum(5 * max(|dx|, |dy|) + 2 for dx, dy in edges, the closing one too)
    with np.errstate(invalid="ignore", over="ignore"):
        onward = np.empty_like(points)
        onward[:-1] = points[1:] - points[:-1]
        onward[first[1:] - 1] = points[first[:-1]] - points[first[1:] - 1]
        steps: Floats = np.add.reduceat(np.abs(onward).max(axis=1) * 5 + 2, first[:-1])
    return steps
