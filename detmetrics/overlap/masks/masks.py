"""Masks, as COCO has them: polygons and both forms of run-length encoding.

IoU of the pixels of two masks, and of a crowd the share of the detection inside: the numbers are
those of ``iouType="segm"``, to the last bit. Only masks whose boxes touch are compared. Source:
``pycocotools/common/maskApi.c``, ``rleIou``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, object_column, used
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import listing
from detmetrics.overlap.masks.columns import ComparedMasks, compared, shared_pixels
from detmetrics.overlap.masks.contours import edge_count, grid_of, rings
from detmetrics.overlap.masks.fragmented import are_fragmented, overlaps_of_texts
from detmetrics.overlap.masks.rle import Runs, lengths_of, texts_of
from detmetrics.overlap.masks.rle_checks import (
    codes_of,
    codes_of_polygons,
    codes_of_segmentations,
    refuse_other_sizes,
)
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered, touching

__all__ = ["KIND", "Masks", "masks_of"]

MOST_CELLS = 1 << 20  # a megabyte of them, and some of their borders
MOST_EDGES = 1 << 14  # sides that are walked along one by one
"""An outline is traced on so many cells of one or more pixels, along so many of their sides."""


@dataclass(frozen=True, eq=False)
class Masks(Shapes):
    """Compressed masks.

    codes : (R,) mappings as files have them; known: what they hold, where they have been checked
    and are ``{"size": [height, width], "counts": bytes}``, or None where only what they hold is
    kept.

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
        return type(self)(self._checked[0][rows], self.runs.take(rows))

    def scaled(self, _: Floats) -> Self:
        """Pixels are no shares, and stay what they are."""
        return self

    @remembered
    def sound(self) -> Objects:
        """(R,) ``{"size": [height, width], "counts": bytes}``, which hold no idle runs."""
        return object_column(self.encodings(np.arange(len(self))))

    def encodings(self, rows: Ints) -> list[dict[str, Any]]:
        """As :attr:`sound`, of some rows, of which one may be there more than once."""
        each = used(rows)
        codes = self._checked[0][each]
        missing = np.flatnonzero([code is None for code in codes.tolist()])
        if len(missing):
            held = self.runs.take(each[missing])
            codes[missing] = [
                {"size": size, "counts": text}
                for size, text in zip(held.size.tolist(), texts_of(held), strict=True)
            ]
        found: list[dict[str, Any]] = codes[np.searchsorted(each, rows)].tolist()
        return found

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
        overlap = self._measured(mine, other, theirs, crowd[theirs], first[mine])
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def overlaps(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, _: float) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        return self._measured(mine, other, theirs, crowd, mine)

    def _measured(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, group: Ints) -> Floats:
        """(P,) the overlaps of pairs; crowd : (P,). Masks of images of two sizes have -1.

        group : (P,) pairs of a group are best measured together.
        """
        fragmented = self.fragmented[mine] | other.fragmented[theirs]
        if not fragmented.any():
            return self._by_columns(mine, other, theirs, crowd)
        overlap = np.empty(len(mine))
        at, rest = np.flatnonzero(fragmented), np.flatnonzero(~fragmented)
        overlap[at] = overlaps_of_texts(
            self.encodings, mine[at], other.encodings, theirs[at], crowd[at], group[at]
        )
        overlap[rest] = self._by_columns(mine[rest], other, theirs[rest], crowd[rest])
        return overlap

    @remembered
    def fragmented(self) -> Bools:
        """(R,) which have many pieces a column."""
        return are_fragmented(self.runs)

    def _by_columns(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools) -> Floats:
        # shared / (area + area - shared), of a crowd shared / area of mine
        if not len(mine):
            return np.zeros(0)
        shared = shared_pixels(*self._of(mine), *other._of(theirs))
        area, of_other = self.runs.area[mine], other.runs.area[theirs]
        whole = np.where(crowd, area, area + of_other - shared)
        overlap: Floats = np.where(shared > 0, shared / np.maximum(whole, 1), 0.0)
        apart = np.flatnonzero((self.runs.size[mine] != other.runs.size[theirs]).any(axis=1))
        overlap[apart] = -1.0
        return overlap

    def _of(self, rows: Ints) -> tuple[ComparedMasks, Ints]:
        """The masks that rows name, and which of these each is."""
        each = used(rows)
        place = np.zeros(len(self), np.int64)
        place[each] = np.arange(len(each))
        return compared(self.runs.ones, self.runs.mask[each], self.runs.size[each, 0]), place[rows]


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
    return Masks(*codes_of_segmentations(outlines, sizes))


KIND = Kind(name="mask", title="masks", takes=(Segmentations, Polygons, Masks), made=masks_of)
