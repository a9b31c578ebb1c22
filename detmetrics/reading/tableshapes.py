"""Shapes in tables: eight columns of corners, an angle beside a centre, and polygons as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from detmetrics.arrays import Floats, object_column
from detmetrics.columns import LARGEST
from detmetrics.errors import FormatError
from detmetrics.messages import counted, shown
from detmetrics.overlap import Outlines
from detmetrics.overlap.polygons import Polygons
from detmetrics.overlap.segmentations import Segmentations
from detmetrics.reading.angles import Angles, rectangles
from detmetrics.reading.outlines import FOUR_CORNERED, polygons_of
from detmetrics.reading.segmentations import decoded_texts, four_cornered

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["of_angles", "of_corners", "of_text", "refuse"]

OPEN = Angles(unit=None, direction=None)
BETWEEN = re.compile(r"[\s,;]+")
EMPTY = frozenset(("", "nan", "none", "null", "[]"))


def of_corners(values: Floats) -> Polygons:
    """Polygons of four corners; values : (R, 8) x and y in turn."""
    return Polygons.of_corners(np.ascontiguousarray(values).reshape(-1, 4, 2))


def of_angles(
    boxes: Floats, angle: Floats, path: str, asked: str | None, place: Callable[[int], str]
) -> tuple[Polygons, str]:
    """Oriented boxes and what to say of their angles; boxes : (R, 4) ``cx cy w h``.

    Raises:
        FormatError: numbers that are no rectangle, or angles that nobody says the meaning of.
    """
    sides = np.column_stack([boxes, angle])
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
    return rectangles(sides, OPEN, asked, path)


def of_text(
    column: pd.Series[Any], what: str, path: str, place: Callable[[int], str]
) -> tuple[Outlines | None, list[str]]:
    """Polygons or segmentations of texts, and what to say; None where a row has none.

    what: ``polygon``, with ``x1 y1 x2 y2 ...`` or a JSON list, or ``segmentation``, as COCO's.

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
        if not isinstance(value, list | dict)
    ]
    refuse(faults, path, place)
    nested = [
        [value] if isinstance(value, list) and not isinstance(value[0], list) else value
        for value in values
    ]
    rows = object_column([msgspec.json.encode(value) for value in nested])
    shapes = Segmentations(rows, decoded_texts)
    if (corners := four_cornered(shapes)) is not None:
        return corners, [f"{path}: {FOUR_CORNERED}"]
    return shapes, []


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


def refuse(faults: Sequence[tuple[int, str]], path: str, place: Callable[[int], str]) -> None:
    """Refuse rows with their places.

    Raises:
        FormatError: there are some.
    """
    if faults:
        texts = [f"{place(row)}: {text}" for row, text in faults[:100]]
        raise FormatError(path, texts, len(faults))
