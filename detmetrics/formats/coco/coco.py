"""COCO JSON: ground truth documents and lists of detections.

Ground truth is an object with ``images``, ``annotations`` and ``categories``; detections are a
list of ``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``. Boxes are ``x y w h`` in
pixels, from the upper left corner. Other fields are passed over. Source:
https://cocodataset.org/#format-data and #format-results.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from detmetrics.formats.coco.documents import (
    Annotation,
    Category,
    Document,
    Image,
    document_of,
    sound_document,
)
from detmetrics.formats.format import Format, Side, late_writer
from detmetrics.formats.given import Given
from detmetrics.formats.json.missing_scores import unscored_columns
from detmetrics.formats.json.records import AnyId, DetectionColumns, detection_columns, ids_of
from detmetrics.formats.json.shape_fields import outlined
from detmetrics.formats.metadata.image_sizes import sizes_of, without_suffix
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Floats, Ints, Objects, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.federation import Federation
from detmetrics.tables.sheets import Categories, Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

WRITING = "detmetrics.formats.coco.writing"
LARGEST_SIDE = 2.0**53  # beyond, floats have no place for every pixel


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Ground truth from a COCO file, gzipped or not; ``-`` is standard input.

    Raises:
        FormatError: the file cannot be read or is not COCO ground truth; all faults are listed.
    """
    data, source = given.content()
    document = document_of(data, source.path)
    reading.on_progress(1.0)
    rows = document.annotations
    columns = outlined(rows, "annotations", source.path, reading.angle)
    return Sheet(
        source=_table_source(source, "annotations[{row}].{field}"),
        image=Keys(ids_of(rows, "image_id", "annotations", source.path)),
        image_key="id",
        category=Keys(ids_of(rows, "category_id", "annotations", source.path)),
        boxes=columns.boxes,
        box_format="xywh",
        shapes=columns.shapes,
        outlined=columns.outlined,
        areas=np.array([math.nan if row.area is None else row.area for row in rows], float),
        crowd=np.array([bool(row.iscrowd) for row in rows], bool),
        ignore=np.array([bool(row.ignore) for row in rows], bool),
        ids=_annotation_ids(rows, source.path),
        attributes=dict(_attributes(rows)),
        images=_images(document.images, source.path, reading),
        categories=_categories(document.categories, source.path),
        federation=_federation(document, source.path),
        notes=(*_scored_note(rows, source.path), *columns.notes),
    )


ATTRIBUTES = {
    "visibility": ("visibility", "vis_ratio"),
    "occlusion": ("occlusion", "occluded"),
    "truncation": ("truncation", "truncated"),
}
"""What attributes are called in annotations; CityPersons has ``vis_ratio``."""


def _attributes(rows: Sequence[Annotation]) -> Iterator[tuple[str, Floats]]:
    """Each attribute that is a number somewhere, nan where it is none."""
    for name, spellings in ATTRIBUTES.items():
        for spelling in spellings:
            told = list(map(attrgetter(spelling), rows))
            if told.count(None) == len(told):
                continue
            if any(isinstance(value, int | float) for value in told):
                numbers = [value if isinstance(value, int | float) else math.nan for value in told]
                yield name, np.array(numbers, np.float64)
                break


def _scored_note(rows: Sequence[Annotation], path: str) -> Iterator[str]:
    if scored := sum(row.score is not None for row in rows):
        what = counted(scored, "annotation has a score", "annotations have scores")
        yield f"{path}: {what}, which ground truth has not: is it a file of detections?"


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections from a COCO results file, gzipped or not; ``-`` is standard input.

    A document whose annotations have scores, as some tools write it, is taken by the names of
    its own images and classes, since its ids are its own; where detections have no scores, so is
    one without.

    Raises:
        FormatError: the file cannot be read or is not a list of detections.
    """
    data, source = given.content()
    if data[:64].lstrip().startswith(b"{") and (
        sheet := _document_of_detections(data, source, reading)
    ):
        return sheet

    def read(data: bytes) -> DetectionColumns:
        return detection_columns(data, source.path, reading.on_progress, reading.angle)

    if reading.scores is None:
        columns = read(data)
        scores: Floats | None = columns.scores
    else:
        columns, scores = unscored_columns(data, source.path, read)
    images, categories = _ids_taken(columns, reading.catalog)
    return Sheet(
        source=_table_source(source, "[{row}].{field}"),
        image=Keys(images),
        image_key="id",
        category=Keys(categories),
        boxes=columns.boxes,
        box_format="xywh",
        shapes=columns.shapes,
        outlined=columns.outlined,
        scores=scores,
        notes=columns.notes,
    )


def _ids_taken(columns: DetectionColumns, catalog: Catalog | None) -> tuple[Objects, Objects]:
    """The ids of results, or the texts that they were made for where the ground truth has these."""
    images, categories = columns.source_images, columns.source_categories
    if images is None or (catalog and not _has(images, catalog.image_ids, catalog.image_names)):
        images = columns.image_ids
    if categories is None or (
        catalog and not _has(categories, catalog.category_ids, catalog.category_names)
    ):
        categories = columns.categories
    return images, categories


def _has(texts: Objects, ids: Objects, names: Sequence[str]) -> bool:
    return ids.dtype == object or {*texts.tolist()} <= {*names}


def _document_of_detections(data: bytes, source: Input, reading: Reading) -> Sheet | None:
    document = sound_document(data, source.path)
    if document is None:
        return None
    rows = document.annotations
    scores = [row.score for row in rows if row.score is not None]
    if not rows or (len(scores) < len(rows) and reading.scores is None):
        return None
    image = _names_by_id(document.images, [row.image_id for row in rows], "file_name")
    category = _names_by_id(document.categories, [row.category_id for row in rows], "name")
    if image is None or category is None:
        return None
    columns = outlined(rows, "annotations", source.path, reading.angle)
    told = [math.nan if row.score is None else row.score for row in rows]
    named = f"{source.path}: images and classes go by the names that it lists, not by its ids"
    return Sheet(
        source=_table_source(source, "annotations[{row}].{field}"),
        image=image,
        category=category,
        boxes=columns.boxes,
        box_format="xywh",
        shapes=columns.shapes,
        outlined=columns.outlined,
        scores=np.array(told, np.float64) if scores else None,
        class_key="name",
        notes=(named, *columns.notes),
    )


def _names_by_id(listed: Sequence[Any], ids: Sequence[AnyId], name: str) -> Keys | None:
    """Rows by the name of what they refer to; None where something is not listed."""
    row_of = {record.id: row for row, record in enumerate(listed)}
    if not set(ids) <= row_of.keys():
        return None
    texts = object_column([_name(getattr(record, name), record.id) for record in listed])
    return Keys(texts, np.array([row_of[known] for known in ids], np.int64))


def _table_source(read: Input, template: str) -> Source:
    words = {
        "image_ids": "image_id",
        "categories": "category_id",
        "boxes": "bbox",
        "shapes": "segmentation",
        "scores": "score",
        "areas": "area",
    }
    return Source(name=read.path, template=template, fields=words, input=read)


# --- ground truth: ids and names ---------------------------------------------------------------


def _images(rows: list[Image], path: str, reading: Reading) -> Images:
    """The images, with the sizes that were asked for where the file has none."""
    names = tuple(_name(row.file_name, row.id) for row in rows)
    told = [row.width for row in rows], [row.height for row in rows]
    sizes = _both_or_none(np.column_stack([*map(_sides, told)]))
    asked = reading.image_dir is not None or reading.image_sizes is not None
    if len(missing := np.flatnonzero(np.isnan(sizes[:, 0]))) and asked:
        sizes[missing] = sizes_of([without_suffix(names[row]) for row in missing], reading)
    return Images(ids=ids_of(rows, "id", "images", path), names=names, sizes=sizes)


def _federation(document: Document, path: str) -> Federation | None:
    """What LVIS says of images and classes; indices are places in the two lists."""
    row_of = {record.id: row for row, record in enumerate(document.categories)}
    if all(image.neg_category_ids is None for image in document.images):
        return None

    def pairs(field: str) -> Ints:
        told = [
            (row, category)
            for row, image in enumerate(document.images)
            for category in getattr(image, field) or ()
        ]
        faults = [
            f"at images[{row}].{field}: {shown(category)} is none of the categories"
            for row, category in told
            if category not in row_of
        ]
        if faults:
            raise FormatError(path, faults)
        found = [(row, row_of[category]) for row, category in told]
        return np.array(found, np.int64).reshape(-1, 2)

    return Federation(
        verified=pairs("neg_category_ids"),
        not_exhaustive=pairs("not_exhaustive_category_ids"),
        frequency=tuple(record.frequency or "" for record in document.categories),
        unsaid=tuple(_unsaid(document.images)),
    )


def _unsaid(images: list[Image]) -> Iterator[str]:
    for field in ("neg_category_ids", "not_exhaustive_category_ids"):
        without = [row for row, image in enumerate(images) if getattr(image, field) is None]
        if without:
            yield f"{field} in {len(without):,} of {len(images):,} images (images[{without[0]}])"


def _both_or_none(sizes: Floats) -> Floats:
    """A width without a height is no size."""
    sizes[np.isnan(sizes).any(axis=1)] = math.nan
    return sizes


def _sides(values: list[Any]) -> Floats:
    """(N,) widths or heights in pixels; nan where they are missing or can be neither."""
    if set(map(type, values)) == {int}:
        with contextlib.suppress(OverflowError):
            whole = np.array(values, np.int64)
            return np.where((whole > 0) & (whole < LARGEST_SIDE), whole, math.nan)
    return np.array([*map(_side, values)], np.float64)


def _side(value: Any) -> float:
    """Width or height in pixels; nan where it is missing or can be neither."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    usable = number and 0 < value < LARGEST_SIDE
    return float(value) if usable else math.nan


def _categories(rows: list[Category], path: str) -> Categories:
    ids = ids_of(rows, "id", "categories", path)
    groups = [row.supercategory if isinstance(row.supercategory, str) else "" for row in rows]
    names = tuple(_name(row.name, row.id) for row in rows)
    return Categories(ids=ids, names=names, groups=tuple(groups))


def _name(name: str | int | float | None, fallback: AnyId) -> str:
    return str(fallback if name is None else name)


def _annotation_ids(rows: Sequence[Annotation], path: str) -> Objects | None:
    if any(row.id is None for row in rows):
        return None
    return ids_of(rows, "id", "annotations", path)


# --- recognition --------------------------------------------------------------------------------


def _recognise(given: Given, side: Side) -> str | None:
    if given.is_folder or given.name.endswith(
        (".yaml", ".yml")
    ):  # which may be a mapping in braces
        return None
    start = given.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    scored = b'"score"' in given.head
    if start == b"{" and (scored or side == "ground truth"):
        return "a JSON object" if side == "ground truth" else "a JSON object with scores"
    if start == b"[" and side == "detections":
        return "a JSON list"
    return None


FORMAT = Format(
    name="coco",
    title="COCO JSON",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
    read_unscored=read_detections,
    write_ground_truth=late_writer(WRITING, "write_ground_truth"),
    write_detections=late_writer(WRITING, "write_detections"),
    writes_outlines=True,
)
