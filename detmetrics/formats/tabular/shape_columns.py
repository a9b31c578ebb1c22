"""Shapes in tables: eight columns of corners, an angle beside a centre, and polygons as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from detmetrics.formats.json.segmentation_texts import JsonTexts
from detmetrics.formats.json.segmentations import four_cornered
from detmetrics.formats.json.settled_shapes import settled
from detmetrics.formats.json.shape_fields import FOUR_CORNERED, numbers_fault, polygons_of
from detmetrics.formats.lines.layout_evidence import SLACK, is_relative, lie_in_unit
from detmetrics.formats.lines.oriented_columns import STRETCHED, in_pixels
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.headings import FOUR, OUTLINES, Heading
from detmetrics.formats.tabular.numbers import Numbers, refuse
from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.overlap import OutlineError, Outlines
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.angles import Angles, rectangles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.columns import LARGEST, BoxFormat, as_xywh, as_xyxy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["places"]

MAY_LACK_BOXES = (*OUTLINES, "corners")
"""Shapes that a box can be drawn around, where a row has none."""

OPEN = Angles(unit=None, direction=None)
BETWEEN = re.compile(r"[\s,;]+")
EMPTY = frozenset(("", "nan", "none", "null", "[]"))


def places(
    part: pd.DataFrame, heading: Heading, numbers: Numbers, reading: Reading, sizes: Floats
) -> tuple[Floats, BoxFormat, Outlines | None, Sequence[str]]:
    """Boxes, their form, shapes, and what to say of them; without boxes, those around the shapes.

    part: the rows that have a place; numbers: their columns; sizes : (R, 2) of their images, nan
    where unknown.

    Raises:
        FormatError: a row that is no such place.
    """

    def columns(names: Sequence[str]) -> Floats:
        empty = np.nan if heading.shape in MAY_LACK_BOXES else None
        found = [numbers.of(part[heading.column[name]], empty) for name in names]
        return np.column_stack(found)

    path, place = numbers.path, numbers.place
    own = columns(heading.box_names) if heading.box_format is not None else None
    shapes: Outlines | None = None
    said: Sequence[str] = ()
    if heading.shape == "corners":
        corners = columns(FOUR)
        numbers.refuse_unusable(corners, "four corners")
        shapes = _of_corners(corners)
    elif heading.shape == "angle":
        assert own is not None
        angle = numbers.of(part[heading.column["angle"]])
        sides = _turned_sides(np.column_stack([own, angle]), path, place)
        if _are_turned_shares(sides):
            sides = in_pixels(sides, sizes, path)
            said = (f"{path}: boxes are shares of the image: {STRETCHED}",)
        shapes, note = rectangles(sides, OPEN, reading.angle, path)
        return shapes.hulls, "xyxy", shapes, (*said, note)
    elif heading.shape is not None:
        column = part[heading.column[heading.shape]]
        shapes, said = _of_text(column, heading.shape, own is not None, path, place)
    if own is not None and heading.box_format is not None:
        if heading.shape in MAY_LACK_BOXES:
            own = _filled(own, shapes, heading, path, place)
        _refuse_two_units(own, heading, shapes, path)
        return own, heading.box_format, shapes, said
    return _around(shapes, heading, path, place), "xyxy", shapes, said


def _filled(
    boxes: Floats,
    shapes: Outlines | None,
    heading: Heading,
    path: str,
    place: Callable[[int], str],
) -> Floats:
    """Boxes, where a row has none those around the shapes.

    Raises:
        FormatError: a row with a part of a box, or without a box and a shape.
    """
    lacking = np.isnan(boxes).all(axis=1)
    if lacking.any() and shapes is not None and heading.box_format is not None:
        around = as_xywh(_around(shapes, heading, path, place), "xyxy")
        boxes[lacking] = _in_form(around, heading.box_format)[lacking]
    bad = np.flatnonzero(np.isnan(boxes).any(axis=1)).tolist()
    refuse([(row, "expected four numbers of a box, got nothing") for row in bad], path, place)
    return boxes


def _in_form(boxes: Floats, box_format: BoxFormat) -> Floats:
    """(R, 4) boxes ``x y w h`` in another form."""
    if box_format == "cxcywh":
        return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    return as_xyxy(boxes, "xywh") if box_format == "xyxy" else boxes


def _refuse_two_units(boxes: Floats, heading: Heading, shapes: Outlines | None, path: str) -> None:
    """Refuse boxes in shares of the image beside corners in pixels, and the reverse.

    Raises:
        FormatError: they are.
    """
    assert heading.box_format is not None
    if not isinstance(shapes, Polygons) or not len(shapes):
        return
    units = [lie_in_unit(boxes, heading.box_format), lie_in_unit(shapes.hulls, "xyxy")]
    if units[0] != units[1]:
        here, there = ("shares of the image", "pixels")[:: 1 if units[0] else -1]
        names = heading.column[heading.box_names[0]], heading.column[heading.place_names[-1]]
        columns = [printable(name) for name in names]
        raise FormatError(
            path,
            [f"boxes ({columns[0]}, ...) are in {here}, and outlines ({columns[1]}) in {there}"],
        )


def _around(
    shapes: Outlines | None, heading: Heading, path: str, place: Callable[[int], str]
) -> Floats:
    """(R, 4) corners of the boxes around shapes, which are all that there is."""
    if shapes is None:
        name = heading.column[heading.shape or "polygon"]
        raise FormatError(path, [f"{printable(name)}: expected a shape in each row, or boxes"])
    if isinstance(shapes, Segmentations):
        try:
            _, boxes = settled(shapes)
        except OutlineError as error:
            refuse(error.faults, path, place)
            raise
        return as_xyxy(boxes, "xywh")
    assert isinstance(shapes, Polygons)
    return shapes.hulls


def _of_corners(values: Floats) -> Polygons:
    """Polygons of four corners; values : (R, 8) x and y in turn."""
    return Polygons.from_corners(np.ascontiguousarray(values).reshape(-1, 4, 2))


def _turned_sides(sides: Floats, path: str, place: Callable[[int], str]) -> Floats:
    """(R, 5) ``cx cy w h angle`` as they are.

    Raises:
        FormatError: numbers that are no rectangle.
    """
    # What is no number answers no comparison with yes.
    usable = (np.abs(sides) <= LARGEST).all(axis=1) & (sides[:, 2:4] >= 0).all(axis=1)
    refuse(
        [
            (row, f"expected finite cx cy w h angle, w and h from 0 up, got {sides[row].tolist()}")
            for row in np.flatnonzero(~usable).tolist()
        ],
        path,
        place,
    )
    return sides


def _are_turned_shares(sides: Floats) -> bool:
    """Whether boxes are shares of the image, of which an angle would make no rectangle."""
    boxes = sides[:, :4]
    fractions = bool((boxes != np.floor(boxes)).any())
    return fractions and bool(sides[:, 4].any()) and is_relative(boxes)


def _of_text(
    column: pd.Series[Any], what: str, boxed: bool, path: str, place: Callable[[int], str]
) -> tuple[Outlines | None, list[str]]:
    """Polygons or segmentations of texts, and what to say; None where a row has none.

    what: ``polygon``, with ``x1 y1 x2 y2 ...`` or a JSON list, or ``segmentation``, as COCO's;
    boxed: there are boxes, beside which the column may mean something else.

    Raises:
        FormatError: a text that is none.
    """
    texts = [_plain(value) for value in column]
    missing = sum(text in EMPTY for text in texts)
    if missing:
        lack = counted(missing, "row has", "rows have")
        note = f"{path}: {lack} no {what}, of {len(texts):,}: there are boxes alone"
        return None, [note] if missing < len(texts) else []
    values = [_value(text) for text in texts]
    if boxed and texts and not any(map(_is_shape, values)):
        got = f"{place(0)} has {shown(texts[0])}"
        return None, [
            f"{path}: {printable(str(column.name))} holds no shapes, {got}: it is passed over"
        ]
    if what == "segmentation":
        return _segmentations(values, texts, column.name, path, place)
    shapes, faults = polygons_of(values)
    refuse([(row, f"{column.name}: {text}") for row, text in faults], path, place)
    return shapes, []


def _segmentations(
    values: Sequence[Any], texts: Sequence[str], name: Any, path: str, place: Callable[[int], str]
) -> tuple[Outlines, list[str]]:
    faults = [
        (row, f"{name}: expected polygons or an encoding as JSON, got {shown(texts[row])}")
        for row, value in enumerate(values)
        if not _is_shape(value)
    ]
    refuse(faults, path, place)
    nested = [
        [value] if isinstance(value, list) and not isinstance(value[0], list) else value
        for value in values
    ]
    if _are_shares(nested):
        what = "polygons are shares of the image, where a segmentation has pixels"
        raise FormatError(path, [f"{name}: {what}: say --columns polygon={name}"])
    rows = object_column([msgspec.json.encode(value) for value in nested])
    shapes = Segmentations(rows, JsonTexts(at_once=1))
    if (corners := four_cornered(shapes)) is not None:
        return corners, [f"{path}: {FOUR_CORNERED}"]
    return shapes, []


def _is_shape(value: Any) -> bool:
    """Whether it may be one, sound or not."""
    return isinstance(value, list | dict)


def _are_shares(rows: Sequence[Any]) -> bool:
    """Whether the polygons of all rows lie in the unit square; what is none is looked at later."""
    parts = [part for row in rows if isinstance(row, list) for part in row]
    if not parts or any(map(numbers_fault, parts)):
        return False
    numbers = np.array([number for part in parts for number in part], np.float64)
    fractions = (numbers != np.floor(numbers)).any()
    return bool(fractions and (np.abs(numbers) <= 1 + SLACK).all())


def _plain(value: Any) -> str:
    """The text of a cell; lists, which Parquet can hold, as JSON."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    if isinstance(value, float) and np.isnan(value):
        return ""
    if isinstance(value, np.ndarray):
        return msgspec.json.encode([_listed(part) for part in value]).decode()
    return str(value)


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _value(text: str) -> Any:
    """The numbers of a text, or the value of a JSON text; the text itself where it is neither."""
    if text[:1] in "[{":
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return text
    try:
        return [float(part) for part in BETWEEN.split(text) if "_" not in part] or text
    except ValueError:
        return text
