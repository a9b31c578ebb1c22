"""Tables as YOLO's files: labels in shares of the image, class names and sizes beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from detmetrics.formats.metadata.image_sizes import SIZE_TABLE
from detmetrics.formats.writing.written import (
    Table,
    Written,
    by_image,
    image_stems,
    in_shares,
    lost_areas,
    lost_attributes,
    lost_outlines,
    named_by_more_than_ids,
    outlines_in_shares,
    renamed_images,
    size_table,
)
from detmetrics.formats.yolo.columns_file import COLUMNS_FILE
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import OutputError
from detmetrics.foundation.messages import counted
from detmetrics.tables import Detections, GroundTruth

__all__ = ["write_detections", "write_ground_truth"]


def write_ground_truth(ground_truth: GroundTruth) -> Written:
    """Label files, ``classes.txt``, and ``image_sizes.csv`` where sizes are known.

    Raises:
        OutputError: boxes are pixels of images of unknown size, or names are no file names.
    """
    ordinary = ~(ground_truth.crowd | ground_truth.difficult | ground_truth.ignore)
    kept = ground_truth.keep(ordinary)
    outlines = outlines_in_shares(kept)
    files = _line_files(kept, _box_lines(kept, outlines))
    names = ground_truth.catalog.class_labels
    if any(not name.isprintable() or not name.strip() for name in names):
        raise OutputError(
            "a class name is empty or holds a line break; classes.txt has a line a name"
        )
    files["classes.txt"] = _class_list(names)
    if not np.isnan(ground_truth.catalog.image_sizes).any():
        files[SIZE_TABLE] = size_table(ground_truth.catalog)
    boxed = sum(own is None for own in outlines)
    lost = (
        *lost_outlines(kept, boxed),
        *_lost(ground_truth, int((~ordinary).sum())),
        *renamed_images(ground_truth.catalog),
    )
    return Written(files, lost)


def write_detections(detections: Detections) -> Written:
    """Prediction files, ``class cx cy w h score``, or points in place of boxes.

    ``classes.txt`` has the names of classes; where lines leave the order of their columns open,
    ``predictions.columns`` has it.

    Raises:
        OutputError: boxes are pixels of images of unknown size, or names are no file names.
    """
    outlines = outlines_in_shares(detections)
    lost = any(own is None for own in outlines)
    if lost:  # the columns of boxes and of points could not be told apart
        outlines = [None] * len(detections)
    lines = [
        f"{line} {score!r}"
        for line, score in zip(
            _box_lines(detections, outlines), detections.scores.tolist(), strict=True
        )
    ]
    said = lost_outlines(detections) if lost else ()
    files = _line_files(detections, lines)
    if columns := _columns({0 if own is None else len(own) for own in outlines}):
        files[COLUMNS_FILE] = f"{columns}\n".encode()
    names, catalog = detections.catalog.class_labels, detections.catalog
    # A text is no number that lines could have, also where it spells one.
    texts = catalog.category_ids.dtype == object
    named = texts or named_by_more_than_ids(range(len(names)), names)
    if named and all(map(_is_a_line, names)):
        files["classes.txt"], named = _class_list(names), False
    return Written(files, (*said, *_lost_of_detections(named), *renamed_images(catalog)))


def _columns(corners: set[int]) -> str:
    """The columns of predictions that leave their order open; corners: how many shapes have."""
    if corners <= {0}:
        return "class cx cy w h score"
    return "class x1 y1 x2 y2 x3 y3 x4 y4 score" if corners == {4} else ""


def _is_a_line(name: str) -> bool:
    return name.isprintable() and bool(name) and name == name.strip()


def _class_list(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _box_lines(table: Table, outlines: Sequence[Floats | None]) -> list[str]:
    """The class and the box of each row: its corners where it is a polygon."""
    boxes = in_shares(table)
    centres = np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    return [
        " ".join((str(category), *map(repr, box if own is None else own.ravel().tolist())))
        for category, box, own in zip(
            table.category.tolist(), centres.tolist(), outlines, strict=True
        )
    ]


def _line_files(table: Table, lines: Sequence[str]) -> dict[str, bytes]:
    stems = image_stems(table.catalog)
    return {
        f"{stems[image]}.txt": "".join(f"{line}\n" for line in own).encode()
        for image, own in by_image(table, lines)
    }


def _lost_of_detections(named: bool) -> Iterator[str]:
    if named:
        yield "names of classes: their numbers count from 0, in order of id"


def _lost(ground_truth: GroundTruth, dropped: int) -> Iterator[str]:
    yield from lost_attributes(ground_truth)
    if dropped:
        what = counted(dropped, "object that is", "objects that are")
        yield f"{what} crowd, difficult or ignored: left out, since YOLO labels cannot mark them"
    if ground_truth.catalog.category_ids.tolist() != list(
        range(len(ground_truth.catalog.category_ids))
    ):
        yield "ids of classes: their numbers count from 0, in order of id"
    yield from lost_areas(ground_truth)
