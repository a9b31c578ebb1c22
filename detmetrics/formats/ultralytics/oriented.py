"""Ultralytics' oriented detections in JSON: ``poly``, four corners, and ``rbox``, with an angle.

Both tell the same box, rounded to three decimals: of the corners that is 0.0005 pixels, of an angle
in radians a quarter of a pixel at the end of a box of 1,000 pixels. So the corners are what is
taken, and sides and angle where there are no corners. Source:
``ultralytics/models/yolo/obb/val.py``, ``pred_to_json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec
import numpy as np

from detmetrics.formats.json.careful import records
from detmetrics.formats.json.parsing import kind_of, parse
from detmetrics.formats.json.records import (
    REFUSED,
    AnyId,
    DetectionColumns,
    ids_of,
    refuse_repeated_in_list,
    refuse_wrong_list,
)
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.overlap.polygons.angles import Angles, rectangles
from detmetrics.overlap.polygons.polygons import Polygons

__all__ = ["is_oriented", "oriented_columns"]

ANGLES = Angles(unit="radians", direction="clockwise", why="as Ultralytics has them")
MARKS = (b'"poly"', b'"rbox"')
NOTHING: tuple[float, ...] = ()


class _Oriented(msgspec.Struct, gc=False):
    image_id: AnyId
    category_id: AnyId
    score: float
    poly: tuple[float, ...] = NOTHING
    rbox: tuple[float, ...] = NOTHING


def is_oriented(head: bytes) -> bool:
    """Whether detections that begin so are oriented boxes."""
    return any(mark in head for mark in MARKS)


def oriented_columns(data: bytes, path: str, angle: str | None) -> DetectionColumns:
    """The columns of a list of oriented detections; boxes are corners of the upright ones around.

    angle: what was asked for, see :func:`~detmetrics.overlap.polygons.angles.rectangles`.

    Raises:
        FormatError: it is no such list; all faults are named.
    """
    try:
        rows = msgspec.json.decode(data, type=list[_Oriented])
        refuse_repeated_in_list(data, rows, path)
    except REFUSED:
        rows = _careful(data, path)
    if faults := [f"[{row}]{text}" for row, one in enumerate(rows) if (text := _fault(one))]:
        raise FormatError(path, faults[:100], len(faults))
    cornered = all(len(row.poly) for row in rows)
    shapes, notes = _shapes(rows, cornered, path, angle)
    return DetectionColumns(
        image_ids=ids_of(rows, "image_id", "", path),
        categories=ids_of(rows, "category_id", "", path),
        boxes=shapes.hulls,
        scores=np.fromiter(map(attrgetter("score"), rows), np.float64, len(rows)),
        shapes=shapes,
        notes=notes,
    )


def _careful(data: bytes, path: str) -> list[_Oriented]:
    refuse_wrong_list(data, path, _Oriented)
    content = parse(data, path)
    if not isinstance(content, list):
        raise FormatError(path, [f"expected a list of detections, got {kind_of(content)}"])
    rows, faults = records(content, _Oriented, "")
    if faults:
        raise FormatError(path, faults)
    return rows


def _fault(row: _Oriented) -> str | None:
    """What is wrong with the lengths of one."""
    if not row.poly and not row.rbox:
        return ".poly: missing"
    if len(row.poly) not in (0, 8):
        return f".poly: expected 8 numbers, got {len(row.poly)}"
    if len(row.rbox) not in (0, 5):
        return f".rbox: expected 5 numbers (cx cy w h angle), got {len(row.rbox)}"
    if not row.poly and min(row.rbox[2:4]) < 0:
        return f".rbox: expected sides from 0 up, got {shown(list(row.rbox[2:4]))}"
    return None


def _shapes(
    rows: Sequence[_Oriented], cornered: bool, path: str, angle: str | None
) -> tuple[Polygons, tuple[str, ...]]:
    if cornered:
        return Polygons.from_corners(_numbers(rows, "poly", 8).reshape(-1, 4, 2)), ()
    if missing := [place for place, row in enumerate(rows) if not row.rbox]:
        raise FormatError(path, [f"[{missing[0]}].rbox: missing, and others have no poly"])
    shapes, note = rectangles(_numbers(rows, "rbox", 5), ANGLES, angle, path)
    return shapes, (note,)


def _numbers(rows: Sequence[_Oriented], name: str, count: int) -> Floats:
    flat = [number for row in rows for number in getattr(row, name)]
    return np.array(flat, np.float64).reshape(-1, count)
