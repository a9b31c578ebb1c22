"""Shapes in records of JSON: oriented boxes, corners and segmentations, and the boxes around them.

``bbox`` of five numbers is the ``cx cy w h angle`` of Detectron2; rows of four among them are
upright, as its ``RotatedCOCOEvaluator`` takes them. ``obb`` is ``cx cy w h angle`` as hotcoco has
it, ``poly`` the corners as Ultralytics and converters of DOTA have them, and ``segmentation`` is
COCO's. The first of these counts that is there; beside boxes what is no list is passed over.
Source: ``detectron2/structures/boxes.py``, ``BoxMode.XYWHA_ABS``, and
``detectron2/evaluation/rotated_coco_evaluation.py``; hotcoco 1.3.0, ``browse.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, cast

import numpy as np

from detmetrics.formats.json.segmentations import (
    NO_TEXT,
    four_cornered,
    segmentations_of,
    which_outlined,
)
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, shown
from detmetrics.overlap import OutlineError, Outlines
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.angles import Angles, rectangles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.columns import LARGEST, as_xywh

__all__ = [
    "FIELDS",
    "Outlined",
    "box_column",
    "is_shaped",
    "is_sound",
    "numbers_fault",
    "outlined",
    "polygons_of",
]

FIELDS = (b'"obb"', b'"poly"')
"""What stands in a file whose rows hold more than boxes and segmentations."""

XYWHA_ABS = 4
"""What ``bbox_mode`` is where Detectron2 wrote the boxes."""

DETECTRON2 = Angles(
    unit="degrees", direction="counterclockwise", why="as Detectron2's bbox_mode 4 has them"
)
OF_BBOX = Angles(
    unit=None,
    direction="counterclockwise",
    why="as Detectron2 has them in boxes of five numbers",
)
OF_OBB = Angles(unit="radians", direction="clockwise", why="as hotcoco has them in obb")
UPRIGHT, ORIENTED, CORNERS = 4, 5, 8


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """boxes : (R, 4) ``x y w h``; shapes: (R,) outlines, None where boxes are all there is.

    outlined : (R,) which rows have an outline, where some have one and others not.
    """

    boxes: Floats
    shapes: Outlines | None
    notes: tuple[str, ...] = ()
    outlined: Bools | None = None


def is_shaped(value: Any) -> bool:
    """Whether a parsed row is more than a box of four numbers."""
    if not isinstance(value, dict):
        return False
    box = value.get("bbox")
    told = any(value.get(name) is not None for name in ("obb", "poly"))
    numbers = isinstance(box, list) and len(box) == ORIENTED
    return told or numbers or (not box and value.get("segmentation") is not None)


def outlined(rows: Sequence[Any], section: str, path: str, asked: str | None) -> Outlined:
    """The boxes and the shapes of rows with bbox, bbox_mode, obb, poly and segmentation.

    section: what stands before the number of a row in messages; asked: see ``--angle``.

    Raises:
        FormatError: a row that is no shape, or has neither a shape nor a box.
    """
    given = _Given(rows, section, path)
    if ORIENTED in given.widths:
        return _of_five(given, asked)
    for field, read in (("obb", _of_obb), ("poly", _of_poly)):
        values = list(map(attrgetter(field), rows))
        if values.count(None) == len(rows):
            continue
        missing = len(rows) - sum(map(bool, values))
        if missing == len(rows):
            continue
        if missing:
            without = counted(missing, "row has", "rows have")
            given.notes.append(f"{path}: {without} no {field}, of {len(rows):,}: it is passed over")
            given.outlined = np.array(list(map(bool, values)), bool)
        elif given.boxed and not any(isinstance(value, list) for value in values):
            got = f"{section}[0].{field} is {shown(values[0])}"
            given.notes.append(f"{path}: {field} holds no shapes, {got}: it is passed over")
        else:
            return read(given, values, asked)
    return _of_segmentations(given)


class _Given:
    """Rows, where they stand, and what was said of them.

    widths: how many numbers boxes have, where there are boxes; outlined : (R,) which rows have a
    shape that not all of them have.
    """

    def __init__(self, rows: Sequence[Any], section: str, path: str) -> None:
        self.rows, self.path, self.notes = rows, path, list[str]()
        self.outlined: Bools | None = None
        self._section = section
        self.own = _boxes(rows)
        self.missing = self.own.count(None)
        self.widths = _widths(self.own, self.missing)
        if not self.widths <= {UPRIGHT, ORIENTED}:
            self.refuse(list(_odd_widths(self.own)), "bbox")

    def refuse(self, faults: Sequence[tuple[int, str]], field: str, count: int = 0) -> None:
        if faults:
            texts = [f"{self._section}[{row}].{field}: {text}" for row, text in faults]
            raise FormatError(self.path, texts[:100], count or len(texts))

    @property
    def boxed(self) -> bool:
        """Whether each row has an upright box."""
        return self.widths <= {UPRIGHT} and not self.missing

    def boxes(self, hulls: Callable[[], Floats]) -> Floats:
        """(R, 4) ``x y w h``: their own, or those around the shapes."""
        if self.boxed:
            return box_column(self.own, len(self.own))
        found = as_xywh(hulls(), "xyxy").copy()
        upright = [box for box in self.own if box is not None and len(box) == UPRIGHT]
        at = [box is not None and len(box) == UPRIGHT for box in self.own]
        found[at] = box_column(upright, len(upright))
        return found


def box_column(boxes: Iterable[Any], count: int) -> Floats:
    """(count, 4) boxes of four numbers each."""
    numbers = chain.from_iterable(boxes)
    return np.fromiter(numbers, np.float64, UPRIGHT * count).reshape(-1, UPRIGHT)


def _boxes(rows: Sequence[Any]) -> list[Any]:
    """The boxes of rows; an empty list beside a shape is none, as some tools write it."""
    boxes = list(map(attrgetter("bbox"), rows))
    if () not in boxes:
        return boxes
    empty = [box == () and _has_shape(row) for box, row in zip(boxes, rows, strict=True)]
    return [None if none else box for none, box in zip(empty, boxes, strict=True)]


def _widths(boxes: Sequence[Any], missing: int) -> set[int]:
    return set(map(len, boxes if not missing else (box for box in boxes if box is not None)))


def is_sound(rows: Sequence[Any]) -> bool:
    """Whether each row has a shape or a box, and boxes as many numbers as boxes have."""
    boxes = _boxes(rows)
    missing = boxes.count(None)
    if not _widths(boxes, missing) <= {UPRIGHT, ORIENTED}:
        return False
    return not missing or all(_has_shape(row) for row in rows if not row.bbox)


def _has_shape(row: Any) -> bool:
    return row.obb is not None or row.poly is not None or row.segmentation is not NO_TEXT


def _odd_widths(boxes: Sequence[tuple[float, ...] | None]) -> Iterator[tuple[int, str]]:
    for row, box in enumerate(boxes):
        if box is not None and len(box) not in (UPRIGHT, ORIENTED):
            yield row, f"expected 4 numbers, x y w h, or 5, cx cy w h angle, got {len(box)}"


# --- centre, sides and angle ---------------------------------------------------------------------


def _of_five(given: _Given, asked: str | None) -> Outlined:
    """Boxes of five numbers; those of four are upright."""
    boxes = given.own
    given.refuse(
        [(row, "missing, though other boxes have five") for row, b in enumerate(boxes) if not b],
        "bbox",
    )
    sides = np.array([(*box, 0.0) if len(box) == UPRIGHT else box for box in boxes], np.float64)
    given.refuse(list(_side_faults(sides)), "bbox")
    if UPRIGHT in given.widths:
        upright = np.array([len(box) == UPRIGHT for box in boxes], bool)
        sides[upright, :2] += sides[upright, 2:4] / 2
        what = counted(int(upright.sum()), "box of four numbers is", "boxes of four numbers are")
        given.notes.append(f"{given.path}: {what} x y w h, upright, among {len(boxes):,}")
    stated = all(row.bbox_mode == XYWHA_ABS for row in given.rows if len(row.bbox) == ORIENTED)
    shapes, note = rectangles(sides, DETECTRON2 if stated else OF_BBOX, asked, given.path)
    return Outlined(given.boxes(lambda: shapes.hulls), shapes, (*given.notes, note))


def _of_obb(given: _Given, values: list[Any], asked: str | None) -> Outlined:
    given.refuse(list(_number_faults(values, ORIENTED, "cx cy w h angle")), "obb")
    sides = np.array(values, np.float64).reshape(-1, ORIENTED)
    given.refuse(list(_side_faults(sides)), "obb")
    shapes, note = rectangles(sides, OF_OBB, asked, given.path)
    return Outlined(given.boxes(lambda: shapes.hulls), shapes, (*given.notes, note))


def _side_faults(sides: Floats) -> Iterator[tuple[int, str]]:
    # What is no number answers no comparison with yes.
    usable = (np.abs(sides) <= LARGEST).all(axis=1) & (sides[:, 2:4] >= 0).all(axis=1)
    for row in np.flatnonzero(~usable).tolist():
        got = shown(sides[row].tolist())
        yield row, f"expected finite numbers cx cy w h angle, w and h from 0 up, got {got}"


def _number_faults(values: Sequence[Any], count: int, names: str) -> Iterator[tuple[int, str]]:
    for row, value in enumerate(values):
        if numbers_fault(value) or len(value) != count:
            yield row, f"expected {count} numbers, {names}, got {shown(value)}"


def numbers_fault(value: Any) -> bool:
    """Whether something is no list of finite numbers that can be pixels."""
    return not isinstance(value, list) or not all(
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and math.isfinite(number)
        and abs(number) <= LARGEST
        for number in value
    )


# --- corners -------------------------------------------------------------------------------------


def _of_poly(given: _Given, values: list[Any], _: str | None) -> Outlined:
    shapes, faults = polygons_of(values)
    given.refuse(faults, "poly")
    return Outlined(given.boxes(lambda: shapes.hulls), shapes, tuple(given.notes))


def polygons_of(values: Sequence[Any]) -> tuple[Polygons, list[tuple[int, str]]]:
    """Polygons of lists ``x1 y1 x2 y2 ...``, or of points ``[x, y]``, and what is none."""
    rows, faults = [], []
    for row, value in enumerate(values):
        flat = _flat(value)
        if numbers_fault(flat) or len(flat) < 6 or len(flat) % 2:
            faults.append(
                (row, f"expected x1 y1 x2 y2 ... of 3 points or more, got {shown(value)}")
            )
            continue
        rows.append(np.array(flat, np.float64).reshape(-1, 2))
    first = np.append(0, np.cumsum([len(points) for points in rows])).astype(np.int64)
    return Polygons(np.concatenate([np.zeros((0, 2)), *rows]), first), faults


def _flat(value: Any) -> Any:
    """A list of points, or of one polygon, as the list of its numbers."""
    if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
        return value
    if len(value) == 1:
        return value[0]
    pairs = all(len(part) == 2 for part in value)
    return [number for part in value for number in part] if pairs else value


# --- segmentations -------------------------------------------------------------------------------


def _of_segmentations(given: _Given) -> Outlined:
    texts = list(map(attrgetter("segmentation"), given.rows))
    shapes, note = segmentations_of(texts)
    some = given.outlined if shapes is None else None
    if note is not None:
        given.notes.append(f"{given.path}: {note}")
        some = which_outlined(texts)
    outlines: Outlines | None = shapes
    if not given.missing:
        if shapes is not None and (corners := four_cornered(shapes)) is not None:
            outlines = corners
            given.notes.append(f"{given.path}: {FOUR_CORNERED}")
        boxes = given.boxes(lambda: np.zeros((0, 4)))
        return Outlined(boxes, outlines, tuple(given.notes), some)
    if shapes is None:
        return Outlined(_some_around(given, texts, some), None, tuple(given.notes), some)
    return _around(given, shapes)


def _some_around(given: _Given, texts: Sequence[Any], some: Bools | None) -> Floats:
    """(R, 4) boxes of rows of which some have a box and others a segmentation."""
    lacking = [row for row, box in enumerate(given.own) if box is None]
    what = "missing, and there is no segmentation in its place"
    given.refuse([(row, what) for row in lacking if some is None or not some[row]], "bbox")
    shapes, _ = segmentations_of([texts[row] for row in lacking])
    from detmetrics.formats.json.settled_shapes import settled  # masks are rare

    try:
        _, around = settled(cast("Segmentations", shapes))
    except OutlineError as error:
        faults = [(lacking[row], text) for row, text in error.faults]
        given.refuse(faults, "segmentation", error.count)
        raise
    hulls = np.zeros((len(given.own), 4))
    hulls[lacking] = np.concatenate([around[:, :2], around[:, :2] + around[:, 2:]], axis=1)
    return given.boxes(lambda: hulls)


FOUR_CORNERED = (
    "every segmentation is one polygon of four corners: taken for oriented boxes "
    "(evaluate --shape mask measures them as masks)"
)


def _around(given: _Given, shapes: Any) -> Outlined:
    """With boxes around the segmentations where there are none."""
    corners = four_cornered(shapes)
    if corners is not None:
        given.notes.append(f"{given.path}: {FOUR_CORNERED}")
        return Outlined(given.boxes(lambda: corners.hulls), corners, tuple(given.notes))
    from detmetrics.formats.json.settled_shapes import settled

    try:
        outlines, around = settled(shapes)
    except OutlineError as error:
        given.refuse(error.faults, "segmentation", error.count)
        raise
    hulls = np.concatenate([around[:, :2], around[:, :2] + around[:, 2:]], axis=1)
    return Outlined(given.boxes(lambda: hulls), outlines, tuple(given.notes))
