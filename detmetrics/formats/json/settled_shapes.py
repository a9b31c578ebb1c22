"""Boxes around segmentations, of rows that have none of their own."""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygon_faults import polygons_fault

__all__ = ["settled"]


def settled(outlines: Segmentations) -> tuple[Masks | Segmentations, Floats]:
    """What rows without boxes hold, and (R, 4) the boxes ``x y w h`` around.

    Raises:
        OutlineError: rows that are no segmentation.
    """
    if not outlines.drawn:
        masks = masks_of(outlines, np.full((len(outlines), 2), np.nan))
        return masks, masks.runs.boxes
    rows = outlines.plain()
    polygon = [isinstance(row, list) for row in rows]
    boxes = np.zeros((len(rows), 4))
    faults = []
    for row in np.flatnonzero(polygon).tolist():
        if fault := polygons_fault(rows[row]):
            faults.append((row, fault))
            continue
        points = np.concatenate([np.array(part).reshape(-1, 2) for part in rows[row]])
        low, high = points.min(axis=0), points.max(axis=0)
        boxes[row] = [*low, *(high - low)]
    if faults:
        raise OutlineError(faults[:100], len(faults))
    others = np.flatnonzero(np.logical_not(polygon))
    _, boxes[others] = settled(Segmentations(object_column([rows[row] for row in others])))
    return Segmentations(object_column(rows)), boxes
