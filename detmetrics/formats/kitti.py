"""KITTI's label files for the 2D benchmark: a text file an image, an object a line.

``type truncated occluded alpha left top right bottom`` and seven numbers of the box in space, and
of detections the score. Corners are taken as they stand. A ``DontCare`` region is a crowd of every
class: what is found there is no fault. Source: the development kit's ``readme.txt``,
https://www.cvlibs.net/datasets/kitti/eval_object.php.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.text_folder import required_files, sampled, stems
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.messages import counted
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Categories, Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

REGION = "DontCare"
TYPES = ("Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc")
NUMBERS = {"ground truth": 14, "detections": 15}
BOX, SCORE = slice(3, 7), 14
FIELDS = {"categories": "type", "boxes": "bbox", "image_ids": "image", "scores": "score"}


def _recognise(given: Given, side: Side) -> str | None:
    lines = sampled(given)
    if lines is None or not len(lines) or set(lines.width.tolist()) != {NUMBERS[side]}:
        return None
    if lines.label.labels.dtype != object:  # types are words
        return None
    return f"lines of a type and {NUMBERS[side]} numbers"


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Ground truth of a folder ``label_2``.

    Raises:
        FormatError: a line of another length, or what can be no box.
    """
    names, lines, source = _read(given, "ground truth")
    values = lines.matrix(NUMBERS["ground truth"])
    sheet = Sheet(
        source=source,
        image=Keys(object_column(names), lines.file),
        category=lines.label,
        boxes=np.ascontiguousarray(values[:, BOX]),
        box_format="xyxy",
        crowd=np.zeros(len(lines), bool),
        attributes={"truncation": values[:, 0].copy(), "occlusion": values[:, 1].copy()},
        images=Images(ids=object_column(names), names=tuple(names), sizes=sizes_of(names, reading)),
        categories=_classes(lines, reading, given.path),
        class_key="name",
        notes=lines.notes(given.path),
    )
    return _with_regions(sheet)


def _classes(lines: Lines, reading: Reading, path: str) -> Categories:
    """The classes asked for, or the types that are there, and with any of KITTI's own all of these.

    Detections of a type without objects have a class then.
    """
    found = [name for name in lines.label.labels.tolist() if name != REGION]
    _, asked = listed_classes(Keys(object_column(found)), names_of(reading.class_names), path)
    reading.mark("class_names")
    if asked is not None:
        return asked
    own = TYPES if set(found) & set(TYPES) else ()
    names = [*own, *(name for name in found if name not in own)]
    return Categories(ids=object_column(names), names=tuple(names), template="{row}")


def _with_regions(sheet: Sheet) -> Sheet:
    """Each region once for every class, as a crowd of it."""
    assert sheet.categories is not None
    labels = [*sheet.categories.names, REGION]
    classes = np.arange(len(labels) - 1)
    found = sheet.category.labels.tolist()
    code = sheet.category.spread(np.array([labels.index(name) for name in found], int))
    is_region = code == len(classes)
    if not is_region.any():
        return sheet
    row = np.repeat(np.arange(len(sheet)), np.where(is_region, len(classes), 1))
    crowd = is_region[row]
    taken = code[row]
    taken[crowd] = np.tile(classes, int(is_region.sum()))
    regions = int(is_region.sum())
    what = counted(regions, f"{REGION} region is a crowd", f"{REGION} regions are crowds")
    note = f"{sheet.source.name}: {what} of each of {counted(len(classes), 'class', 'classes')}"
    grown = sheet.take(row)
    return replace(
        grown,
        category=Keys(object_column(labels), taken).used(),
        crowd=crowd,
        notes=(*sheet.notes, note),
    )


def read_detections(given: Given, _: Reading) -> Sheet:
    """Detections of a folder of results.

    Raises:
        FormatError: a line of another length, or what can be no box.
    """
    names, lines, source = _read(given, "detections")
    values = lines.matrix(NUMBERS["detections"])
    return Sheet(
        source=source,
        image=Keys(object_column(names), lines.file),
        category=lines.label,
        boxes=np.ascontiguousarray(values[:, BOX]),
        box_format="xyxy",
        scores=values[:, SCORE].copy(),
        class_key="name",
        notes=lines.notes(given.path),
    )


def _read(given: Given, side: Side) -> tuple[list[str], Lines, Source]:
    files = required_files(given)
    contents, read = given.contents(files)
    lines = read_lines(contents, files, given.path, text_label=True)
    wanted = NUMBERS[side]
    lines.refuse(
        given.path,
        np.flatnonzero(lines.width != wanted),
        lambda row: f"expected a type and {wanted} numbers, got {lines.width[row]} numbers",
    )
    lines.refuse_unusable(given.path)
    source = Source(
        name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
    )
    return stems(files), lines, source


FORMAT = Format(
    name="kitti",
    title="KITTI label files",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
)
