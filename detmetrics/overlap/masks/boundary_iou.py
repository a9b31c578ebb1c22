"""Boundary IoU: masks compared by their pixels near the edge too.

The boundary of a mask is what is within ``d`` pixels of its outside, where ``d`` is 2 % of the
diagonal of the image, and the outside of the image is outside of the mask. The overlap of two masks
is the smaller one of the IoU of the masks and that of their boundaries; the overlap with a crowd is
that of masks. Areas are those of masks.

Source: Cheng et al., Boundary IoU (2021); ``boundary-iou-api``, ``boundary_iou/utils/
boundary_utils.py`` (``mask_to_boundary``), ``coco_instance_api/cocoeval.py``
(``computeBoundaryIoU``). There a mask is eroded ``d`` times by 3 x 3 pixels; here once by a square
of ``2 d + 1``, which is the same, and only where the IoU of the masks is large enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts
from detmetrics.overlap.masks.masks import KIND as MASK
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.rle import lengths_between
from detmetrics.overlap.shapes import Kind

__all__ = ["KIND", "Boundaries", "depths"]

SHARE = 0.02
"""Of the diagonal of the image: how deep a boundary is."""

Pixels = NDArray[np.uint8]


def depths(size: Ints) -> Ints:
    """(R,) how many pixels deep the boundaries of masks are; size : (R, 2) height and width."""
    # max(1, round(.02 * sqrt(h ** 2 + w ** 2)))
    diagonal = np.sqrt((size**2).sum(axis=1))
    deep: Ints = np.maximum(np.rint(SHARE * diagonal), 1).astype(np.int64)
    return deep


@dataclass(frozen=True, eq=False)
class Boundaries(Masks):
    """Masks that are compared by their boundaries too."""

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """See :meth:`Shapes.near`; no overlap is larger than that of masks."""
        mine, theirs, overlap = super().near(other, first, count, crowd, lowest)
        overlap = self._lowered(mine, other, theirs, crowd[theirs], overlap)
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float
    ) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        overlap = super().overlaps(mine, other, theirs, crowd, lowest)
        asked = np.flatnonzero(overlap >= lowest)
        overlap[asked] = self._lowered(
            mine[asked], other, theirs[asked], crowd[asked], overlap[asked]
        )
        return overlap

    @property
    def _thin(self) -> Bools:
        """(R,) which masks have no pixel that is not of their boundary."""
        thin: Bools = self.runs.boxes[:, 2:].min(axis=1) <= 2 * depths(self.runs.size)
        return thin

    def _lowered(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, overlap: Floats
    ) -> Floats:
        """(P,) the smaller of the overlaps of masks and of boundaries."""
        # for each pair that is no crowd: min(overlap, iou of the two boundaries). Where both masks
        # are all boundary, the two are the same. (tests/test_boundaries.py erodes step by step)
        alike = self._thin[mine] & other._thin[theirs]
        asked = np.flatnonzero(~crowd & ~alike & (overlap > 0))
        order = asked[np.argsort(theirs[asked], kind="stable")]
        pairs = theirs[order]
        # Pairs with the same row of theirs stand together, so its boundary is drawn once.
        of_theirs, of_mine = _Drawn(other, pairs), _Drawn(self, mine[order])
        lowered = overlap.copy()
        for start, end in pairwise([*run_starts(pairs).tolist(), len(pairs)]):
            there = of_theirs.boundary(int(pairs[start]))
            for pair in order[start:end].tolist():
                iou = there.iou(of_mine.boundary(int(mine[pair])))
                lowered[pair] = min(overlap[pair], iou)
        return lowered


@dataclass(frozen=True, slots=True)
class _Boundary:
    """Pixels of a boundary; pixels : (w, h) columns of its box, x and y: where that begins."""

    pixels: Pixels
    x: int
    y: int
    area: int

    def iou(self, other: _Boundary) -> float:
        # Pixels outside of either box are not shared: both are cut to where their boxes meet.
        x, y = max(self.x, other.x), max(self.y, other.y)
        here = self.pixels[x - self.x :, y - self.y :]
        there = other.pixels[x - other.x :, y - other.y :]
        w, h = (min(sides) for sides in zip(here.shape, there.shape, strict=True))
        shared = int(np.count_nonzero(here[:w, :h] & there[:w, :h]))
        return shared / (self.area + other.area - shared)


class _Drawn:
    """Masks whose boundaries are asked for one by one: no more than two are there at a time."""

    def __init__(self, masks: Masks, rows: Ints) -> None:
        self.rows = np.unique(rows)
        chosen = masks.take(self.rows)
        lengths = lengths_between(chosen.runs)
        self.ends = np.cumsum(lengths.length)
        self.first = np.append(0, np.cumsum(lengths.count)).tolist()
        self.boxes = chosen.runs.boxes.astype(np.int64).tolist()
        self.high = chosen.runs.size[:, 0].tolist()
        self.depth = depths(chosen.runs.size).tolist()

    def boundary(self, row: int) -> _Boundary:
        place = int(np.searchsorted(self.rows, row))
        x, y, _, _ = self.boxes[place]
        pixels = self._pixels(place)
        depth = self.depth[place]
        # boundary = mask and not eroded mask. What is eroded is a part of the mask, so "and not" is
        # "xor"; nothing within depth of the box's edge is left of it, as outside of the box no
        # pixel is set. A square window is one along the columns, then one along the rows.
        inner = _eroded(_eroded(pixels, depth).T, depth).T
        if inner.size:
            pixels[depth:-depth, depth:-depth] ^= inner
        return _Boundary(pixels, x, y, int(np.count_nonzero(pixels)))

    def _pixels(self, place: int) -> Pixels:
        """(w, h) the mask in its box."""
        x, y, w, h = self.boxes[place]
        high = self.high[place]
        start, end = self.first[place], self.first[place + 1]
        before = int(self.ends[start - 1]) if start else 0
        # Ends of runs, counted from column x on and cut to the columns of the box: runs outside of
        # it get the length 0. Unrolled, 0 and 1 by turns, these are whole columns of the image.
        ends = np.clip(self.ends[start:end] - (before + x * high), 0, w * high)
        turns = (np.arange(end - start) & 1).astype(np.uint8)
        columns = np.repeat(turns, np.diff(ends, prepend=0)).reshape(w, high)
        return np.ascontiguousarray(columns[:, y : y + h])


def _eroded(pixels: Pixels, depth: int) -> Pixels:
    """(w - 2 depth, h) which pixels are set with all that are ``depth`` before and behind.

    Of windows of 1, 2, 4, ... columns, and at last of two that cover the whole.
    """
    # out[k] = all(pixels[k : k + window]). Two windows of w that follow each other are one of 2 w,
    # so a window of any length takes as many steps as it has binary digits, not one a pixel.
    window, wide = 2 * depth + 1, 1
    if len(pixels) < window:
        return pixels[:0]
    while 2 * wide <= window:
        pixels, wide = pixels[:-wide] & pixels[wide:], 2 * wide
    rest = window - wide  # less than wide, so that the two windows overlap or touch
    return pixels[: len(pixels) - rest] & pixels[rest:]


def _boundaries_of(outlines: Any, sizes: Floats, single: bool = False) -> Boundaries:
    masks = masks_of(outlines, sizes, single)
    return Boundaries(masks.codes, masks.runs)


KIND = Kind(
    name="boundary", title="masks by their boundaries", takes=MASK.takes, made=_boundaries_of
)
