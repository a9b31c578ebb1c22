"""Pixels and shares: in which unit and form a table keeps the boxes of a sheet, and what follows.

Scaling an axis changes no overlap, so shares of the image can be compared with shares though no
image size is known; only areas in square pixels cannot be told then.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import counted
from detmetrics.overlap import Outlines
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.columns import BoxFormat, as_xywh, from_centres
from detmetrics.tables.invalid_boxes import clipped_to_images
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Faults, Source

__all__ = [
    "area_note",
    "areas",
    "clipped",
    "kept_boxes",
    "kept_shapes",
    "refuse_units",
    "underived",
    "unsized_note",
]


def kept_boxes(
    sheet: Sheet, image: Ints, catalog: Catalog, relative: bool
) -> tuple[Floats, BoxFormat]:
    """Boxes in the form and unit in which a table keeps them."""
    # Shares become pixels where the table is in pixels; pixels never become shares.
    boxes = sheet.boxes
    if sheet.relative and not relative and len(catalog.image_ids):
        sides = catalog.image_sizes[image]
        boxes = boxes * np.concatenate([sides, sides], axis=1)
    if sheet.box_format == "cxcywh":
        return from_centres(boxes), "xywh"
    return np.ascontiguousarray(boxes), sheet.box_format


def clipped(
    sheet: Sheet,
    boxes: Floats,
    box_format: BoxFormat,
    image: Ints,
    catalog: Catalog,
    relative: bool,
) -> tuple[Floats, str | None]:
    """Boxes of a table cut to their images, and what to say; shapes stay as they are."""
    if relative:  # shares, of which every image is one wide and one high
        catalog = replace(catalog, image_sizes=np.ones((len(catalog.image_ids), 2)))
    beyond = float(sheet.corners_inclusive or sheet.source.pixel_added)
    cut, changed = clipped_to_images(boxes, box_format, image, catalog, beyond)
    faults = Faults(sheet.source, np.arange(len(sheet)))
    what = "{} cut to the image, as asked"
    return cut, faults.remark(changed, "boxes", what.format("box"), what.format("boxes"))


def kept_shapes(sheet: Sheet, image: Ints, catalog: Catalog, relative: bool) -> Outlines | None:
    """Outlines in the unit in which a table keeps its boxes."""
    if sheet.shapes is None or not sheet.relative or relative or not len(catalog.image_ids):
        return sheet.shapes
    return sheet.shapes.scaled(catalog.image_sizes[image])


def underived(sheet: Sheet) -> Bools | None:
    """(R,) which areas the source does not have; None where it has none at all."""
    if sheet.areas is None or sheet.relative:
        return None
    missing: Bools = np.isnan(sheet.areas)
    return missing


def areas(sheet: Sheet, boxes: Floats, box_format: BoxFormat) -> Floats:
    """The source's areas, and w * h where it has none."""
    sides = as_xywh(boxes, box_format)
    derived: Floats = sides[:, 2] * sides[:, 3]
    if sheet.areas is None or sheet.relative:  # shares of an image are no square pixels
        return derived
    return np.where(np.isnan(sheet.areas), derived, sheet.areas)


def area_note(sheet: Sheet) -> str | None:
    """What to say where the source lacks some of its areas."""
    missing = 0 if sheet.areas is None else int(np.isnan(sheet.areas).sum())
    if not missing:
        return None
    own = "w * h is used" if sheet.shapes is None else "that of the shape that is measured is used"
    return f"{sheet.source.name}: {missing:,} of {len(sheet):,} areas are missing: {own}"


def unsized_note(source: Source, catalog: Catalog) -> str:
    """What to say where boxes stay shares."""
    unknown = int(np.isnan(catalog.image_sizes).any(axis=1).sum())
    return (
        f"{source.name}: boxes are shares of the image, and the size of "
        f"{counted(unknown, 'image')} of {len(catalog.image_ids):,} is unknown: metrics of all "
        "areas need none, those by area are undefined (sizes: --image-dir or --image-sizes)"
    )


def refuse_units(sheet: Sheet, catalog: Catalog, relative: bool) -> None:
    """Shares and pixels can only be compared where the sizes of the images are known.

    Raises:
        TableError: they are not.
    """
    if sheet.relative == relative or catalog.sized or not len(sheet):
        return
    here, there = ("shares", "pixels") if sheet.relative else ("pixels", "shares")
    raise TableError(
        f"{sheet.source.name}: boxes are in {here} here and in {there} in the ground truth "
        "(shares are parts of the width and height of the image), and image sizes are not "
        "known: give the images with --image-dir DIR, or their sizes with --image-sizes FILE "
        "(a CSV with image, width, height)"
    )
