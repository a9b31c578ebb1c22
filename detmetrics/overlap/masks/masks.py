"""Masks, as COCO has them: polygons and both forms of run-length encoding.

IoU of the pixels of two masks, and of a crowd the share of the detection inside, by pycocotools'
own function: the numbers are those of ``iouType="segm"``, to the last bit. Only masks whose boxes
touch are compared. Source: ``pycocotools/common/maskApi.c``, ``rleIou``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, object_column, run_starts
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import listing
from detmetrics.foundation.originals import original
from detmetrics.overlap.masks.contours import edge_count, grid_of, rings
from detmetrics.overlap.masks.rle import Runs, lengths_of
from detmetrics.overlap.masks.rle_checks import (
    codes_of,
    codes_of_polygons,
    polygons_fault,
    refuse_other_sizes,
)
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered, touching

__all__ = ["KIND", "Masks", "masks_of", "overlaps_of_codes", "polygons_fault"]

MOST_CELLS = 1 << 20  # a megabyte of them, and some of their borders
MOST_EDGES = 1 << 14  # sides that are walked along one by one
"""An outline is traced on so many cells of one or more pixels, along so many of their sides."""


@dataclass(frozen=True, eq=False)
class Masks(Shapes):
    """Compressed masks.

    codes : (R,) mappings as files have them; known: what they hold, where they have been checked
    and are ``{"size": [height, width], "counts": bytes}``.

    Raises:
        TableError: codes that are no masks, when they are first looked at.

    >>> Masks.from_codes([{"size": [2, 3], "counts": b"222"}]).areas.tolist()
    [2.0]
    """

    natural: ClassVar[str] = "mask"

    codes: Objects
    known: Runs | None = None

    @classmethod
    def from_codes(cls, codes: Sequence[Mapping[str, Any]]) -> Masks:
        """Masks by compressed encodings, as pycocotools' ``encode`` gives them."""
        return Masks(object_column(codes))

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return type(self)(self.sound[rows], self.runs.take(rows))

    def scaled(self, _: Floats) -> Self:
        """Pixels are no shares, and stay what they are."""
        return self

    @property
    def sound(self) -> Objects:
        """(R,) ``{"size": [height, width], "counts": bytes}``, which hold no idle runs."""
        return self._checked[0]

    @property
    def runs(self) -> Runs:
        """What the masks hold."""
        return self._checked[1]

    @remembered
    def _checked(self) -> tuple[Objects, Runs]:
        if self.known is not None:
            return self.codes, self.known
        try:
            return codes_of(self.codes.tolist(), np.full((len(self), 2), np.nan))
        except OutlineError as error:
            texts = [f"[{row}]: {text}" for row, text in error.faults]
            raise TableError(listing("masks", texts, error.count)) from None

    @property
    def frames(self) -> Floats:
        """See :attr:`Shapes.frames`."""
        return self.runs.size[:, ::-1].astype(np.float64)

    @remembered
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        boxes = self.runs.boxes
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    @property
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`."""
        return self.runs.area.astype(np.float64)

    def outline(self, row: int, detail: float) -> tuple[Floats, ...]:
        """See :meth:`Shapes.outline`; coarser beyond :data:`MOST_CELLS` pixels, and the box alone
        around as many columns, which are looked at one by one.
        """
        code = self.sound[row]
        width, height = self.runs.boxes[row, 2:].astype(int).tolist()
        if width > MOST_CELLS:
            x1, y1, x2, y2 = self.hulls[row]
            return (np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]),)
        lengths, high = lengths_of([code["counts"]]).length, code["size"][0]
        side = max(int(detail), math.isqrt(max(width * height - 1, 0) // MOST_CELLS) + 1)
        grid = grid_of(lengths, high, side)
        while edge_count(grid.cells) > MOST_EDGES:
            side *= 2
            grid = grid_of(lengths, high, side)
        return rings(grid)

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """See :meth:`Shapes.near`; a call for all that are compared with the same rows."""
        mine, theirs, w, h = touching(self.edges, other.edges, first, count)
        # They share no more than the smaller has, nor than their boxes share; the IoU grows with
        # what they share. Rounding must not drop a pair that reaches the lowest overlap.
        area, of_other = self.areas[mine], other.areas[theirs]
        most = np.minimum(np.minimum(area, of_other), w * h)
        union = np.where(crowd[theirs], area, area + of_other - most)
        asked = np.flatnonzero(most >= lowest * (1 - 1e-9) * union)
        mine, theirs = mine[asked], theirs[asked]
        overlap = overlaps_of_codes(
            self.sound, mine, other.sound, theirs, crowd[theirs], first[mine]
        )
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def overlaps(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, _: float) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        return overlaps_of_codes(self.sound, mine, other.sound, theirs, crowd, mine)


def overlaps_of_codes(
    codes: Objects, mine: Ints, other: Objects, theirs: Ints, crowd: Bools, group: Ints
) -> Floats:
    """(P,) the overlaps of pairs of sound codes; a table of all with all is asked for each group.

    codes, other: of both sides; mine, theirs : (P,) the rows of pairs; crowd, group : (P,).
    """
    # for m, t in zip(mine, theirs): mask.iou([codes[m]], [other[t]], [crowd])
    # A call for a table of rows by columns costs far less than one for each of its cells. Of those,
    # some nobody asks for; the others are the same numbers as by themselves.
    if not len(mine):
        return np.zeros(0)
    rows, of_row, first_row = _by_group(mine, group)
    columns, of_column, first_column = _by_group(theirs, group)
    of_rows, of_columns = codes[mine[rows]].tolist(), other[theirs[columns]].tolist()
    crowded = crowd[columns].astype(np.uint8)
    mask = original("mask")
    tables = [
        mask.iou(of_rows[a:b], of_columns[c:d], crowded[c:d]).ravel(order="F")
        for (a, b), (c, d) in zip(
            pairwise([*first_row.tolist(), len(rows)]),
            pairwise([*first_column.tolist(), len(columns)]),
            strict=True,
        )
    ]
    # Where a pair stands: in the table of its group, column by column (as pycocotools lays it out).
    high = np.diff(first_row, append=len(rows))
    start = np.append(0, np.cumsum([len(table) for table in tables]))
    at = np.searchsorted(first_row, of_row, side="right") - 1
    place = start[at] + (of_column - first_column[at]) * high[at] + of_row - first_row[at]
    overlap: Floats = np.concatenate(tables)[place]
    return overlap


def _by_group(rows: Ints, group: Ints) -> tuple[Ints, Ints, Ints]:
    """A pair for every row of each group, the place of each pair's row among them, and where each
    group begins there.
    """
    # sorted(set(zip(group, rows))), and for each pair its index in that.
    order = np.lexsort((rows, group))
    of, row = group[order], rows[order]
    new = np.append(True, (of[1:] != of[:-1]) | (row[1:] != row[:-1]))
    place = np.empty(len(rows), np.int64)
    place[order] = np.cumsum(new) - 1
    each = order[new]
    return each, place, run_starts(group[each])


def masks_of(outlines: Any, sizes: Floats, _: bool = False) -> Masks:
    """Masks of what a source says; sizes : (R, 2) width and height of the images.

    Raises:
        OutlineError: a polygon has no image size, or what stands there is no mask.
    """
    if isinstance(outlines, Masks) and outlines.known is None:
        return Masks(*codes_of(outlines.codes.tolist(), sizes))
    if isinstance(outlines, Masks):
        refuse_other_sizes(outlines.runs.size, sizes)
        return Masks(outlines.codes, outlines.runs)
    if isinstance(outlines, Polygons):
        return Masks(*codes_of_polygons(outlines.points, outlines.first, sizes))
    return Masks(*codes_of(outlines.plain(), sizes))


KIND = Kind(name="mask", title="masks", takes=(Segmentations, Polygons, Masks), made=masks_of)
