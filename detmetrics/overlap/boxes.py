"""Upright boxes.

IoU of boxes ``x, y, w, h`` exactly as pycocotools' C code takes it: corners are ``x + w`` and
``y + h``, areas ``w * h``, no pixel is added; the overlap with a crowd is the share of the
detection that lies inside (intersection over area of the detection). Source:
``pycocotools/common/maskApi.c``, ``bbIou``.

``pixel=1``: corners are first and last pixel, so that width is ``x2 - x1 + 1``, as in PASCAL VOC's
``VOCevaldet.m``. ``single``: in float32, with 1e-7 added to the union, as in Ultralytics'
``box_iou``. Both take corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.overlap.bitmap_index import BitmapIndex
from detmetrics.overlap.shapes import Edges, Shapes, remembered, touching

__all__ = ["Boxes"]

SINGLE_EPS = np.float32(1e-7)
"""What Ultralytics' ``box_iou`` adds to a union, in float32 as all arithmetic there."""


@dataclass(frozen=True, eq=False)
class Boxes(Shapes):
    """Upright boxes; boxes : (R, 4) corners where ``corners``, ``x y w h`` otherwise."""

    boxes: Floats
    corners: bool = False
    pixel: int = 0
    single: bool = False

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return type(self)(self.boxes.take(rows, axis=0), self.corners, self.pixel, self.single)

    @property
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        x1, x2, y1, y2 = self.edges
        return np.stack([x1, y1, x2, y2], axis=1)

    @property
    def edges(self) -> Edges:
        """x1, x2, y1, y2, each a contiguous column."""
        return self._sides[0]

    @property
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`."""
        return self._sides[1]

    @remembered
    def _sides(self) -> tuple[Edges, Floats]:
        # Each side a contiguous column: the kernels gather from one column at a time.
        boxes = self.boxes.astype(np.float32) if self.single else self.boxes
        if self.corners:
            x1, y1, x2, y2 = (np.ascontiguousarray(column) for column in boxes.T)
            return (x1, x2, y1, y2), (x2 - x1 + self.pixel) * (y2 - y1 + self.pixel)
        x, y, w, h = (np.ascontiguousarray(column) for column in boxes.T)
        return (x, x + w, y, y + h), w * h

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """See :meth:`Shapes.near`; what two boxes share gives the overlap at once."""
        d, g, w, h = touching(self.edges, other.edges, first, count, self.pixel)
        overlap = self._shares(d, other, g, crowd[g], w * h)
        kept = np.flatnonzero(overlap >= lowest)
        return d[kept], g[kept], overlap[kept]

    def indexed(self, crowd: Bools, first: Ints, count: Ints, lowest: float) -> BitmapIndex:
        """See :meth:`Shapes.indexed`."""
        return BitmapIndex(self, crowd, first, count, lowest)

    def overlaps(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, _: float) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        # w, h = max(min(x2, x2') - max(x1, x1') + pixel, 0), the same of y (tests/reference.py)
        (x1, x2, y1, y2), (gx1, gx2, gy1, gy2) = self.edges, other.edges
        w = np.minimum(x2[mine], gx2[theirs]) - np.maximum(x1[mine], gx1[theirs]) + self.pixel
        h = np.minimum(y2[mine], gy2[theirs]) - np.maximum(y1[mine], gy1[theirs]) + self.pixel
        return self._shares(mine, other, theirs, crowd, np.maximum(w, 0) * np.maximum(h, 0))

    def _shares(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, inter: Floats) -> Floats:
        # union = area if crowd else area + area' - inter; in this order, as bbIou of maskApi.c
        area = self.areas[mine]
        union = np.where(crowd, area, area + other.areas[theirs] - inter)
        if self.single:
            union += SINGLE_EPS
        with np.errstate(invalid="ignore"):  # areas that underflow to 0: nan reaches nothing
            overlap: Floats = (inter / union).astype(np.float64, copy=False)
        return overlap
