"""The boxes of a batch in any form: upright ones, and oriented ones by angle or by corners."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import InputError
from detmetrics.overlap.polygons.angles import ANGLES, beyond, turned
from detmetrics.tables.columns import LARGEST, from_centres
from detmetrics.training.batches.row_faults import RowFaults
from detmetrics.training.batches.tensors import array_of

__all__ = ["NUMBERS", "Form", "boxes_of", "refuse_odd_truth"]

Masks = Literal["taken", "needed", "left"]
NUMBERS = {"xyxy": 4, "xywh": 4, "cxcywh": 4, "cxcywhr": 5, "xyxyxyxy": 8}
"""The forms of boxes, and how many numbers a box has."""
WORDS = {4: "four", 5: "five", 8: "eight"}
THEIRS = "BoundingBoxes"
THEIR_ANGLE = "degrees-counterclockwise"


@dataclass(frozen=True)
class Form:
    """How batches tell of boxes and masks.

    box_format: one of :data:`NUMBERS`; angle: one of
    :data:`~detmetrics.overlap.polygons.angles.ANGLES`, of ``cxcywhr``; normalized: boxes are shares
    of width and height. masks: ``"taken"`` where both sides have them, ``"needed"``, or ``"left"``.
    """

    box_format: str
    angle: str
    normalized: bool
    masks: Masks

    @cached_property
    def kept(self) -> str:
        """The form in which boxes are kept: tables know no centres but those of oriented boxes."""
        return "xywh" if self.box_format == "cxcywh" else self.box_format

    @cached_property
    def numbers(self) -> int:
        """How many numbers a box has."""
        return NUMBERS[self.box_format]

    @cached_property
    def oriented(self) -> bool:
        """Whether boxes are oriented ones."""
        return self.numbers > 4


def boxes_of(
    argument: str, given: Any, form: Form, times: Floats | None, faults: RowFaults
) -> Floats:
    """(n, B) boxes in pixels, in the form in which they are kept; angles in radians, clockwise.

    times : (B,) width and height of the image by turns, where boxes are shares of it. Rows that
    faults leaves out are zeros.

    Raises:
        InputError: another shape, or what can be no box.
    """
    if type(given).__name__ == THEIRS:
        _refuse_other_form(argument, given, form)
    boxes = array_of(argument, given, None)
    count = form.numbers
    if boxes.size == 0:
        boxes = boxes.reshape(0, count)
    if count == 8 and boxes.ndim == 3 and boxes.shape[1:] == (4, 2):
        boxes = boxes.reshape(-1, 8)
    if boxes.ndim != 2 or boxes.shape[1] != count:
        wanted = "(n, 8) or (n, 4, 2)" if count == 8 else f"(n, {count})"
        raise InputError(f"{argument}: expected shape {wanted}, got {boxes.shape}")
    if boxes.size and not (boxes.min() >= -LARGEST and boxes.max() <= LARGEST):
        odd: Bools = np.logical_not((np.abs(boxes) <= LARGEST).all(axis=1))
        wanted = f"{WORDS[count]} numbers"
        faults.refuse(
            odd, lambda row: f"{argument}[{row}]: expected {wanted}, got {boxes[row].tolist()}"
        )
        boxes = np.where(odd[:, None], 0.0, boxes)
    if times is not None:
        boxes = boxes * times
    if form.box_format == "cxcywhr":
        return _turned(argument, boxes, form.angle, faults)
    return from_centres(boxes) if form.box_format == "cxcywh" else boxes


def _turned(argument: str, boxes: Floats, angle: str, faults: RowFaults) -> Floats:
    """Oriented boxes with angles as they are kept."""
    unit, _, direction = angle.partition("-")
    odd: Bools = np.any(boxes[:, 2:4] < 0, axis=1)
    wanted = "width and height from 0 up"
    faults.refuse(
        odd, lambda row: f"{argument}[{row}]: expected {wanted}, got {boxes[row].tolist()}"
    )
    boxes = np.where(odd[:, None], 0.0, boxes)
    if unit == "radians" and (far := beyond(boxes[:, 4])).any():
        at = int(np.argmax(far))
        others = " or ".join(map(repr, ANGLES[2:]))
        raise InputError(
            f"{argument}[{at}]: expected an angle in radians, a whole turn at most "
            f"(angle={others} takes degrees), got {boxes[at].tolist()}"
        )
    return np.column_stack([boxes[:, :4], turned(boxes[:, 4], unit, direction)])


def _refuse_other_form(argument: str, given: Any, form: Form) -> None:
    """Boxes of torchvision say in which form they are; that of angles is always the same.

    Source: ``torchvision/tv_tensors/_bounding_boxes.py``, ``BoundingBoxFormat``.

    Raises:
        InputError: the metric takes them for another.
    """
    name = given.format.name.lower()
    if name != form.box_format:
        known = f": box_format={name!r}" if name in NUMBERS else ""
        raise InputError(
            f"{argument}: expected {form.box_format}, got torchvision's {name.upper()}{known}"
        )
    if name == "cxcywhr" and form.angle != THEIR_ANGLE:
        raise InputError(
            f"{argument}: expected angles in {form.angle}, got torchvision's, in degrees and "
            f"counter-clockwise: angle={THEIR_ANGLE!r}"
        )


def refuse_odd_truth(
    argument: str, boxes: Floats, form: Form, times: Floats | None, faults: RowFaults
) -> None:
    """Objects have sides from 0 up, and lie in or near their image.

    Raises:
        InputError: one does not; detectors may find such boxes, labels may not hold them.
    """
    corners = form.box_format == "xyxy"
    sides = boxes[:, 2:] - boxes[:, :2] if corners else boxes[:, 2:]
    if not form.oriented:
        negative: Bools = np.any(sides < 0, axis=1)
        wanted = "xmin <= xmax and ymin <= ymax" if corners else "width and height from 0 up"
        other = "xywh" if corners else "xyxy"
        faults.refuse(
            negative,
            lambda row: (
                f"{argument}[{row}]: expected {wanted}, got {boxes[row].tolist()}: are they "
                f"{other}? box_format={other!r}"
            ),
        )
    if times is not None and (odd := (boxes > 2 * times).any(axis=1)).any():
        at = int(np.argmax(odd))
        raise InputError(
            f"{argument}[{at}]: expected shares of the image, got "
            f"{(boxes[at] / times).tolist()}: normalized=False takes pixels"
        )
