"""What a data set holds: images, objects, classes, sizes."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.arrays import Floats, Ints
from detmetrics.evaluation import read_ground_truth
from detmetrics.loading import Progress
from detmetrics.reading.request import Reading
from detmetrics.rules import COCO
from detmetrics.tables import GroundTruth

__all__ = ["QUANTILES", "Overview", "stats"]

READING = Reading()
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
PER_IMAGE = (0, 1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The numbers of a data set; get one from :func:`stats`.

    Attributes:
        truth: the table that was counted.
        counts: images, those without objects, objects, crowds, difficult objects, classes.
        objects, images_with: (K,) objects of each class, and images that show it.
        areas: objects by COCO's ranges (small, medium, large), empty without image sizes.
        quantiles: by name (objects an image, width, height, area, aspect) the values at
            :data:`QUANTILES`; nan where undefined.
        per_image: how many images hold from so many objects up to the next number.

    >>> import detmetrics as dm
    >>> dm.stats("fixtures/ground_truth.json").counts["objects"]
    106
    """

    truth: GroundTruth
    counts: dict[str, int]
    objects: Ints
    images_with: Ints
    areas: dict[str, int]
    quantiles: dict[str, Floats]
    per_image: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, None where undefined."""
        names = self.truth.catalog.class_labels
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
            "notes": list(self.truth.notes),
        }


def stats(
    ground_truth: str | os.PathLike[str] | GroundTruth,
    *,
    reading: Reading = READING,
    progress: Progress | None = None,
) -> Overview:
    """Count what a data set holds.

    Raises:
        FormatError: the ground truth cannot be read.

    >>> import detmetrics as dm
    >>> dm.stats("fixtures/ground_truth.json").areas
    {'small': 20, 'medium': 71, 'large': 15}
    """
    truth = (
        ground_truth
        if isinstance(ground_truth, GroundTruth)
        else read_ground_truth(ground_truth, reading, progress=progress)
    )
    catalog = truth.catalog
    images, classes = len(catalog.image_ids), len(catalog.category_ids)
    on_image = np.bincount(truth.image, minlength=images)
    objects = np.bincount(truth.category, minlength=classes)
    shown = np.unique(truth.category * max(images, 1) + truth.image) // max(images, 1)
    return Overview(
        truth=truth,
        counts={
            "images": images,
            "images_without_objects": int((on_image == 0).sum()),
            "objects": len(truth),
            "crowds": int(truth.crowd.sum()),
            "difficult": int(truth.difficult.sum()),
            "classes": classes,
            "classes_without_objects": int((objects == 0).sum()),
        },
        objects=objects,
        images_with=np.bincount(shown, minlength=classes),
        areas=_areas(truth),
        quantiles=_quantiles(truth, on_image),
        per_image=_histogram(on_image),
    )


def _areas(truth: GroundTruth) -> dict[str, int]:
    """Objects in each of COCO's ranges; one on a border is counted in the lower."""
    if truth.relative:
        return {}
    ranges = COCO.area_ranges[1:]
    upper = [area.high for area in ranges]
    slot = np.minimum(np.searchsorted(upper, truth.area), len(ranges) - 1)
    times = np.bincount(slot, minlength=len(ranges))
    return {area.name: int(count) for area, count in zip(ranges, times, strict=True)}


def _quantiles(truth: GroundTruth, on_image: Ints) -> dict[str, Floats]:
    _, _, width, height = truth.xywh.T
    known = {
        "objects_per_image": on_image.astype(np.float64),
        "width": width,
        "height": height,
        "area": truth.area,
    }
    sized = truth.catalog.sized
    if not truth.relative or sized:
        with np.errstate(divide="ignore", invalid="ignore"):
            aspect = width / height
        known["aspect"] = aspect[np.isfinite(aspect)]
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
