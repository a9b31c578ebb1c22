"""What the outlines of a source hold, row by row, whatever is wrong with some of them.

Kernels refuse a column with one bad row, as they should. Whoever looks for faults or counts wants
the others all the same: polygons and masks that can be drawn, and a sentence for each that cannot.
Nothing is rasterised: areas of polygons are what their corners enclose.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, object_column, run_starts
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygon_faults import MOST_STEPS, polygons_fault
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.overlap.polygons.self_intersections import (
    MOST_CROSSINGS,
    cross_often,
    shared_areas,
    tangled,
)

__all__ = ["Drawn", "drawn"]

CHUNK = 100
"""Rows that are tried at once where some are faulty: an error tells as many."""

BLOCK = 32_768
"""Pairs that are compared at once."""

NO_AREA = 1e-9
"""Of the square of its hull's sides: what rounding leaves of an area that is none."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The outlines of R rows that can be drawn, and what is wrong with the others.

    parts: V polygons, and of_part : (V,) the row of each, rising: a row may have several;
    masks: W masks, and of_mask : (W,) the row of each, rising; faults: row and what is wrong.
    """

    rows: int
    parts: Polygons
    of_part: Ints
    masks: Masks
    of_mask: Ints
    faults: tuple[tuple[int, str], ...] = ()

    @cached_property
    def polygonal(self) -> Bools:
        """(R,) which rows are polygons."""
        return self._any(np.ones(len(self.parts), bool))

    @cached_property
    def encoded(self) -> Bools:
        """(R,) which rows are masks."""
        found = np.zeros(self.rows, bool)
        found[self.of_mask] = True
        return found

    @cached_property
    def corners(self) -> Ints:
        """(R,) corners of all polygons of a row."""
        return np.bincount(self.of_part, self.parts.count, self.rows).astype(np.int64)

    @cached_property
    def hulls(self) -> Floats:
        """(R, 4) corners of the upright boxes around; nan where nothing is drawn."""
        hulls = np.full((self.rows, 4), np.nan)
        hulls[self.of_mask] = self.masks.hulls
        # of_part rises, so the polygons of a row are one run of parts.
        if len(self.parts):
            starts = run_starts(self.of_part)
            own = self.parts.hulls
            at = self.of_part[starts]
            hulls[at, :2] = np.minimum.reduceat(own[:, :2], starts)
            hulls[at, 2:] = np.maximum.reduceat(own[:, 2:], starts)
        return hulls

    @cached_property
    def areas(self) -> Floats:
        """(R,) pixels of masks, and what polygons enclose, added up; nan where nothing is drawn."""
        areas: Floats = np.bincount(self.of_part, self._part_areas, self.rows).astype(np.float64)
        areas[self.of_mask] = self.masks.areas
        areas[~(self.polygonal | self.encoded)] = np.nan
        return areas

    @property
    def box_areas(self) -> Floats:
        """(R,) areas of the upright boxes around."""
        areas: Floats = (self.hulls[:, 2:] - self.hulls[:, :2]).prod(axis=1)
        return areas

    @cached_property
    def pointless(self) -> Bools:
        """(R,) polygons that have nowhere three corners that differ."""
        return self.polygonal & ~self._any(self._cornered)

    @cached_property
    def empty(self) -> Bools:
        """(R,) outlines around nothing; polygons may have corners enough."""
        sides = np.nan_to_num(self.hulls[:, 2:] - self.hulls[:, :2]).sum(axis=1)
        nothing: Bools = self.areas <= NO_AREA * sides**2  # nan is not
        return nothing

    @cached_property
    def crossing(self) -> Bools:
        """(R,) polygons that cross or touch themselves."""
        return self._any(self._part_crosses)

    @cached_property
    def tangled(self) -> Bools:
        """(R,) polygons that cross themselves so that they enclose another area than they wind.

        A bow tie winds around its two halves in opposite directions.
        """
        enclosed = self._part_areas
        return self._any(np.abs(enclosed - self._wound) > 0.01 * enclosed)

    def united(self, rows: Ints) -> Floats:
        """(S,) areas of rows, with what several polygons of one enclose counted once."""
        import shapely

        areas = self.areas[rows]
        several = np.bincount(self.of_part, minlength=self.rows) > 1
        at = np.flatnonzero(several[rows] & ~self._vast[rows])
        areas[at] = shapely.area(self._unions(rows[at]))
        return areas

    def overlaps(self, mine: Ints, theirs: Ints) -> Floats:
        """(P,) IoU of pairs of rows of polygons or of masks; 0 where they are not alike."""
        overlap = np.zeros(len(mine))
        drawable = self.polygonal & ~self._vast
        of_both: tuple[tuple[Bools, Callable[[Ints, Ints], Floats]], ...] = (
            (drawable[mine] & drawable[theirs], self._of_polygons),
            (self.encoded[mine] & self.encoded[theirs], self._of_masks),
        )
        for alike, measure in of_both:
            pairs = np.flatnonzero(alike)
            for block in np.split(pairs, np.arange(BLOCK, len(pairs), BLOCK)):
                if len(block):
                    overlap[block] = measure(mine[block], theirs[block])
        return np.nan_to_num(overlap)

    def contents(self, rows: Ints) -> Ints:
        """(S,) a number for each row, the same for outlines that are written the same."""
        seen: dict[Hashable, int] = {}
        return np.array([seen.setdefault(self._content(row), row) for row in rows.tolist()], int)

    def _content(self, row: int) -> Hashable:
        start, end = np.searchsorted(self.of_part, [row, row + 1]).tolist()
        if start < end:
            first = self.parts.first[start : end + 1]
            return self.parts.points[first[0] : first[-1]].tobytes(), (first - first[0]).tobytes()
        if self.encoded[row]:
            code = self.masks.sound[np.searchsorted(self.of_mask, row)]
            return tuple(code["size"]), code["counts"]
        return row

    def _of_polygons(self, mine: Ints, theirs: Ints) -> Floats:
        import shapely

        rows, at = np.unique(np.concatenate([mine, theirs]), return_inverse=True)
        a, b = np.split(at, 2)
        geometries = self._unions(rows)
        areas = shapely.area(geometries)
        shared = shared_areas(geometries[a], geometries[b])
        with np.errstate(invalid="ignore"):  # of two that have no area
            overlap: Floats = shared / (areas[a] + areas[b] - shared)
        return overlap

    def _of_masks(self, mine: Ints, theirs: Ints) -> Floats:
        a, b = (np.searchsorted(self.of_mask, rows) for rows in (mine, theirs))
        return self.masks.overlaps(a, self.masks, b, np.zeros(len(a), bool), 0.0)

    def _any(self, part: Bools) -> Bools:
        """(R,) which rows have a polygon that is marked."""
        found = np.zeros(self.rows, bool)
        found[self.of_part[part]] = True
        return found

    @cached_property
    def _vast(self) -> Bools:
        """(R,) which have too many crossings to be repaired or put together."""
        vast = self._any(self._tangled)
        several = np.bincount(self.of_part, minlength=self.rows) > 1
        # C corners cross fewer than C**2 times: they are counted only where that is too many.
        doubtful = several & ~vast & (self.corners**2 > MOST_CROSSINGS)
        for row in np.flatnonzero(doubtful).tolist():
            start, end = np.searchsorted(self.of_part, [row, row + 1])
            points = self.parts.points[self.parts.first[start] : self.parts.first[end]]
            vast[row] = cross_often(points, points)
        return vast

    # --- of polygons, by part ---

    @cached_property
    def _wound(self) -> Floats:
        """(V,) areas by the corners alone: that of a polygon which does not cross itself."""
        if not len(self.parts):
            return np.zeros(0)
        # |sum(x[k] * y[k + 1] - y[k] * x[k + 1])| / 2 around each polygon, with its first corner as
        # the origin, so that large coordinates cost no digits.
        x, y = (self.parts.points - _repeated(self.parts, self.parts.first[:-1])).T
        ahead = _ahead(self.parts.first)
        return np.abs(np.add.reduceat(x * y[ahead] - y * x[ahead], self.parts.first[:-1])) / 2

    @cached_property
    def _part_areas(self) -> Floats:
        areas = self._wound.copy()
        odd = np.flatnonzero(self._part_crosses & ~self._tangled)
        areas[odd] = self.parts.take(odd).areas
        return areas

    @cached_property
    def _part_crosses(self) -> Bools:
        """(V,) which cross or touch themselves and have corners enough to do so."""
        return self.parts.crossing & self._cornered if len(self.parts) else np.zeros(0, bool)

    @cached_property
    def _tangled(self) -> Bools:
        """(V,) which cross themselves too often to be repaired."""
        return tangled(self.parts.points, self.parts.first, self._part_crosses)

    @cached_property
    def _cornered(self) -> Bools:
        """(V,) which have three corners that differ."""
        points, first = self.parts.points, self.parts.first[:-1]
        if not len(first):
            return np.zeros(0, bool)
        # The second corner is the first one that differs from the first; is there a third that
        # differs from both? Where all are equal, the last point of all stands for the second, and
        # nothing differs from the first anyway.
        other = (points != _repeated(self.parts, first)).any(axis=1)
        at = np.arange(len(points))
        second = np.minimum.reduceat(np.where(other, at, len(points) - 1), first)
        third = other & (points != _repeated(self.parts, second)).any(axis=1)
        cornered: Bools = np.logical_or.reduceat(third, first)
        return cornered

    def _unions(self, rows: Ints) -> Objects:
        """(S,) geometries of rows of polygons, repaired."""
        import shapely

        # The parts of all rows, one row after the other; place : (S,) where those of each begin.
        start, end = (np.searchsorted(self.of_part, ends) for ends in (rows, rows + 1))
        count = end - start
        place = np.cumsum(count) - count
        parts = self.parts.take(np.repeat(start - place, count) + np.arange(count.sum()))
        ring = np.repeat(np.arange(len(parts)), parts.count)
        drawn = shapely.polygons(shapely.linearrings(parts.points, indices=ring))
        sound = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
        found: Objects = sound[place]
        for row in np.flatnonzero(count > 1).tolist():
            found[row] = shapely.union_all(sound[place[row] : place[row] + count[row]])
        return found


def _repeated(parts: Polygons, at: Ints) -> Floats:
    """(P, 2) a point of each polygon, for all of its points."""
    return np.repeat(parts.points[at], parts.count, axis=0)


def _ahead(first: Ints) -> Ints:
    """(P,) the place of the corner behind each corner, round and round."""
    ahead = np.arange(1, first[-1] + 1)
    ahead[first[1:] - 1] = first[:-1]
    return ahead


# --- from what sources say -----------------------------------------------------------------------

NO_POLYGONS = Polygons(np.zeros((0, 2)), np.zeros(1, np.int64))
NONE = np.zeros(0, np.int64)


def drawn(outlines: Any) -> Drawn | None:
    """What outlines hold; None where there are none, or of a kind that is not known here."""
    if isinstance(outlines, Segmentations):
        return _of_segmentations(outlines)
    if isinstance(outlines, Polygons):
        return Drawn(
            rows=len(outlines),
            parts=outlines,
            of_part=np.arange(len(outlines)),
            masks=Masks(object_column([])),
            of_mask=NONE,
        )
    if isinstance(outlines, Masks):
        return Drawn(
            rows=len(outlines),
            parts=NO_POLYGONS,
            of_part=NONE,
            masks=outlines,
            of_mask=np.arange(len(outlines)),
        )
    return None


def _of_segmentations(outlines: Segmentations) -> Drawn:
    faults: dict[int, str] = {}
    rows = _plain(outlines, faults)
    lists = {row: one for row, one in rows.items() if isinstance(one, list) and one}
    others = [row for row in rows if row not in lists]
    parts, of_part = _polygons(lists, faults)
    masks, of_mask = _masks(others, [rows[row] for row in others], faults)
    return Drawn(
        rows=len(outlines),
        parts=parts,
        of_part=of_part,
        masks=masks,
        of_mask=of_mask,
        faults=tuple(sorted(faults.items())),
    )


def _plain(outlines: Segmentations, faults: dict[int, str]) -> dict[int, Any]:
    """What each row says, by row; without those that are no JSON."""
    try:
        return dict(enumerate(outlines.plain()))
    except OutlineError:
        found = {}
        for row in range(len(outlines)):
            try:
                (found[row],) = outlines.take(np.array([row])).plain()
            except OutlineError as error:
                faults[row] = error.faults[0][1]
        return found


def _polygons(rows: dict[int, list[Any]], faults: dict[int, str]) -> tuple[Polygons, Ints]:
    found = _joined(rows)
    if found is None:
        odd = {row: fault for row, one in rows.items() if (fault := polygons_fault(one))}
        faults.update(odd)
        found = _joined({row: one for row, one in rows.items() if row not in odd})
        assert found is not None
    return found


def _joined(rows: dict[int, list[Any]]) -> tuple[Polygons, Ints] | None:
    """All polygons and the row of each; None where one is none, as ``polygons_fault`` says."""
    parts = [part for one in rows.values() for part in one]
    if not all(isinstance(part, list) for part in parts):
        return None
    lengths = np.fromiter(map(len, parts), np.int64, len(parts))
    if (lengths < 6).any() or (lengths % 2).any():
        return None
    try:
        values = np.fromiter(chain.from_iterable(parts), np.float64, int(lengths.sum()))
    except (TypeError, ValueError, OverflowError):
        return None
    polygons = Polygons(values.reshape(-1, 2), np.append(0, np.cumsum(lengths // 2)))
    if len(parts) and not (_lengths(polygons) * 5 < MOST_STEPS).all():  # nor what is not finite
        return None
    several = np.fromiter(map(len, rows.values()), np.int64, len(rows))
    return polygons, np.repeat(np.fromiter(rows, np.int64, len(rows)), several)


def _lengths(polygons: Polygons) -> Floats:
    """(V,) how long the way around each is, along the axes."""
    with np.errstate(invalid="ignore", over="ignore"):  # of numbers that are not finite
        edges = np.abs(polygons.points[_ahead(polygons.first)] - polygons.points).sum(axis=1)
        lengths: Floats = np.add.reduceat(edges, polygons.first[:-1])
    return lengths


def _masks(at: Sequence[int], rows: Sequence[Any], faults: dict[int, str]) -> tuple[Masks, Ints]:
    """Masks of encodings, whatever the sizes of their images, and the row of each."""
    try:
        return _made(rows), np.array(at, np.int64)
    except OutlineError:
        kept: list[int] = []
        for start in range(0, len(rows), CHUNK):
            kept += _sound(range(start, min(start + CHUNK, len(rows))), at, rows, faults)
        return _made([rows[place] for place in kept]), np.array([at[p] for p in kept], np.int64)


def _sound(
    places: Sequence[int], at: Sequence[int], rows: Sequence[Any], faults: dict[int, str]
) -> list[int]:
    """The places of a chunk that are sound; a row may be found faulty once others are away."""
    left = [*places]
    while left:
        try:
            _made([rows[place] for place in left])
        except OutlineError as error:
            faults.update((at[left[row]], text) for row, text in error.faults)
            odd = {row for row, _ in error.faults}
            left = [place for row, place in enumerate(left) if row not in odd]
        else:
            break
    return left


def _made(rows: Sequence[Any]) -> Masks:
    return masks_of(Segmentations(object_column(rows)), np.full((len(rows), 2), np.nan))
