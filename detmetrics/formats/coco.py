"""COCO JSON: ground truth documents and lists of detections.

Ground truth is an object with ``images``, ``annotations`` and ``categories``; detections are a
list of ``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``. Boxes are ``x y w h`` in
pixels, from the upper left corner. Other fields are passed over. Source:
https://cocodataset.org/#format-data and #format-results.

Decoding is typed, so that what is not needed is never built. Only a file that the typed decoder
refuses is read again, slowly, to list all its faults with their places.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import numpy as np

from detmetrics.arrays import Floats, Objects
from detmetrics.catalog import Catalog, Id, id_array
from detmetrics.errors import FormatError, TableError
from detmetrics.files import Input, read_input
from detmetrics.messages import shown
from detmetrics.pairing import UnknownPolicy
from detmetrics.sources import Source
from detmetrics.tables import Detections, GroundTruth

__all__ = ["read_detections", "read_ground_truth"]

PIECE = 1 << 20
BETWEEN_RECORDS = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")

Box = tuple[float, float, float, float]
AnyId = int | float | str
Flag = bool | int | float | None
Progress = Callable[[float], None]


class _Image(msgspec.Struct):
    id: AnyId
    file_name: str | None = None


class _Category(msgspec.Struct):
    id: AnyId
    name: str | int | float | None = None


class _Annotation(msgspec.Struct):
    image_id: AnyId
    category_id: AnyId
    bbox: Box
    id: AnyId | None = None
    area: float | None = None
    iscrowd: Flag = None
    ignore: Flag = None


class _Document(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


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


_Record = TypeVar("_Record", bound=msgspec.Struct)
SECTIONS: tuple[tuple[str, type[Any]], ...] = (
    ("images", _Image),
    ("annotations", _Annotation),
    ("categories", _Category),
)
SWAPPED = ", as in the other file of the two: are they swapped?"
REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TableError)


def read_ground_truth(
    path: str | os.PathLike[str], *, progress: Progress | None = None
) -> GroundTruth:
    """Ground truth from a COCO file, gzipped or not; ``-`` is standard input.

    Raises:
        FormatError: the file cannot be read or is not COCO ground truth; all faults are listed.
    """
    data, source = read_input(path)
    try:
        document = msgspec.json.decode(data, type=_Document)
    except REFUSED:
        document = _careful_document(data, source.path)
    if progress:
        progress(1.0)
    catalog = _catalog(document, source.path)
    rows = document.annotations
    return GroundTruth.from_arrays(
        image_ids=_ids(rows, "image_id", "annotations", source.path),
        categories=_ids(rows, "category_id", "annotations", source.path),
        boxes=_box_column(rows),
        areas=[math.nan if row.area is None else row.area for row in rows],
        crowd=[bool(row.iscrowd) for row in rows],
        ignore=[bool(row.ignore) for row in rows],
        ids=_annotation_ids(rows, source.path),
        catalog=catalog,
        source=_table_source(source, "annotations[{row}].{field}"),
    )


def read_detections(
    path: str | os.PathLike[str],
    catalog: Catalog,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Detections:
    """Detections from a COCO results file, gzipped or not; ``-`` is standard input.

    Raises:
        FormatError: the file cannot be read or is not a list of detections.
        UnknownIdError: ids that the catalog lacks.
    """
    data, source = read_input(path)
    columns = _detection_columns(data, source.path, progress)
    del data
    return Detections.from_arrays(
        image_ids=columns.image_ids,
        categories=columns.categories,
        boxes=columns.boxes,
        scores=columns.scores,
        catalog=catalog,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
        source=_table_source(source, "[{row}].{field}"),
    )


def _table_source(read: Input, template: str) -> Source:
    words = {
        "image_ids": "image_id",
        "categories": "category_id",
        "boxes": "bbox",
        "scores": "score",
        "areas": "area",
    }
    return Source(name=read.path, template=template, fields=words, input=read)


# --- detections: pieces of a list --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    image_ids: Objects
    categories: Objects
    boxes: Floats
    scores: Floats


def _detection_columns(data: bytes, path: str, progress: Progress | None) -> _Columns:
    for record in (_Detection, _AnyDetection):
        with _no_collection(), contextlib.suppress(*REFUSED):
            return _joined([_columns(part) for part in _pieces(data, record, progress)])
    return _columns(_careful_detections(data, path))


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


def _pieces(
    data: bytes, record: type[_Record], progress: Progress | None
) -> Iterator[list[_Record]]:
    """The list in pieces of about a megabyte, so that the records of one are gone before the next.

    A piece ends where one record seems to end and another to begin. Inside a text or a nested
    list that can be wrong; then the halves do not decode, and the file is read as a whole.
    """
    decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
    view, start, opening = memoryview(data), 0, b""
    while cut := BETWEEN_RECORDS.search(data, start + PIECE):
        yield decoder.decode(b"".join((opening, view[start : cut.start() + 1], b"]")))
        start, opening = cut.end() - 1, b"["
        if progress:
            progress(start / len(data))
    yield decoder.decode(b"".join((opening, view[start:])))
    if progress:
        progress(1.0)


def _columns(rows: Sequence[Any]) -> _Columns:
    return _Columns(
        image_ids=_id_column(rows, "image_id"),
        categories=_id_column(rows, "category_id"),
        boxes=_box_column(rows),
        scores=np.fromiter(map(attrgetter("score"), rows), np.float64, len(rows)),
    )


def _id_column(rows: Sequence[Any], name: str) -> Objects:
    values = map(attrgetter(name), rows)
    if rows and isinstance(rows[0], _Detection):
        return np.fromiter(values, np.int64, len(rows))
    return id_array(values)


def _box_column(rows: Sequence[Any]) -> Floats:
    numbers = chain.from_iterable(map(attrgetter("bbox"), rows))
    return np.fromiter(numbers, np.float64, 4 * len(rows)).reshape(-1, 4)


def _joined(parts: list[_Columns]) -> _Columns:
    return _Columns(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("image_ids", "categories", "boxes", "scores")
        )
    )


# --- ground truth: ids and names ---------------------------------------------------------------


def _catalog(document: _Document, path: str) -> Catalog:
    images, categories = document.images, document.categories
    image_ids = _ids(images, "id", "images", path)
    category_ids = _ids(categories, "id", "categories", path)
    faults = [*_double_ids("images", image_ids), *_double_ids("categories", category_ids)]
    if faults:
        raise FormatError(path, faults)
    return Catalog.from_ids(
        images=image_ids,
        image_names=[_name(row.file_name, row.id) for row in images],
        categories=category_ids,
        category_names=[_name(row.name, row.id) for row in categories],
    )


def _name(name: str | int | float | None, fallback: AnyId) -> str:
    return str(fallback if name is None else name)


def _double_ids(section: str, ids: Objects) -> list[str]:
    first: dict[Id, int] = {}
    return [
        f"{section}[{row}].id: {shown(known)} is there already, at {section}[{first[known]}]"
        for row, known in enumerate(ids.tolist())
        if first.setdefault(known, row) != row
    ]


def _ids(rows: Sequence[Any], name: str, section: str, path: str) -> Objects:
    try:
        return id_array(map(attrgetter(name), rows))
    except TableError:
        faults = [
            f"{section}[{row}].{name}: {text}"
            for row, record in enumerate(rows)
            if (text := _id_fault(getattr(record, name)))
        ]
        raise FormatError(path, faults) from None


def _annotation_ids(rows: Sequence[_Annotation], path: str) -> Objects | None:
    if any(row.id is None for row in rows):
        return None
    return _ids(rows, "id", "annotations", path)


def _id_fault(value: Any) -> str | None:
    try:
        id_array([value])
    except TableError:
        return f"expected a whole number of 64 bits or text, got {shown(value)}"
    return None


# --- the slow way, for files that are not as they should be ------------------------------------


def _careful_document(data: bytes, path: str) -> _Document:
    content = _parse(data, path)
    if isinstance(content, list):
        raise FormatError(
            path,
            [f"expected an object with images, annotations and categories, got a list{SWAPPED}"],
        )
    if not isinstance(content, dict):
        raise FormatError(path, [f"expected an object, got {_kind(content)}"])
    faults: list[str] = []
    parts: dict[str, list[Any]] = {}
    for name, kind in SECTIONS:
        if not isinstance(content.get(name), list):
            got = _kind(content[name]) if name in content else "nothing"
            faults.append(f"{name}: expected a list, got {got}")
            continue
        parts[name], found = _records(content[name], kind, name)
        faults += found
    if faults:
        raise FormatError(path, faults)
    return _Document(**parts)


def _careful_detections(data: bytes, path: str) -> list[_AnyDetection]:
    content = _parse(data, path)
    if not isinstance(content, list):
        hint = SWAPPED if isinstance(content, dict) and "annotations" in content else ""
        raise FormatError(path, [f"expected a list of detections, got {_kind(content)}{hint}"])
    records, faults = _records(content, _AnyDetection, "")
    if faults:
        raise FormatError(path, faults)
    return records


def _records(
    content: list[Any], kind: type[_Record], prefix: str
) -> tuple[list[_Record], list[str]]:
    records, faults = [], []
    for row, value in enumerate(content):
        try:
            record = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            faults.append(f"{prefix}[{row}]{_readable(str(error))}")
            continue
        except UnicodeError:
            faults.append(
                f"{prefix}[{row}]: text with half a surrogate pair, which is no character"
            )
            continue
        records.append(record)
        faults += [f"{prefix}[{row}].{name}: {text}" for name, text in _value_faults(record)]
    return records, faults


def _value_faults(record: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Values of the right type that stand for nothing, by field."""
    for name in ("id", "image_id", "category_id"):
        value = getattr(record, name, None)
        if value is not None and (text := _id_fault(value)):
            yield name, text
    for name in ("area", "iscrowd", "ignore"):
        value = getattr(record, name, None)
        if value is not None and not math.isfinite(value):
            yield name, f"expected a finite number, got {value}"


def _parse(data: bytes, path: str) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise FormatError(path, ["nested too deeply to be COCO JSON"]) from None
    except UnicodeDecodeError as error:
        raise FormatError(
            path, [f"byte {error.start:,}: not a text in UTF-8: {error.reason}"]
        ) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno:,}, column {error.colno:,}"
        said = error.msg.removesuffix(" starting at")
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        hint = "; the file ends early: was it cut off?" if cut else ""
        raise FormatError(path, [f"{place}: not JSON: {said}{hint}"]) from None
    except ValueError:  # Python does not read whole numbers of more than 4,300 digits
        raise FormatError(
            path, ["not JSON that can be read: a number of thousands of digits"]
        ) from None


WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "bool": "true or false",
}


def _readable(message: str) -> str:
    """A message of msgspec in the words of all others: ``.bbox[2]: expected ..., got ...``."""
    text, _, place = message.partition(" - at ")
    place = place.strip("`").removeprefix("$")
    if missing := re.match(r"Object missing required field `(\w+)`", text):
        return f"{place}.{missing[1]}: missing"
    text = re.sub(r"`([\w |]+)`", lambda found: _words(found[1]), text)
    return f"{place}: {text[:1].lower()}{text[1:]}"


def _words(kinds: str) -> str:
    found = kinds.split(" | ")
    if {"int", "float"} <= set(found):  # as msgspec has it; to people both are numbers
        found.remove("int")
    return " or ".join(WORDS.get(kind, kind) for kind in found)


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "text", bool: "true or false"}.get(
        type(value), "null" if value is None else "a number"
    )
