"""``predictions.json`` as Ultralytics writes it with ``save_json=True``.

A list of COCO results whose image ids are file stems (numbers where the stem is one). Classes
are COCO's ids of 91 where the data set is COCO; else they count from 1, and in releases that
write no ``file_name`` they count from 0 or from 1. Boxes are rounded to three decimals, scores
to five. Oriented boxes are ``poly`` and ``rbox``, masks ``segmentation``. Source:
``ultralytics/models/yolo/detect/val.py``, ``pred_to_json``, and those beside it.
"""

from __future__ import annotations

import re

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.json.missing_scores import unscored_columns
from detmetrics.formats.json.records import DetectionColumns, detection_columns
from detmetrics.formats.reading import Reading
from detmetrics.formats.ultralytics.oriented import is_oriented, oriented_columns
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.id_causes import COCO_91, COCO_GAPS
from detmetrics.tables.id_pairing import KeyKind
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

TEXT_ID = re.compile(rb'"image_id"\s*:\s*"')
FILE_NAME = re.compile(rb'"file_name"\s*:')
WORDS = {
    "image_ids": "image_id",
    "categories": "category_id",
    "boxes": "bbox",
    "shapes": "segmentation",
    "scores": "score",
}
WORDS_OF_ORIENTED = {**WORDS, "boxes": "poly", "shapes": "poly"}


def _recognise(given: Given, side: Side) -> str | None:
    if side != "detections" or given.is_folder or not given.head.lstrip().startswith(b"["):
        return None
    if FILE_NAME.search(given.head):
        return "a JSON list of detections with file_name"
    if TEXT_ID.search(given.head) and given.name.endswith("predictions.json"):
        return "predictions.json with image ids that are texts"
    return None


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections of ``predictions.json``.

    Raises:
        FormatError: it is no list of detections, or the classes may count from 0 or from 1.
    """
    counts_from_one = FILE_NAME.search(given.head) is not None
    oriented = is_oriented(given.head)
    data, read = given.content()

    def columns_of(data: bytes) -> DetectionColumns:
        if oriented:
            return oriented_columns(data, read.path, reading.angle)
        return detection_columns(data, read.path, reading.on_progress, reading.angle)

    if reading.scores is None:
        columns = columns_of(data)
        scores: Floats | None = columns.scores
    else:
        columns, scores = unscored_columns(data, read.path, columns_of)
    key: KeyKind = "id"
    category, note = columns.categories, None
    if reading.class_numbers is None and reading.catalog is not None:
        category, key, note = _classes(category, reading.catalog, counts_from_one, read.path)
    return Sheet(
        source=Source(
            name=read.path,
            template="[{row}].{field}",
            fields=WORDS_OF_ORIENTED if oriented else WORDS,
            input=read,
        ),
        image=Keys(columns.image_ids),
        category=Keys(category),
        boxes=columns.boxes,
        box_format="xyxy" if oriented else "xywh",
        shapes=columns.shapes,
        outlined=columns.outlined,
        scores=scores,
        class_key=key,
        numbers=None if category is columns.categories else Keys(columns.categories),
        settled=frozenset({"image"} if counts_from_one else ()),  # rows name their files
        notes=(*columns.notes, *((note,) if note else ())),
    )


def _classes(
    category: Ints, catalog: Catalog, counts_from_one: bool, path: str
) -> tuple[Ints, KeyKind, str | None]:
    """Class numbers as the ground truth can take them, what they are, and what to say."""
    known = set(catalog.category_ids.tolist())
    found = set(category.tolist())
    if category.dtype == object or not found or known == COCO_91:
        return category, "id", None
    classes = len(known)
    if classes == len(COCO_91) and _is_coco_91(found):
        ids = np.array(sorted(COCO_91))
        note = f"{path}: classes are COCO's ids, which run to 90 with gaps"
        return np.searchsorted(ids, category), "index", note
    if classes == len(COCO_91) and not found & set(COCO_GAPS):
        raise FormatError(path, [_open("coco91 or index1", "COCO's ids or count from 1")])
    if 0 not in found and (counts_from_one or max(found) == classes):
        return category - 1, "index", f"{path}: classes count from 1, in order of the ground truth"
    if 0 in found:
        return category, "index", f"{path}: classes count from 0, in order of the ground truth"
    raise FormatError(path, [_open("index0 or index1", "count from 0 or from 1")])


def _is_coco_91(found: set[int]) -> bool:
    return found <= COCO_91 and max(found) > len(COCO_91)


def _open(ways: str, what: str) -> str:
    return (
        f"category_id: the numbers may be {what}, both fit: say which with --class-numbers {ways}"
    )


FORMAT = Format(
    name="ultralytics",
    title="Ultralytics predictions.json",
    recognise=_recognise,
    read_detections=read_detections,
)
