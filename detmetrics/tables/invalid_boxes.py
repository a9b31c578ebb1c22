"""What becomes of boxes that are none: refused, left out, or cut to what can be.

A box is invalid where one of its numbers is not finite or no pixel, or its width or height is
below zero. Without a wish such numbers are refused, and so is ground truth of negative size;
detections of negative size are kept and counted, since detectors that clip boxes write them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.columns import LARGEST, BoxFormat, as_xyxy, negative_sizes
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Faults

__all__ = ["INVALID_BOXES", "InvalidBoxes", "Settled", "clipped_to_images", "settled"]

InvalidBoxes = Literal["error", "drop", "clip"]
INVALID_BOXES = ("error", "drop", "clip")


class Settled(NamedTuple):
    """A sheet whose invalid boxes are dealt with, the rows that are left, and what to say."""

    sheet: Sheet
    rows: Ints
    note: str | None


def settled(sheet: Sheet, wish: InvalidBoxes | None) -> Settled:
    """The sheet without invalid boxes (drop), or with no box of negative size (clip).

    Raises:
        InputError: no such wish.
    """
    if wish not in (None, *INVALID_BOXES):
        raise InputError(f"invalid_boxes: expected {', '.join(INVALID_BOXES)}, got {wish!r}")
    rows = np.arange(len(sheet))
    if wish in (None, "error"):
        return Settled(sheet, rows, None)
    faults = Faults(sheet.source, rows)
    negative = negative_sizes(sheet.boxes, sheet.box_format)
    if wish == "drop":
        bad: Bools = negative | ~(np.abs(sheet.boxes) <= LARGEST).all(axis=1)
        what = "invalid {} (negative size, or a number that is not finite) dropped, as asked"
        note = faults.remark(bad, "boxes", what.format("box"), what.format("boxes"))
        rows = np.flatnonzero(~bad)
        return Settled(sheet.take(rows) if bad.any() else sheet, rows, note)
    if negative.any():
        what = "{} of negative width or height set to size 0, as asked"
        note = faults.remark(negative, "boxes", what.format("box"), what.format("boxes"))
        return Settled(sheet.with_boxes(_not_negative(sheet)), rows, note)
    return Settled(sheet, rows, None)


def _not_negative(sheet: Sheet) -> Floats:
    """(R, 4) boxes of which the first corner or the centre stays, and no side is below zero."""
    boxes = sheet.boxes.copy()
    least = boxes[:, :2] if sheet.box_format == "xyxy" else 0.0
    boxes[:, 2:] = np.maximum(boxes[:, 2:], least)
    return boxes


def clipped_to_images(
    boxes: Floats, box_format: BoxFormat, image: Ints, catalog: Catalog, beyond: float
) -> tuple[Floats, Bools]:
    """(R, 4) boxes cut to their image, in pixels, and (R,) which were changed.

    image : (R,) where each is in the catalog, -1 where it is not; beyond: how far the right and
    lower ends of images are counted, 1 where the first pixel has number 1. Of an image of unknown
    size only the left and upper ends are known.
    """
    corners = as_xyxy(boxes, box_format)
    sizes = np.vstack([catalog.image_sizes, [[np.nan, np.nan]]])[image] + beyond
    ends = np.tile(np.where(np.isnan(sizes), np.inf, sizes), 2)
    cut = np.clip(corners, 0.0, ends)
    changed = (cut != corners).any(axis=1)
    found = boxes.copy()
    own = cut[changed]
    if box_format == "xywh":
        own = np.concatenate([own[:, :2], own[:, 2:] - own[:, :2]], axis=1)
    found[changed] = own
    return found, changed
