"""What callers hand over, made into columns of the right type and shape, or refused.

Boxes come as ``x y w h``, as corners or as centres; see :mod:`detmetrics.tables` for what is kept.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.foundation.arrays import Bools, Floats, Objects
from detmetrics.foundation.errors import TableError
from detmetrics.tables.box_columns import BoxFormat
from detmetrics.tables.catalog import id_array
from detmetrics.tables.sources import Faults

__all__ = [
    "NEGATIVE",
    "BoxFormat",
    "as_xywh",
    "as_xyxy",
    "box_column",
    "flag_column",
    "from_centres",
    "id_column",
    "negative_sizes",
    "number_column",
    "of_length",
    "refuse_negative",
    "refuse_unusable",
]

Column = TypeVar("Column", bound=Sized)

BOX_FORMATS = ("xywh", "xyxy", "cxcywh")

LARGEST = 1e15
"""Coordinates beyond this are no pixels, and their products lose digits."""

NEGATIVE = (
    "box of negative width or height, which matches nothing and has no area to count by",
    "boxes of negative width or height, which match nothing and have no area to count by",
)
"""Detectors that clip boxes to the image write such boxes, so detections may hold them."""


def id_column(name: str, values: Any) -> Objects:
    """Ids as :func:`detmetrics.tables.catalog.id_array` has them; errors name the column."""
    if isinstance(values, np.ndarray) and not values.size:
        return np.zeros(0, np.int64)
    try:
        return id_array(values)
    except TableError as error:
        raise TableError(f"{name}: {str(error).removeprefix('ids: ')}") from None


def number_column(name: str, values: ArrayLike) -> Floats:
    """A copy as float64; None is nan, and nothing is of no kind."""
    try:
        given = np.asarray(values)
        if not given.size:
            return np.zeros(given.shape)
        if given.dtype.kind in "OU" and any(isinstance(value, str) for value in given.flat):
            raise TypeError
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise TableError(f"{name}: expected numbers in a regular array") from None


def of_length(name: str, values: Column, count: int) -> Column:
    """The column itself, if it has one dimension and ``count`` rows; nothing has any shape."""
    if isinstance(values, np.ndarray) and values.size == count == 0:
        return values.reshape(0)  # type: ignore[return-value]
    shape = values.shape if isinstance(values, np.ndarray) else (len(values),)
    if shape != (count,):
        raise TableError(f"{name}: expected shape ({count},) like image_ids, got {shape}")
    return values


def flag_column(name: str, values: ArrayLike | None, count: int) -> Bools:
    """Flags, all false where none are given."""
    if values is None:
        return np.zeros(count, bool)
    flags = number_column(name, values)
    if np.isnan(flags).any():
        raise TableError(f"{name}: expected flags, got nan")
    return of_length(name, flags != 0, count)


def box_column(boxes: ArrayLike | None, box_format: BoxFormat, count: int) -> Floats:
    """(count, 4) boxes in one of the three forms."""
    if boxes is None:
        raise TableError("boxes: expected an array, or shapes, got neither")
    table = number_column("boxes", boxes)
    if table.size == 0 and count == 0:
        table = table.reshape(0, 4)
    if table.shape != (count, 4):
        raise TableError(f"boxes: expected shape ({count}, 4), got {table.shape}")
    if box_format not in BOX_FORMATS:
        raise TableError(f"box_format: expected xywh, xyxy or cxcywh, got {box_format!r}")
    return table


def as_xywh(boxes: Floats, box_format: BoxFormat) -> Floats:
    """(n, 4) ``x y w h``; w and h of corners are their differences."""
    if box_format == "xywh":
        return boxes
    if box_format == "cxcywh":
        return from_centres(boxes)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def as_xyxy(boxes: Floats, box_format: BoxFormat) -> Floats:
    """(n, 4) corners ``x1 y1 x2 y2``."""
    if box_format == "xyxy":
        return boxes
    sides = as_xywh(boxes, box_format)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)


def from_centres(boxes: Floats) -> Floats:
    """(n, 4) ``x y w h`` of ``cx cy w h``."""
    sides = np.empty(boxes.shape)
    sides[:, 2:] = boxes[:, 2:]
    for axis in (0, 1):  # NumPy is slow along rows of two numbers
        sides[:, axis] = boxes[:, axis] - boxes[:, axis + 2] / 2
    return sides


def refuse_unusable(faults: Faults, boxes: Floats, column: str = "boxes") -> None:
    """Note boxes with a nan, an infinity or a number that is no pixel."""
    # The extremes decide for nearly every table; which rows are bad is asked only then.
    if boxes.size and not (boxes.min() >= -LARGEST and boxes.max() <= LARGEST):
        bad: Bools = np.logical_not((np.abs(boxes) <= LARGEST).all(axis=1))
        faults.refuse(bad, column, "four finite numbers that can be pixels", boxes)


def refuse_negative(faults: Faults, boxes: Floats, box_format: BoxFormat) -> None:
    """Note boxes of negative width or height."""
    corners = box_format == "xyxy"
    expected = "xmin <= xmax and ymin <= ymax" if corners else "w and h from 0 up"
    faults.refuse(negative_sizes(boxes, box_format), "boxes", expected, boxes)


def negative_sizes(boxes: Floats, box_format: BoxFormat) -> Bools:
    """(n,) whether the width or the height is below zero."""
    first, second, third, fourth = boxes.T
    # Of corners a difference; it is below zero just where the second is less.
    width_from, height_from = (first, second) if box_format == "xyxy" else (0, 0)
    negative: Bools = (third < width_from) | (fourth < height_from)
    return negative
