"""Oriented boxes and polygons.

IoU is the area that two polygons share over that of their union; of a crowd, the share of the
detection inside. Nearly all are convex, and are measured all at once
(:mod:`detmetrics.overlap.polygons.convex`); the others go to shapely, as arrays. Polygons that
cross themselves are repaired: what they enclose counts, once. It does not matter where and in which
direction corners begin.

Source: ``polyiou.cpp`` of the DOTA development kit; for the repair, shapely's ``make_valid``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import shown
from detmetrics.foundation.parallel import each
from detmetrics.overlap.boxes import Boxes
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons import convex
from detmetrics.overlap.polygons.polygon_faults import polygons_fault
from detmetrics.overlap.polygons.self_intersections import (
    UNTANGLED,
    crossed_too_often,
    shared_areas,
    tangled,
)
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered, touching

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KIND", "Polygons", "Rectangles", "polygons_of"]

MOST_CORNERS = 8
"""Convex polygons of more corners go to shapely: they cost a step for every pair of edges."""

FEW_CORNERS = 4
"""Most have no more, and are not measured as if they had as many as the others."""

BLOCK_ROWS = 8_192
"""Rows at once, so that what is computed of them stays in cache."""

KNOWN = ("hulls", "areas", "_convex")
"""What is known of rows goes along where they are taken."""


@dataclass(frozen=True, eq=False)
class Polygons(Shapes):
    """Polygons without holes.

    points : (V, 2) x and y of all corners, one polygon after the other; first : (R + 1,) where
    the corners of each begin, 3 of each at least.
    """

    natural: ClassVar[str] = "oriented"

    points: Floats
    first: Ints

    def __post_init__(self) -> None:
        for name, kind in (("points", np.float64), ("first", np.int64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), kind))

    @classmethod
    def from_corners(cls, corners: ArrayLike) -> Polygons:
        """Polygons that all have as many corners, 3 or more; corners : (R, C, 2).

        Raises:
            TableError: numbers in another shape.

        >>> Polygons.from_corners([[(0, 0), (4, 0), (4, 3)]]).areas.tolist()
        [6.0]
        """
        given = _numbers("corners", corners, (0, 4, 2))
        if given.ndim != 3 or given.shape[1] < 3 or given.shape[2] != 2:
            raise TableError(f"corners: expected shape (R, C, 2), C from 3 on, got {given.shape}")
        rows, count, _ = given.shape
        return Polygons(given.reshape(-1, 2), np.arange(rows + 1) * count)

    @classmethod
    def from_boxes(cls, xyxy: Floats) -> Polygons:
        """Upright boxes as polygons; xyxy : (R, 4)."""
        return cls.from_corners(xyxy[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def count(self) -> Ints:
        """(R,) how many corners each has."""
        return np.diff(self.first)

    @remembered
    def _even(self) -> int:
        """How many corners each has; 0 where they differ."""
        count = self.count
        return int(count[0]) if len(count) and (count == count[0]).all() else 0

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        taken = self._made(*self._taken(rows), rows)
        for name in KNOWN:
            if name in self.__dict__:
                taken.__dict__[name] = self.__dict__[name].take(rows, axis=0)
        return taken

    def _taken(self, rows: Ints) -> tuple[Floats, Ints]:
        """The corners of rows, one polygon after the other, and where those of each begin."""
        # points = concatenate([points[first[row] : first[row + 1]] for row in rows])
        if self._even:
            points = self.points.reshape(len(self), -1).take(rows, axis=0).reshape(-1, 2)
            return points, np.arange(len(rows) + 1) * self._even
        count = self.count[rows]
        first = np.append(0, np.cumsum(count))
        # Corner k of the new column is k - first[n] corners behind where row n begins in the old.
        at = np.repeat(self.first[rows] - first[:-1], count) + np.arange(first[-1])
        return self.points[at], first

    def _made(self, points: Floats, first: Ints, rows: Ints) -> Self:
        """A column of its kind of these rows, whose corners are these."""
        del rows
        return type(self)(points, first)

    def scaled(self, sides: Floats) -> Polygons:
        """With x and y of each row times a width and a height; sides : (R, 2)."""
        return Polygons(self.points * np.repeat(sides, self.count, axis=0), self.first)

    @remembered
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        found = np.empty((len(self), 4))

        def bound(rows: Ints, most: int) -> None:
            x, y = self.planes(rows, most)
            found[rows] = np.stack([x.min(0), y.min(0), x.max(0), y.max(0)], axis=1)

        # Polygons of few corners as planes, many at once; of the others each slice by itself.
        few = self.count <= MOST_CORNERS
        self.in_blocks(np.flatnonzero(few), bound)
        if len(rest := np.flatnonzero(~few)):
            points, first = self._taken(rest)
            found[rest, :2] = np.minimum.reduceat(points, first[:-1])
            found[rest, 2:] = np.maximum.reduceat(points, first[:-1])
        return found

    @remembered
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`."""
        found = np.zeros(len(self))

        def measure(rows: Ints, most: int) -> None:
            found[rows] = np.abs(convex.areas(*self.planes(rows, most)))

        self.in_blocks(np.flatnonzero(self._convex), measure)
        if len(odd := np.flatnonzero(~self._convex)):
            import shapely

            found[odd] = shapely.area(self._geometries(odd))
        return found

    def outline(self, row: int, _: float) -> tuple[Floats, ...]:
        """See :meth:`Shapes.outline`."""
        return (self.points[self.first[row] : self.first[row + 1]],)

    @remembered
    def crossing(self) -> Bools:
        """(R,) which cross or touch themselves, and are repaired."""
        found = np.zeros(len(self), bool)
        if len(odd := np.flatnonzero(~self._convex)):
            import shapely

            found[odd] = ~shapely.is_valid(self._drawn(odd))
        return found

    @remembered
    def tangled(self) -> Bools:
        """(R,) which cross themselves so often that they cannot be repaired: refuse them."""
        return tangled(self.points, self.first, self.crossing)

    # --- overlap ---

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """See :meth:`Shapes.near`; what hulls share bounds what is in them.

        Raises:
            TableError: two polygons cross too often to be measured.
        """
        mine, theirs, w, h = touching(self.edges, other.edges, first, count)
        w *= h
        overlap = self._overlaps(mine, other, theirs, crowd[theirs], lowest, w)
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float
    ) -> Floats:
        """See :meth:`Shapes.overlaps`.

        Raises:
            TableError: two polygons cross too often to be measured.
        """
        a, b = self.hulls[mine], other.hulls[theirs]
        sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
        most = np.maximum(sides, 0).prod(axis=1)
        return self._overlaps(mine, other, theirs, crowd, lowest, most)

    def _overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float, most: Floats
    ) -> Floats:
        """The same, given most : (P,) what pairs share at most."""
        # IoU = shared / (area + area' - shared) grows with shared, and a crowd's share too, so what
        # is shared at most, min(area, area', what hulls share), gives the largest overlap there is.
        area, of_other = self.areas[mine], other.areas[theirs]
        smaller = np.minimum(area, of_other)
        bound = _over_union(np.minimum(most, smaller), area, of_other, crowd)
        # A bound that rounding moved below the overlap it bounds must not drop it.
        asked = np.flatnonzero(bound >= lowest * (1 - 1e-9))
        shared = np.zeros(len(mine))
        shared[asked] = self._shared(mine[asked], other, theirs[asked])
        # Rounding must not lift what is shared above the smaller area, nor an IoU above 1.
        return _over_union(np.minimum(shared, smaller), area, of_other, crowd)

    def _shared(self, mine: Ints, other: Polygons, theirs: Ints) -> Floats:
        """(P,) the areas that pairs share."""
        shared = np.empty(len(mine))
        regular = self._convex[mine] & other._convex[theirs]
        few = regular & (np.maximum(self.count[mine], other.count[theirs]) <= FEW_CORNERS)
        for which, most in ((few, FEW_CORNERS), (regular & ~few, MOST_CORNERS)):
            if len(at := np.flatnonzero(which)):
                shared[at] = convex.shared_areas(
                    self.planes(mine[at], most), other.planes(theirs[at], most)
                )
        if len(at := np.flatnonzero(~regular)):
            one, two = self._geometries(mine[at]), other._geometries(theirs[at])
            shared[at] = shared_areas(one, two)  # nan: they cross too often to be measured
            if len(odd := at[np.isnan(shared[at])]):
                row, their = mine[odd[0]], theirs[odd[0]]
                corners = int(self.count[row]), int(other.count[their])
                raise TableError(crossed_too_often(corners, self.hulls[row]))
        return shared

    # --- convex ones, as planes of corners ---

    @remembered
    def _convex(self) -> Bools:
        """(R,) which are convex, and have few enough corners."""
        found = np.zeros(len(self), bool)

        def tell(rows: Ints, most: int) -> None:
            found[rows] = convex.convex(*self.planes(rows, most))

        self.in_blocks(np.flatnonzero(self.count <= MOST_CORNERS), tell)
        return found

    def planes(self, rows: Ints, most: int) -> tuple[Floats, Floats]:
        """Corners of rows, x and y, each (C, P); the last one is repeated where they end.

        most: C, and none of the rows has more.
        """
        # (P, 2 C) x y x y ... of each row; turned, every other plane is x
        if self._even == most:
            corners = self.points.reshape(len(self), -1).take(rows, axis=0)
        else:
            first, after = self.first[rows, None], self.first[rows + 1, None]
            at = np.minimum(first + np.arange(most), after - 1)
            corners = self.points[at].reshape(len(rows), -1)
        planes = np.ascontiguousarray(corners.T)
        return planes[0::2], planes[1::2]

    def in_blocks(self, rows: Ints, of: Callable[[Ints, int], None]) -> None:
        """Have something done with blocks of rows and the most corners that they have."""
        few = self.count[rows] <= FEW_CORNERS
        parts = [
            (which[start : start + BLOCK_ROWS], most)
            for which, most in ((rows[few], FEW_CORNERS), (rows[~few], MOST_CORNERS))
            for start in range(0, len(which), BLOCK_ROWS)
        ]
        each(lambda part: of(*part), parts)

    # --- others, as geometries ---

    @remembered
    def _kept(self) -> NDArray[Any]:
        """(R,) geometries that were asked for, None elsewhere."""
        return np.full(len(self), None, object)

    def _geometries(self, rows: Ints) -> NDArray[Any]:
        """(P,) the geometries of rows, repaired; each is made when it is first asked for.

        Where two threads ask for the same they make it twice, and either will do.
        """
        import shapely

        kept = self._kept
        missing = np.unique(rows[shapely.is_missing(kept[rows])])
        if len(missing):
            drawn = self._drawn(missing)
            # GEOS refuses to intersect polygons that cross themselves. "structure" takes what is
            # enclosed, once; parts that have collapsed to lines have no area and are dropped.
            broken = ~shapely.is_valid(drawn)
            drawn[broken] = shapely.make_valid(
                drawn[broken], method="structure", keep_collapsed=False
            )
            kept[missing] = drawn
        found: NDArray[Any] = kept[rows]
        return found

    def _drawn(self, rows: Ints) -> NDArray[Any]:
        """(P,) geometries of rows, as they stand."""
        import shapely

        # As _taken, with the first corner of each once more at its end, which closes its ring.
        count = self.count[rows] + 1
        ends = np.cumsum(count)
        at = np.repeat(self.first[rows] - (ends - count), count) + np.arange(count.sum())
        at[ends - 1] = self.first[rows]
        ring = np.repeat(np.arange(len(rows)), count)
        drawn: NDArray[Any] = shapely.polygons(shapely.linearrings(self.points[at], indices=ring))
        return drawn


@dataclass(frozen=True, eq=False)
class Rectangles(Polygons):
    """Oriented boxes; cxcywhr : (R, 5) centre x and y, width, height, and the angle of the width.

    Angles are in radians, from the x axis towards the y axis: clockwise as images are seen.
    """

    cxcywhr: Floats

    @classmethod
    def from_cxcywhr(cls, cxcywhr: ArrayLike) -> Rectangles:
        """Rectangles by :attr:`cxcywhr`: cx, cy, w, h, and the angle in radians, clockwise as seen.

        u, v = w / 2 (cos, sin), h / 2 (-sin, cos)
        corners = c + u + v, c + u - v, c - u - v, c - u + v

        Raises:
            TableError: numbers in another shape.

        >>> Rectangles.from_cxcywhr([[5, 5, 4, 2, 0]]).hulls.tolist()
        [[3.0, 4.0, 7.0, 6.0]]
        """
        cxcywhr = _numbers("cxcywhr", cxcywhr, (0, 5))
        if cxcywhr.ndim != 2 or cxcywhr.shape[1] != 5:
            raise TableError(f"cxcywhr: expected shape (R, 5), got {cxcywhr.shape}")
        x, y, w, h, angle = cxcywhr.T
        cos, sin = np.cos(angle) / 2, np.sin(angle) / 2
        ux, uy, vx, vy = w * cos, w * sin, -h * sin, h * cos
        corners = np.empty((len(cxcywhr), 4, 2))
        for corner, (of_u, of_v) in enumerate([(1, 1), (1, -1), (-1, -1), (-1, 1)]):
            corners[:, corner, 0] = x + (of_u * ux + of_v * vx)
            corners[:, corner, 1] = y + (of_u * uy + of_v * vy)
        return cls(corners.reshape(-1, 2), np.arange(len(cxcywhr) + 1) * 4, cxcywhr)

    def _made(self, points: Floats, first: Ints, rows: Ints) -> Self:
        return type(self)(points, first, self.cxcywhr.take(rows, axis=0))

    @remembered
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`; width times height, to the last digit."""
        return np.abs(self.cxcywhr[:, 2] * self.cxcywhr[:, 3])


def _over_union(shared: Floats, area: Floats, of_other: Floats, crowd: Bools) -> Floats:
    union = np.where(crowd, area, area + of_other - shared)
    with np.errstate(divide="ignore", invalid="ignore"):  # polygons without an area
        overlap: Floats = shared / union
    return overlap


def _numbers(name: str, given: ArrayLike, nothing: tuple[int, ...]) -> Floats:
    """As float64; nothing: the shape of none at all."""
    try:
        numbers = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise TableError(f"{name}: expected numbers in a regular array") from None
    return numbers.reshape(nothing) if numbers.shape == (0,) else numbers


def polygons_of(outlines: Any, _: Floats | None = None, single: bool = False) -> Polygons:
    """Polygons of what a source says.

    Raises:
        OutlineError: a segmentation is no single polygon, or one that crosses itself too often.
    """
    del single
    if isinstance(outlines, Polygons):
        return outlines
    if isinstance(outlines, Boxes):
        return Polygons.from_boxes(outlines.hulls)
    rows: list[Floats] = []
    faults: list[tuple[int, str]] = []
    for row, one in enumerate(outlines.plain()):
        if not isinstance(one, list) or len(one) != 1:
            faults.append((row, f"expected one polygon of 3 points or more, got {shown(one)}"))
        elif fault := polygons_fault(one):
            faults.append((row, fault))
        else:
            rows.append(np.array(one[0], np.float64).reshape(-1, 2))
    if faults:
        raise OutlineError(faults[:100], len(faults))
    points = np.concatenate([np.zeros((0, 2)), *rows])
    polygons = Polygons(points, np.append(0, np.cumsum([len(row) for row in rows])))
    if len(odd := np.flatnonzero(polygons.tangled)):
        text = f"expected {UNTANGLED}, got {{}}"
        faults = [(row, text.format(polygons.count[row])) for row in odd[:100].tolist()]
        raise OutlineError(faults, len(odd))
    return polygons


KIND = Kind(
    name="oriented",
    title="oriented boxes and polygons",
    takes=(Polygons, Segmentations, Boxes),
    made=polygons_of,
)
