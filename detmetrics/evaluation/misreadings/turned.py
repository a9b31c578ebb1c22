"""Boxes in an image that was mirrored or turned: by its EXIF orientation, or by an augmentation.

Cameras write an image as the sensor has it and note how it is to be turned. Who draws boxes on the
turned image and detects on the one of the sensor, or the other way round, has them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.evaluation.misreadings.mistake import Boxes, Mistake, boxes_changed
from detmetrics.foundation.arrays import Floats

__all__ = ["TURNED", "turned"]

TURNED = "turned"
"""The family: what undoes it for some images is the same as for all."""
EXIF_CURE = (
    "apply the EXIF orientation of images for the annotations and for the detector, or for neither"
)
FLIP_CURE = "undo the flip of the image in its detections (test-time augmentation)"
BOTTOM_CURE = "write y from the top of the image: y = height - y - h"


def turned() -> Iterator[Mistake]:
    """Every way."""
    yield _mistake("boxes of the mirrored image (left to right)", FLIP_CURE, _mirrored)
    yield _mistake("boxes with y from the bottom of the image", BOTTOM_CURE, _from_bottom)
    yield _mistake("boxes of the image upside down (turned by 180 degrees)", EXIF_CURE, _halfway)
    yield _mistake("boxes of the image turned left by 90 degrees", EXIF_CURE, _right)
    yield _mistake("boxes of the image turned right by 90 degrees", EXIF_CURE, _left)


def _mistake(name: str, cure: str, change: Boxes) -> Mistake:
    return boxes_changed(TURNED, name, cure, change)


def _mirrored(boxes: Floats, sizes: Floats) -> Floats:
    x, y, w, h = boxes.T
    return np.column_stack([sizes[:, 0] - x - w, y, w, h])


def _from_bottom(boxes: Floats, sizes: Floats) -> Floats:
    x, y, w, h = boxes.T
    return np.column_stack([x, sizes[:, 1] - y - h, w, h])


def _halfway(boxes: Floats, sizes: Floats) -> Floats:
    return _mirrored(_from_bottom(boxes, sizes), sizes)


def _right(boxes: Floats, sizes: Floats) -> Floats:
    """Turns by 90 degrees to the right: what was at the bottom is at the left."""
    x, y, w, h = boxes.T
    return np.column_stack([sizes[:, 0] - y - h, x, h, w])


def _left(boxes: Floats, sizes: Floats) -> Floats:
    """Turns by 90 degrees to the left: what was at the right is at the top."""
    x, y, w, h = boxes.T
    return np.column_stack([y, sizes[:, 1] - x - w, h, w])
