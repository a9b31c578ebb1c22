"""What the lines of YOLO labels hold: boxes, polygons, oriented boxes, or boxes with keypoints."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detmetrics.formats.lines.column_names import IGNORED
from detmetrics.formats.lines.layouts import Layout, asked_layout, is_oriented
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.mixed_orders import labels_of_files
from detmetrics.formats.lines.oriented_columns import Oriented, asked_oriented
from detmetrics.formats.reading import Reading
from detmetrics.formats.yolo.keypoints import (
    pose_labels,
    posed,
)
from detmetrics.formats.yolo.polygon_lines import (
    POINTS_FROM,
    is_scored,
    label_points,
)
from detmetrics.formats.yolo.score_columns import (
    refuse_tracked_labels,
)
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.angles import Angles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.box_columns import BoxColumns
from detmetrics.tables.columns import BoxFormat
from detmetrics.tables.interpretation import Interpretation

__all__ = ["ANGLES", "KEYPOINTS", "MOSTLY", "LineBoxes", "holds_points", "labelled", "of_asked"]

MOSTLY = 0.5
NO_SHARE = 10
ANGLES = Angles(unit="radians", direction="clockwise", why="as Ultralytics has them")
KEYPOINTS = "lines hold a box and keypoints: the boxes are read"


class LineBoxes(NamedTuple):
    """What lines hold of boxes; scores are those of predictions."""

    boxes: Floats
    box_format: BoxFormat
    shapes: Polygons | None
    relative: bool
    notes: tuple[str, ...]
    scores: Floats | None = None
    columns: tuple[Interpretation, ...] = ()
    box_columns: BoxColumns | None = None


def labelled(lines: Lines, reading: Reading, path: str, sizes: Floats, keypoints: int) -> LineBoxes:
    """Boxes as the lines have them; where there are points, the corners around them.

    sizes : (F, 2) of the image of each file, nan where unknown; keypoints: see :func:`posed`.
    """
    asked = asked_layout(reading.columns, scored=False, width=lines.usual_width)
    reading.mark_layout(scored=False)
    if asked is not None and is_oriented(asked):
        return of_asked(asked_oriented(asked, lines, sizes, ANGLES, reading.angle, path))
    boxes = None if asked else posed(lines, stated=keypoints)
    boxes = pose_labels(lines) if boxes is None and not asked else boxes
    if boxes is not None:
        lines.refuse_unusable(path)
        plain = _plain_boxes(lines, boxes, asked, path)
        return LineBoxes(*plain[:-1], (*plain[-1], f"{path}: {KEYPOINTS}"))
    if asked is not None and not {*IGNORED}.isdisjoint(asked):
        values = lines.named(asked, path)
        lines.refuse_unusable(path)
        return LineBoxes(*_plain_boxes(lines, values, asked, path))
    if asked is None:
        refuse_tracked_labels(lines, path)
    width = lines.width
    points = holds_points(width)
    lines.refuse(path, np.flatnonzero((width != 4) & ~points), lambda row: _odd(lines, row))
    lines.refuse_unusable(path)
    if not points.any():
        return LineBoxes(*_plain_boxes(lines, lines.matrix(4), asked, path))
    boxes, outlines = label_points(lines)
    _refuse_pixels(boxes, path)
    of = f"of {len(lines):,}"
    what = counted(int(points.sum()), f"line {of} holds", f"lines {of} hold")
    note = (
        f"{path}: {what} points, a polygon or an oriented box: boxes are the upright ones around "
        "them"
    )
    return LineBoxes(boxes, "xyxy", outlines, True, (note,))


def of_asked(oriented: Oriented) -> LineBoxes:
    """Oriented boxes in the columns that were asked for."""
    scores = oriented.column("score")
    return LineBoxes(
        oriented.shapes.hulls, "xyxy", oriented.shapes, oriented.relative, oriented.notes, scores
    )


def _refuse_pixels(boxes: Floats, path: str) -> None:
    if len(boxes) and (np.abs(boxes) > NO_SHARE).any(axis=1).mean() > MOSTLY:
        raise FormatError(
            path,
            [f"boxes are not normalized; if they are pixels, {hint('text-pixels')}"],
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


def holds_points(width: Any) -> Any:
    """Whether so many numbers can be points."""
    return (width >= POINTS_FROM) & (width % 2 == 0)
