"""Oriented boxes and polygons.

IoU is the area that two polygons share over that of their union; of a crowd, the share of the
detection inside. Nearly all are convex, and are clipped all at once
(:mod:`detmetrics.overlap.clipping`); the others go to shapely, as arrays. Polygons that cross
themselves are repaired: what they enclose counts, once. It does not matter where and in which
direction corners begin.

Source: ``polyiou.cpp`` of the DOTA development kit; for the repair, shapely's ``make_valid``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints
from detmetrics.messages import shown
from detmetrics.overlap import clipping
from detmetrics.overlap.boxes import Boxes
from detmetrics.overlap.segmentations import Segmentations
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KIND", "Polygons", "Rectangles", "polygons_of"]

MOST_CORNERS = 8
"""Convex polygons of more corners go to shapely: clipping takes a step a corner and a side."""


@dataclass(frozen=True, eq=False)
class Polygons(Shapes):
    """Polygons without holes.

    points : (V, 2) x and y of all corners, one polygon after the other; first : (R + 1,) where
    the corners of each begin, 3 of each at least.
    """

    natural: ClassVar[str] = "oriented"

    points: Floats
    first: Ints

    @classmethod
    def of_corners(cls, corners: Floats) -> Polygons:
        """Polygons that all have as many corners; corners : (R, C, 2)."""
        rows, count, _ = corners.shape
        return Polygons(corners.reshape(-1, 2), np.arange(rows + 1) * count)

    @classmethod
    def of_boxes(cls, xyxy: Floats) -> Polygons:
        """Upright boxes as polygons; xyxy : (R, 4)."""
        return cls.of_corners(xyxy[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def count(self) -> Ints:
        """(R,) how many corners each has."""
        return np.diff(self.first)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return self._with(*self._taken(rows))

    def _taken(self, rows: Ints) -> tuple[Floats, Ints]:
        count = self.count[rows]
        first = np.append(0, np.cumsum(count))
        at = np.repeat(self.first[rows] - first[:-1], count) + np.arange(first[-1])
        return self.points[at], first

    def _with(self, points: Floats, first: Ints) -> Self:
        return type(self)(points, first)

    def scaled(self, sides: Floats) -> Polygons:
        """With x and y of each row times a width and a height; sides : (R, 2)."""
        return Polygons(self.points * np.repeat(sides, self.count, axis=0), self.first)

    @remembered
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        if not len(self):
            return np.zeros((0, 4))
        low = np.minimum.reduceat(self.points, self.first[:-1])
        high = np.maximum.reduceat(self.points, self.first[:-1])
        return np.concatenate([low, high], axis=1)

    @remembered
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`."""
        found = np.abs(clipping.areas(*self._planes))
        odd = np.flatnonzero(~self._convex)
        if len(odd):
            import shapely

            found[odd] = shapely.area(self._geometries[odd])
        return found

    def outline(self, row: int, _: float) -> tuple[Floats, ...]:
        """See :meth:`Shapes.outline`."""
        return (self.points[self.first[row] : self.first[row + 1]],)

    @property
    def crossing(self) -> Bools:
        """(R,) which cross or touch themselves, and are repaired."""
        import shapely

        found = np.zeros(len(self), bool)
        odd = np.flatnonzero(~self._convex)
        found[odd] = ~shapely.is_valid(self._drawn(odd))
        return found

    def overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float
    ) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        area, of_other = self.areas[mine], other.areas[theirs]
        # They share no more than the smaller has, nor than their hulls share.
        a, b = self.hulls[mine], other.hulls[theirs]
        sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
        most = np.minimum(np.minimum(area, of_other), np.maximum(sides, 0).prod(axis=1))
        bound = _over_union(most, area, of_other, crowd)
        # A bound that rounding moved below the overlap it bounds must not drop it.
        asked = np.flatnonzero(bound >= lowest * (1 - 1e-9))
        shared = np.zeros(len(mine))
        shared[asked] = self._shared(mine[asked], other, theirs[asked])
        return _over_union(np.clip(shared, 0, np.minimum(area, of_other)), area, of_other, crowd)

    def _shared(self, mine: Ints, other: Polygons, theirs: Ints) -> Floats:
        """(P,) the areas that pairs share."""
        shared = np.empty(len(mine))
        convex = self._convex[mine] & other._convex[theirs]
        at = np.flatnonzero(convex)
        (x, y), (other_x, other_y) = self._planes, other._planes
        of_mine, of_theirs = mine[at], theirs[at]
        shared[at] = clipping.shared_areas(
            (x[:, of_mine], y[:, of_mine]), (other_x[:, of_theirs], other_y[:, of_theirs])
        )
        if len(odd := np.flatnonzero(~convex)):
            import shapely

            shared[odd] = shapely.area(
                shapely.intersection(
                    self._geometries_at(mine[odd]), other._geometries_at(theirs[odd])
                )
            )
        return shared

    # --- convex ones, as planes of corners ---

    @remembered
    def _turned(self) -> tuple[Floats, Bools]:
        """(R, C, 2) corners with the inside on the left, and (R,) which rows are convex.

        Of rows that have too many corners nothing stands there.
        """
        most = int(min(self.count.max(initial=3), MOST_CORNERS))
        last = np.minimum(np.arange(most), self.count[:, None] - 1)  # repeated where it ends
        turned, convex = clipping.counter_clockwise(self.points[self.first[:-1, None] + last])
        return turned, convex & (self.count <= most)

    @property
    def _convex(self) -> Bools:
        return self._turned[1]

    @remembered
    def _planes(self) -> tuple[Floats, Floats]:
        corners = self._turned[0]
        return np.ascontiguousarray(corners[:, :, 0].T), np.ascontiguousarray(corners[:, :, 1].T)

    # --- others, as geometries ---

    @remembered
    def _geometries(self) -> NDArray[Any]:
        """(R,) geometries, repaired, where rows are not convex; None elsewhere."""
        return self._geometries_where(~self._convex)

    @remembered
    def _all_geometries(self) -> NDArray[Any]:
        return self._geometries_where(np.ones(len(self), bool))

    def _geometries_at(self, rows: Ints) -> NDArray[Any]:
        """(P,) the geometries of rows; convex ones are drawn where they meet others."""
        known = self._geometries if not self._convex[rows].any() else self._all_geometries
        found: NDArray[Any] = known[rows]
        return found

    def _geometries_where(self, wanted: Bools) -> NDArray[Any]:
        import shapely

        found = np.full(len(self), None, object)
        rows = np.flatnonzero(wanted)
        drawn = self._drawn(rows)
        broken = ~shapely.is_valid(drawn)
        drawn[broken] = shapely.make_valid(drawn[broken], method="structure", keep_collapsed=False)
        found[rows] = drawn
        return found

    def _drawn(self, rows: Ints) -> NDArray[Any]:
        """(P,) geometries of rows, as they stand."""
        import shapely

        points, first = self._taken(rows)
        ring = np.repeat(np.arange(len(rows)), np.diff(first))
        drawn: NDArray[Any] = shapely.polygons(shapely.linearrings(points, indices=ring))
        return drawn


@dataclass(frozen=True, eq=False)
class Rectangles(Polygons):
    """Oriented boxes; sides : (R, 5) centre x and y, width, height, and the angle of the width.

    Angles are in radians, from the x axis towards the y axis: clockwise as images are seen.
    """

    sides: Floats

    @classmethod
    def of_sides(cls, sides: Floats) -> Rectangles:
        """Rectangles by :attr:`sides`.

        u, v = w / 2 (cos, sin), h / 2 (-sin, cos)
        corners = c + u + v, c + u - v, c - u - v, c - u + v
        """
        centre, cos, sin = sides[:, None, :2], np.cos(sides[:, 4]), np.sin(sides[:, 4])
        half = sides[:, 2:4] / 2
        u = np.stack([half[:, 0] * cos, half[:, 0] * sin], axis=1)[:, None]
        v = np.stack([-half[:, 1] * sin, half[:, 1] * cos], axis=1)[:, None]
        corners = centre + np.concatenate([u + v, u - v, -u - v, v - u], axis=1)
        return cls(corners.reshape(-1, 2), np.arange(len(sides) + 1) * 4, sides)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return type(self)(*self._taken(rows), self.sides[rows])


def _over_union(shared: Floats, area: Floats, of_other: Floats, crowd: Bools) -> Floats:
    union = np.where(crowd, area, area + of_other - shared)
    with np.errstate(divide="ignore", invalid="ignore"):  # polygons without an area
        overlap: Floats = shared / union
    return overlap


def polygons_of(outlines: Any, _: Floats | None = None, single: bool = False) -> Polygons:
    """Polygons of what a source says.

    Raises:
        OutlineError: a segmentation is no single polygon.
    """
    del single
    if isinstance(outlines, Polygons):
        return outlines
    if isinstance(outlines, Boxes):
        return Polygons.of_boxes(outlines.hulls)
    rows: list[Floats] = []
    faults: list[tuple[int, str]] = []
    for row, one in enumerate(outlines.plain()):
        try:
            (polygon,) = one
            points = np.array(polygon, np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            points = np.zeros((0, 2))
        if len(points) < 3 or not np.isfinite(points).all():
            faults.append((row, f"expected one polygon of 3 points or more, got {shown(one)}"))
            continue
        rows.append(points)
    if faults:
        raise OutlineError(faults[:100], len(faults))
    points = np.concatenate([np.zeros((0, 2)), *rows])
    return Polygons(points, np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64))


KIND = Kind(
    name="oriented",
    title="oriented boxes and polygons",
    takes=(Polygons, Segmentations, Boxes),
    made=polygons_of,
)
