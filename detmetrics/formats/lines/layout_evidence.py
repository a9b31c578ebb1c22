"""What speaks against an order of columns: numbers that can be no score and no box of the image.

Corners and sides in pixels are told apart by evidence of their own
(:mod:`detmetrics.formats.lines.box_evidence`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detmetrics.formats.lines.box_evidence import Form, form_of
from detmetrics.formats.lines.column_names import CORNERS, POINTS, SIDES
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.tables.columns import BoxFormat, as_xywh

__all__ = [
    "BADLY",
    "CLEARLY",
    "ENOUGH",
    "SLACK",
    "TOLERATED",
    "contradicted",
    "is_relative",
    "lie_in_unit",
    "share_against",
]

TOLERATED = 0.01
"""Detectors round and clip badly now and then; a wrong layout contradicts far more lines."""

BADLY, CLEARLY = 0.15, 0.4
"""Where no layout is possible: the share that the best may have against it, and the next must."""

SLACK = 0.02
"""How far, in shares of the image, a box may leave it before that is held against a layout."""

CLIPPED = 5.0
"""Pixels by which a box may begin before its image, as detectors write it."""

ENOUGH = 10
"""So many boxes with right beyond left and bottom below top are no accident."""

ROWS = 1 << 14
"""Lines at once: the columns of so many stay in cache."""

SKEWED, ROUNDED = 0.25, 0.005
"""How far, in parts of its extent and in shares of the image, the fourth corner may lie from where
it closes a rectangle; a score among the corners moves it as far as the box is from the edge.
"""


def is_relative(values: Floats) -> bool:
    """Whether all but a few numbers are of the size of shares."""
    if not values.size:
        return True
    large = (np.abs(values) > 2).any(axis=1)
    return bool(large.mean() <= TOLERATED)


def lie_in_unit(boxes: Floats, box_format: BoxFormat) -> bool:
    """Whether boxes can only be shares of the image: fractions, nearly all inside the unit square.

    boxes : (R, 4) as ``box_format`` says.
    """
    if not len(boxes) or not is_relative(boxes) or (boxes == np.floor(boxes)).all():
        return False
    end = as_xywh(boxes, box_format)
    end = end[:, :2] + end[:, 2:]
    return bool((end > 1 + SLACK).any(axis=1).mean() <= BADLY)


def share_against(
    values: Floats, names: Sequence[str], relative: bool, sizes: Floats | None
) -> float:
    """The share of lines that contradict a layout."""
    if not len(values):
        return 0.0
    if relative and "x" not in names:  # each line speaks for itself, so parts may stay in cache
        parts = (values[start : start + ROWS] for start in range(0, len(values), ROWS))
        return sum(int(_contradict(part, names, True, None).sum()) for part in parts) / len(values)
    return float(_contradict(values, names, relative, sizes).mean())


def contradicted(values: Floats, names: Sequence[str], relative: bool) -> Bools:
    """(R,) whether a line contradicts a layout, whatever the size of its image."""
    if not relative or "x" in names or not len(values):
        return _contradict(values, names, relative, None)
    parts = (values[start : start + ROWS] for start in range(0, len(values), ROWS))
    return np.concatenate([_contradict(part, names, True, None) for part in parts])


def _contradict(
    values: Floats, names: Sequence[str], relative: bool, sizes: Floats | None
) -> Bools:
    """(R,) whether a line contradicts a layout."""
    column = {name: values[:, at] for at, name in enumerate(names)}
    against = np.zeros(len(values), bool)
    if "score" in column:
        against |= (column["score"] < 0) | (column["score"] > 1)
    if "difficult" in column:
        against |= (column["difficult"] != 0) & (column["difficult"] != 1)
    return against | _no_box(column, relative, sizes)


def _no_rectangle(column: dict[str, Floats]) -> Bools:
    """(R,) of corners in shares: whether they are far from a rectangle, or not in the image."""
    corners = np.stack([column[name] for name in POINTS], axis=1).reshape(-1, 4, 2)
    # In a rectangle, as in any parallelogram, both diagonals have the same middle.
    apart = np.abs(corners[:, 0] + corners[:, 2] - corners[:, 1] - corners[:, 3])
    extent = np.ptp(corners, axis=1)
    centre = corners.mean(axis=1)
    outside = (centre < -SLACK) | (centre > 1 + SLACK)
    wrong: Bools = ((apart > SKEWED * extent + ROUNDED) | outside).any(axis=1)
    return wrong


def _is_other_form(column: dict[str, Floats]) -> bool:
    """Whether the numbers speak for corners where these are sides, or the other way."""
    forms: tuple[tuple[Form, tuple[str, ...]], ...] = (("corners", CORNERS), ("sides", SIDES))
    form, names = next(((f, n) for f, n in forms if set(n) <= column.keys()), (None, ()))
    if form is None:
        return False
    return form_of(np.column_stack([column[name] for name in names])) not in (form, None)


def _no_box(column: dict[str, Floats], relative: bool, sizes: Floats | None) -> Bools:
    """(R,) whether columns are no box of the image; all of them where no detector makes such."""
    if "x4" in column:
        return _no_rectangle(column)
    if not relative and _is_other_form(column):
        return np.ones(len(next(iter(column.values()))), bool)
    if "xmin" in column:
        left, top, right, bottom = (column[name] for name in CORNERS)
        # In pixels a line out of order is a bad line of corners, which their reader names.
        wrong: Bools = ((right < left) | (bottom < top)) & relative
    else:
        wide, high = column["w"], column["h"]
        left = column["x"] if "x" in column else column["cx"] - wide / 2
        top = column["y"] if "y" in column else column["cy"] - high / 2
        right, bottom = left + wide, top + high
        wrong = (wide < 0) | (high < 0)
        if "cx" in column and not relative:
            wrong = wrong | (left < -CLIPPED) | (top < -CLIPPED)
    if not relative and (np.maximum(right - left, bottom - top) <= 2).mean() > CLEARLY:
        return np.ones(len(left), bool)  # no detector finds boxes of a pixel or two
    if relative:
        return wrong | (left < -SLACK) | (top < -SLACK) | (right > 1 + SLACK) | (bottom > 1 + SLACK)
    if sizes is not None:
        with np.errstate(invalid="ignore"):
            beyond = (right > sizes[:, 0] * (1 + SLACK) + 1) | (
                bottom > sizes[:, 1] * (1 + SLACK) + 1
            )
        wrong = wrong | beyond
    return wrong
