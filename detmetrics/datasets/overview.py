"""What a data set holds: images, objects, classes, sizes, outlines."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.datasets.shape_facts import Drawn, drawn
from detmetrics.formats.loading import read_ground_truth
from detmetrics.formats.reading import READING, Reading
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.progress import Progress
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import COCO
from detmetrics.tables import GroundTruth

__all__ = ["QUANTILES", "Overview", "stats"]

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
PER_IMAGE = (0, 1, 2, 5, 10, 20, 50, 100)
SECTOR = 30
"""Degrees; sectors have 0, 30, ... in their middle, as what is nearly upright belongs together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The numbers of a data set; get one from :func:`stats`.

    Attributes:
        ground_truth: the table that was counted.
        counts: images, those without objects, objects, crowds, difficult objects, classes.
        objects, images_with: (K,) objects of each class, and images that show it.
        areas: objects by COCO's ranges (small, medium, large), empty without image sizes; the
            area is the source's, else that of the outline, else that of the box.
        quantiles: by name (objects an image, width, height, area, aspect; of outlines the corners
            of polygons and the share of the upright box that is filled) the values at
            :data:`QUANTILES`; nan where undefined.
        per_image: how many images hold from so many objects up to the next number.
        outlines: how many there are of each kind, empty where boxes are all there is.
        directions: oriented boxes by the direction of their long side, in degrees from the x axis
            towards the y axis; empty where there are none, or shares of images of unknown size.

    >>> import detmetrics as dm
    >>> dm.stats("fixtures/ground_truth.json").counts["objects"]
    106
    """

    ground_truth: GroundTruth
    counts: dict[str, int]
    objects: Ints
    images_with: Ints
    areas: dict[str, int]
    quantiles: dict[str, Floats]
    per_image: dict[str, int]
    outlines: dict[str, int]
    directions: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None where undefined."""
        names = self.ground_truth.catalog.class_labels
        return {
            "schema": 1,
            "counts": dict(self.counts),
            "classes": {
                name: {"objects": int(objects), "images": int(images)}
                for name, objects, images in zip(names, self.objects, self.images_with, strict=True)
            },
            "areas": dict(self.areas),
            "quantiles": {
                name: {
                    f"{share:g}": None if math.isnan(value) else value
                    for share, value in zip(QUANTILES, values.tolist(), strict=True)
                }
                for name, values in self.quantiles.items()
            },
            "objects_per_image": dict(self.per_image),
            **({"outlines": dict(self.outlines)} if self.outlines else {}),
            **({"directions": dict(self.directions)} if self.directions else {}),
            "notes": list(self.ground_truth.notes),
        }


def stats(
    ground_truth: str | os.PathLike[str] | GroundTruth,
    *,
    reading: Reading = READING,
    progress: Progress | None = None,
) -> Overview:
    """Count what a data set holds; reading, progress: as in :func:`~detmetrics.read_ground_truth`.

    Raises:
        FormatError: the ground truth cannot be read.

    >>> import detmetrics as dm
    >>> dm.stats("fixtures/ground_truth.json").areas
    {'small': 20, 'medium': 71, 'large': 15}
    """
    if not isinstance(ground_truth, GroundTruth):
        ground_truth = read_ground_truth(ground_truth, reading, progress=progress)
    catalog = ground_truth.catalog
    images, classes = len(catalog.image_ids), len(catalog.category_ids)
    on_image = np.bincount(ground_truth.image, minlength=images)
    objects = np.bincount(ground_truth.category, minlength=classes)
    outlines = drawn(ground_truth.shapes)
    area = _area(ground_truth, outlines)
    # The class of every pair of a class and an image that shows it; a pair is one number.
    shown = np.unique(ground_truth.category * max(images, 1) + ground_truth.image) // max(images, 1)
    return Overview(
        ground_truth=ground_truth,
        counts={
            "images": images,
            "images_without_objects": int((on_image == 0).sum()),
            "objects": len(ground_truth),
            "crowds": int(ground_truth.crowd.sum()),
            "difficult": int(ground_truth.difficult.sum()),
            "classes": classes,
            "classes_without_objects": int((objects == 0).sum()),
        },
        objects=objects,
        images_with=np.bincount(shown, minlength=classes),
        areas=_areas(ground_truth, area),
        quantiles=_quantiles(ground_truth, area, on_image, outlines),
        per_image=_histogram(on_image),
        outlines={} if outlines is None else _kinds(ground_truth, outlines),
        directions=_directions(ground_truth),
    )


def _area(ground_truth: GroundTruth, outlines: Drawn | None) -> Floats:
    """(G,) the source's areas; where it has none those of outlines, as when they are measured."""
    if outlines is None:
        return ground_truth.area
    derived = (
        np.ones(len(ground_truth), bool) if ground_truth.derived is None else ground_truth.derived
    )
    return np.where(derived & ~np.isnan(outlines.areas), outlines.areas, ground_truth.area)


def _kinds(ground_truth: GroundTruth, outlines: Drawn) -> dict[str, int]:
    oriented = len(ground_truth) if _four_cornered(ground_truth) else 0
    return {
        "oriented_boxes": oriented,
        "polygons": int(outlines.polygonal.sum()) - oriented,
        "masks": int((outlines.encoded & ~ground_truth.crowd).sum()),
        "masks_of_crowds": int((outlines.encoded & ground_truth.crowd).sum()),
        "unreadable": len(outlines.faults),
    }


def _four_cornered(ground_truth: GroundTruth) -> bool:
    """Whether the outlines are oriented boxes, or as DOTA has them four corners each."""
    shapes = ground_truth.shapes
    return isinstance(shapes, Polygons) and len(shapes) > 0 and bool((shapes.count == 4).all())


def _directions(ground_truth: GroundTruth) -> dict[str, int]:
    shapes = ground_truth.shapes
    if (
        not isinstance(shapes, Polygons)
        or ground_truth.relative
        or not _four_cornered(ground_truth)
    ):
        return {}
    # The direction of the longer sides of each box, both of them together (the second runs back),
    # as corners may have been rounded. Half a turn makes no other direction.
    corners = shapes.points.reshape(-1, 4, 2)
    sides = np.roll(corners, -1, axis=1) - corners
    a, b = sides[:, 0] - sides[:, 2], sides[:, 1] - sides[:, 3]
    longer = np.hypot(*a.T) >= np.hypot(*b.T)
    x, y = np.where(longer[:, None], a, b).T
    turned = np.degrees(np.arctan2(y, x)) + SECTOR / 2
    times = np.bincount((turned % 180 // SECTOR).astype(np.int64), minlength=180 // SECTOR)
    starts = range(-SECTOR // 2, 180 - SECTOR // 2, SECTOR)
    return {
        f"{start} to {start + SECTOR}": count
        for start, count in zip(starts, times.tolist(), strict=True)
    }


def _areas(ground_truth: GroundTruth, area: Floats) -> dict[str, int]:
    """Objects in each of COCO's ranges; one on a border is counted in the lower."""
    if ground_truth.relative:
        return {}
    ranges = COCO.area_ranges[1:]
    upper = [one.high for one in ranges]
    slot = np.minimum(np.searchsorted(upper, area), len(ranges) - 1)
    times = np.bincount(slot, minlength=len(ranges))
    return {one.name: int(count) for one, count in zip(ranges, times, strict=True)}


def _quantiles(
    ground_truth: GroundTruth, area: Floats, on_image: Ints, outlines: Drawn | None
) -> dict[str, Floats]:
    _, _, width, height = ground_truth.xywh.T
    known = {
        "objects_per_image": on_image.astype(np.float64),
        "width": width,
        "height": height,
        "area": area,
    }
    sized = ground_truth.catalog.sized
    if not ground_truth.relative or sized:
        with np.errstate(divide="ignore", invalid="ignore"):
            aspect = width / height
        known["aspect"] = aspect[np.isfinite(aspect)]
    if outlines is not None:
        if outlines.polygonal.any() and not _four_cornered(ground_truth):
            known["corners"] = outlines.corners[outlines.polygonal].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            filled = outlines.areas / outlines.box_areas
        known["share_of_box"] = filled[np.isfinite(filled)]
    return {
        name: np.quantile(values, QUANTILES) if len(values) else np.full(len(QUANTILES), np.nan)
        for name, values in known.items()
    }


def _histogram(on_image: Ints) -> dict[str, int]:
    ends = [*PER_IMAGE[1:], np.inf]
    return {
        _range(low, high): int(((on_image >= low) & (on_image < high)).sum())
        for low, high in zip(PER_IMAGE, ends, strict=True)
    }


def _range(low: int, high: float) -> str:
    if high == low + 1:
        return str(low)
    return f"{low} and more" if math.isinf(high) else f"{low} to {int(high) - 1}"
