"""What a metric says of its images beside numbers: repeats, rows that are left out, odd boxes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping

from detmetrics.foundation.errors import DetmetricsWarning
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Id
from detmetrics.tables.plausibility import SHARES_FOR_PIXELS, seems_shares
from detmetrics.training.batches.image_columns import COLUMNS, ImageBoxes

__all__ = ["dropped_rows", "left_out", "misread", "repeated", "warn"]

MOST_PADDING = 0.1
"""The share of images that a distributed sampler may repeat to fill its last batch, at most."""


def warn(notes: Iterable[str]) -> None:
    """Warn of each at the caller of the metric."""
    for note in notes:
        warnings.warn(note, DetmetricsWarning, stacklevel=4)


def repeated(repeats: int, images: int, on_repeat: str) -> list[str]:
    """What is to be said of repeats; more of them than a sampler adds are no padding."""
    if not repeats:
        return []
    kept = {"replace": "the last", "keep": "the first"}.get(on_repeat, "the last")
    times = counted(repeats, "image was", "images were")
    note = f"{times} given more than once; {kept} of each counts"
    if repeats > MOST_PADDING * images:
        warn([f"{note}, {counted(images, 'image')} in all: are image_ids unique?"])
    return [note]


def misread(ground_truth: GroundTruth, detections: Detections) -> list[str]:
    """Sides whose boxes look like shares where pixels are meant."""
    sides = {"predictions": detections.boxes, "targets": ground_truth.boxes}
    what = f"{SHARES_FOR_PIXELS}: normalized=True, with image_sizes, takes shares"
    return [f"{side}: {what}" for side, boxes in sides.items() if seems_shares(boxes)]


def dropped_rows(images: Iterable[ImageBoxes]) -> tuple[int, int]:
    """How many predictions and targets were left out, since they were no boxes or scores."""
    found, there = zip((0, 0), *(image.dropped for image in images), strict=True)
    return sum(found), sum(there)


def left_out(images: Mapping[Id, ImageBoxes]) -> Iterator[str]:
    """What is to be said of rows that were left out."""
    for side, (name, count) in enumerate(zip(COLUMNS, dropped_rows(images.values()), strict=True)):
        if count:
            first = min(at for at, one in images.items() if one.dropped[side])
            rows = counted(count, f"invalid row of {name}", f"invalid rows of {name}")
            yield f"{rows} left out (on_invalid='drop'), first in image {shown(first)}"
