"""Where objects lie, as elements of VOC's XML; :mod:`~detmetrics.formats.voc.objects` reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from detmetrics.formats.voc.objects import CORNERS, SIDES
from detmetrics.formats.writing.written_shapes import polygons_in, turned
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables import GroundTruth

__all__ = ["frames_in", "plain"]


def frames_in(ground_truth: GroundTruth, corners: Floats) -> tuple[list[str], int]:
    """The elements that say where each object lies, and how many masks are none of them.

    Upright ones are a ``bndbox``, other rectangles a ``robndbox``, and other polygons stand beside
    the ``bndbox`` around them.

    corners : (G, 4) of the boxes.
    """
    boxes = [_element("bndbox", CORNERS, box) for box in corners.tolist()]
    given = polygons_in(ground_truth)
    if given is None:
        return boxes, 0
    rows = [row for row, points in enumerate(given) if points is not None]
    polygons = _polygons(ground_truth, [points for points in given if points is not None])
    sides, exact = turned(polygons)
    upright = exact & _fill(polygons, corners[rows])
    for at, row in enumerate(rows):
        if exact[at] and not upright[at]:
            *numbers, angle = sides[at].tolist()
            boxes[row] = _element("robndbox", SIDES, (*numbers, angle % math.pi))
        elif not exact[at]:
            points = polygons.points[polygons.first[at] : polygons.first[at + 1]]
            names = [f"{axis}{n}" for n in range(1, len(points) + 1) for axis in "xy"]
            boxes[row] += "\n    " + _element("polygon", names, points.ravel().tolist())
    return boxes, len(given) - len(rows)


def _polygons(ground_truth: GroundTruth, points: list[Floats]) -> Polygons:
    if isinstance(ground_truth.shapes, Polygons):
        return ground_truth.shapes
    first = np.append(0, np.cumsum([len(own) for own in points])).astype(np.int64)
    return Polygons(np.concatenate([np.zeros((0, 2)), *points]), first)


def _fill(polygons: Polygons, boxes: Floats) -> Bools:
    """(R,) which have no corner but those of their boxes."""
    corner = np.repeat(boxes, polygons.count, axis=0).reshape(-1, 2, 2)
    inside = (polygons.points[:, None] == corner).any(axis=1).all(axis=1)
    filled: Bools = np.logical_and.reduceat(inside, polygons.first[:-1]) if len(boxes) else inside
    alike: Bools = (polygons.hulls == boxes).all(axis=1)
    return filled & alike


def _element(name: str, fields: Iterable[str], values: Iterable[float]) -> str:
    inner = "".join(
        f"<{field}>{plain(value)}</{field}>" for field, value in zip(fields, values, strict=True)
    )
    return f"<{name}>{inner}</{name}>"


def plain(value: float) -> str:
    """A number in full; a whole one without a point."""
    return str(int(value)) if value.is_integer() else repr(value)
