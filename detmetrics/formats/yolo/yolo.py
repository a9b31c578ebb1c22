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

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.oriented_columns import known_sizes
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
    pose_labels,
    pose_predictions,
    posed,
)
from detmetrics.formats.yolo.label_lines import LineBoxes, holds_points, labelled
from detmetrics.formats.yolo.polygon_lines import (
    is_scored,
)
from detmetrics.formats.yolo.prediction_lines import predicted
from detmetrics.formats.yolo.score_columns import (
    layout_of_percent,
    tracked_labels,
    tracked_predictions,
)
from detmetrics.formats.yolo.writing import write_detections, write_ground_truth
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.inputs import Input
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

SAMPLED_SHARES, WITH_IDS = 0.9, 0.8
"""The part of all numbers that are shares: with ids of tracks, each line has one that is none."""


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
    if not scored and all(width == 4 or holds_points(width) for width in widths):
        what = "a box" if widths == {4} else "points"
        return f"lines of a class number and {what} in shares of the image"
    return None


def _hold_keypoints(lines: Lines, side: Side) -> bool:
    if side == "ground truth":
        return posed(lines) is not None or pose_labels(lines) is not None
    if posed(lines, scored=True) is not None:
        return True
    return any(found.sure for found in pose_predictions(lines))


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
    found = labelled(lines, reading, given.path, sizes[code], labels.keypoints)
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


def _image_names(images: Sequence[str], files: ImageFiles) -> tuple[str, ...]:
    def name(image: str) -> str:
        path = files.paths.get(image)
        return image + os.path.splitext(path)[1] if path else image

    return tuple(map(name, images))


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
        given, lines, names, source, predicted(lines, names, reading, given.path)
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
    found = labelled(lines, reading, given.path, sizes, keypoints=0)
    return _of_predictions(given, lines, names, source, found)


def _of_predictions(
    given: Given, lines: Lines, names: Sequence[str], source: Input, found: LineBoxes
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
