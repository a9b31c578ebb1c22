"""Which annotations cannot be evaluated, in the words of ``COCO`` objects.

Tables check whole columns; where one does not fit, these sentences name the annotation, the key and
the image. What is checked is what the tables refuse, and areas: a column holds nan where an area is
unknown, but an annotation that says nan has a number that is none.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

from detmetrics.compat.cells import Annotation
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import FewTexts, few, listing, shown
from detmetrics.tables.columns import LARGEST
from detmetrics.tables.sources import Numbered, Source

__all__ = ["FOUND", "TRUTH", "refuse_odd", "refuse_without", "source_of"]

TRUTH, FOUND = "cocoGt", "cocoDt"
"""What evaluators call the sides, and messages too."""
FIELDS = {
    "boxes": "bbox",
    "areas": "area",
    "scores": "score",
    "shapes": "segmentation",
    "crowd": "iscrowd",
    "image_ids": "image_id",
    "categories": "category_id",
    "ids": "id",
}


def source_of(name: str, ids: Sequence[Any], images: Sequence[Any]) -> Source:
    """The origin of a table of annotations; ids: none where rows are no annotations.

    >>> source_of("cocoGt", [7], [3]).place(0, "boxes")
    'annotation 7: bbox'
    """
    column = object_column(images)
    if not len(ids):
        return Source(name=name, fields=FIELDS, images=column)
    where = Numbered("annotation", object_column(ids))
    return Source(name=name, template="{field}", fields=FIELDS, where=where, images=column)


def refuse_without(annotations: Sequence[Annotation], key: str, name: str) -> None:
    """Refuse annotations that lack a key.

    Raises:
        TableError: some do.
    """
    if all(key in one for one in annotations):
        return
    _refuse(name, ((one, text) for one in annotations for text in _lacking(one, key)))


def refuse_odd(annotations: Sequence[Annotation], name: str, *, boxed: bool) -> None:
    """Refuse annotations whose numbers cannot be evaluated.

    name: of the side, ``"cocoGt"`` or ``"cocoDt"``; boxed: boxes are what is measured.

    Raises:
        TableError: there are some.
    """
    found = name == FOUND
    _refuse(name, ((one, text) for one in annotations for text in _faults(one, found, boxed)))


def _refuse(name: str, faults: Iterator[tuple[Annotation, str]]) -> None:
    texts = FewTexts()
    for one, text in faults:
        texts.add(f"annotation {one['id']}: {text} (image {shown(_plain(one['image_id']))})")
    if len(texts):
        raise TableError(listing(name, texts[:], len(texts)))


def _faults(one: Annotation, found: bool, boxed: bool) -> Iterator[str]:
    """What is wrong with an annotation."""
    if boxed:
        yield from _lacking(one, "bbox")
    if "bbox" in one:
        yield from _of_box(one["bbox"], found)
    area = one.get("area")
    if area is not None and not (_is_number(area) and (found or area >= 0)):
        expected = "a finite number" if found else "an area from 0 up"
        yield f"area: expected {expected}, got {shown(_plain(area))}"
    if found and not _is_number(one["score"]):
        yield f"score: expected a finite number, got {shown(_plain(one['score']))}"
    crowd = None if found else one.get("iscrowd")
    if crowd is not None and not _is_number(crowd):
        yield f"iscrowd: expected 0 or 1, got {shown(_plain(crowd))}"


def _lacking(one: Annotation, key: str) -> Iterator[str]:
    if key not in one:
        yield f"expected a key {key!r}, got {few([str(name) for name in one], most=8)}"


def _of_box(given: Any, found: bool) -> Iterator[str]:
    values = given.tolist() if hasattr(given, "tolist") else given
    whole = isinstance(values, list | tuple)
    if not whole or len(values) != 4:
        got = f"{len(values)}: {shown(values)}" if whole else shown(values)
        yield f"bbox: expected four numbers, got {got}"
    elif not all(_is_number(value) and abs(value) <= LARGEST for value in values):
        yield f"bbox: expected four finite numbers that can be pixels, got {shown(values)}"
    elif not found and min(values[2:]) < 0:
        yield f"bbox: expected w and h from 0 up, got {shown(values)}"


def _is_number(value: Any) -> bool:
    plain = _plain(value)
    return isinstance(plain, numbers.Real) and math.isfinite(plain)


def _plain(value: Any) -> Any:
    """As Python's own value, of a tensor of one number too."""
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
