"""DOTA: oriented boxes, ``labelTxt`` an image and ``Task1_CLASS.txt`` a class.

Labels are lines ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult`` in pixels, below two lines that tell
where the image is from; the mark of difficult objects may be missing. Detections are lines
``image score x1 y1 ... x4 y4`` in a file named after its class. Source: the development kit's
``dota_utils.py`` and ``dota_evaluation_task1.py``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.arrays import Floats, Ints, object_column
from detmetrics.catalog import Keys
from detmetrics.columns import LARGEST
from detmetrics.errors import FormatError
from detmetrics.messages import printable, shown
from detmetrics.overlap.polygons import Polygons
from detmetrics.reading.format import Format, Side
from detmetrics.reading.given import Given, decoded
from detmetrics.reading.lines import read_lines
from detmetrics.reading.names import listed_classes, names_of
from detmetrics.reading.request import Reading
from detmetrics.reading.sizes import sizes_of
from detmetrics.reading.textfolder import box_files, required_files, sampled, stems
from detmetrics.sheets import Categories, Images, Sheet
from detmetrics.sources import Source

__all__ = ["FORMAT"]

HEADER = re.compile(r"\s*(?:imagesource|gsd)\s*:.*", re.IGNORECASE)
OF_KIT = re.compile(r"(?:.*_)?Task1_(?P<name>.+)\.txt", re.IGNORECASE)
FIELDS = {
    "categories": "class",
    "boxes": "corners",
    "shapes": "corners",
    "image_ids": "image",
    "scores": "score",
}
CORNERS = 8
LOOKED_AT = 20


def _recognise(given: Given, side: Side) -> str | None:
    files = box_files(given)
    if not files:
        return None
    if side == "detections":
        if all(OF_KIT.fullmatch(os.path.basename(name)) for name in files):
            return "files named after classes, as Task1_CLASS.txt"
        lines = sampled(given)
        if lines is not None and len(lines) and set(lines.width.tolist()) == {1 + CORNERS}:
            scores = lines.matrix(1 + CORNERS)[:, 0]
            if lines.label.labels.dtype == object and ((scores >= 0) & (scores <= 1)).all():
                return "a file a class, with lines of an image, a score and four corners"
        return None
    contents, _ = given.contents(files[:LOOKED_AT])
    rows = [
        words
        for part in contents
        for _, words in _rows(part.decode("latin-1"))
        if len(words) in (CORNERS + 1, CORNERS + 2)
    ]
    if rows and all(_is_label(words) for words in rows):
        return "lines of four corners and the name of a class"
    return None


def _is_label(words: Sequence[str]) -> bool:
    return all(map(_is_number, words[:CORNERS])) and not _is_number(words[CORNERS])


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the words of each line that is not blank and no head."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not HEADER.fullmatch(line):
            yield number, line.split()


# --- labels --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Labels:
    """Columns: file, line : (R,); corners : (R, 8); names and marks of difficult ones."""

    file: Ints
    line: Ints
    corners: Floats
    names: list[str]
    difficult: list[bool]


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Labels of a folder ``labelTxt``.

    Raises:
        FormatError: a line that is no four corners and a class.
    """
    files = required_files(given)
    contents, read = given.contents(files)
    labels = _labels(
        [decoded(part, printable(name))[0] for part, name in zip(contents, files, strict=True)],
        files,
        given.path,
    )
    images = stems(files)

    def where(row: int) -> str:
        return f"{printable(files[labels.file[row]])}:{labels.line[row]}"

    polygons = Polygons.of_corners(labels.corners.reshape(-1, 4, 2))
    found = [*dict.fromkeys(labels.names)]
    classes = listed_classes(object_column(found), names_of(reading.class_names), given.path)
    if classes is None:
        names = sorted(found)
        classes = Categories(ids=object_column(names), names=tuple(names), template="{row}")
    place = {name: code for code, name in enumerate(found)}
    return Sheet(
        source=Source(name=given.path, input=read, fields=FIELDS, template="{field}", where=where),
        image=Keys(object_column(images), labels.file),
        category=Keys(
            object_column(found), np.array([place[name] for name in labels.names], np.int64)
        ),
        boxes=polygons.hulls,
        box_format="xyxy",
        shapes=polygons,
        difficult=np.array(labels.difficult, bool),
        images=Images(
            ids=object_column(images), names=tuple(images), sizes=sizes_of(images, reading)
        ),
        categories=classes,
        class_key="name",
    )


def _labels(texts: Sequence[str], files: Sequence[str], path: str) -> _Labels:
    file: list[int] = []
    line: list[int] = []
    corners: list[list[float]] = []
    names: list[str] = []
    difficult: list[bool] = []
    faults = []
    for place, text in enumerate(texts):
        for number, words in _rows(text):
            if fault := _fault(words):
                faults.append(f"{printable(files[place])}:{number}: {fault}")
                continue
            file.append(place)
            line.append(number)
            corners.append([float(word) for word in words[:CORNERS]])
            names.append(words[CORNERS])
            difficult.append(words[CORNERS + 1 :] not in ([], ["0"]))
    if faults:
        raise FormatError(path, faults)
    return _Labels(
        np.array(file, np.int64),
        np.array(line, np.int64),
        np.array(corners, np.float64).reshape(-1, CORNERS),
        names,
        difficult,
    )


def _fault(words: Sequence[str]) -> str | None:
    if len(words) not in (CORNERS + 1, CORNERS + 2):
        return f"expected x1 y1 x2 y2 x3 y3 x4 y4 class difficult, got {len(words)} words"
    for word in words[:CORNERS]:
        if not _is_number(word) or abs(float(word)) > LARGEST:
            return f"expected eight finite numbers that can be pixels, got {shown(word)}"
    if words[CORNERS + 1 :] not in ([], ["0"], ["1"], ["2"]):
        return f"expected 0 or 1 for difficult, got {shown(words[-1])}"
    return None


# --- detections ----------------------------------------------------------------------------------


def read_detections(given: Given, _: Reading) -> Sheet:
    """Detections of a folder with a file a class.

    Raises:
        FormatError: a line that is not an image, a score and four corners.
    """
    files = required_files(given)
    classes = [_class_of(name) for name in files]
    if twice := [name for name, own in zip(files, classes, strict=True) if classes.count(own) > 1]:
        raise FormatError(
            given.path, [f"{printable(name)}: a class with two files" for name in twice]
        )
    contents, read = given.contents(files)
    lines = read_lines(contents, files, given.path, text_label=True)
    lines.refuse(
        given.path,
        np.flatnonzero(lines.width != 1 + CORNERS),
        lambda row: (
            "expected an image, a score and 4 corners (x1 y1 x2 y2 x3 y3 x4 y4), "
            f"got {lines.width[row]} numbers behind the first word"
        ),
    )
    lines.refuse_unusable(given.path)
    values = lines.matrix(1 + CORNERS)
    polygons = Polygons.of_corners(np.ascontiguousarray(values[:, 1:]).reshape(-1, 4, 2))
    names = object_column(classes)
    return Sheet(
        source=Source(
            name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
        ),
        image=lines.label,
        category=Keys(names, lines.file),
        boxes=polygons.hulls,
        box_format="xyxy",
        shapes=polygons,
        scores=np.ascontiguousarray(values[:, 0]),
        categories=Categories(ids=names, names=tuple(names.tolist()), template="{row}"),
        class_key="name",
        notes=lines.notes(given.path),
    )


def _class_of(name: str) -> str:
    base = os.path.basename(name)
    kit = OF_KIT.fullmatch(base)
    return kit["name"] if kit else os.path.splitext(base)[0]


FORMAT = Format(
    name="dota",
    title="DOTA oriented boxes",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
    rules="dota",
)
