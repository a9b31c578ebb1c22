"""YOLO: a text file an image, a line a box, in shares of the image.

Labels are ``class cx cy w h``, or ``class x1 y1 x2 y2 ...``: polygons, and oriented boxes, which
are four such points; their boxes are the upright ones around them. Predictions add a confidence,
behind the box as Ultralytics writes it or before, and of points may end with the id of a track. An
image without a label file is a background image; an image without a prediction file has no
detections. Classes are numbers from 0; names stand in ``data.yaml``, ``classes.txt`` or
``obj.names``. Source: https://docs.ultralytics.com/datasets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.column_names import CORNERS, IGNORED, TURNED
from detmetrics.formats.lines.layouts import Layout, as_asked, asked_layout, is_oriented
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.mixed_orders import labels_of_files, layout_of_files
from detmetrics.formats.lines.oriented_columns import Oriented, asked_oriented, known_sizes
from detmetrics.formats.lines.text_folder import box_files, required_files, sampled, stems
from detmetrics.formats.metadata.class_names import YAML_SUFFIXES, names_of
from detmetrics.formats.metadata.image_sizes import (
    ImageFiles,
    sizes_of,
    with_size_table,
)
from detmetrics.formats.reading import Reading
from detmetrics.formats.yolo.class_numbers import class_numbers, numbered_classes
from detmetrics.formats.yolo.columns_file import with_columns_file
from detmetrics.formats.yolo.dataset import LabelSet, data_file, label_set, splits_of
from detmetrics.formats.yolo.keypoints import (
    Poses,
    only_poses,
    pose_labels,
    pose_predictions,
    posed,
    warned_of_poses,
)
from detmetrics.formats.yolo.polygon_lines import (
    POINTS_FROM,
    SCORED_FROM,
    is_scored,
    label_points,
    scored_points,
)
from detmetrics.formats.yolo.score_columns import (
    ORDERS,
    layout_of_percent,
    refuse_track_ids,
    refuse_tracked_labels,
    tracked_labels,
    tracked_predictions,
)
from detmetrics.formats.yolo.writing import write_detections, write_ground_truth
from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.angles import Angles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.box_columns import BoxColumns
from detmetrics.tables.catalog import Keys
from detmetrics.tables.columns import BoxFormat
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.sheets import Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

CORNER_ORDERS = ((*CORNERS, "score"), ("score", *CORNERS))
MOSTLY = 0.5
SAMPLED_SHARES, WITH_IDS = 0.9, 0.8
"""The part of all numbers that are shares: with ids of tracks, each line has one that is none."""

NO_SHARE = 10
ANGLES = Angles(unit="radians", direction="clockwise", why="as Ultralytics has them")
KEYPOINTS = "lines hold a box and keypoints: the boxes are read"


def _recognise(given: Given, side: Side) -> str | None:
    if given.is_folder:
        if side == "ground truth" and (found := data_file(given)):
            return f"it holds {found}"
        return _recognise_lines(given, side)
    if given.name.endswith(YAML_SUFFIXES):
        return "a YAML file" if side == "ground truth" else None
    if given.name.endswith(".data") and re.search(rb"^\s*names\s*=", given.head, re.MULTILINE):
        return "a .data file with names" if side == "ground truth" else None
    return None


def _recognise_lines(given: Given, side: Side) -> str | None:
    lines = sampled(given)
    if lines is None:
        return None
    if not len(lines):
        return "text files without a line" if box_files(given) else None
    return None if lines.label.labels.dtype == object else _looks_like(lines, side)


def _looks_like(lines: Lines, side: Side) -> str | None:
    """What numbered lines hold; None where they are not of this format."""
    widths = set(lines.width.tolist())
    if _hold_keypoints(lines, side):
        return "lines of a class number, a box and keypoints"
    if side == "detections" and widths == {5} and layout_of_percent(lines.matrix(5)) is not None:
        return "lines of a class number, a box in shares and a score in percent"
    if side == "detections" and tracked_predictions(lines) is not None:
        return "lines of a class number, a box in shares, a score and a track id"
    if side == "ground truth" and tracked_labels(lines) is not None:
        return "lines of a class number, a box in shares and a track id"
    scored = is_scored(lines)
    # Boxes may reach outside of their image, so shares up to 2 are nothing odd; pixels are larger.
    shares = float((np.abs(lines.values) <= 2).mean()) if len(lines.values) else 0.0
    if shares < (WITH_IDS if scored else SAMPLED_SHARES):
        return None
    if side == "detections":
        what = "a box" if widths == {5} else "points"
        said = f"lines of a class number, {what} in shares and a score"
        return said if scored or widths == {5} else None
    if not scored and all(width == 4 or _holds_points(width) for width in widths):
        what = "a box" if widths == {4} else "points"
        return f"lines of a class number and {what} in shares of the image"
    return None


def _hold_keypoints(lines: Lines, side: Side) -> bool:
    if side == "ground truth":
        return posed(lines) is not None or pose_labels(lines) is not None
    if posed(lines, scored=True) is not None:
        return True
    return any(found.sure for found in pose_predictions(lines))


def _holds_points(width: Any) -> Any:
    """Whether so many numbers can be points."""
    return (width >= POINTS_FROM) & (width % 2 == 0)


# --- labels --------------------------------------------------------------------------------------


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Labels of a folder, or of a data set by its ``data.yaml`` or ``.data`` file.

    Raises:
        FormatError: a line that is no box, a class number without a name, files that are missing.
    """
    labels = label_set(given, reading)
    present = {image: path for image, path in labels.files.items() if path is not None}
    contents, source = labels.root.contents([*present.values()])
    source.path = given.path
    lines = read_lines(contents, [*present.values()], given.path)
    names, note = _names(labels, reading)
    if names != labels.names:
        reading.mark("class_names")
    reading = with_size_table(labels.root.path, reading)
    images = [*labels.files]
    row_of = {image: row for row, image in enumerate(images)}
    code = np.array([row_of[image] for image in present], np.int64)
    sizes = sizes_of(images, reading, labels.images)
    found = _labelled(lines, reading, given.path, sizes[code], labels.keypoints)
    classes = class_numbers(lines, given.path, names)
    return Sheet(
        source=Source(
            name=given.path, input=source, fields=FIELDS, template="{field}", where=lines.place
        ),
        image=Keys(object_column(images), code[lines.file]),
        category=classes,
        boxes=found.boxes,
        box_format=found.box_format,
        shapes=found.shapes,
        relative=found.relative,
        images=Images(
            ids=object_column(images), names=_image_names(images, labels.images), sizes=sizes
        ),
        categories=numbered_classes(classes, names),
        notes=(*labels.notes, *note, *found.notes, *lines.notes(given.path)),
    )


def _names(labels: LabelSet, reading: Reading) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The class names of labels, and what to say of them: those that were given come first."""
    asked, own = names_of(reading.class_names), labels.names
    if asked is None or own is None or asked == own:
        return asked or own, ()
    if not {*asked} <= {*own}:
        return asked, (f"{labels.root.path}: class names are those given, not those beside labels",)
    # Another order, or a part, of the same names is not the list of these labels: it is the
    # detector's.
    note = "class names given are another list of those of the labels, and name detections"
    return own, (f"{labels.root.path}: {note} alone",)


FIELDS = {
    "categories": "class",
    "boxes": "box",
    "shapes": "points",
    "image_ids": "image",
    "scores": "score",
}


class _LineBoxes(NamedTuple):
    """What lines hold of boxes; scores are those of predictions."""

    boxes: Floats
    box_format: BoxFormat
    shapes: Polygons | None
    relative: bool
    notes: tuple[str, ...]
    scores: Floats | None = None
    columns: tuple[Interpretation, ...] = ()
    box_columns: BoxColumns | None = None


def _image_names(images: Sequence[str], files: ImageFiles) -> tuple[str, ...]:
    def name(image: str) -> str:
        path = files.paths.get(image)
        return image + os.path.splitext(path)[1] if path else image

    return tuple(map(name, images))


def _labelled(
    lines: Lines, reading: Reading, path: str, sizes: Floats, keypoints: int
) -> _LineBoxes:
    """Boxes as the lines have them; where there are points, the corners around them.

    sizes : (F, 2) of the image of each file, nan where unknown; keypoints: see :func:`posed`.
    """
    asked = asked_layout(reading.columns, scored=False, width=lines.usual_width)
    reading.mark_layout(scored=False)
    if asked is not None and is_oriented(asked):
        return _of_asked(asked_oriented(asked, lines, sizes, ANGLES, reading.angle, path))
    boxes = None if asked else posed(lines, stated=keypoints)
    boxes = pose_labels(lines) if boxes is None and not asked else boxes
    if boxes is not None:
        lines.refuse_unusable(path)
        plain = _plain_boxes(lines, boxes, asked, path)
        return _LineBoxes(*plain[:-1], (*plain[-1], f"{path}: {KEYPOINTS}"))
    if asked is not None and not {*IGNORED}.isdisjoint(asked):
        values = lines.named(asked, path)
        lines.refuse_unusable(path)
        return _LineBoxes(*_plain_boxes(lines, values, asked, path))
    if asked is None:
        refuse_tracked_labels(lines, path)
    width = lines.width
    points = _holds_points(width)
    lines.refuse(path, np.flatnonzero((width != 4) & ~points), lambda row: _odd(lines, row))
    lines.refuse_unusable(path)
    if not points.any():
        return _LineBoxes(*_plain_boxes(lines, lines.matrix(4), asked, path))
    boxes, outlines = label_points(lines)
    _refuse_pixels(boxes, path)
    of = f"of {len(lines):,}"
    what = counted(int(points.sum()), f"line {of} holds", f"lines {of} hold")
    note = (
        f"{path}: {what} points, a polygon or an oriented box: boxes are the upright ones around "
        "them"
    )
    return _LineBoxes(boxes, "xyxy", outlines, True, (note,))


def _of_asked(oriented: Oriented) -> _LineBoxes:
    scores = oriented.column("score")
    return _LineBoxes(
        oriented.shapes.hulls, "xyxy", oriented.shapes, oriented.relative, oriented.notes, scores
    )


def _refuse_pixels(boxes: Floats, path: str) -> None:
    if len(boxes) and (np.abs(boxes) > NO_SHARE).any(axis=1).mean() > MOSTLY:
        raise FormatError(
            path, [f"boxes are no shares of the image; if they are pixels, {hint('text-pixels')}"]
        )


def _plain_boxes(
    lines: Lines, values: Floats, asked: tuple[str, ...] | None, path: str
) -> tuple[Floats, BoxFormat, None, bool, tuple[str, ...]]:
    if asked is None:
        _refuse_pixels(values, path)
        layout, note = labels_of_files(lines, values, path)
    elif len(asked) == values.shape[1]:
        layout = Layout(names=asked, relative=True)
        _refuse_pixels(layout.boxes(values), path)
        note = f"{path}: columns are {layout.taken}: as asked"
    else:
        raise FormatError(path, [f"--columns names {len(asked) + 1} columns, the lines have 5"])
    return layout.boxes(values), layout.box_format, None, True, (note,) if note else ()


def _odd(lines: Lines, row: int) -> str:
    found = int(lines.width[row])
    scored = found == 5 or is_scored(lines)
    hint = "; with a score these are predictions" if scored else ""
    return f"expected a class and 4 numbers (cx cy w h) or points, got {found} numbers{hint}"


# --- predictions ---------------------------------------------------------------------------------


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Predictions of a folder, a file an image.

    Raises:
        FormatError: a line that is no box with a score, or columns of which the order is open.
    """
    files = required_files(given)
    reading = with_columns_file(given, reading)
    contents, source = given.contents(files)
    lines = read_lines(contents, files, given.path)
    names = stems(files)
    return _of_predictions(
        given, lines, names, source, _predicted(lines, names, reading, given.path)
    )


def read_unscored(given: Given, reading: Reading) -> Sheet:
    """Predictions without scores of a folder, which are lines of labels.

    Raises:
        FormatError: a line that is no box.
    """
    files = required_files(given)
    reading = with_columns_file(given, reading)
    contents, source = given.contents(files)
    lines = read_lines(contents, files, given.path)
    names = stems(files)
    sizes = known_sizes(names, reading)
    found = _labelled(lines, reading, given.path, sizes, keypoints=0)
    return _of_predictions(given, lines, names, source, found)


def _of_predictions(
    given: Given, lines: Lines, names: Sequence[str], source: Input, found: _LineBoxes
) -> Sheet:
    return Sheet(
        source=Source(
            name=given.path,
            input=source,
            fields=FIELDS,
            template="{field}",
            where=lines.place,
            columns=found.box_columns,
        ),
        image=Keys(object_column(names), lines.file),
        category=class_numbers(lines, given.path, None),
        boxes=found.boxes,
        box_format=found.box_format,
        shapes=found.shapes,
        relative=found.relative,
        scores=found.scores,
        class_key="index",
        interpretations=found.columns,
        notes=(*found.notes, *lines.notes(given.path)),
    )


def _predicted(lines: Lines, images: Sequence[str], reading: Reading, path: str) -> _LineBoxes:
    asked = asked_layout(reading.columns, scored=True, width=lines.usual_width)
    reading.mark_layout(scored=True)
    if asked is not None and is_oriented(asked):
        sizes = known_sizes(images, reading)
        return _of_asked(asked_oriented(asked, lines, sizes, ANGLES, reading.angle, path))
    if asked is None and (kept := posed(lines, scored=True)) is not None:
        lines.refuse_unusable(path)
        said = (f"{path}: columns are class, cx cy w h, keypoints, score: {KEYPOINTS}",)
        boxes = np.ascontiguousarray(kept[:, :4])
        return _LineBoxes(boxes, "cxcywh", None, True, said, np.ascontiguousarray(kept[:, 4]))
    possible = () if asked else pose_predictions(lines)
    if possible and possible[0].sure:
        lines.refuse_unusable(path)
        return _of_poses(possible, path)
    if asked is None and (found := tracked_predictions(lines)) is not None:
        lines.refuse_unusable(path)
        return _of_layout(*found, f"{path}: columns are {found[1].why}; track ids are not read")
    if asked is None and len(lines) and (lines.width >= SCORED_FROM).mean() > MOSTLY:
        lines.refuse_unusable(path)
        scored = scored_points(lines, path)
        shapes, scores = scored.shapes, scored.scores
        notes = (scored.note, *warned_of_poses(possible, lines.usual_width, path))
        return _LineBoxes(shapes.hulls, "xyxy", shapes, True, notes, scores)
    if asked is not None:
        values = lines.named(asked, path)
        lines.refuse_unusable(path)
        layout = as_asked(asked, values, path, relative=True)
        return _of_layout(values, layout, f"{path}: columns are {layout.why}")
    lines.refuse(path, np.flatnonzero(lines.width != 5), lambda row: _unscored(lines, row))
    lines.refuse_unusable(path)
    values = lines.matrix(5)
    refuse_track_ids(lines, values, path)
    layout = _layout(lines, values, path)
    return _of_layout(values, layout, f"{path}: columns are {layout.why}" if layout.why else None)


def _of_poses(possible: Sequence[Poses], path: str) -> _LineBoxes:
    found = only_poses(possible, path)
    said = (f"{path}: columns are {found.columns}: {KEYPOINTS}",)
    return _LineBoxes(found.boxes, "cxcywh", None, True, said, found.scores)


def _of_layout(values: Floats, layout: Layout, note: str | None) -> _LineBoxes:
    return _LineBoxes(
        layout.boxes(values),
        layout.box_format,
        None,
        True,
        (note,) if note else (),
        layout.column("score", values),
        layout.interpretations("detections"),
        layout.box_columns,
    )


def _unscored(lines: Lines, row: int) -> str:
    found = int(lines.width[row])
    more = "; were scores not saved (save_conf=True)?"
    more = more if found == 4 else ""
    if found == len(TURNED) + 1:
        more = f"; if they hold an angle, {hint('columns', order='class cx cy w h angle score')}"
    return f"expected a class, a box and a score (6 columns), got {found + 1}{more}"


def _layout(lines: Lines, values: Floats, path: str) -> Layout:
    if (layout := layout_of_percent(values)) is not None:
        return layout
    return layout_of_files(lines, values, (ORDERS, CORNER_ORDERS), path, relative=True)


# --- writing -------------------------------------------------------------------------------------


FORMAT = Format(
    name="yolo",
    title="YOLO text files",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
    read_unscored=read_unscored,
    write_ground_truth=write_ground_truth,
    write_detections=write_detections,
    writes_outlines=True,
    splits=splits_of,
)
