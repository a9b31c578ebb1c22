"""Outlines as writers put them down: segmentations of COCO, polygons, and rectangles with an angle.

A shape is written as it is: a mask stays a mask and a polygon a polygon, with the same corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, object_column
from detmetrics.overlap import KINDS, OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygon_faults import polygons_fault
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Turned", "polygons_in", "segmentations_in", "shape_areas", "turned"]

SQUARE = 1e-9
"""How far, as a share of its size, a corner of a rectangle may lie from where it must."""


def segmentations_in(table: GroundTruth | Detections) -> list[Any] | None:
    """(R,) polygons ``[[x1, y1, ...], ...]`` or ``{"size", "counts"}``; None without outlines.

    Raises:
        FormatError, TableError: rows that are no segmentation.
    """
    shapes = table.shapes
    if shapes is None:
        return None
    if isinstance(shapes, Polygons):
        return [[points.ravel().tolist()] for points in _each(shapes)]
    if isinstance(shapes, Masks):
        return [_text(code) for code in shapes.sound.tolist()]
    assert isinstance(shapes, Segmentations)
    try:
        return _checked(shapes.plain())
    except OutlineError as error:
        raise table.refused(error) from None


def _checked(rows: list[Any]) -> list[Any]:
    faults = [
        (row, fault)
        for row, one in enumerate(rows)
        if isinstance(one, list) and (fault := polygons_fault(one) if one else "it is empty")
    ]
    if faults:
        raise OutlineError(faults[:100], len(faults))
    others = [row for row, one in enumerate(rows) if not isinstance(one, list)]
    masks = _masks(object_column([rows[row] for row in others]), others)
    found = list(rows)
    for row, code in zip(others, masks.sound.tolist(), strict=True):
        found[row] = _text(code)
    return found


def _masks(rows: Any, places: Sequence[int]) -> Masks:
    try:
        return masks_of(Segmentations(rows), np.full((len(rows), 2), np.nan))
    except OutlineError as error:
        raise OutlineError(
            [(places[row], text) for row, text in error.faults], error.count
        ) from None


def _text(code: dict[str, Any]) -> dict[str, Any]:
    return {"size": list(code["size"]), "counts": code["counts"].decode("latin-1")}


def _each(polygons: Polygons) -> list[Floats]:
    return np.split(polygons.points, polygons.first[1:-1]) if len(polygons) else []


def polygons_in(table: GroundTruth | Detections) -> list[Floats | None] | None:
    """(R,) (C, 2) the corners of each that is one polygon, None of others; None without any."""
    if isinstance(table.shapes, Polygons):
        return [*_each(table.shapes)]
    rows = segmentations_in(table)
    if rows is None:
        return None
    return [
        np.array(one[0], np.float64).reshape(-1, 2)
        if isinstance(one, list) and len(one) == 1
        else None
        for one in rows
    ]


def shape_areas(ground_truth: GroundTruth) -> tuple[Floats, int]:
    """(G,) areas: the source's, else those of the shapes; and how many stay ``w * h``.

    Polygons of masks have an area where the size of the image is known.
    """
    derived = (
        np.ones(len(ground_truth), bool) if ground_truth.derived is None else ground_truth.derived
    )
    if ground_truth.shapes is None or not derived.any():
        return ground_truth.area, 0
    own = ground_truth.take(np.flatnonzero(derived))
    if isinstance(own.shapes, Segmentations) and np.isnan(own.sizes).any():
        return ground_truth.area, int(derived.sum())
    area = ground_truth.area.copy()
    area[derived] = own.shapes_as(KINDS[own.natural or "oriented"]).areas
    return area, 0


class Turned(NamedTuple):
    """sides : (R, 5) as in :class:`Rectangles`; exact : (R,) they are the polygons themselves."""

    sides: Floats
    exact: Bools


def turned(polygons: Polygons) -> Turned:
    """Polygons of four corners as rectangles with an angle; others have nan and are not exact.

    u = p2 - p1, v = p3 - p2; it is a rectangle where p4 = p1 + v, p3 = p1 + u + v and u . v = 0
    """
    if isinstance(polygons, Rectangles):
        return Turned(polygons.cxcywhr, np.ones(len(polygons), bool))
    sides = np.full((len(polygons), 5), np.nan)
    four = np.flatnonzero(polygons.count == 4)
    corners = polygons.take(four).points.reshape(-1, 4, 2)
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    w, h = np.hypot(*u.T), np.hypot(*v.T)
    size = np.maximum(w, h)
    skewed = np.abs((u * v).sum(axis=1))
    open_by = np.abs(corners[:, 3] - corners[:, 0] - v).max(axis=1, initial=0)
    straight = (skewed <= SQUARE * size * size) & (open_by <= SQUARE * size) & (w > 0) & (h > 0)
    at = four[straight]
    angle = np.arctan2(u[:, 1], u[:, 0])
    sides[at] = np.column_stack([corners.mean(axis=1), w, h, angle])[straight]
    exact = np.zeros(len(polygons), bool)
    exact[at] = True
    return Turned(sides, exact)
