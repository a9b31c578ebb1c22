"""Which detections and ground truths overlap, and by how much.

IoU of boxes ``x, y, w, h`` exactly as pycocotools' C code takes it: corners are ``x + w`` and
``y + h``, areas ``w * h``, no pixel is added; the overlap with a crowd is the share of the
detection that lies inside (intersection over area of the detection). Source:
``pycocotools/common/maskApi.c``, ``bbIou``. Other rules measure otherwise, see :class:`Measure`.

Only pairs of the same image and category that reach the lowest threshold are kept. Pairs are
listed and cut down in blocks that stay in cache: a large temporary costs more in page faults
than in arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints, run_starts
from detmetrics.catalog import positions
from detmetrics.parallel import each

__all__ = [
    "ANY_OVERLAP",
    "Measure",
    "Neighbours",
    "Pairs",
    "candidate_pairs",
    "largest",
    "shared_groups",
]

BLOCK_PAIRS = 32_768
SINGLE_EPS = np.float32(1e-7)
ANY_OVERLAP = float(np.nextafter(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How overlap is measured.

    pixel: 1 where corners are first and last pixel, so that width is ``x2 - x1 + 1``, as in
    PASCAL VOC's ``VOCevaldet.m``; single: in float32, with 1e-7 added to the union, as in
    Ultralytics' ``box_iou``.
    """

    pixel: int = 0
    single: bool = False

    @property
    def takes_corners(self) -> bool:
        """Whether boxes are wanted as corners; they are ``x y w h`` otherwise."""
        return bool(self.pixel) or self.single


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Candidate pairs, in order of detection.

    detection, ground_truth : (P,) row indices; overlap : (P,) IoU, or IoA for a crowd.
    """

    detection: Ints
    ground_truth: Ints
    overlap: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Detections that share a group with ground truths, and where those stand.

    detection : (S,) row, rising; first, count : (S,) the slice of ground truths of its group.
    """

    detection: Ints
    first: Ints
    count: Ints


def shared_groups(groups: Ints, truth_groups: Ints) -> Neighbours:
    """Join detections with ground truths on their group.

    groups : (D,); truth_groups : (G,) sorted.
    """
    starts = run_starts(truth_groups)
    sizes = np.diff(starts, append=len(truth_groups))
    slot = positions(truth_groups[starts], groups)
    detection = np.flatnonzero(slot >= 0)
    slot = slot[detection]
    return Neighbours(detection=detection, first=starts[slot], count=sizes[slot])


def candidate_pairs(
    boxes: Floats,
    rows: Ints,
    truth_boxes: Floats,
    crowd: Bools,
    near: Neighbours,
    lowest: float,
    measure: Measure,
    progress: Callable[[float], None] | None = None,
) -> Pairs:
    """Pairs of a group with ``overlap >= lowest``, in the order of ``near``.

    boxes : (., 4) as the measure wants them, and rows : (D,) the row of each detection in it;
    truth_boxes : (G, 4); crowd : (G,).
    """
    corners = _corners(truth_boxes, measure)

    def of(block: slice) -> tuple[Ints, Ints, Floats]:
        detection = near.detection[block]
        pairs = _block_pairs(
            _corners(boxes.take(rows[detection], axis=0), measure),
            detection,
            near.first[block],
            near.count[block],
            corners,
            crowd,
            lowest,
            measure,
        )
        if progress:
            progress(block.stop / len(near.count))
        return pairs

    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    found = zip(nothing, *each(of, _blocks(near.count)), strict=True)
    detection, ground_truth, overlap = map(np.concatenate, found)
    return Pairs(detection=detection, ground_truth=ground_truth, overlap=overlap)


def largest(pairs: Pairs, side: Ints, allowed: Bools) -> Ints:
    """The allowed pair of largest overlap for each index on one side, the first of equal ones.

    side : (P,) ``pairs.detection`` or ``pairs.ground_truth``; allowed : (P,).
    """
    slots = np.flatnonzero(allowed)
    order = slots[np.lexsort((-pairs.overlap[slots], side[slots]))]
    return order[run_starts(side[order])]


def _blocks(counts: Ints) -> Iterator[slice]:
    """Slices of rows that hold about ``BLOCK_PAIRS`` pairs each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(BLOCK_PAIRS, total, BLOCK_PAIRS))
    cuts = np.unique(np.concatenate([[0], cuts, [len(counts)]]))
    yield from (slice(a, b) for a, b in pairwise(cuts.tolist()))


def _corners(boxes: Floats, measure: Measure) -> tuple[Floats, ...]:
    """x1, x2, y1, y2 and area, each a contiguous column."""
    if measure.single:
        boxes = boxes.astype(np.float32)
    if measure.takes_corners:
        x1, y1, x2, y2 = (np.ascontiguousarray(column) for column in boxes.T)
        return x1, x2, y1, y2, (x2 - x1 + measure.pixel) * (y2 - y1 + measure.pixel)
    x, y, w, h = (np.ascontiguousarray(column) for column in boxes.T)
    return x, x + w, y, y + h, w * h


def _block_pairs(
    boxes: tuple[Floats, ...],
    detection: Ints,
    first: Ints,
    count: Ints,
    truth: tuple[Floats, ...],
    crowd: Bools,
    lowest: float,
    measure: Measure,
) -> tuple[Ints, Ints, Floats]:
    dx1, dx2, dy1, dy2, d_area = boxes
    gx1, gx2, gy1, gy2, g_area = truth
    offset = first - (np.cumsum(count) - count)
    g = np.repeat(offset, count)
    g += np.arange(len(g))
    # w = min(x2, x2') - max(x1, x1') (+ 1); most pairs end here
    w = np.minimum(np.repeat(dx2, count), gx2[g])
    w -= np.maximum(np.repeat(dx1, count), gx1[g])
    if measure.pixel:
        w += measure.pixel
    kept = np.flatnonzero(w > 0)
    w, g = w[kept], g[kept]
    d = np.repeat(np.arange(len(count)), count)[kept]
    # h = min(y2, y2') - max(y1, y1') (+ 1)
    h = np.minimum(dy2[d], gy2[g])
    h -= np.maximum(dy1[d], gy1[g])
    if measure.pixel:
        h += measure.pixel
    kept = np.flatnonzero(h > 0)
    d, g = d[kept], g[kept]
    inter = w[kept] * h[kept]
    # union = crowd ? area : area + area' - inter
    area = d_area[d]
    union = np.where(crowd[g], area, area + g_area[g] - inter)
    if measure.single:
        union += SINGLE_EPS
    with np.errstate(invalid="ignore"):  # boxes too small to have an area
        overlap = (inter / union).astype(np.float64, copy=False)
    kept = np.flatnonzero(overlap >= lowest)
    return detection[d[kept]], g[kept], overlap[kept]
