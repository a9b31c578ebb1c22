"""Boxes that are probably not what their format says, seen from their values alone.

A wrong reading of boxes gives a number all the same, only a low one; so these two are looked for
whenever boxes are read. Neither can be certain, hence they warn and do not refuse.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.tables.columns import BoxFormat

__all__ = ["CORNERS_FOR_SIDES", "SHARES_FOR_PIXELS", "seems_corners", "seems_shares", "suspicions"]

FIRST = 1 << 14  # boxes that usually show that the others need not be looked at
ENOUGH = 20  # boxes; of fewer such sides may be an accident
NEARLY_ALL = 0.995
NEARLY_ALL_SHARES = 0.95  # some boxes reach outside of their image

CORNERS_FOR_SIDES = (
    "boxes look like xmin ymin xmax ymax, but are read as x y w h: in nearly all of them the third "
    "number is at least the first and the fourth at least the second"
)
SHARES_FOR_PIXELS = (
    "boxes look like shares of the image, but are read as pixels: hardly any exceeds 1"
)


def seems_corners(boxes: Floats, box_format: BoxFormat) -> bool:
    """Whether boxes given as ``x y w h`` are probably corners.

    Sides that are as long as their distance from the upper left corner are common for one box,
    and next to impossible for all of many.
    """
    if box_format != "xywh" or len(boxes) < ENOUGH:
        return False
    shorter = _off_corner_and_shorter(boxes[:FIRST])[1]
    if shorter > (1 - NEARLY_ALL) * len(boxes) + 1:  # too many, whatever the others are
        return False
    off_corner, shorter = _off_corner_and_shorter(boxes)
    return off_corner >= ENOUGH and (off_corner - shorter) / off_corner >= NEARLY_ALL


def _off_corner_and_shorter(boxes: Floats) -> tuple[int, int]:
    """How many boxes are off the left and upper edge, and of these shorter than their distance.

    Boxes at such an edge are longer than their distance from it, whatever they are.
    """
    x, y, w, h = boxes.T
    off_corner = (x > 0) & (y > 0)
    longer = off_corner & (w >= x) & (h >= y)
    return int(off_corner.sum()), int(off_corner.sum() - longer.sum())


def seems_shares(boxes: Floats) -> bool:
    """Whether boxes given in pixels are probably shares: none reaches further than 1."""
    if not boxes.size or boxes[:FIRST].max() > 2:
        return False
    if (boxes <= 1).all(axis=1).mean() < NEARLY_ALL_SHARES:
        return False
    return bool(boxes.max() <= 2 and (boxes != np.floor(boxes)).any())


def suspicions(boxes: Floats, box_format: BoxFormat, *, unit_is_said: bool) -> list[str]:
    """What the boxes look like in place of what they are read as."""
    found = [CORNERS_FOR_SIDES] if seems_corners(boxes, box_format) else []
    return [*found, SHARES_FOR_PIXELS] if not unit_is_said and seems_shares(boxes) else found
