"""Masks, as COCO has them: polygons and both forms of run-length encoding.

IoU of the pixels of two masks, and of a crowd the share of the detection inside, by pycocotools'
own functions: the numbers are those of ``iouType="segm"``, to the last bit. Only masks whose boxes
touch are compared. Source: ``pycocotools/common/maskApi.c``, ``rleFrPoly`` and ``rleIou``;
``pycocotools/coco.py``, ``annToRLE``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints, Objects, object_column, run_starts
from detmetrics.messages import shown
from detmetrics.overlap.polygons import Polygons
from detmetrics.overlap.runs import Runs, decoded
from detmetrics.overlap.segmentations import Segmentations
from detmetrics.overlap.shapes import Kind, OutlineError, Shapes, remembered, touching

__all__ = ["KIND", "Masks", "masks_of", "polygons_fault"]

MOST_STEPS = 1e7
"""Rasterising walks along an edge in steps of a fifth of a pixel, and keeps them all."""


@dataclass(frozen=True, eq=False)
class Masks(Shapes):
    """Compressed masks; codes : (R,) ``{"size": [height, width], "counts": bytes}``."""

    natural: ClassVar[str] = "mask"

    codes: Objects

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Ints) -> Self:
        """See :meth:`Shapes.take`."""
        return type(self)(self.codes[rows])

    def scaled(self, _: Floats) -> Self:
        """Pixels are no shares, and stay what they are."""
        return self

    @remembered
    def runs(self) -> Runs:
        """What the masks hold."""
        return _runs(self.codes)

    @remembered
    def hulls(self) -> Floats:
        """See :attr:`Shapes.hulls`."""
        boxes = self.runs.boxes
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    @property
    def areas(self) -> Floats:
        """See :attr:`Shapes.areas`."""
        return self.runs.area.astype(np.float64)

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """See :meth:`Shapes.near`; a call for all that are compared with the same rows."""
        mine, theirs, _, _ = touching(self.edges, other.edges, first, count)
        overlap = self._by_group(mine, other, theirs, crowd[theirs], first[mine])
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def overlaps(self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, _: float) -> Floats:
        """See :meth:`Shapes.overlaps`."""
        return self._by_group(mine, other, theirs, crowd, mine)

    def _by_group(
        self, mine: Ints, other: Masks, theirs: Ints, crowd: Bools, group: Ints
    ) -> Floats:
        """(P,) overlaps, computed a table a group."""
        from pycocotools import mask

        overlap = np.zeros(len(mine))
        order = np.argsort(group, kind="stable")
        starts = run_starts(group[order]).tolist()
        for start, end in pairwise([*starts, len(order)]):
            at = order[start:end]
            row, of_row = np.unique(mine[at], return_inverse=True)
            column, of_column = np.unique(theirs[at], return_inverse=True)
            crowded = np.zeros(len(column), np.uint8)
            crowded[of_column] = crowd[at]
            table = mask.iou(self.codes[row].tolist(), other.codes[column].tolist(), crowded)
            overlap[at] = table[of_row, of_column]
        return overlap


def _runs(codes: Objects) -> Runs:
    height = np.array([code["size"][0] for code in codes.tolist()], np.int64)
    return decoded([code["counts"] for code in codes.tolist()], height)


# --- from what sources say -----------------------------------------------------------------------


def masks_of(outlines: Any, sizes: Floats, _: bool = False) -> Masks:
    """Masks of what a source says; sizes : (R, 2) width and height of the images.

    Raises:
        OutlineError: a polygon has no image size, or what stands there is no mask.
    """
    if isinstance(outlines, Masks):
        return outlines
    if isinstance(outlines, Polygons):
        first = outlines.first.tolist()
        flat = outlines.points.ravel()
        given: list[Any] = [[flat[2 * a : 2 * b].tolist()] for a, b in pairwise(first)]
    else:
        given = outlines.plain()
    codes, faults = _codes(given, sizes)
    if not faults:
        faults = list(_unsound(codes))
    if faults:
        raise OutlineError(faults[:100], len(faults))
    return Masks(codes)


def _codes(given: Sequence[Any], sizes: Floats) -> tuple[Objects, list[tuple[int, str]]]:
    from pycocotools import mask

    codes: list[Any] = [None] * len(given)
    faults = []
    for row, (one, size) in enumerate(zip(given, sizes.tolist(), strict=True)):
        if fault := _fault(one, size):
            faults.append((row, fault))
            continue
        if isinstance(one, Mapping):
            high, wide = map(int, one["size"])
            counts = one["counts"]
            if isinstance(counts, str | bytes):
                text = counts.encode("latin-1", "replace") if isinstance(counts, str) else counts
                codes[row] = {"size": [high, wide], "counts": text}
            else:
                plain = {"size": [high, wide], "counts": [int(length) for length in counts]}
                codes[row] = mask.frPyObjects(plain, high, wide)
        else:
            wide, high = map(int, size)
            drawn = mask.frPyObjects(one, high, wide)
            codes[row] = drawn[0] if len(drawn) == 1 else mask.merge(drawn)
    return object_column(codes), faults


def _fault(one: Any, size: Sequence[float]) -> str | None:
    """What is wrong with a segmentation, before anything is made of it."""
    if isinstance(one, Mapping):
        return _code_fault(one, size)
    if not isinstance(one, list) or not one:
        return f"expected polygons or a run-length encoding, got {shown(one)}"
    if not all(map(np.isfinite, size)):
        return "a polygon makes a mask only on an image of known width and height"
    return polygons_fault(one)


def polygons_fault(one: Sequence[Any]) -> str | None:
    """What is wrong with polygons."""
    for polygon in one:
        try:
            points = np.array(polygon, np.float64)
        except (TypeError, ValueError):
            return f"expected a polygon x1 y1 x2 y2 ..., got {shown(polygon)}"
        if points.ndim != 1 or len(points) < 6 or len(points) % 2:
            return f"expected a polygon of 3 points or more, got {shown(polygon)}"
        ends = np.diff(points.reshape(-1, 2), axis=0, append=points[None, :2])
        if not np.abs(ends).sum() * 5 < MOST_STEPS:  # and of no number that is not finite
            return f"expected a polygon of finite numbers that can be pixels, got {shown(polygon)}"
    return None


def _code_fault(one: Mapping[str, Any], size: Sequence[float]) -> str | None:
    sides, counts = one.get("size"), one.get("counts")
    if (
        not isinstance(sides, Sequence)
        or len(sides) != 2
        or not all(isinstance(side, int) and 0 < side < 1 << 20 for side in sides)
    ):
        return f"expected size [height, width] of an encoding, got {shown(sides)}"
    if all(map(np.isfinite, size)) and [sides[1], sides[0]] != [int(side) for side in size]:
        wide, high = map(int, size)
        return (
            f"expected a mask of the size of its image, {wide} x {high}, got size {list(sides)} "
            "(height, width)"
        )
    if isinstance(counts, str | bytes):
        return None
    if not isinstance(counts, list) or not all(
        isinstance(length, int | float) and 0 <= length < 1 << 32 for length in counts
    ):
        return f"expected counts of an encoding, got {shown(counts)}"
    return None


def _unsound(codes: Objects) -> Iterator[tuple[int, str]]:
    """Encodings that are none, or that do not fill their image."""
    runs = _runs(codes)
    whole = np.array([code["size"][0] * code["size"][1] for code in codes.tolist()], np.int64)
    for row in np.flatnonzero(~runs.sound).tolist():
        yield row, "counts are no run-length encoding: were they cut or changed?"
    for row in np.flatnonzero(runs.sound & (runs.total != whole)).tolist():
        pixels = f"{whole[row]:,} pixels (height times width)"
        yield row, f"expected counts of {pixels}, got {runs.total[row]:,}"


KIND = Kind(name="mask", title="masks", takes=(Segmentations, Polygons, Masks), made=masks_of)
