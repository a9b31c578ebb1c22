"""VOC detections: a text file a class, ``comp4_det_test_CLASS.txt``.

Lines are ``image score xmin ymin xmax ymax`` in pixels that count from 1, the corners included.
Upright boxes of DOTA, ``Task2_CLASS.txt``, are the same. Source: the VOC2007 development kit, and
the results that darknet and Detectron2 write; ``dota_evaluation_task2.py``.
"""

from __future__ import annotations

import os
import re

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.class_files import class_lines
from detmetrics.formats.lines.separators import spaced
from detmetrics.formats.lines.text_folder import box_files, required_files, sampled
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import object_column
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Categories, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

OF_KIT = re.compile(r"(?:.*_)?(?:det_[^_]+|Task2)_(?P<name>.+)\.txt", re.IGNORECASE)
IMAGE = re.compile(
    r"0\d{2,}|\d{5,}|(?=.*\D).*\d{3,}.*|.+\.(?:jpe?g|png|bmp|tiff?|webp)", re.IGNORECASE
)
FIELDS = {"categories": "class", "boxes": "box", "image_ids": "image", "scores": "score"}


def _recognise(given: Given, side: Side) -> str | None:
    files = box_files(given)
    if side != "detections" or not files:
        return None
    if all(OF_KIT.fullmatch(os.path.basename(name)) for name in files):
        return "files named after classes, as comp4_det_test_CLASS.txt"
    lines = sampled(given)
    if lines is None or not len(lines) or set(lines.width.tolist()) != {5}:
        return None
    scores = lines.matrix(5)[:, 0]
    if ((scores >= 0) & (scores <= 1)).all() and all(map(IMAGE.fullmatch, _first_words(given))):
        return "a file a class, with lines of an image, a score and corners"
    return None


def _first_words(given: Given) -> list[str]:
    """How some lines begin, as it is written: ``000012`` is an image, and 12 may be a class."""
    parts = given.beginnings(box_files(given)[:20])
    other = spaced(parts)
    parts = parts if other is None else other[0]
    lines = [line for part in parts for line in part.splitlines()[:20]]
    return [line.split()[0].decode("latin-1") for line in lines if line.strip()]


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections of a folder with a file a class.

    Raises:
        FormatError: a line that is not an image, a score and four numbers.
    """
    files = required_files(given)
    bare = reading.scores is not None
    classes, lines, read = class_lines(given, files, OF_KIT, 5, "xmin ymin xmax ymax", bare=bare)
    scored = not bare or bool((lines.width == 5).all())
    values = lines.matrix(4 + scored)
    names = object_column(classes)
    return Sheet(
        source=Source(
            name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
        ),
        image=lines.label,
        category=Keys(names, lines.file),
        boxes=np.ascontiguousarray(values[:, -4:]),
        box_format="xyxy",
        scores=np.ascontiguousarray(values[:, 0]) if scored else None,
        categories=Categories(ids=names, names=tuple(names.tolist()), template="{row}"),
        class_key="name",
        corners_inclusive=True,
        notes=lines.notes(given.path),
    )


FORMAT = Format(
    name="comp4",
    title="VOC detections, a file a class",
    recognise=_recognise,
    read_detections=read_detections,
)
