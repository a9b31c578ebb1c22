"""Lines of a class and points in shares of the image: polygons, and oriented boxes of four corners.

Labels hold points alone, and may hold plain boxes among them; Ultralytics' predictions hold a score
behind the points and, of tracked objects, an id behind that. Source: ``ultralytics/data/utils.py``,
``verify_image_label``; ``ultralytics/engine/results.py``, ``save_txt``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.formats.lines.column_names import POINTS
from detmetrics.formats.lines.layout_evidence import TOLERATED
from detmetrics.formats.lines.layouts import told_layout
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.polygons import Polygons

__all__ = [
    "POINTS_FROM",
    "SCORED_FROM",
    "ScoredPoints",
    "is_scored",
    "label_points",
    "scored_points",
]

POINTS_FROM = 6
SCORED_FROM = POINTS_FROM + 1
ORDERS = ((*POINTS, "score"), ("score", *POINTS))


def label_points(lines: Lines) -> tuple[Floats, Polygons]:
    """(R, 4) upright boxes as corners, and the outlines, of lines of ``cx cy w h`` or points.

    What is plain is its four corners.
    """
    # Points of all lines, one line after the other; a line of two is centre and side of a box.
    values, count = lines.values.reshape(-1, 2), lines.width // 2
    first = lines.start[:-1] // 2
    low, high = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
    boxes = np.concatenate([low, high], axis=1)
    plain = np.flatnonzero(count == 2)
    if not len(plain):
        return boxes, Polygons(values, lines.start // 2)
    centre, side = values[first[plain]], values[first[plain] + 1]
    boxes[plain] = np.concatenate([centre - side / 2, centre + side / 2], axis=1)
    # The outlines again as one column, in which a box takes four places and not two.
    corners = np.where(count == 2, 4, count)
    points = np.empty((corners.sum(), 2))
    of_plain = np.repeat(count == 2, corners)
    points[~of_plain] = values[~np.repeat(count == 2, count)]
    points[of_plain] = Polygons.from_boxes(boxes[plain]).points
    return boxes, Polygons(points, np.append(0, np.cumsum(corners)))


@dataclass(frozen=True, slots=True)
class ScoredPoints:
    """shapes, scores : (R,); note: which columns they were."""

    shapes: Polygons
    scores: Floats
    note: str


def is_scored(lines: Lines) -> bool:
    """Whether lines hold points and a score, and perhaps the id of a track."""
    if not len(lines) or (lines.width < SCORED_FROM).any():
        return False
    ids = lines.values[lines.start[1:] - 1][_tracked(lines)]
    return not len(ids) or bool((_whole(ids) & (ids >= 1)).all() and ids.max() > 2)


def _tracked(lines: Lines) -> Bools:
    """(R,) which lines have an id: points and a score alone are odd in number."""
    tracked: Bools = lines.width % 2 == 0
    return tracked


def _whole(values: Floats) -> Bools:
    whole: Bools = values == np.floor(values)
    return whole


def scored_points(lines: Lines, path: str) -> ScoredPoints:
    """Outlines and scores of predictions.

    Raises:
        FormatError: a line that is no points and a score, or an order that is open.
    """
    tracked, values, last = _tracked(lines), lines.values, lines.start[1:] - 1
    lines.refuse(
        path,
        np.flatnonzero((lines.width < SCORED_FROM) | (tracked & (lines.width < SCORED_FROM + 1))),
        lambda row: f"expected 3 points or more and a score, got {lines.width[row]} numbers",
    )
    lines.refuse(
        path,
        np.flatnonzero(tracked & ~_whole(values[last])),
        lambda row: (
            f"expected points and a score, got {lines.width[row]} numbers: an even count, and the "
            "last is no id of a track"
        ),
    )
    kept = np.ones(len(values), bool)
    kept[last[tracked]] = False
    end = last - tracked
    if len(lines) and ((lines.width - tracked) == len(POINTS) + 1).all():
        found = _cornered(values[kept].reshape(-1, len(POINTS) + 1), path)
    else:
        found = _ended(values, kept, end, path)
    ids = int(tracked.sum())
    said = f"{found.note}; ids of tracks are left out" if ids else found.note
    return ScoredPoints(found.shapes, found.scores, said)


def _cornered(values: Floats, path: str) -> ScoredPoints:
    """Four corners in every line, of which the score is in front or behind."""
    layout = told_layout(values, (ORDERS,), path, relative=True)
    scores = layout.column("score", values)
    assert scores is not None
    at = [layout.names.index(name) for name in POINTS]
    corners = np.ascontiguousarray(values[:, at]).reshape(-1, 4, 2)
    return ScoredPoints(Polygons.from_corners(corners), scores, f"{path}: columns are {layout.why}")


def _ended(values: Floats, kept: Bools, end: Ints, path: str) -> ScoredPoints:
    """Polygons of any length, and the score behind them; end : (R,) where it stands."""
    scores = values[end]
    outside = int(((scores < 0) | (scores > 1)).sum())
    if outside > TOLERATED * len(scores):
        what = counted(outside, "line ends", "lines end")
        raise FormatError(
            path,
            [f"expected points and then a score, and {what} with no score, of {len(scores):,}"],
        )
    kept[end] = False
    # Where the points of each line begin, among the numbers that are kept.
    first = np.cumsum(np.append(0, kept))[np.append(0, end + 1)] // 2
    polygons = Polygons(values[kept].reshape(-1, 2), first)
    note = f"{path}: columns are class, points and score, in shares of the image"
    return ScoredPoints(polygons, scores, note)
