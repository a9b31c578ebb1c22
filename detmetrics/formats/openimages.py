"""Open Images CSV: boxes and predictions, in shares of the image.

Boxes have ``ImageID, Source, LabelName, Confidence, XMin, XMax, YMin, YMax, IsOccluded,
IsTruncated, IsGroupOf, ...``, predictions ``ImageID, LabelName, Score, XMin, XMax, YMin, YMax``.
A group-of box is a crowd: it absorbs detections and is never missed. Source:
https://storage.googleapis.com/openimages/web/evaluation.html.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from detmetrics.errors import FormatError
from detmetrics.messages import counted
from detmetrics.reading.format import Format, Side
from detmetrics.reading.given import Given
from detmetrics.reading.headings import Heading
from detmetrics.reading.request import Reading
from detmetrics.reading.tabular import names_in, read_delimited, sheet_of
from detmetrics.sheets import Sheet

__all__ = ["FORMAT"]

COLUMNS = {
    "image": "imageid",
    "class": "labelname",
    **{corner: corner for corner in ("xmin", "ymin", "xmax", "ymax")},
}
OPTIONAL = {"ground truth": {"crowd": "isgroupof"}, "detections": {"score": "score"}}


def _recognise(given: Given, _: Side) -> str | None:
    if given.is_folder:
        return None
    names = {name.lower() for name in names_in(given)}
    if not set(COLUMNS.values()) <= names:
        return None
    return "a table with ImageID, LabelName and XMin"


def _heading(names: list[str], path: str, side: Side) -> Heading:
    by_lower = {name.lower(): name for name in names}
    wanted = {**COLUMNS, **OPTIONAL[side]}
    if side == "detections" and "score" not in by_lower and "confidence" in by_lower:
        wanted["score"] = "confidence"
    missing = [name for what, name in wanted.items() if name not in by_lower and what != "crowd"]
    if missing:
        hint = "; are the two sides swapped?" if missing == ["score"] else ""
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
    frame, heading, read = read_delimited(given, lambda names: _heading(names, given.path, side))
    sheet = sheet_of(
        frame,
        heading,
        read,
        lambda row: f"line {row + 2}",
        reading,
        scored=side == "detections",
        relative=True,
    )
    groups = 0 if sheet.crowd is None else int(sheet.crowd.sum())
    if not groups:
        return sheet
    note = (
        f"{given.path}: {counted(groups, 'group-of box counts', 'group-of boxes count')} as crowd"
    )
    return replace(sheet, notes=(*sheet.notes, note))


FORMAT = Format(
    name="openimages",
    title="Open Images CSV",
    recognise=_recognise,
    read_ground_truth=partial(_read, side="ground truth"),
    read_detections=partial(_read, side="detections"),
)
