"""COCO JSON: ground truth documents and lists of detections.

Ground truth is an object with ``images``, ``annotations`` and ``categories``; detections are a
list of ``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``. Boxes are ``x y w h`` in
pixels, from the upper left corner. Other fields are passed over. Source:
https://cocodataset.org/#format-data and #format-results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from detmetrics.arrays import Objects
from detmetrics.catalog import Keys
from detmetrics.errors import FormatError
from detmetrics.files import Input
from detmetrics.reading.format import Format, Side
from detmetrics.reading.given import Given
from detmetrics.reading.records import (
    REFUSED,
    SWAPPED,
    AnyId,
    Box,
    Flag,
    box_column,
    detection_columns,
    ids_of,
    kind_of,
    parse,
    records,
)
from detmetrics.reading.request import Reading
from detmetrics.sheets import Categories, Images, Sheet
from detmetrics.sources import Source

__all__ = ["FORMAT"]

LARGEST_SIDE = 1e9


class _Image(msgspec.Struct):
    id: AnyId
    file_name: str | None = None
    width: Any = None
    height: Any = None


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


SECTIONS: tuple[tuple[str, type[Any]], ...] = (
    ("images", _Image),
    ("annotations", _Annotation),
    ("categories", _Category),
)


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Ground truth from a COCO file, gzipped or not; ``-`` is standard input.

    Raises:
        FormatError: the file cannot be read or is not COCO ground truth; all faults are listed.
    """
    data, source = given.content()
    try:
        document = msgspec.json.decode(data, type=_Document)
    except REFUSED:
        document = _careful_document(data, source.path)
    reading.done(1.0)
    rows = document.annotations
    return Sheet(
        source=_table_source(source, "annotations[{row}].{field}"),
        image=Keys(ids_of(rows, "image_id", "annotations", source.path)),
        category=Keys(ids_of(rows, "category_id", "annotations", source.path)),
        boxes=box_column(rows),
        box_format="xywh",
        areas=np.array([math.nan if row.area is None else row.area for row in rows], float),
        crowd=np.array([bool(row.iscrowd) for row in rows], bool),
        ignore=np.array([bool(row.ignore) for row in rows], bool),
        ids=_annotation_ids(rows, source.path),
        images=_images(document.images, source.path),
        categories=_categories(document.categories, source.path),
    )


class _Scored(_Annotation):
    score: float = msgspec.field(default=math.nan)


class _ScoredDocument(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Scored]
    categories: list[_Category]


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections from a COCO results file, gzipped or not; ``-`` is standard input.

    A document whose annotations have scores, as some tools write it, is taken by the names of
    its own images and classes, since its ids are its own.

    Raises:
        FormatError: the file cannot be read or is not a list of detections.
    """
    data, source = given.content()
    if data[:64].lstrip().startswith(b"{") and (sheet := _scored_document(data, source)):
        return sheet
    columns = detection_columns(data, source.path, reading.done)
    return Sheet(
        source=_table_source(source, "[{row}].{field}"),
        image=Keys(columns.image_ids),
        category=Keys(columns.categories),
        boxes=columns.boxes,
        box_format="xywh",
        scores=columns.scores,
    )


def _scored_document(data: bytes, source: Input) -> Sheet | None:
    try:
        document = msgspec.json.decode(data, type=_ScoredDocument)
    except REFUSED:
        return None
    rows = document.annotations
    if not rows or any(math.isnan(row.score) for row in rows):
        return None
    image = _names_by_id(document.images, [row.image_id for row in rows], "file_name")
    category = _names_by_id(document.categories, [row.category_id for row in rows], "name")
    if image is None or category is None:
        return None
    return Sheet(
        source=_table_source(source, "annotations[{row}].{field}"),
        image=image,
        category=category,
        boxes=box_column(rows),
        box_format="xywh",
        scores=np.array([row.score for row in rows], np.float64),
        class_key="name",
        notes=(f"{source.path}: images and classes go by the names that it lists, not by its ids",),
    )


def _names_by_id(listed: Sequence[Any], ids: Sequence[AnyId], name: str) -> Keys | None:
    """Rows by the name of what they refer to; None where something is not listed."""
    row_of = {record.id: row for row, record in enumerate(listed)}
    if not set(ids) <= row_of.keys():
        return None
    texts = np.empty(len(listed), dtype=object)
    texts[:] = [_name(getattr(record, name), record.id) for record in listed]
    return Keys(texts, np.array([row_of[known] for known in ids], np.int64))


def _table_source(read: Input, template: str) -> Source:
    words = {
        "image_ids": "image_id",
        "categories": "category_id",
        "boxes": "bbox",
        "scores": "score",
        "areas": "area",
    }
    return Source(name=read.path, template=template, fields=words, input=read)


# --- ground truth: ids and names ---------------------------------------------------------------


def _images(rows: list[_Image], path: str) -> Images:
    return Images(
        ids=ids_of(rows, "id", "images", path),
        names=tuple(_name(row.file_name, row.id) for row in rows),
        sizes=np.array(
            [(_side(row.width), _side(row.height)) for row in rows], dtype=np.float64
        ).reshape(-1, 2),
    )


def _side(value: Any) -> float:
    """Width or height in pixels; nan where it is missing or can be neither."""
    usable = isinstance(value, int | float) and 0 < value < LARGEST_SIDE
    return float(value) if usable else math.nan


def _categories(rows: list[_Category], path: str) -> Categories:
    ids = ids_of(rows, "id", "categories", path)
    return Categories(ids=ids, names=tuple(_name(row.name, row.id) for row in rows))


def _name(name: str | int | float | None, fallback: AnyId) -> str:
    return str(fallback if name is None else name)


def _annotation_ids(rows: Sequence[_Annotation], path: str) -> Objects | None:
    if any(row.id is None for row in rows):
        return None
    return ids_of(rows, "id", "annotations", path)


# --- the slow way, for files that are not as they should be ------------------------------------


def _careful_document(data: bytes, path: str) -> _Document:
    content = parse(data, path)
    if isinstance(content, list):
        raise FormatError(
            path,
            [f"expected an object with images, annotations and categories, got a list{SWAPPED}"],
        )
    if not isinstance(content, dict):
        raise FormatError(path, [f"expected an object, got {kind_of(content)}"])
    faults: list[str] = []
    parts: dict[str, list[Any]] = {}
    for name, kind in SECTIONS:
        if not isinstance(content.get(name), list):
            got = kind_of(content[name]) if name in content else "nothing"
            faults.append(f"{name}: expected a list, got {got}")
            continue
        parts[name], found = records(content[name], kind, name)
        faults += found
    if faults:
        raise FormatError(path, faults)
    return _Document(**parts)


def _recognise(given: Given, side: Side) -> str | None:
    if given.is_folder:
        return None
    start = given.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{" and side == "ground truth":
        return "a JSON object"
    if start == b"[" and side == "detections":
        return "a JSON list"
    if start in (b"{", b"[") or given.name.endswith(".json"):
        return "a JSON file"
    return None


FORMAT = Format(
    name="coco",
    title="COCO JSON",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
)
