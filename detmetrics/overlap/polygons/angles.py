"""Angles of oriented boxes: in which unit and direction they are told, and boxes made of them.

Tools agree on ``centre x, centre y, width, height, angle`` and on nothing about the angle: degrees
(Detectron2) or radians (Ultralytics, mmrotate, roLabelImg), turning clockwise or counter-clockwise
as the image is seen, with its y axis down. A format that has a convention says so; numbers beyond a
whole turn of radians can only be degrees; what is left open is asked for, since a wrong convention
gives a number all the same. Source: ``detectron2/structures/rotated_boxes.py``;
``ultralytics/utils/ops.py``, ``xywhr2xyxyxyxy``; docs/formats.md has other tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.overlap.polygons.polygons import Rectangles

__all__ = ["ANGLES", "Angles", "beyond", "rectangles", "told_of_angles", "turned"]

ANGLES = (
    "radians-clockwise",
    "radians-counterclockwise",
    "degrees-clockwise",
    "degrees-counterclockwise",
)
"""What ``--angle`` takes; directions are as the image is seen."""

OPTIONS = f"--gt-angle or --det-angle {'|'.join(ANGLES)} (docs/formats.md: which tool writes what)"
"""An option a side: what is right for one file may be wrong for the other."""

TAKEN, ALL_UPRIGHT = "angles are in", "all angles are 0"
TURN = 2 * np.pi + 1e-3
"""A whole turn in radians, and what is lost where files round it to three digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Angles:
    """What a format says of its angles; None where it leaves that open.

    why: whose convention it is, for notes.
    """

    unit: Literal["degrees", "radians"] | None
    direction: Literal["clockwise", "counterclockwise"] | None
    why: str = ""


def rectangles(sides: Floats, told: Angles, asked: str | None, path: str) -> tuple[Rectangles, str]:
    """Oriented boxes, and how their angles were taken.

    sides : (R, 5) centre x and y, width, height, angle; asked: one of :data:`ANGLES`, which
    decides.

    Raises:
        FormatError: the convention is open, or what was asked for cannot be.
    """
    angle = sides[:, 4]
    if not angle.any():
        return Rectangles.from_cxcywhr(sides), f"{path}: {ALL_UPRIGHT}: the boxes are upright"
    if asked is not None:
        unit, _, direction = asked.partition("-")
        why = f"as asked{_instead(told, unit, direction)}"
    else:
        if told.direction is None:
            raise FormatError(path, [_open("their unit and direction", _seen(angle))])
        unit, direction, why = _unit(angle, told, path), told.direction, told.why
    if unit == "radians" and beyond(angle).any():
        wrong = float(angle[beyond(angle)][0])
        what = f"{TAKEN} radians, {why}, and {wrong:g} is more than a whole turn"
        raise FormatError(path, [f"{what}: say what they are with {OPTIONS}"])
    note = f"{path}: {TAKEN} {unit}, {direction} as the image is seen, {why}"
    inside = np.column_stack([sides[:, :4], turned(angle, unit, direction)])
    return Rectangles.from_cxcywhr(inside), note


def told_of_angles(notes: Iterable[str]) -> bool:
    """Whether notes of a reader tell how it took angles, as those of :func:`rectangles` do."""
    return any(f": {said}" in note for note in notes for said in (TAKEN, ALL_UPRIGHT))


def _instead(told: Angles, unit: str, direction: str) -> str:
    """What the format says where something else was asked for, since that holds for all files."""
    if told.unit in (None, unit) and told.direction in (None, direction):
        return ""
    usual = ", ".join(part for part in (told.unit, told.direction) if part)
    return f", in place of {usual}, {told.why} (--gt-angle, --det-angle: of one side alone)"


def turned(angle: Floats, unit: str, direction: str) -> Floats:
    """(R,) angles as they are inside: in radians, clockwise as the image is seen."""
    radians: Floats = np.deg2rad(angle) if unit == "degrees" else angle
    return -radians if direction == "counterclockwise" else radians


def _unit(angle: Floats, told: Angles, path: str) -> str:
    """Degrees or radians."""
    if told.unit is not None:
        return told.unit
    if beyond(angle).any():
        return "degrees"
    raise FormatError(path, [_open("degrees or radians", _seen(angle))])


def _seen(angle: Floats) -> str:
    return f"between {angle.min():g} and {angle.max():g}"


def beyond(angle: Floats) -> Bools:
    """(R,) which angles are more than a whole turn of radians."""
    more: Bools = np.abs(angle) > TURN
    return more


def _open(what: str, seen: str) -> str:
    return f"angles ({seen}) do not tell {what}: say which with {OPTIONS}"
