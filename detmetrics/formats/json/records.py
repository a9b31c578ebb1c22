"""Records in JSON: typed decoding in pieces, and a slow careful way that lists all faults.

Decoding is typed, so that what is not needed is never built. Only a file that the typed decoder
refuses is read again, slowly, to name every fault with its place.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from detmetrics.formats.json.careful import faults_in, id_fault, records
from detmetrics.formats.json.parsing import kind_of, parse, refuse_malformed
from detmetrics.formats.json.pieces import MalformedError, pieces
from detmetrics.formats.json.repeated_keys import (
    OnceEach,
    disagreeing,
    refuse_repeated,
    repeated_in_list,
)
from detmetrics.formats.json.segmentations import NO_TEXT
from detmetrics.formats.json.shape_fields import FIELDS, box_column, is_shaped, is_sound, outlined
from detmetrics.formats.json.unusual import HALF_TEXT, decoded, restored_in, usual
from detmetrics.foundation.arrays import Bools, Floats, Objects, object_column
from detmetrics.foundation.errors import FormatError, TableError
from detmetrics.foundation.messages import FewTexts
from detmetrics.foundation.progress import Share
from detmetrics.overlap import Outlines
from detmetrics.tables.catalog import id_array

__all__ = [
    "REFUSED",
    "AnyId",
    "Box",
    "DetectionColumns",
    "Flag",
    "detection_columns",
    "ids_of",
    "refuse_repeated_in_list",
    "refuse_wrong_list",
]

OUTLINED = b'"segmentation"'
TEXTS = (b'"source_image_id"', b'"source_category_id"')
HEAD = 1 << 16
"""Bytes at either end in which rows show whether they have shapes, which all of them must have."""

Box = tuple[float, float, float, float]
AnyId = int | float | str
Flag = bool | int | float | None


class _Detection(msgspec.Struct, gc=False):
    """What nearly every file holds, and the fastest to decode."""

    image_id: int
    category_id: int
    bbox: Box
    score: float


class _AnyDetection(msgspec.Struct, gc=False):
    image_id: AnyId
    category_id: AnyId
    bbox: Box
    score: float


class _ShapedDetection(msgspec.Struct, gc=False):
    """What results of other shapes hold, with boxes or without."""

    image_id: AnyId
    category_id: AnyId
    score: float
    bbox: tuple[float, ...] | None = None
    bbox_mode: Any = None
    segmentation: msgspec.Raw = NO_TEXT
    obb: Any = None
    poly: Any = None
    source_image_id: str | None = None
    source_category_id: str | None = None


REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TableError)


@dataclass(frozen=True, slots=True, eq=False)
class DetectionColumns:
    """image_ids, categories, scores : (D,); boxes : (D, 4).

    source_images, source_categories : (D,) the texts that these ids stand for, None where not all
    rows tell them.
    """

    image_ids: Objects
    categories: Objects
    boxes: Floats
    scores: Floats
    shapes: Outlines | None = None
    outlined: Bools | None = None
    notes: tuple[str, ...] = ()
    source_images: Objects | None = None
    source_categories: Objects | None = None


def detection_columns(
    data: bytes, path: str, progress: Share, angle: str | None = None
) -> DetectionColumns:
    """The columns of a list of detections; angle: see ``--angle``.

    Raises:
        FormatError: it is no such list; all faults are named.
    """
    # From the fastest to the slowest: plain records with whole numbers as ids, with any ids, with
    # shapes or texts of ids; and what none of these decodes, value by value, with the place of
    # every fault. What one piece refuses to be, all of them need not be tried as.
    ends = (data[:HEAD], data[-HEAD:])
    plain, shaped = _Plain(), _Shaped()
    with _no_collection():
        if not any(name in end for name in (OUTLINED, *FIELDS, *TEXTS) for end in ends):
            with contextlib.suppress(*REFUSED):
                return _plain_columns(data, plain, path, progress)
        with contextlib.suppress(*REFUSED):
            if plain.refused is not None:
                shaped(plain.refused)
            found = [row for _, part in pieces(data, shaped, progress) for row in part]
            refuse_repeated_in_list(data, found, path)
            return _shaped(found, path, angle)
        if plain.malformed:
            refuse_malformed(data, path)
        rows = _careful_detections(data, path)
    if rows and isinstance(rows[0], _ShapedDetection):
        return _shaped(rows, path, angle)
    return _columns(rows)


class _Plain:
    """Decodes a list of boxes; once there are other ids than whole numbers, they may be any.

    once: looks at each piece before; refused: the text that is no such list; malformed: it seems to
    be no JSON; numbers: how many stand in for others.
    """

    def __init__(self) -> None:
        kinds = (_Detection, _AnyDetection)
        self._decoders = [msgspec.json.Decoder(list[kind]).decode for kind in kinds]  # type: ignore[valid-type]
        self.once = OnceEach(_Detection.__struct_fields__)
        self.refused: bytes | None = None
        self.malformed = False
        self.numbers = 0

    def __call__(self, text: bytes) -> list[Any]:
        self.once.look(text)
        while len(self._decoders) > 1:
            try:
                return self._decoders[0](text)
            except REFUSED:
                del self._decoders[0]
        self.numbers = 0
        try:
            return self._decoders[0](text)
        except REFUSED as error:
            self.refused = text
            plain = usual(text, error)
            if plain.text == text or HALF_TEXT in plain.text:
                self.malformed = not isinstance(error, msgspec.ValidationError)
                raise
        rows = self._decoders[0](plain.text)
        self.refused, self.numbers = None, plain.numbers
        return rows


class _Shaped:
    """Decodes a list of records of which each has a box or a shape."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(list[_ShapedDetection]).decode

    def __call__(self, text: bytes) -> list[Any]:
        rows = decoded(text, self._decode, ("score",))
        if not is_sound(rows):
            raise TableError("neither boxes nor shapes")
        return rows


def _plain_columns(data: bytes, plain: _Plain, path: str, progress: Share) -> DetectionColumns:
    """The columns of records that have all fields, each once."""
    parts, keys, looked = [], _Detection.__struct_fields__, False
    for piece, rows in pieces(data, plain, progress):
        if not looked and not plain.once.holds(piece, rows):
            _refuse_repeated(data, keys, path)
            looked = True
        try:
            parts.append(_columns(rows))
            _restore(parts[-1], plain.numbers)
        except REFUSED:
            plain.refused = b""
            raise
    return _joined(parts)


def _restore(columns: DetectionColumns, numbers: int) -> None:
    """Put what they stand for in place of so many numbers.

    Raises:
        TableError: there are more or less of them.
    """
    if numbers and restored_in(columns.boxes) + restored_in(columns.scores) != numbers:
        raise TableError("unusual values in other places")


def refuse_repeated_in_list(data: bytes, rows: Sequence[msgspec.Struct], path: str) -> None:
    """Refuse a list of records in which a key is there twice; rows: the records.

    Raises:
        RepeatedKeyError: a key that is read is there twice in a record.
    """
    if keys := disagreeing(data, [rows]):
        _refuse_repeated(data, keys, path)


def _refuse_repeated(data: bytes, keys: Sequence[str], path: str) -> None:
    refuse_repeated(path, *repeated_in_list(usual(data).text, keys, ""))


def _shaped(rows: list[_ShapedDetection], path: str, angle: str | None) -> DetectionColumns:
    """With the shapes of rows; boxes are those around them where there are none."""
    columns = outlined(rows, "", path, angle)
    return DetectionColumns(
        image_ids=_id_column(rows, "image_id"),
        categories=_id_column(rows, "category_id"),
        boxes=columns.boxes,
        scores=_scores(rows),
        shapes=columns.shapes,
        outlined=columns.outlined,
        notes=columns.notes,
        source_images=_source_ids(rows, "source_image_id"),
        source_categories=_source_ids(rows, "source_category_id"),
    )


def _source_ids(rows: list[_ShapedDetection], name: str) -> Objects | None:
    if not rows or getattr(rows[0], name) is None:
        return None
    told = list(map(attrgetter(name), rows))
    return None if None in told else object_column(told)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for cycles, of which records have none, and which costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _columns(rows: Sequence[Any]) -> DetectionColumns:
    return DetectionColumns(
        image_ids=_id_column(rows, "image_id"),
        categories=_id_column(rows, "category_id"),
        boxes=box_column(map(attrgetter("bbox"), rows), len(rows)),
        scores=_scores(rows),
    )


def _scores(rows: Sequence[Any]) -> Floats:
    return np.fromiter(map(attrgetter("score"), rows), np.float64, len(rows))


def _id_column(rows: Sequence[Any], name: str) -> Objects:
    values = map(attrgetter(name), rows)
    if rows and isinstance(rows[0], _Detection):
        return np.fromiter(values, np.int64, len(rows))
    return id_array(values)


def _joined(parts: list[DetectionColumns]) -> DetectionColumns:
    def of(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return DetectionColumns(of("image_ids"), of("categories"), of("boxes"), of("scores"))


# --- ids ---


def ids_of(rows: Sequence[Any], name: str, section: str, path: str) -> Objects:
    """One id of every record.

    Raises:
        FormatError: some are neither whole numbers nor text.
    """
    try:
        return id_array(map(attrgetter(name), rows))
    except TableError:
        faults = FewTexts()
        for row, record in enumerate(rows):
            if text := id_fault(getattr(record, name)):
                faults.add(f"{section}[{row}].{name}: {text}")
        raise FormatError(path, faults) from None


# --- with care -----------------------------------------------------------------------------------


def _careful_detections(data: bytes, path: str) -> list[Any]:
    refuse_wrong_list(data, path, _AnyDetection, _ShapedDetection)
    content = parse(data, path)
    if not isinstance(content, list):
        raise FormatError(path, [f"expected a list of detections, got {kind_of(content)}"])
    record = _ShapedDetection if any(map(is_shaped, content)) else _AnyDetection
    found, faults = records(content, record, "")
    if faults:
        raise FormatError(path, faults)
    return found


def refuse_wrong_list(
    data: bytes, path: str, kind: type[msgspec.Struct], shaped: type[msgspec.Struct] | None = None
) -> None:
    """Refuse a list of detections with faults, where that shows without parsing all of it.

    kind, shaped: see :func:`~detmetrics.formats.json.careful.faults_in`.

    Raises:
        FormatError: there are some, or it is no list in JSON.
    """
    start = data[:HEAD].lstrip()[:1]
    if start == b"{":
        if refuse_malformed(data, path):
            raise FormatError(path, ["expected a list of detections, got an object"])
        return
    try:
        faults = faults_in(data, kind, "", shaped) if start == b"[" else None
    except MalformedError:
        refuse_malformed(data, path)
        return
    if faults:
        raise FormatError(path, faults)
