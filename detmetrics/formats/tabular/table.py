"""From a frame with a heading to a sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.formats.lines.labels import keys_of
from detmetrics.formats.lines.layout_evidence import lie_in_unit
from detmetrics.formats.lines.oriented_columns import known_sizes
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.class_columns import chosen_classes
from detmetrics.formats.tabular.delimited import ATTRIBUTES, FLAGS, is_empty, numbered
from detmetrics.formats.tabular.headings import Heading
from detmetrics.formats.tabular.numbers import Numbers, decimals_of, is_numeric
from detmetrics.formats.tabular.shape_columns import places
from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, object_column, used
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import printable
from detmetrics.tables.catalog import Keys
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.sheets import Images, Sheet
from detmetrics.tables.sources import RowPlaces, Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PLAIN_NUMBER", "is_id", "sheet_of", "text_ids"]

FLOAT_NUMBER = re.compile(r"(?:0|[1-9]\d{0,14})\.0", re.ASCII)
EMPTY = frozenset(("", "nan", "none", "null"))
PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)


def sheet_of(
    frame: pd.DataFrame,
    heading: Heading,
    read: Input,
    place: RowPlaces,
    reading: Reading,
    *,
    scored: bool,
    relative: bool | None = None,
) -> Sheet:
    """A sheet of the columns that a heading names; rows without a box name an empty image.

    place: where row R of the frame stands; relative: None where the values must tell.

    Raises:
        FormatError: a value that is no number where one must stand.
    """
    column = heading.column
    boxed = _with_box(frame, [column[part] for part in heading.place_names])
    rows = np.flatnonzero(boxed)
    part = frame if len(rows) == len(frame) else frame.iloc[rows]
    groups = numbered(column, heading)
    marks = decimals_of(frame, groups, reading.decimal, read.path, place, whole=groups[1])
    numbers = Numbers(read.path, place, rows, marks)
    nothing = np.flatnonzero(~boxed)
    class_column, said_of_class = chosen_classes(part, heading, reading.catalog, read.path)
    _refuse_boxless(frame, nothing, [class_column], read.path, place)
    _refuse_nothing(frame[column["image"]], read.path, place, np.arange(len(frame)), "an image")
    _refuse_nothing(part[class_column], read.path, place, rows, "a class")
    every_image = _keys(frame[column["image"]])
    sizes = _sizes(frame, every_image, column, numbers, reading)
    turned = heading.shape == "angle"  # of which shares need the sizes of images
    known = known_sizes(_names(every_image), reading, sizes) if turned else sizes
    of_rows = known[_codes(every_image)[rows]]
    boxes, box_format, shapes, said = places(part, heading, numbers, reading, of_rows)
    if relative is None:
        relative = lie_in_unit(boxes, box_format)
    category = _keys(part[class_column])
    flags = {what: numbers.flags(part[column[what]]) for what in FLAGS if what in column}
    named = category.labels.dtype == object
    categories = None
    if not scored:
        names = names_of(reading.class_names)
        category, categories = listed_classes(category, names, read.path, reading.class_numbers)
        reading.mark("class_names")
    return Sheet(
        source=Source(
            name=read.path,
            input=read,
            template="{field}",
            fields=_fields(heading, class_column),
            where=place.of_rows(rows),
            columns=heading.box_columns(relative),
        ),
        image=Keys(every_image.labels, _codes(every_image)[rows]),
        category=category,
        boxes=np.ascontiguousarray(boxes),
        box_format=box_format,
        shapes=shapes,
        relative=relative,
        scores=_scores(part, column, numbers, reading) if scored else None,
        areas=numbers.of(part[column["area"]], empty=np.nan) if "area" in column else None,
        images=_images(every_image, sizes),
        categories=categories,
        image_key="id" if is_id(column["image"]) else "name",
        class_key="name" if named or "class" in column else "id",
        may_be_names="class" in column,
        interpretations=(
            _columns(heading, class_column, scored=scored),
            _unit(relative, scored=scored),
        ),
        notes=(*said, *said_of_class, *_notes(heading, relative, read.path)),
        attributes={
            what: numbers.of_or_nan(part[column[what]])
            for what in ATTRIBUTES
            if what in column and not scored
        },
        crowd=flags.get("crowd"),
        ignore=flags.get("ignore"),
        difficult=flags.get("difficult"),
    )


def _scores(
    part: pd.DataFrame, column: Mapping[str, str], numbers: Numbers, reading: Reading
) -> Floats | None:
    """(R,) scores; None where there are none and need not be any."""
    if reading.scores is None:
        return numbers.of(part[column["score"]])
    return numbers.of_or_nan(part[column["score"]]) if "score" in column else None


def _columns(heading: Heading, class_column: str, *, scored: bool) -> Interpretation:
    fields = _fields(heading, class_column)
    told = scored and "score" in heading.column
    wanted = ("image_ids", "categories", *(("scores",) if told else ()), "shapes")
    taken = ", ".join(fields[name] for name in wanted if fields[name])
    return Interpretation(
        side="detections" if scored else "ground truth",
        of="columns",
        taken=printable(taken),
        evidence="names in the heading, or as asked",
    )


def _unit(relative: bool, *, scored: bool) -> Interpretation:
    return Interpretation(
        side="detections" if scored else "ground truth",
        of="unit",
        taken="normalized coordinates" if relative else "pixels",
        evidence="as values show: normalized where nearly all boxes lie in [0, 1]",
    )


def _fields(heading: Heading, class_column: str) -> dict[str, str]:
    column = heading.column
    return {
        "boxes": " ".join(column[part] for part in heading.box_names or heading.place_names),
        "shapes": " ".join(column[part] for part in heading.place_names),
        "image_ids": column["image"],
        "categories": class_column,
        "scores": column.get("score", "score"),
        "areas": column.get("area", "area"),
    }


def _refuse_nothing(
    column: pd.Series[Any], path: str, place: Callable[[int], str], rows: Ints, expected: str
) -> None:
    """Refuse rows without an image or a class."""
    bad = np.flatnonzero(column.isna().to_numpy() | is_empty(column))
    if len(bad):
        faults = [
            f"{place(int(rows[at]))}: {column.name}: expected {expected}, got nothing"
            for at in bad[:100]
        ]
        raise FormatError(path, faults, len(bad))


def _refuse_boxless(
    frame: pd.DataFrame,
    rows: Ints,
    columns: Sequence[str],
    path: str,
    place: Callable[[int], str],
) -> None:
    """Refuse rows that name a class but have no box: only an image may stand alone."""
    part = frame.iloc[rows]
    filled = np.zeros(len(rows), bool)
    for name in columns:
        filled |= ~(is_empty(part[name]) | part[name].isna().to_numpy())
    bad = rows[filled]
    if len(bad):
        faults = [f"{place(int(row))}: expected a box, got nothing" for row in bad[:100]]
        raise FormatError(path, faults, len(bad))


def is_id(name: str) -> bool:
    """Whether a column is named after an id, as COCO's ``image_id``, and not after a file."""
    return re.sub(r"[\W_]", "", name).lower() in ("imageid", "imgid")


def _keys(column: pd.Series[Any]) -> Keys:
    """Ids: whole numbers where all of them are written as such, else text."""
    if is_numeric(column):
        return keys_of(column)
    keys = keys_of(column)
    return Keys(text_ids(keys.labels.tolist()), keys.code)


def text_ids(values: Sequence[object]) -> Objects:
    """(n,) ids that are written as text: whole numbers where all are written as such.

    >>> text_ids(["7", "12"]), text_ids(["7", "012"])
    (array([ 7, 12]), array(['7', '012'], dtype=object))
    """
    labels = [str(value).strip() for value in values]
    if labels and all(map(PLAIN_NUMBER.fullmatch, labels)):
        return np.array([int(label) for label in labels], np.int64)
    if labels and all(map(FLOAT_NUMBER.fullmatch, labels)):  # as pandas writes ids beside a gap
        return np.array([int(float(label)) for label in labels], np.int64)
    return object_column(labels)


def _codes(keys: Keys) -> Ints:
    return np.arange(len(keys.labels)) if keys.code is None else keys.code


def _with_box(frame: pd.DataFrame, names: Sequence[str]) -> Bools:
    """(R,) rows that hold at least a part of a box."""
    held = np.zeros(len(frame), bool)
    for name in names:
        if is_numeric(frame[name]):
            values = frame[name].to_numpy(np.float64)
            held |= ~np.isnan(values)
        else:
            texts = frame[name].to_numpy(dtype=object).tolist()  # which iterates fast
            held |= np.array([str(text).strip().lower() not in EMPTY for text in texts], bool)
    return held


def _names(keys: Keys) -> tuple[str, ...]:
    return tuple(map(str, keys.labels.tolist()))


def _sizes(
    frame: pd.DataFrame, keys: Keys, column: Any, numbers: Numbers, reading: Reading
) -> Floats:
    """(N, 2) the sizes of the images of all labels, where the table has them."""
    sizes = np.full((len(keys.labels), 2), np.nan)
    if {"image_width", "image_height"} <= column.keys() and len(frame):
        # The first row of each image counts: written from behind, so that it is what stays.
        code = _codes(keys)
        first = np.zeros(len(sizes), np.int64)
        first[code[::-1]] = np.arange(len(frame))[::-1]
        every = numbers.of_rows(np.arange(len(frame)))
        for axis, side in enumerate(("image_width", "image_height")):
            sizes[:, axis] = every.of(frame[column[side]], empty=np.nan)[first]
        with np.errstate(invalid="ignore"):
            sizes[~((sizes > 0) & np.isfinite(sizes)).all(axis=1)] = np.nan
    if np.isnan(sizes).any():
        sizes = np.where(np.isnan(sizes), sizes_of(_names(keys), reading), sizes)
    return sizes


def _images(keys: Keys, sizes: Floats) -> Images:
    """All images of the table."""
    names = _names(keys)
    shown = used(_codes(keys))
    return Images(
        ids=keys.labels[shown],
        names=tuple(names[at] for at in shown.tolist()),
        sizes=sizes[shown],
        template="image {row}",
    )


def _notes(heading: Heading, relative: bool, path: str) -> Iterator[str]:
    if heading.note:
        yield f"{path}: {heading.note}"
    if relative:
        yield f"{path}: boxes are shares of the image"
    elif heading.box_format == "xyxy":
        yield f"{path}: corners are taken as they stand: w = xmax - xmin, no pixel added"
