"""Whether four numbers in pixels are corners or sides, as the numbers themselves show it.

Both give boxes for nearly every file, so that nothing contradicts the wrong one. What tells them
apart is how the third number follows the first: a right edge lies beyond its left edge and moves
with it, while a width is free of its x, or shorter the further right a box begins.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from detmetrics.foundation.arrays import Floats

__all__ = ["Form", "form_of"]

Form = Literal["corners", "sides"]

ENOUGH, MANY = 10, 100
"""Of fewer lines, hardly anything can be told from how numbers go together."""

NEARLY_ALL, HALF = 0.99, 0.6
"""Shares of lines whose third and fourth number are at least the first and second: of corners
nearly all, of sides hardly ever more than this, but where objects fill their images."""

TOGETHER, TWO_SIGMA = 0.1, 2.0
"""A correlation from here on is no accident of many boxes; of few, twice what chance gives."""

STEEP, STEEPER = 0.3, 0.7
"""A right edge moves by so much of what its left edge moves, and is correlated with it: widths
that grow with the size of their image do neither. From the second on the order does not matter."""

BAD_LINE, CLOSE = 0.05, 0.3
"""How many lines have a right edge left of the left one, and how many sides are longer than their
distance from the edge of the image, in usual files."""

CLEAR = 2.3
"""The logarithm of how much likelier one form is than the other, where it is clear: ten times."""


def form_of(boxes: Floats) -> Form | None:
    """What the numbers speak for, or None where they leave it open.

    boxes : (R, 4) pixels, in the order of a line.
    """
    # ordered: third >= first and fourth >= second, as in nearly all lines of corners;
    # follows: the correlation of the third with the first and of the fourth with the second.
    first, second, third, fourth = boxes.T
    ordered = float(((third >= first) & (fourth >= second)).mean()) if len(boxes) else 0.0
    if len(boxes) < ENOUGH:
        return _of_few(ordered, len(boxes))
    follows = (_correlation(first, third) + _correlation(second, fourth)) / 2
    steep = min(_slope(first, third), _slope(second, fourth), follows)
    chance = max(TOGETHER, TWO_SIGMA / float(np.sqrt(len(boxes))))
    if follows <= -chance:
        return "sides"
    if ordered >= NEARLY_ALL:  # as sides are too where a few objects fill their images
        least = -TOGETHER / 2 if len(boxes) >= MANY else chance
        return "corners" if follows >= least else None
    # Many lines out of order, but edges that move together: corners that somebody swapped.
    if steep >= (STEEP if ordered >= HALF else STEEPER) and follows >= chance:
        return "corners"
    return "sides" if ordered <= HALF else None


def _of_few(ordered: float, rows: int) -> Form | None:
    """Sides, where lines out of order are too many to be bad lines of corners."""
    right = ordered * rows
    for_sides = (rows - right) * np.log((1 - CLOSE) / BAD_LINE)
    for_sides -= right * np.log((1 - BAD_LINE) / CLOSE)
    return "sides" if for_sides >= CLEAR else None


def _correlation(one: Floats, other: Floats) -> float:
    """Pearson's, 0 where one of the two is constant."""
    spread = float(one.std() * other.std())
    if not spread > 0:
        return 0.0
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread


def _slope(one: Floats, other: Floats) -> float:
    """By how much the other moves on average where one moves by 1."""
    spread = float(one.var())
    if not spread > 0:
        return 0.0
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread
