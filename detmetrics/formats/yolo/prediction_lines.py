"""What the lines of YOLO predictions hold: a box, points or keypoints, with a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detmetrics.formats.lines.column_names import CORNERS, TURNED
from detmetrics.formats.lines.layouts import Layout, as_asked, asked_layout, is_oriented
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.mixed_orders import layout_of_files
from detmetrics.formats.lines.oriented_columns import asked_oriented, known_sizes
from detmetrics.formats.reading import Reading
from detmetrics.formats.yolo.keypoints import (
    Poses,
    only_poses,
    pose_predictions,
    posed,
    warned_of_poses,
)
from detmetrics.formats.yolo.label_lines import ANGLES, KEYPOINTS, MOSTLY, LineBoxes, of_asked
from detmetrics.formats.yolo.polygon_lines import (
    SCORED_FROM,
    scored_points,
)
from detmetrics.formats.yolo.score_columns import (
    ORDERS,
    layout_of_percent,
    refuse_track_ids,
    tracked_predictions,
)
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.hints import hint

__all__ = ["predicted"]

CORNER_ORDERS = ((*CORNERS, "score"), ("score", *CORNERS))


def predicted(lines: Lines, images: Sequence[str], reading: Reading, path: str) -> LineBoxes:
    """Boxes and scores of lines; images: names, one per file.

    Raises:
        FormatError: a line without a box and a score, or columns in an unclear order.
    """
    asked = asked_layout(reading.columns, scored=True, width=lines.usual_width)
    reading.mark_layout(scored=True)
    if asked is not None and is_oriented(asked):
        sizes = known_sizes(images, reading)
        return of_asked(asked_oriented(asked, lines, sizes, ANGLES, reading.angle, path))
    if asked is None and (kept := posed(lines, scored=True)) is not None:
        lines.refuse_unusable(path)
        said = (f"{path}: columns are class, cx cy w h, keypoints, score: {KEYPOINTS}",)
        boxes = np.ascontiguousarray(kept[:, :4])
        return LineBoxes(boxes, "cxcywh", None, True, said, np.ascontiguousarray(kept[:, 4]))
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
        return LineBoxes(shapes.hulls, "xyxy", shapes, True, notes, scores)
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


def _of_poses(possible: Sequence[Poses], path: str) -> LineBoxes:
    found = only_poses(possible, path)
    said = (f"{path}: columns are {found.columns}: {KEYPOINTS}",)
    return LineBoxes(found.boxes, "cxcywh", None, True, said, found.scores)


def _of_layout(values: Floats, layout: Layout, note: str | None) -> LineBoxes:
    return LineBoxes(
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
