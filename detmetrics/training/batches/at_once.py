"""A batch whose images are all as usual, checked at once; any other is looked at image by image.

What an image becomes is what :func:`~detmetrics.training.batches.images.image_of` makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.tables.columns import LARGEST, from_centres
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import Form
from detmetrics.training.batches.image_columns import FLAGS, ImageBoxes, column, rows_for
from detmetrics.training.batches.images import Taken, frame_of
from detmetrics.training.batches.tensors import in_numpy

__all__ = ["taken_at_once"]

NUMBERS, WHOLE = "iuf", "iu"
SIDES = 4


class _UnusualError(Exception):
    """Something is to be looked at by itself."""


def taken_at_once(
    predictions: Sequence[Any],
    targets: Sequence[Any],
    sizes: Sequence[Any],
    classes: Classes,
    form: Form,
) -> list[Taken] | None:
    """The images of a batch; None where one is to be looked at by itself, as a fault is.

    sizes: width and height of each, None where unknown.
    """
    if not len(predictions) or form.numbers != SIDES or form.normalized or form.masks == "needed":
        return None
    try:
        found, detections = _side("predictions", predictions, classes, form, ("scores",))
        there, objects = _side("targets", targets, classes, form, ())
        scores = _column(predictions, "scores", detections, "f")
        if scores is None or not np.isfinite(scores).all():
            return None
        column(found, "predictions", "score")[:] = scores
        _mark(there, targets, objects, form)
        frames = [frame_of(place, size, form) for place, size in enumerate(sizes)]
    except (_UnusualError, InputError):
        return None
    parts = zip(_split(found, detections), _split(there, objects), frames, strict=True)
    return [Taken(ImageBoxes(*part), (None, None), "") for part in parts]


def _side(
    side: str, given: Sequence[Any], classes: Classes, form: Form, more: tuple[str, ...]
) -> tuple[Floats, Ints]:
    """(R, B + C) rows with boxes and labels, and (N,) how many each image has."""
    needed = {"boxes", "labels", *more}
    for one in given:
        if not isinstance(one, Mapping) or not needed <= one.keys() or "masks" in one:
            raise _UnusualError
    parts = [one["boxes"] for one in given]
    shapes = [tuple(getattr(part, "shape", ())) for part in parts]
    if any(len(shape) != 2 or shape[1] != SIDES for shape in shapes):
        raise _UnusualError
    count = np.array([len(part) for part in parts], np.int64)
    boxes = _numbers(parts, NUMBERS)
    if boxes.size and not (boxes.min() >= -LARGEST and boxes.max() <= LARGEST):
        raise _UnusualError
    rows = rows_for(side, from_centres(boxes) if form.box_format == "cxcywh" else boxes)
    labels = _column(given, "labels", count, WHOLE)
    if labels is None:
        raise _UnusualError
    near = classes.known.searchsorted(labels, side="right") - 1
    if not (classes.known[near] == labels).all():
        raise _UnusualError
    column(rows, side, "label")[:] = labels
    return rows, count


def _mark(rows: Floats, targets: Sequence[Any], count: Ints, form: Form) -> None:
    """Areas and flags of objects, whose boxes are looked at too."""
    start, end = rows[:, :2], rows[:, 2:4]
    if (end < (start if form.box_format == "xyxy" else 0)).any():
        raise _UnusualError
    areas = _column(targets, "area", count, NUMBERS)
    if areas is not None and not (np.isfinite(areas) & (areas >= 0)).all():
        raise _UnusualError
    column(rows, "targets", "area")[:] = np.nan if areas is None else areas
    for name in FLAGS:
        marks = _column(targets, name, count, NUMBERS + "b")
        if name == "crowd" and marks is None:
            marks = _column(targets, "iscrowd", count, NUMBERS + "b")
        column(rows, "targets", name)[:] = False if marks is None else marks != 0


def _column(
    given: Sequence[Mapping[str, Any]], name: str, count: Ints, kinds: str
) -> NDArray[Any] | None:
    """A part of all images, one behind the other; None where no image has it."""
    parts = [one.get(name) for one in given]
    if all(part is None for part in parts):
        return None
    for part, rows in zip(parts, count.tolist(), strict=True):
        if tuple(getattr(part, "shape", ())) != (rows,):
            raise _UnusualError
    return _numbers(parts, kinds)


def _numbers(parts: Sequence[Any], kinds: str) -> NDArray[Any]:
    """Arrays of one library and one type as one array of float64."""
    first = type(parts[0])
    if any(type(part) is not first for part in parts):
        raise _UnusualError
    if first is np.ndarray:
        if parts[0].dtype.kind not in kinds or any(one.dtype != parts[0].dtype for one in parts):
            raise _UnusualError
        return np.concatenate(parts).astype(np.float64, copy=False)
    if first.__module__ != "torch" or first.__name__ != "Tensor":
        raise _UnusualError
    kind = parts[0].dtype, parts[0].device
    if any((one.dtype, one.device) != kind for one in parts):
        raise _UnusualError
    import torch

    whole = in_numpy(torch.cat([*parts]))
    if whole.dtype.kind not in kinds:
        raise _UnusualError
    return whole.astype(np.float64, copy=False)


def _split(rows: Floats, count: Ints) -> list[Floats]:
    ends = np.cumsum(count).tolist()
    return [rows[a:b] for a, b in zip([0, *ends], ends, strict=False)]
