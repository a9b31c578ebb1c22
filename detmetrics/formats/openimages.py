"""Open Images CSV: boxes and predictions, in shares of the image.

Boxes have ``ImageID, Source, LabelName, Confidence, XMin, XMax, YMin, YMax, IsOccluded,
IsTruncated, IsGroupOf, ...``, predictions ``ImageID, LabelName, Score, XMin, XMax, YMin, YMax``.
A group-of box is a crowd: it absorbs detections and is never missed. Source:
https://storage.googleapis.com/openimages/web/evaluation.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.layout_evidence import is_relative
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.delimited import names_in, read_delimited
from detmetrics.formats.tabular.headings import Heading
from detmetrics.formats.tabular.table import sheet_of
from detmetrics.formats.writing.written import (
    Table,
    Written,
    in_shares,
    lost_attributes,
    unique_stems,
)
from detmetrics.foundation.arrays import used
from detmetrics.foundation.csv_text import csv_text
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Numbered

__all__ = ["FORMAT"]

COLUMNS = {
    "image": "imageid",
    "class": "labelname",
    **{corner: corner for corner in ("xmin", "ymin", "xmax", "ymax")},
}
OPTIONAL = {"ground truth": {"crowd": "isgroupof"}, "detections": {"score": "score"}}


def _recognise(given: Given, side: Side) -> str | None:
    # Splitting the first line takes long where it is all of a JSON file.
    if given.is_folder or b"imageid" not in given.head.replace(b"\0", b"").lower():
        return None
    names = {name.lower() for name in names_in(given)}
    if not set(COLUMNS.values()) <= names:
        return None
    if side == "detections" and "score" not in names:
        return None
    return "a table with ImageID, LabelName and XMin"


def _heading(names: list[str], path: str, side: Side, *, scored: bool = True) -> Heading:
    by_lower = {name.lower(): name for name in names}
    wanted = {**COLUMNS, **OPTIONAL[side]}
    needed = {what for what in wanted if what != "crowd" and (scored or what != "score")}
    missing = [wanted[what] for what in wanted if what in needed and wanted[what] not in by_lower]
    if missing:
        hint = "; without a score these are no detections" if missing == ["score"] else ""
        raise FormatError(
            path, [f"expected columns of Open Images, {', '.join(missing)} missing{hint}"]
        )
    column = {what: by_lower[name] for what, name in wanted.items() if name in by_lower}
    return Heading(column=column, box_format="xyxy")


def _read(given: Given, reading: Reading, *, side: Side) -> Sheet:
    """A file of boxes or of predictions.

    Raises:
        FormatError: it is no such table.
    """
    scored = reading.scores is None
    frame, heading, read = read_delimited(
        given, lambda names: _heading(names, given.path, side, scored=scored)
    )
    sheet = sheet_of(
        frame,
        heading,
        read,
        Numbered("line", frame.index.to_numpy()),
        reading,
        scored=side == "detections",
        relative=True,
    )
    if not is_relative(sheet.boxes):
        raise FormatError(
            given.path,
            ["boxes are not normalized; as a table in pixels: --gt-format csv"],
        )
    source = replace(sheet.source, columns=None)  # the names are those of the format
    sheet = replace(sheet, source=source, image_key="name")  # ImageID is the name of the file
    groups = 0 if sheet.crowd is None else int(sheet.crowd.sum())
    if not groups:
        return sheet
    note = (
        f"{given.path}: {counted(groups, 'group-of box counts', 'group-of boxes count')} as crowd"
    )
    return replace(sheet, notes=(*sheet.notes, note))


# --- writing -------------------------------------------------------------------------------------

SOURCE_COLUMNS = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"
LOST = "the sizes of images and the ids of classes"
FLAG_COLUMNS = "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"


def write_ground_truth(ground_truth: GroundTruth) -> Written:
    """Boxes, with crowds as group-of boxes.

    Raises:
        OutputError: boxes are pixels of images of unknown size.
    """
    rows = [
        [image, "detmetrics", name, "1", *box, "0", "0", str(int(group)), "0", "0"]
        for image, name, box, group in zip(
            *_columns(ground_truth),
            (ground_truth.crowd | ground_truth.difficult).tolist(),
            strict=True,
        )
    ]
    header = f"{SOURCE_COLUMNS},{FLAG_COLUMNS}".split(",")
    return Written({"": _csv(header, rows)}, tuple(_lost(ground_truth)))


def write_detections(detections: Detections) -> Written:
    """Predictions.

    Raises:
        OutputError: boxes are pixels of images of unknown size.
    """
    rows = [
        [image, name, repr(score), *box]
        for image, name, box, score in zip(
            *_columns(detections), detections.scores.tolist(), strict=True
        )
    ]
    header = ["ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax"]
    return Written({"": _csv(header, rows)}, (LOST,))


def _columns(table: Table) -> tuple[list[str], list[str], list[list[str]]]:
    """Image and class of each row, and its box as texts in the order of Open Images."""
    stems = unique_stems(table.catalog)
    names = table.catalog.class_labels
    boxes = in_shares(table)
    ends = boxes[:, :2] + boxes[:, 2:]
    order = np.column_stack([boxes[:, 0], ends[:, 0], boxes[:, 1], ends[:, 1]])
    return (
        [stems[image] for image in table.image.tolist()],
        [names[category] for category in table.category.tolist()],
        [[*map(repr, box)] for box in order.tolist()],
    )


def _csv(header: list[str], rows: Iterable[list[str]]) -> bytes:
    return csv_text([header, *rows]).encode("utf-8", "backslashreplace")


def _lost(ground_truth: GroundTruth) -> Iterator[str]:
    yield from lost_attributes(ground_truth)
    if marked := int((ground_truth.difficult & ~ground_truth.crowd).sum()):
        what = counted(marked, "difficult object is", "difficult objects are")
        yield f"{what} written as group-of"
    if ignored := int(ground_truth.ignore.sum()):
        yield f"the ignore flag of {counted(ignored, 'object')}"
    if empty := len(ground_truth.catalog.image_ids) - len(used(ground_truth.image)):
        yield f"{counted(empty, 'image')} without objects, of which Open Images has no row"
    yield LOST


FORMAT = Format(
    name="openimages",
    title="Open Images CSV",
    recognise=_recognise,
    read_ground_truth=partial(_read, side="ground truth"),
    read_detections=partial(_read, side="detections"),
    read_unscored=partial(_read, side="detections"),
    write_ground_truth=write_ground_truth,
    write_detections=write_detections,
)
