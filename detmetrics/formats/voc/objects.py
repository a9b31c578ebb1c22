"""Where an object of a VOC file lies: a box, a box with an angle, or corners.

``bndbox`` has ``xmin ymin xmax ymax``; ``robndbox`` has ``cx cy w h angle``, with the angle in
radians, clockwise as the image is seen, or the names of four corners, as DIOR-R has them;
``polygon`` has ``x1 y1 x2 y2 ...``, as Roboflow writes them, or points ``pt``, as LabelMe. Source:
``libs/pascal_voc_io.py`` of roLabelImg and of labelImg2, ``addRotatedShape``; the annotations of
DIOR-R.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.messages import counted, shown
from detmetrics.overlap.polygons.angles import Angles, rectangles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.columns import LARGEST

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["CORNERS", "SIDES", "Frame", "frame_of", "framed", "number", "text_of"]

CORNERS = ("xmin", "ymin", "xmax", "ymax")
SIDES = ("cx", "cy", "w", "h", "angle")
OF_DIOR = tuple(
    f"{axis}_{corner}"
    for corner in ("left_top", "right_top", "right_bottom", "left_bottom")
    for axis in ("x", "y")
)
NUMBERED = re.compile(r"([xy])(\d{1,6})", re.ASCII)
OF_TOOLS = Angles(
    unit="radians", direction="clockwise", why="as roLabelImg and labelImg2 have them in robndbox"
)
UPRIGHT, ORIENTED = 4, 5


@dataclass(frozen=True, slots=True)
class Frame:
    """box: corners ``xmin ymin xmax ymax``; shape: sides with an angle, or x and y of corners.

    unread: there is a polygon beside the box without corners as they are known.
    """

    box: tuple[float, ...] | None
    shape: tuple[float, ...] | None
    unread: bool = False


def text_of(node: Element, path: str) -> str:
    """The text at a path; empty where there is none."""
    return (node.findtext(path) or "").strip()


def number(text: str) -> float:
    """A number, nan where it is none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def frame_of(node: Element, place: str, faults: list[str]) -> Frame | None:
    """Where an object lies; None where it does not say."""
    upright, turned, polygon = (node.find(name) for name in ("bndbox", "robndbox", "polygon"))
    box = None if upright is None else _numbers(upright, CORNERS, place, faults)
    if turned is not None:
        names = OF_DIOR if turned.find(OF_DIOR[0]) is not None else SIDES
        shape = _numbers(turned, names, place, faults)
        if fault := _fault(shape, names):
            faults.append(f"{place}: robndbox: {fault}")
        return Frame(box, shape)
    texts = [] if polygon is None else _texts(polygon)
    if box is not None and not texts:
        return Frame(box, None, unread=polygon is not None)
    return None if polygon is None else Frame(box, _corners(texts, place, faults))


def _numbers(
    node: Element, names: Sequence[str], place: str, faults: list[str]
) -> tuple[float, ...]:
    texts = [text_of(node, name) for name in names]
    values = tuple(map(number, texts))
    for name, text, value in zip(names, texts, values, strict=True):
        if math.isnan(value):
            got = shown(text) if text else "nothing"
            faults.append(f"{place}: {name}: expected a number, got {got}")
    return values


def _fault(values: Sequence[float], names: Sequence[str]) -> str | None:
    """What is wrong with numbers; those that are none have been named."""
    if any(abs(value) > LARGEST for value in values):
        return "expected finite numbers that can be pixels"
    if names is SIDES and min(values[2:4]) < 0:
        return f"expected w and h from 0 up, got {shown(list(values[2:4]))}"
    return None


def _texts(polygon: Element) -> list[str]:
    """What stands for the numbers of the corners, in order."""
    points = polygon.findall("pt")
    return [text_of(point, axis) for point in points for axis in "xy"] or _numbered(polygon)


def _corners(texts: Sequence[str], place: str, faults: list[str]) -> tuple[float, ...]:
    """The corners of a polygon."""
    values = tuple(map(number, texts))
    usable = all(abs(value) <= LARGEST for value in values)  # what is no number is not
    if not usable or len(values) < 6 or len(values) % 2:
        faults.append(
            f"{place}: polygon: expected x1 y1 x2 y2 ... of 3 points or more, got {shown(texts)}"
        )
    return values


def _numbered(node: Element) -> list[str]:
    """The texts of x1, y1, x2, y2, ... by their numbers; x and y must come in pairs."""
    found = {
        (int(name[2]), name[1]): (part.text or "").strip()
        for part in node
        if isinstance(part.tag, str) and (name := NUMBERED.fullmatch(part.tag))
    }
    numbers = sorted({place for place, _ in found})
    return [found.get((place, axis), "") for place in numbers for axis in "xy"]


# --- all objects ---------------------------------------------------------------------------------


def framed(
    frames: Sequence[Frame], path: str, asked: str | None
) -> tuple[Floats, Polygons | None, list[str]]:
    """(R, 4) corners of boxes, the shapes where there are any, and what to say of them.

    asked: see ``--angle``.

    Raises:
        FormatError: angles that cannot be what they must.
    """
    boxes = np.array([frame.box or (math.nan,) * UPRIGHT for frame in frames], np.float64)
    boxes = boxes.reshape(-1, UPRIGHT)
    given = [frame.shape for frame in frames]
    unread = [*_unread_note(sum(frame.unread for frame in frames), path)]
    if given.count(None) == len(given):
        return boxes, None, unread
    with_angle = np.array([shape is not None and len(shape) == ORIENTED for shape in given], bool)
    upright = np.array([shape is None for shape in given], bool)
    notes = [*unread, *_upright_note(int(upright.sum()), len(given), path)]
    sides = np.zeros((len(given), ORIENTED))
    sides[with_angle] = [shape for shape in given if shape and len(shape) == ORIENTED] or 0
    sides[upright, :2] = (boxes[upright, :2] + boxes[upright, 2:]) / 2
    sides[upright, 2:4] = boxes[upright, 2:] - boxes[upright, :2]
    shapes: Polygons
    if with_angle.any():
        shapes, note = rectangles(sides, OF_TOOLS, asked, path)
        notes.append(note)
    if not (with_angle | upright).all():
        drawn = Polygons.from_boxes(boxes) if not with_angle.any() else shapes
        shapes = _mixed(given, drawn)
    missing = np.isnan(boxes).all(axis=1)
    boxes[missing] = shapes.hulls[missing]
    return boxes, shapes, notes


def _mixed(given: Sequence[tuple[float, ...] | None], drawn: Polygons) -> Polygons:
    """Polygons of those that have corners, and of the others as they are drawn."""
    points = [
        drawn.points[drawn.first[row] : drawn.first[row + 1]]
        if shape is None or len(shape) == ORIENTED
        else np.array(shape, np.float64).reshape(-1, 2)
        for row, shape in enumerate(given)
    ]
    first = np.append(0, np.cumsum([len(part) for part in points]))
    return Polygons(np.concatenate(points), first)


def _unread_note(unread: int, path: str) -> Iterator[str]:
    if unread:
        what = counted(unread, "polygon has", "polygons have")
        yield f"{path}: {what} neither x1 y1 x2 y2 ... nor pt: the bndbox beside it is read"


def _upright_note(upright: int, count: int, path: str) -> Iterator[str]:
    if upright:
        what = counted(upright, "object has a bndbox alone", "objects have a bndbox alone")
        yield f"{path}: {what}, of {count:,}: upright among the oriented ones"
