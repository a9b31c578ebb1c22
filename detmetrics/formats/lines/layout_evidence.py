"""Evidence against a column order: numbers that cannot be a score, or a box in the image.

Whether pixels are corners or sides is decided separately
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
"""The share of lines that may contradict a layout: detectors round and clip badly now and then, but
a wrong layout is contradicted by far more lines.
"""

BADLY, CLEARLY = 0.15, 0.4
"""If no layout is possible, one is still taken if at most the first share of lines contradicts it,
and at least the second share contradicts the next best.
"""

SLACK = 0.02
"""How far a box may reach outside the image, in image sizes, before it contradicts a layout."""

CLIPPED = 5.0
"""How many pixels a box may start outside the image: detectors do not always clip."""

ENOUGH = 10
"""With this many boxes, right > left and bottom > top in all of them is no accident."""

ROWS = 1 << 14
"""Lines at a time: the columns of this many stay in the cache."""

SKEWED, ROUNDED = 0.25, 0.005
"""How far the fourth corner may be from closing a rectangle, relative to the size of the box and of
the image. A score among the corners moves it much farther.
"""


def is_relative(values: Floats) -> bool:
    """Whether all but a few numbers are small enough to be normalized."""
    if not values.size:
        return True
    large = (np.abs(values) > 2).any(axis=1)
    return bool(large.mean() <= TOLERATED)


def lie_in_unit(boxes: Floats, box_format: BoxFormat) -> bool:
    """Whether boxes must be normalized: fractions, nearly all inside the unit square.

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
    """(R,) whether each line contradicts a layout, for images of any size."""
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
    """(R,) whether four normalized corners are far from a rectangle, or outside the image."""
    corners = np.stack([column[name] for name in POINTS], axis=1).reshape(-1, 4, 2)
    # In a rectangle, as in any parallelogram, both diagonals have the same middle.
    apart = np.abs(corners[:, 0] + corners[:, 2] - corners[:, 1] - corners[:, 3])
    extent = np.ptp(corners, axis=1)
    centre = corners.mean(axis=1)
    outside = (centre < -SLACK) | (centre > 1 + SLACK)
    wrong: Bools = ((apart > SKEWED * extent + ROUNDED) | outside).any(axis=1)
    return wrong


def _is_other_form(column: dict[str, Floats]) -> bool:
    """Whether the numbers look like corners although the layout has sides, or vice versa."""
    forms: tuple[tuple[Form, tuple[str, ...]], ...] = (("corners", CORNERS), ("sides", SIDES))
    form, names = next(((f, n) for f, n in forms if set(n) <= column.keys()), (None, ()))
    if form is None:
        return False
    return form_of(np.column_stack([column[name] for name in names])) not in (form, None)


def _no_box(column: dict[str, Floats], relative: bool, sizes: Floats | None) -> Bools:
    """(R,) whether each line is no box in the image; all lines if no detector writes such boxes."""
    if "x4" in column:
        return _no_rectangle(column)
    if not relative and _is_other_form(column):
        return np.ones(len(next(iter(column.values()))), bool)
    if "xmin" in column:
        left, top, right, bottom = (column[name] for name in CORNERS)
        # In pixels, a box with swapped corners is a faulty line, which the reader reports.
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
