"""A text file an image in the layouts of the common evaluation toolkits.

Ground truth is ``class left top right bottom [difficult]``, detections are
``class score left top right bottom``; sides ``left top width height`` and centres in shares of
the image are in use too, and so is a score at the end. The class is a name or a number. Which
layout it is shows in the values of the whole folder; oriented boxes are asked for by the names of
their columns. Corners are taken as they stand. Source:
https://github.com/Cartucho/mAP and
https://github.com/rafaelpadilla/review_object_detection_metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.column_names import CENTRES, CORNERS, IGNORED, SIDES, TRACK
from detmetrics.formats.lines.layout_evidence import is_relative
from detmetrics.formats.lines.layouts import (
    Layout,
    as_asked,
    asked_layout,
    is_oriented,
    told_layout,
)
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.mixed_orders import layout_of_files
from detmetrics.formats.lines.oriented_columns import (
    Oriented,
    asked_oriented,
    known_sizes,
    sizes_in,
)
from detmetrics.formats.lines.text_folder import required_files, sampled, stems
from detmetrics.formats.lines.track_ids import of_tracks, tracked
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Bools, Floats, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.overlap.polygons.angles import Angles
from detmetrics.tables.catalog import Keys
from detmetrics.tables.id_pairing import KeyKind
from detmetrics.tables.sheets import Categories, Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

MOST_CLASSES = 100_000
OPEN = Angles(unit=None, direction=None)
FIELDS = {
    "categories": "class",
    "boxes": "box",
    "shapes": "box",
    "image_ids": "image",
    "scores": "score",
}


def _recognise(given: Given, side: Side) -> str | None:
    lines = sampled(given)
    if lines is None or not len(lines):
        return None
    widths = set(lines.width.tolist())
    if side == "detections" and widths == {5}:
        return "lines of a class, a score and a box"
    if side == "detections" and tracked(lines, 6) is not None:
        return "lines of a class, a score, a box and a track id"
    if side == "ground truth" and widths <= {4, 5}:
        return "lines of a class and a box"
    return None


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Ground truth of a folder, a file an image; a file without lines is an image without objects.

    Raises:
        FormatError: a line that is no box, or columns of which the order is open.
    """
    files, lines, source = _read(given)
    names = stems(files)
    sizes = sizes_of(names, reading)
    label, categories = _categories(lines.label, reading, given.path)
    asked = asked_layout(reading.columns, scored=False, width=lines.usual_width)
    reading.mark_layout(scored=False)
    reading.mark("class_names")
    images = Images(ids=object_column(names), names=tuple(names), sizes=sizes)
    if asked is not None and is_oriented(asked):
        oriented = asked_oriented(asked, lines, sizes, OPEN, reading.angle, given.path)
        sheet = _oriented_sheet(oriented, lines, source, names)
        return replace(sheet, images=images, category=label, categories=categories)
    values, layout = _truth_layout(lines, asked, given.path, sizes[lines.file])
    return Sheet(
        source=replace(source, columns=layout.box_columns),
        image=Keys(object_column(names), lines.file),
        category=label,
        boxes=layout.boxes(values),
        box_format=layout.box_format,
        relative=layout.relative,
        class_key="name" if label.labels.dtype == object else "id",
        difficult=_difficult(layout, values),
        images=images,
        categories=categories,
        interpretations=layout.interpretations("ground truth"),
        notes=(*_notes(layout, lines, given.path),),
    )


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections of a folder, a file an image.

    Raises:
        FormatError: a line that is no box with a score, or columns of which the order is open.
    """
    files, lines, source = _read(given)
    names = stems(files)
    asked = asked_layout(reading.columns, scored=True, width=lines.usual_width)
    reading.mark_layout(scored=True)
    if asked is not None and is_oriented(asked):
        sizes = known_sizes(names, reading)
        oriented = asked_oriented(asked, lines, sizes, OPEN, reading.angle, given.path)
        sheet = _oriented_sheet(oriented, lines, source, names)
        return replace(
            sheet, scores=oriented.column("score"), class_key=_class_key(lines), may_be_names=True
        )
    values, layout = _found_layout(lines, asked, given.path, _known_sizes(names, lines, reading))
    sheet = _found_sheet(layout, values, lines, replace(source, columns=layout.box_columns), names)
    return replace(sheet, scores=layout.column("score", values))


def read_unscored(given: Given, reading: Reading) -> Sheet:
    """Detections without scores of a folder, a file an image, in the layouts of ground truth.

    Raises:
        FormatError: a line that is no box, or columns of which the order is open.
    """
    files, lines, source = _read(given)
    names = stems(files)
    sizes = known_sizes(names, reading)
    asked = asked_layout(reading.columns, scored=False, width=lines.usual_width)
    reading.mark_layout(scored=False)
    if asked is not None and is_oriented(asked):
        oriented = asked_oriented(asked, lines, sizes, OPEN, reading.angle, given.path)
        sheet = _oriented_sheet(oriented, lines, source, names)
        return replace(sheet, difficult=None, class_key=_class_key(lines), may_be_names=True)
    values, layout = _truth_layout(lines, asked, given.path, sizes[lines.file])
    return _found_sheet(layout, values, lines, replace(source, columns=layout.box_columns), names)


def _found_sheet(
    layout: Layout, values: Floats, lines: Lines, source: Source, names: Sequence[str]
) -> Sheet:
    """Upright boxes of detections, but for their scores."""
    return Sheet(
        source=source,
        image=Keys(object_column(names), lines.file),
        category=lines.label,
        boxes=layout.boxes(values),
        box_format=layout.box_format,
        relative=layout.relative,
        class_key=_class_key(lines),
        may_be_names=True,
        interpretations=layout.interpretations("detections"),
        notes=(*_notes(layout, lines, source.name),),
    )


def _class_key(lines: Lines) -> KeyKind:
    return "name" if lines.label.labels.dtype == object else "index"


def _oriented_sheet(
    oriented: Oriented, lines: Lines, source: Source, names: Sequence[str]
) -> Sheet:
    """Oriented boxes in columns that were asked for."""
    flag = oriented.column("difficult")
    return Sheet(
        source=source,
        image=Keys(object_column(names), lines.file),
        category=lines.label,
        boxes=oriented.shapes.hulls,
        box_format="xyxy",
        shapes=oriented.shapes,
        relative=oriented.relative,
        difficult=None if flag is None else flag != 0,
        notes=(*oriented.notes, *lines.notes(source.name)),
    )


def _difficult(layout: Layout, values: Floats) -> Bools | None:
    flag = layout.column("difficult", values)
    return None if flag is None else flag == 1


def _read(given: Given) -> tuple[tuple[str, ...], Lines, Source]:
    files = required_files(given)
    contents, read = given.contents(files)
    lines = read_lines(contents, files, given.path)
    source = Source(
        name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
    )
    return files, lines, source


def _truth_layout(
    lines: Lines, asked: tuple[str, ...] | None, path: str, sizes: Floats
) -> tuple[Floats, Layout]:
    """(R, 4) numbers, or (R, 5) with the flag, which is 0 where a line leaves it out."""
    end = ("difficult",)
    if asked is not None and not {*IGNORED}.isdisjoint(asked):
        return _asked(lines, asked, path)
    lines.refuse(
        path,
        np.flatnonzero((lines.width != 4) & (lines.width != 5)),
        lambda row: (
            f"expected a class, 4 numbers and perhaps difficult, got {lines.width[row]} numbers"
        ),
    )
    lines.refuse_unusable(path)
    values = np.zeros((len(lines), 5))
    filled = np.arange(5) < lines.width[:, None]
    values[filled] = lines.values
    if asked is not None:
        named = asked if "difficult" in asked else (*asked, *end)
        if len(named) != 5:
            raise FormatError(path, [f"--columns names {len(named) + 1} columns, the lines have 6"])
        return values, as_asked(named, values, path, relative=is_relative(values))
    known = None if np.isnan(sizes).any() else sizes
    if (values[:, 4] > 1).any() and (numbers := tracked(lines, 5)) is not None:
        raise of_tracks(path, _truth_told(numbers, path, known, (TRACK,)))
    return values, _truth_told(values, path, known, end)


def _truth_told(values: Floats, path: str, sizes: Floats | None, end: tuple[str, ...]) -> Layout:
    """The form of boxes that the values allow; end: what stands behind them."""
    relative = is_relative(values[:, :4])
    pixels = (((*CORNERS, *end), (*SIDES, *end)),)
    shares = (((*CENTRES, *end),), ((*CORNERS, *end),))
    return told_layout(
        values,
        shares if relative else pixels,
        path,
        relative=relative,
        sizes=sizes,
        rivals=((*CENTRES, *end),),
    )


def _found_layout(
    lines: Lines, asked: tuple[str, ...] | None, path: str, sizes: Floats | None
) -> tuple[Floats, Layout]:
    """(R, C) numbers, and what they are."""
    if asked is not None:
        return _asked(lines, asked, path)
    if (numbers := tracked(lines, 6)) is not None:
        raise of_tracks(path, _scored_layout(lines, numbers, path, sizes, (TRACK,)))
    lines.refuse(
        path,
        np.flatnonzero(lines.width != 5),
        lambda row: f"expected a class, a score and a box, got {lines.width[row]} numbers",
    )
    lines.refuse_unusable(path)
    values = lines.matrix(5)
    return values, _scored_layout(lines, values, path, sizes)


def _scored_layout(
    lines: Lines, values: Floats, path: str, sizes: Floats | None, end: tuple[str, ...] = ()
) -> Layout:
    """With the score in front or behind: only the values tell; end: what stands behind both."""
    relative = is_relative(values[:, :5])
    forms = (CENTRES,) if relative else (CORNERS, SIDES)
    usual = [("score", *form, *end) for form in forms] + [(*form, "score", *end) for form in forms]
    groups = [usual]
    if relative:
        groups.append([("score", *CORNERS, *end), (*CORNERS, "score", *end)])
    rivals = (("score", *CENTRES, *end), (*CENTRES, "score", *end))
    return layout_of_files(
        lines, values, groups, path, relative=relative, sizes=sizes, rivals=rivals
    )


def _asked(lines: Lines, names: tuple[str, ...], path: str) -> tuple[Floats, Layout]:
    values = lines.named(names, path)
    lines.refuse_unusable(path)
    read = [name not in IGNORED for name in names]
    relative = is_relative(values[:, read])
    return values, as_asked(names, values, path, relative=relative)


def _known_sizes(names: Sequence[str], lines: Lines, reading: Reading) -> Floats | None:
    """(R, 2) the sizes of images as the ground truth has them, nan where it has none."""
    catalog = reading.catalog
    if catalog is None or np.isnan(catalog.image_sizes).all():
        return None
    return sizes_in(catalog, names)[lines.file]


def _categories(label: Keys, reading: Reading, path: str) -> tuple[Keys, Categories | None]:
    """Numbers count from 0 in the order of the names; names are their own ids."""
    names = names_of(reading.class_names)
    label, listed = listed_classes(label, names, path, reading.class_numbers)
    used = label.used().labels
    if listed is not None or used.dtype == object:
        return label, listed
    if len(used) and not 0 <= used.min() <= used.max() < MOST_CLASSES:
        raise FormatError(path, [f"class {used.min()} to {used.max()}: expected numbers from 0 on"])
    # With all numbers between, so that the third is number 2.
    count = int(used.max()) + 1 if len(used) else 0
    return label, Categories(ids=np.arange(count), names=tuple(map(str, range(count))))


def _notes(layout: Layout, lines: Lines, path: str) -> Iterator[str]:
    if layout.why:
        unmarked = "difficult" in layout.names and not (lines.width == 5).any()
        why = layout.why.replace(" difficult", "", 1) if unmarked else layout.why
        yield f"{path}: columns are {why}"
    if layout.box_format == "xyxy":
        yield f"{path}: corners are taken as they stand: w = xmax - xmin, no pixel added"
    yield from lines.notes(path)


FORMAT = Format(
    name="text",
    title="text files of evaluation toolkits",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
    read_unscored=read_unscored,
)
