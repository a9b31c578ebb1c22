"""One image of a training loop's batch as columns: checked where it is handed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.training.batches.bitmaps import Size
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import Form, boxes_of, refuse_odd_truth
from detmetrics.training.batches.image_columns import FLAGS, ImageBoxes, column, rows_for
from detmetrics.training.batches.image_masks import Masked, masks_of, refuse_other_count
from detmetrics.training.batches.row_faults import OnInvalid, RowFaults
from detmetrics.training.batches.tensors import array_of

__all__ = ["SIDES", "Taken", "frame_of", "image_of"]

UNKNOWN = (math.nan, math.nan)
SIDES = "predictions", "targets"


class Taken(NamedTuple):
    """One image of a batch as it is taken.

    image: its columns, without the rows that are left out; kept: for each side which of the given
    rows those are, None where all are; fault: what is wrong with the first of the others, empty
    where nothing is.
    """

    image: ImageBoxes
    kept: tuple[Bools | None, Bools | None]
    fault: str


def image_of(
    place: int,
    prediction: Mapping[str, Any],
    target: Mapping[str, Any],
    classes: Classes,
    form: Form,
    size: Any,
    on_invalid: OnInvalid = "error",
    arguments: tuple[str, str] = SIDES,
    *,
    scored: bool = True,
) -> Taken:
    """The columns of one image of a batch; size: its width and height, None where unknown.

    on_invalid: what becomes of rows whose numbers can be no box, score or label; arguments: what
    the caller's caller knows the sides as; scored: predictions have scores, else nan stands for
    them.

    Raises:
        InputError: an argument is missing, has another shape, or holds what can be no box.
    """
    sides = [f"{argument}[{place}]" for argument in arguments]
    for side, given in zip(sides, (prediction, target), strict=True):
        if not isinstance(given, Mapping):
            raise InputError(f"{side}: expected a dict with boxes and labels, got {shown(given)}")
    frame = frame_of(place, size, form)
    masked = Masked(None, (None, None), frame)
    if "masks" in prediction or "masks" in target or form.masks == "needed":
        given = dict(zip(sides, (prediction, target), strict=True))
        masked = masks_of(given, form, frame, f"image_sizes[{place}]")
    times = np.resize(masked.size, form.numbers) if form.normalized else None
    faults = RowFaults(on_invalid), RowFaults(on_invalid)
    around = masked.around
    rows = (
        _predictions(
            sides[0], prediction, classes, form, times, around[0], faults[0], scored=scored
        ),
        _targets(sides[1], target, classes, form, times, around[1], faults[1]),
    )
    if masked.masks is not None and masked.masks.whole:
        refuse_other_count(sides, masked.masks, rows)
    image = ImageBoxes(*rows, masked.size, masked.masks)
    kept = faults[0].kept, faults[1].kept
    fault = faults[0].first or faults[1].first
    if fault:
        image = image.without_rows(kept, (faults[0].count, faults[1].count))
    return Taken(image, kept, fault)


def frame_of(place: int, size: Any, form: Form) -> Size:
    """Width and height of the image, nan where unknown.

    Raises:
        InputError: they are none, or missing where boxes are shares of them.
    """
    width, height = UNKNOWN
    if size is not None:
        width, height = given = array_of(f"image_sizes[{place}]", size, (2,)).tolist()
        if not all(math.isnan(side) or 0 < side < math.inf for side in given):
            raise InputError(f"image_sizes[{place}]: expected width and height, got {given}")
    if form.normalized and not (width > 0 and height > 0):
        raise InputError(f"image_sizes[{place}]: expected width and height for normalized boxes")
    return width, height


def _predictions(
    side: str,
    given: Any,
    classes: Classes,
    form: Form,
    times: Floats | None,
    boxes: Floats | None,
    faults: RowFaults,
    *,
    scored: bool,
) -> Floats:
    """(D, B + 2) what was found; boxes: those around masks, where there are no others."""
    if boxes is None:
        boxes = boxes_of(f"{side}['boxes']", _part(side, given, "boxes"), form, times, faults)
    rows = rows_for("predictions", boxes)
    column(rows, "predictions", "score")[:] = (
        _scores(side, given, len(rows), faults) if scored else np.nan
    )
    labels = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows), faults)
    column(rows, "predictions", "label")[:] = labels
    return rows


def _scores(side: str, given: Any, count: int, faults: RowFaults) -> Floats:
    if given.get("scores") is None:
        none = f"{side}['scores']: expected numbers, got None"
        what = none if "scores" in given else _no_part(side, given, "scores")
        raise InputError(
            f"{what}. Fix: give the scores, or use DetectionMetric(scores='none') for predictions "
            "without scores"
        )
    scores = array_of(f"{side}['scores']", given["scores"], (count,))
    faults.refuse(
        ~np.isfinite(scores),
        lambda row: f"{side}['scores'][{row}]: expected a finite number, got {scores[row]}",
    )
    return scores


def _targets(
    side: str,
    given: Any,
    classes: Classes,
    form: Form,
    times: Floats | None,
    boxes: Floats | None,
    faults: RowFaults,
) -> Floats:
    """(G, B + 5) what is really there; boxes: those around masks, where there are no others."""
    if boxes is None:
        boxes = boxes_of(f"{side}['boxes']", _part(side, given, "boxes"), form, times, faults)
        refuse_odd_truth(f"{side}['boxes']", boxes, form, times, faults)
    rows = rows_for("targets", boxes)
    labels = classes.labels(f"{side}['labels']", _part(side, given, "labels"), len(rows), faults)
    column(rows, "targets", "label")[:] = labels
    area = column(rows, "targets", "area")
    area[:] = np.nan
    if given.get("area") is not None:
        area[:] = _areas(f"{side}['area']", given["area"], len(rows), faults)
    for name in FLAGS:
        column(rows, "targets", name)[:] = _marked(side, given, name, len(rows))
    return rows


def _areas(argument: str, given: Any, count: int, faults: RowFaults) -> Floats:
    areas = array_of(argument, given, (count,))
    faults.refuse(
        ~(np.isfinite(areas) & (areas >= 0)),
        lambda row: f"{argument}[{row}]: expected an area from 0 up, got {areas[row]}",
    )
    return areas


def _part(side: str, given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        raise InputError(_no_part(side, given, name))
    return given[name]


def _no_part(side: str, given: Mapping[str, Any], name: str) -> str:
    keys = few([str(key) for key in given]) or "nothing"
    return f"{side}: expected a key {name!r}, got {keys}"


def _marked(side: str, given: Mapping[str, Any], name: str, count: int) -> Any:
    """Which are marked; ``iscrowd`` is a crowd."""
    keys = (name, "iscrowd") if name == "crowd" else (name,)
    for key in keys:
        if given.get(key) is not None:
            return array_of(f"{side}[{key!r}]", given[key], (count,)) != 0
    return False
