"""Probabilistic IoU of oriented boxes, as Ultralytics measures it.

A box of width w, height h and angle r stands for the normal distribution with its centre as mean
and the covariance

    [[a, c], [c, b]] = R(r) diag(w^2 / 12, h^2 / 12) R(r)^T

and the overlap of two is 1 less the Hellinger distance of their distributions,
``1 - sqrt(1 - exp(-BD))``, with the Bhattacharyya distance BD. It is no IoU: where one of two
squares is moved by half its side it is 0.44 instead of 0.33, squares have no angle, and boxes that
do not touch have some. Of a crowd it is the same as of any other.

Ultralytics measures on images that it has resized, which but for the ``1e-7`` of the definition is
the same. Other polygons of four corners, such as labels that were rounded, are measured as the
smallest rectangle around them; upright boxes have the angle 0.

Only pairs whose hulls touch are measured, which reach :data:`SIGMAS` standard deviations from the
centre: what is set apart in x or in y by more than that has less than :data:`BEYOND`, and is given
0. For: a projection only raises the Bhattacharyya coefficient
``BC = exp(-BD)``, and that of two normal distributions on a line, k (s + t) apart, is at most
``sqrt(u) exp(-k^2 (1 + u) / 4)`` with ``u = 2 s t / (s^2 + t^2)``; its maximum over u, at
``u = 2 / k^2``, is ``sqrt(2) / k * exp(-k^2 / 4 - 1 / 2)``: 0.0040 at k = 4, and then the overlap
is below ``1 - sqrt(1 - 0.0040) = 0.0020``. Where boxes are so small or so thin that rounding and
the ``1e-7`` of the definition outweigh their covariance, hulls have no end.

Source: Llerena et al., Gaussian Bounding Boxes and Probabilistic Intersection-over-Union (2021);
``ultralytics`` 8.4, ``utils/metrics.py`` (``batch_probiou``, ``_get_covariance_matrix``) and
``utils/ops.py`` (``xyxyxyxy2xywhr``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.overlap.boxes import Boxes
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles, polygons_of
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered

__all__ = ["BEYOND", "KIND", "SIGMAS", "Gaussians", "gaussians_of", "smallest_rectangles"]

SIGMAS = 4.0
BEYOND = 0.002
EPS = 1e-7
"""What the definition adds to divisors, logarithms and roots (``eps`` of ``batch_probiou``)."""
FARTHEST = 100.0
"""The largest Bhattacharyya distance, as ``batch_probiou`` clips it."""

LEAST_SPREAD = 0.01
"""The root of a determinant that outweighs ``EPS``: that of a box of 0.12 square pixels."""
LEAST_SHARE = 1e-4
"""The determinant to ``a b``, below which float32 keeps too few digits: sides 1 to 200."""


@dataclass(frozen=True, eq=False)
class Gaussians(Shapes):
    """Oriented boxes as normal distributions.

    cxcywhr : (R, 5) centre x and y, width, height, and the angle of the width in radians, from the
    x axis towards the y axis; single: arithmetic is in float32.
    """

    natural: ClassVar[str] = "probabilistic"

    cxcywhr: Floats
    single: bool = False

    def __len__(self) -> int:
        return len(self.cxcywhr)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return type(self)(self.cxcywhr.take(rows, axis=0), self.single)

    @remembered
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        x, y, a, b, c = (column.astype(np.float64) for column in self._moments)
        spread = a * b - c * c  # the determinant
        trusted = (spread > LEAST_SPREAD**2) & (spread > LEAST_SHARE * a * b)
        reach = np.where(trusted, np.sqrt([a, b]) * SIGMAS, np.inf)
        return np.stack([x - reach[0], y - reach[1], x + reach[0], y + reach[1]], axis=1)

    @remembered
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`; of the boxes."""
        return np.abs(self.cxcywhr[:, 2] * self.cxcywhr[:, 3])

    def outline(self, row: int, detail: float) -> tuple[Floats, ...]:
        """See :meth:`Shapes.outline`; of the box."""
        return Rectangles.from_cxcywhr(self.cxcywhr[[row]]).outline(0, detail)

    @remembered
    def _moments(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Centre x and y, and a, b and c of the covariance."""
        # w, h = w**2 / 12, h**2 / 12
        # a = w cos**2 + h sin**2, b = w sin**2 + h cos**2, c = (w - h) cos sin
        # (by_definition in tests/property/test_probabilistic.py)
        sides = self.cxcywhr.astype(np.float32) if self.single else self.cxcywhr
        x, y, w, h, angle = (np.ascontiguousarray(column) for column in sides.T)
        w, h = w * w / 12, h * h / 12
        cos, sin = _exactly(np.cos, angle), _exactly(np.sin, angle)
        cos2, sin2 = cos * cos, sin * sin
        return x, y, w * cos2 + h * sin2, w * sin2 + h * cos2, (w - h) * cos * sin

    def overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float
    ) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        del crowd, lowest
        x2, y2, a2, b2, c2 = (column[mine] for column in self._moments)
        x1, y1, a1, b1, c1 = (column[theirs] for column in other._moments)
        eps = x1.dtype.type(EPS)
        a, b, c = a1 + a2, b1 + b2, c1 + c2
        spread = a * b - c * c
        own = np.maximum(a1 * b1 - c1 * c1, 0) * np.maximum(a2 * b2 - c2 * c2, 0)
        # The terms of batch_probiou, in its order, as float32 rounds every step:
        # t1 + t2: the distance of the centres; t3: the difference of the covariances.
        # The other's row is the first of the two there: ground truth comes first in Ultralytics.
        with np.errstate(invalid="ignore", divide="ignore"):  # a spread that rounding made negative
            t1 = (a * (y1 - y2) ** 2 + b * (x1 - x2) ** 2) / (spread + eps) / 4
            t2 = c * (x2 - x1) * (y1 - y2) / (spread + eps) / 2
            t3 = _exactly(np.log, spread / (4 * np.sqrt(own) + eps) + eps) / 2
        distance = np.clip(t1 + t2 + t3, eps, FARTHEST)
        overlap: Floats = 1 - np.sqrt(1 - _exactly(np.exp, -distance) + eps)
        return overlap.astype(np.float64, copy=False)


def _exactly(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    """The value in float64, rounded: in float32 libraries differ in the last digit."""
    found: Floats = function(values.astype(np.float64, copy=False))
    return found.astype(values.dtype, copy=False)


# --- from what sources say -----------------------------------------------------------------------


def gaussians_of(outlines: Any, sizes: Floats, single: bool = False) -> Gaussians:
    """Normal distributions of what a source says.

    Raises:
        OutlineError: a polygon that has more than four corners.
    """
    if isinstance(outlines, Gaussians):
        return outlines if outlines.single == single else Gaussians(outlines.cxcywhr, single)
    if isinstance(outlines, Boxes):
        x1, y1, x2, y2 = outlines.hulls.T
        upright = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, np.zeros(len(x1))]
        return Gaussians(np.stack(upright, axis=1), single)
    polygons = polygons_of(outlines, sizes)
    if isinstance(polygons, Rectangles):
        return Gaussians(polygons.cxcywhr, single)
    odd = np.flatnonzero(polygons.count > 4)
    if len(odd):
        text = "expected an oriented box of 4 corners, got a polygon of {}"
        faults = [(row, text.format(polygons.count[row])) for row in odd[:100].tolist()]
        raise OutlineError(faults, len(odd))
    sides = np.empty((len(polygons), 5))

    def enclose(rows: Ints, most: int) -> None:
        sides[rows] = smallest_rectangles(*polygons.planes(rows, most))

    polygons.in_blocks(np.arange(len(polygons)), enclose)
    return Gaussians(sides, single)


def smallest_rectangles(x: Floats, y: Floats) -> Floats:
    """(R, 5) the rectangles of least area around corners x, y : (C, R), as :class:`Gaussians`.

    A side of it lies on an edge of the convex hull, so the directions from corner to corner are
    tried; a rectangle along one that is no edge is only larger. Of some that are as small, which
    is common where corners are whole numbers, it is the first; OpenCV's ``minAreaRect``, which
    Ultralytics calls, takes the one that its rounding favours. As there, the width is the longer
    side and the angle in [-pi/4, 3 pi/4).
    """
    rows = x.shape[1]
    least, found = np.full(rows, np.inf), np.zeros((rows, 5))
    # for each pair of corners, as the direction of a side:
    #     turn all corners by it; far, wide = the extent along it and across it
    #     if far * wide is smaller than before: keep that rectangle, turned back
    at_x, at_y = x[0], y[0]  # so that large coordinates cost no digits
    x, y = x - at_x, y - at_y
    for start, end in combinations(range(len(x)), 2):
        dx, dy = x[end] - x[start], y[end] - y[start]
        angle = np.arctan2(dy, dx)
        length = np.hypot(dx, dy)
        with np.errstate(invalid="ignore"):
            cos, sin = np.where(length > 0, [dx / length, dy / length], [[1.0], [0.0]])
        along, across = x * cos + y * sin, y * cos - x * sin
        (low, far), (near, wide) = _span(along), _span(across)
        smaller = np.flatnonzero(far * wide < least)
        least[smaller] = (far * wide)[smaller]
        u, v = low + far / 2, near + wide / 2
        sides = np.stack([u * cos - v * sin, u * sin + v * cos, far, wide, angle], axis=1)
        found[smaller] = sides[smaller]
    found[:, 0] += at_x
    found[:, 1] += at_y
    return _long_first(found)


def _span(values: Floats) -> tuple[Floats, Floats]:
    """Where corners begin along an axis, and how far they reach; values : (C, R)."""
    low = values.min(axis=0)
    return low, values.max(axis=0) - low


def _long_first(sides: Floats) -> Floats:
    """The same rectangles with the longer side as the width, and the angle in [-pi/4, 3 pi/4)."""
    # A half turn changes no rectangle, so angles count modulo pi.
    upright = sides[:, 2] < sides[:, 3]
    sides[upright] = sides[upright][:, [0, 1, 3, 2, 4]]
    turned = sides[:, 4] + np.where(upright, np.pi / 2, 0)
    sides[:, 4] = (turned + np.pi / 4) % np.pi - np.pi / 4
    return sides


KIND = Kind(
    name="probabilistic",
    title="oriented boxes as normal distributions",
    takes=(Polygons, Segmentations, Boxes, Gaussians),
    made=gaussians_of,
    pixels=True,
)
