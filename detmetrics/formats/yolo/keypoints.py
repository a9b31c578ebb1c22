"""Lines of a class, a box and keypoints, of which the boxes are read.

A label is ``class cx cy w h`` and ``x y`` of each keypoint, or ``x y visibility`` with 0, 1 or 2; a
prediction has the confidence of each in place of its visibility, and its own behind all, before the
id of a track. Such lines may be as long as points of a polygon, of which the size of the box would
be the second point: it lies near the others of a polygon, and anywhere of keypoints. Source:
``ultralytics/data/utils.py``, ``verify_image_label``; ``ultralytics/engine/results.py``,
``save_txt``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.formats.lines.column_names import POINTS
from detmetrics.formats.lines.layout_evidence import ENOUGH, SLACK, TOLERATED
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.track_ids import tracked
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.errors import DetmetricsWarning, FormatError
from detmetrics.foundation.hints import hint

__all__ = [
    "Poses",
    "keypoint_numbers",
    "only_poses",
    "pose_labels",
    "pose_predictions",
    "posed",
    "warned_of_poses",
]

BOX, OF_POINT = 4, 3
SHORTEST = BOX + 2 * OF_POINT
AROUND = 0.25
"""How far, in sides of the box, a keypoint may lie outside of it."""

SURE = 0.5

NEAR, FAR, FEW, SOME = 0.25, 1.0, 3, 0.1
"""Lines are polygons where each second point lies as near to the others, in extents of these. They
are none where so many, and this share, lie far."""


def keypoint_numbers(content: Mapping[str, Any]) -> int:
    """How many numbers ``kpt_shape`` of a data set says that the keypoints of a line are, 0 if not.

    content: of a YAML file, with every scalar as text.
    """
    shape = content.get("kpt_shape")
    if not isinstance(shape, list) or len(shape) != 2:
        return 0
    texts = [str(number).strip() for number in shape]
    if not all(text.isascii() and text.isdigit() and len(text) < 6 for text in texts):
        return 0
    return int(texts[0]) * int(texts[1])


def posed(lines: Lines, *, scored: bool = False, stated: int = 0) -> Floats | None:
    """(R, 4) the boxes of lines that hold keypoints, (R, 5) with the score; None if they do not.

    stated: how many numbers the data set says that keypoints are.
    """
    width = int(lines.width[0]) if len(lines) else 0
    last = int(scored)
    if width <= BOX + last or (lines.width != width).any():
        return None
    values = lines.matrix(width)
    if stated and width == BOX + stated + last:
        return _kept(values, last)
    if width < SHORTEST + last or (width - BOX - last) % OF_POINT:
        return None
    points = values[:, BOX : width - last].reshape(len(values), -1, OF_POINT)
    shown: Floats = points[:, :, 2]
    if scored:
        like = len(values) >= ENOUGH and bool(((shown >= 0) & (shown <= 1)).all())
        seen = shown > SURE
    else:
        like, seen = bool(np.isin(shown, (0, 1, 2)).all()), shown > 0
    return _kept(values, last) if like and _surround(values[:, :BOX], points, seen) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poses:
    """Lines that may be a box and keypoints.

    boxes : (R, 4) ``cx cy w h``; scores : (R,), None where lines hold none; tracked: an id stands
    behind; sure: they are nothing else.
    """

    boxes: Floats
    scores: Floats | None
    tracked: bool
    sure: bool

    @property
    def columns(self) -> str:
        """As ``--columns`` takes them."""
        score = " score" if self.scores is not None else ""
        return f"class cx cy w h ...{score}{' id' if self.tracked else ''}"


def pose_labels(lines: Lines) -> Floats | None:
    """(R, 4) the boxes of labels whose keypoints have no visibility; None where none are sure."""
    values = _regular(lines)
    if values is None or _of_points(values[:, BOX:], OF_POINT - 1) is None:
        return None
    fits = _are_keypoints(values, values.shape[1], OF_POINT - 1) and _far_apart(_off(values))
    return np.ascontiguousarray(values[:, :BOX]) if fits else None


def pose_predictions(lines: Lines) -> list[Poses]:
    """What lines of predictions may be, each way to read a box and a score once.

    Where some are sure these alone.
    """
    # Whether each keypoint has two numbers or three changes nothing that is read.
    found: dict[tuple[bool, bool], Poses] = {}
    for made in _fitting(lines):
        key = made.scores is None, made.tracked
        if key not in found or made.sure:
            found[key] = made
    sure = [made for made in found.values() if made.sure]
    return sure or [*found.values()]


def _fitting(lines: Lines) -> Iterator[Poses]:
    values = _regular(lines)
    if values is None:
        return
    width = values.shape[1]
    for ids in (False, True) if tracked(lines, width) is not None else (False,):
        for last in (1, 0):
            end = width - ids - last
            scores = values[:, end] if last else None
            if scores is not None and ((scores < 0) | (scores > 1)).any():
                continue
            for of in (OF_POINT, OF_POINT - 1):
                if _are_keypoints(values, end, of):
                    off = _off(values[:, : width - ids - 1])
                    sure = _far_apart(off) or (of == OF_POINT and len(values) >= ENOUGH)
                    if sure or (off > NEAR).any():  # else they are polygons
                        yield Poses(boxes=values[:, :BOX], scores=scores, tracked=ids, sure=sure)


def _regular(lines: Lines) -> Floats | None:
    """(R, C) the numbers; None where lines are not all of one length, or too short."""
    width = int(lines.width[0]) if len(lines) else 0
    if width < BOX + OF_POINT - 1 or (lines.width != width).any():
        return None
    return lines.matrix(width)


def _of_points(numbers: Floats, of_point: int) -> Floats | None:
    """(R, K, of_point) or None where the count does not fit."""
    if not numbers.shape[1] or numbers.shape[1] % of_point:
        return None
    return numbers.reshape(len(numbers), -1, of_point)


def _are_keypoints(values: Floats, end: int, of_point: int) -> bool:
    """Whether numbers up to an end are a box with points around it.

    of_point: how many numbers each has, 3 with a confidence.
    """
    points = _of_points(values[:, BOX:end], of_point)
    if points is None:
        return False
    seen = np.ones(points.shape[:2], bool)
    if of_point == OF_POINT:
        if not ((points[:, :, 2] >= 0) & (points[:, :, 2] <= 1)).all():
            return False
        seen = points[:, :, 2] > SURE
    return _surround(values[:, :BOX], points, seen)


def _far_apart(off: Floats) -> bool:
    """Whether the second point of lines lies where none of a polygon would."""
    return bool((off > FAR).sum() >= max(FEW, SOME * len(off)))


def _off(values: Floats) -> Floats:
    """(R,) how far the second point lies from the others, in extents of these."""
    points = values[:, : values.shape[1] // 2 * 2].reshape(len(values), -1, 2)
    others = np.delete(points, 1, axis=1)
    low, high = others.min(axis=1), others.max(axis=1)
    beyond = np.maximum(low - points[:, 1], points[:, 1] - high).max(axis=1) - SLACK
    extent = (high - low).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # of points in one place
        off: Floats = np.where(beyond > 0, beyond / extent, 0.0)
    return off


def _kept(values: Floats, last: int) -> Floats:
    columns = [*range(BOX), *range(values.shape[1] - last, values.shape[1])]
    return np.ascontiguousarray(values[:, columns])


def _surround(boxes: Floats, points: Floats, seen: Bools) -> bool:
    """Whether boxes lie in the image, around the points that are seen: no two corners would."""
    centre, side = boxes[:, :2], boxes[:, 2:]
    beyond = (centre - side / 2 < -SLACK) | (centre + side / 2 > 1 + SLACK)
    if not np.any(seen) or beyond.any(axis=1).mean() > TOLERATED:
        return False
    with np.errstate(invalid="ignore"):  # of numbers that are not finite
        off = np.abs(points[:, :, :2] - centre[:, None])
    outside: Bools = np.logical_or.reduce(off > (0.5 + AROUND) * side[:, None], axis=2)
    return bool((outside & seen).sum() <= TOLERATED * seen.sum())


def only_poses(possible: Sequence[Poses], path: str) -> Poses:
    """The one way to read lines that are poses for sure.

    Raises:
        FormatError: they hold no scores, or leave it open.
    """
    if len(possible) == 1 and possible[0].scores is not None:
        return possible[0]
    scored = [found for found in possible if found.scores is not None]
    fix = "save scores too (save_conf=True)"
    if scored:
        ways = " or ".join(hint("columns", order=found.columns) for found in scored)
        fix = f"if one of the last columns is the score of the box, {ways}; else {fix}"
    what = "may end with a score or not" if scored else "have no score"
    raise FormatError(path, [f"lines hold a box and keypoints, and {what}; {fix}"])


def warned_of_poses(possible: Sequence[Poses], numbers: int, path: str) -> tuple[str, ...]:
    """What is said, and warned of, where lines read as polygons may as well be poses with a score.

    numbers: of a line; four corners and a score are rectangles for sure.
    """
    notes = tuple(
        f"{path}: lines are read as points of polygons and a score, and may as well hold a box, "
        "keypoints and a score, which gives other boxes. Fix: if they do, "
        + hint("columns", order=found.columns)
        for found in possible
        if found.scores is not None and numbers - found.tracked != len(POINTS) + 1
    )
    for note in notes:
        warnings.warn(note, DetmetricsWarning, stacklevel=5)
    return notes
