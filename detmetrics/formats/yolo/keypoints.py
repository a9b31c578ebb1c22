"""Lines of a class, a box and keypoints, of which the boxes are read.

A label is ``class cx cy w h`` and ``x y`` of each keypoint, or ``x y visibility`` with 0, 1 or 2; a
prediction has the confidence of each in place of its visibility, and its own behind all. Such lines
may be as long as points of a polygon. Source: ``ultralytics/data/utils.py``,
``verify_image_label``; ``ultralytics/engine/results.py``, ``save_txt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detmetrics.formats.lines.layouts import ENOUGH, SLACK, TOLERATED
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Bools, Floats

__all__ = ["keypoint_numbers", "posed"]

BOX, OF_POINT = 4, 3
SHORTEST = BOX + 2 * OF_POINT
AROUND = 0.25
"""How far, in sides of the box, a keypoint may lie outside of it."""

SURE = 0.5


def keypoint_numbers(content: Mapping[str, Any]) -> int:
    """How many numbers ``kpt_shape`` of a data set says that the keypoints of a line are, 0 if not.

    content: of a YAML file, with every scalar as text.
    """
    shape = content.get("kpt_shape")
    if not isinstance(shape, list) or len(shape) != 2:
        return 0
    texts = [str(number).strip() for number in shape]
    if not all(text.isascii() and text.isdigit() and len(text) < 6 for text in texts):
        return 0
    return int(texts[0]) * int(texts[1])


def posed(lines: Lines, *, scored: bool = False, stated: int = 0) -> Floats | None:
    """(R, 4) the boxes of lines that hold keypoints, (R, 5) with the score; None if they do not.

    stated: how many numbers the data set says that keypoints are.
    """
    width = int(lines.width[0]) if len(lines) else 0
    last = int(scored)
    if width <= BOX + last or (lines.width != width).any():
        return None
    values = lines.matrix(width)
    if stated and width == BOX + stated + last:
        return _kept(values, last)
    if width < SHORTEST + last or (width - BOX - last) % OF_POINT:
        return None
    points = values[:, BOX : width - last].reshape(len(values), -1, OF_POINT)
    shown: Floats = points[:, :, 2]
    if scored:
        like = len(values) >= ENOUGH and bool(((shown >= 0) & (shown <= 1)).all())
        seen = shown > SURE
    else:
        like, seen = bool(np.isin(shown, (0, 1, 2)).all()), shown > 0
    return _kept(values, last) if like and _surround(values[:, :BOX], points, seen) else None


def _kept(values: Floats, last: int) -> Floats:
    columns = [*range(BOX), *range(values.shape[1] - last, values.shape[1])]
    return np.ascontiguousarray(values[:, columns])


def _surround(boxes: Floats, points: Floats, seen: Bools) -> bool:
    """Whether boxes lie in the image, around the points that are seen: no two corners would."""
    centre, side = boxes[:, :2], boxes[:, 2:]
    beyond = (centre - side / 2 < -SLACK) | (centre + side / 2 > 1 + SLACK)
    if not np.any(seen) or beyond.any(axis=1).mean() > TOLERATED:
        return False
    with np.errstate(invalid="ignore"):  # of numbers that are not finite
        off = np.abs(points[:, :, :2] - centre[:, None])
    outside: Bools = np.logical_or.reduce(off > (0.5 + AROUND) * side[:, None], axis=2)
    return bool((outside & seen).sum() <= TOLERATED * seen.sum())
