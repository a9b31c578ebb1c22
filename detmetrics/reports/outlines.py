"""Shapes as they are drawn: rings of corners, as fine as can be seen and no finer.

A ring is a polyline of which every corner that is left out lies within a pixel of the drawing of
the line between two that are kept. Source: D. Douglas, T. Peucker, Algorithms for the Reduction of
the Number of Points Required to Represent a Digitized Line or its Caricature (1973).
"""

from __future__ import annotations

import math

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.overlap import KINDS, Shapes
from detmetrics.rules import Rules

__all__ = ["Ring", "outlines", "path_of", "simplified", "title_of"]

Ring = list[float]
"""``x1 y1 x2 y2 ...`` of the corners."""

ACROSS = 720
"""Pixels of a drawing along its longer side."""

MOST_CORNERS = 12_000
LEAST_CORNERS = 64
"""Of all shapes of a drawing together, and what each may have at least."""

FEW = 4
"""Rings of so few corners are drawn as they are."""

LONGEST = 5_000
"""Of longer rings evenly many corners are looked at."""


def title_of(rules: Rules) -> str:
    """What is measured, in words.

    >>> from detmetrics import COCO
    >>> title_of(COCO), title_of(COCO.replace(shape="mask"))
    ('boxes', 'masks')
    """
    return "boxes" if rules.shape == "box" else KINDS[rules.shape].title


def outlines(
    shapes: Shapes, rows: Ints, scale: Floats, side: float, count: int
) -> list[list[Ring]]:
    """Rings of each row, rounded to about a tenth of a pixel of the drawing.

    scale : (2,) from the unit of the shapes to that of the drawing; side: the longer one of the
    drawing in its unit; count: shapes that are drawn on it. Of a row whose box is all there is to
    draw there are none.
    """
    pixel = side / ACROSS
    decimals = round(-math.log10(pixel / 10))
    most = max(MOST_CORNERS // max(count, 1), LEAST_CORNERS)
    found = []
    for row in rows.tolist():
        rings = _rings(shapes, row, scale, pixel, most)
        found.append([(np.round(ring, decimals) + 0.0).ravel().tolist() for ring in rings])
    return found


def path_of(rings: list[Ring]) -> str:
    """The rings as a path of SVG.

    >>> path_of([[0.0, 0.0, 4.5, 0.0, 4.5, 3.0]])
    'M0 0 4.5 0 4.5 3z'
    """
    return "".join(f"M{' '.join(f'{number:.12g}' for number in ring)}z" for ring in rings)


def _rings(shapes: Shapes, row: int, scale: Floats, pixel: float, most: int) -> list[Floats]:
    """Rings of a row in the unit of the drawing, as fine as its corners may be many."""
    while True:
        whole = [ring * scale for ring in shapes.outline(row, pixel / float(scale.max()))]
        seen = [ring for ring in whole if float(np.ptp(ring, axis=0).max()) >= pixel]
        # A ring more than corners are wanted says already that there are too many.
        rings = [simplified(ring, pixel) for ring in (seen or whole)[: most + 1]]
        if sum(map(len, rings)) <= most:
            return rings
        pixel *= 2


def simplified(ring: Floats, tolerance: float) -> Floats:
    """Which corners of a ring to keep, so that lines between them pass by all others.

    ring : (C, 2).

    >>> square = np.array([[0, 0], [4, 0.1], [8, 0], [8, 8], [0, 8.0]])
    >>> simplified(square, 0.5).tolist()
    [[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]]
    """
    if len(ring) <= FEW:
        return ring
    ring = ring[np.unique(np.linspace(0, len(ring) - 1, min(len(ring), LONGEST)).astype(int))]
    # A ring has no ends: it is cut at a corner that is sure to be seen, the upper left one, and at
    # the corner that is farthest from it. Then, as Douglas and Peucker have it:
    # while some corner is off the line between two that are kept by more than the tolerance:
    #     keep the farthest of each such piece
    # All pieces at once, where their recursion takes one after the other; what is kept is the same.
    ring = np.roll(ring, -int(ring.sum(axis=1).argmin()), axis=0)
    closed = np.concatenate([ring, ring[:1]])
    kept = np.zeros(len(closed), bool)
    kept[[0, -1]] = True
    kept[int(((ring - ring[0]) ** 2).sum(axis=1).argmax())] = True
    while True:
        ends = np.flatnonzero(kept)
        piece = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        off = _off(ring, closed[ends[piece]], closed[ends[piece + 1]])
        farthest = np.maximum.reduceat(off, ends[:-1])
        hit = np.flatnonzero((off == farthest[piece]) & (off > tolerance))
        if not len(hit):
            return ring[kept[:-1]]
        kept[hit[np.unique(piece[hit], return_index=True)[1]]] = True


def _off(points: Floats, a: Floats, b: Floats) -> Floats:
    """(P,) how far points lie from the lines from a to b; all are (P, 2)."""
    # The nearest place of a line is a + share * (b - a), share in [0, 1]; of no length it is a.
    along, to = b - a, points - a
    length = (along**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(length > 0, (to * along).sum(axis=1) / length, 0.0)
    nearest = along * np.clip(share, 0, 1)[:, None]
    off: Floats = np.hypot(*(to - nearest).T)
    return off
