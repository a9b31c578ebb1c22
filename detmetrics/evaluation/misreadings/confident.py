"""How well the surest detections lie on objects, whatever their classes are.

A mistake in reading moves nearly all boxes off their objects, and undoing it brings them back. So
a few hundred detections tell which of many mistakes are worth a measurement: the surest of each
image, as many as it has objects, each by the object that it overlaps most. Upright boxes are
compared, of whatever shape detections are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, by_group, rank_in_runs
from detmetrics.tables import Detections, GroundTruth

__all__ = ["HIT", "Confident", "Hits"]

HIT = 0.5
"""From this overlap on a detection lies on an object."""
MOST_OF_IMAGE = 10
MOST_PAIRS = 1 << 19
"""Pairs that are measured at once."""
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Columns:
    """Corners and areas of upright boxes, each a contiguous column; what has no size is infinite,
    so that it is a part of nothing.
    """

    x1: Floats
    x2: Floats
    y1: Floats
    y2: Floats
    area: Floats

    @classmethod
    def of(cls, boxes: Floats) -> Columns:
        """Of (n, 4) ``x y w h``."""
        x, y, w, h = (np.ascontiguousarray(column) for column in boxes.T)
        area = np.where((w > 0) & (h > 0), w * h, np.inf)
        return cls(x, x + w, y, y + h, area)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The overlaps of pairs of detections and objects.

    detection, ground_truth : (P,) of the pairs, by detection; overlap : (P,); best : (C,) the
    largest of each detection.
    """

    detection: Ints
    ground_truth: Ints
    overlap: Floats
    best: Floats

    @property
    def hit(self) -> Bools:
        """(C,) it lies on an object."""
        on: Bools = self.best >= HIT
        return on

    @property
    def count(self) -> int:
        """How many lie on an object."""
        return int(self.hit.sum())

    @property
    def closeness(self) -> float:
        """From 0 to 1: the mean over overlaps from 0.5 to 1 of the share that reaches them."""
        return float(np.clip(2 * self.best - 1, 0, 1).mean()) if len(self.best) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Confident:
    """The surest detections of some images, and the objects of all images.

    boxes : (C, 4) ``x y w h``; sizes : (C, 2) of their images; image, category : (C,); row : (C,)
    in the table; objects : (G, 4) by image, ``x y w h``; there: the same as columns; classes :
    (G,) theirs; first : (N + 1,) where those of each image begin; image_sizes : (N, 2).
    """

    boxes: Floats
    sizes: Floats
    image: Ints
    category: Ints
    row: Ints
    objects: Floats
    there: Columns
    classes: Ints
    first: Ints
    image_sizes: Floats

    def __len__(self) -> int:
        return len(self.image)

    @classmethod
    def of(cls, ground_truth: GroundTruth, detections: Detections) -> Confident:
        """Of these tables; crowds are no objects."""
        images = len(ground_truth.catalog.image_ids)
        rows = by_group(ground_truth.image, np.flatnonzero(~ground_truth.crowd))
        objects = np.bincount(ground_truth.image[rows], minlength=images)
        order = np.lexsort((-detections.scores, detections.image))
        image = detections.image[order]
        surest = order[rank_in_runs(image) < np.minimum(objects, MOST_OF_IMAGE)[image]]
        image_sizes = detections.catalog.image_sizes
        return cls(
            boxes=detections.xywh[surest],
            sizes=image_sizes[detections.image[surest]],
            image=detections.image[surest],
            category=detections.category[surest],
            row=surest,
            objects=ground_truth.xywh[rows],
            there=Columns.of(ground_truth.xywh[rows]),
            classes=ground_truth.category[rows],
            first=np.concatenate([[0], np.cumsum(objects)]),
            image_sizes=image_sizes,
        )

    def with_all(self, detections: Detections) -> Confident:
        """The same with every detection of a table, in its order, in place of the surest."""
        return replace(
            self,
            boxes=detections.xywh,
            sizes=self.image_sizes[detections.image],
            image=detections.image,
            category=detections.category,
            row=np.arange(len(detections)),
        )

    @property
    def object_sizes(self) -> Floats:
        """(G, 2) of the images of the objects."""
        sizes: Floats = np.repeat(self.image_sizes, np.diff(self.first), axis=0)
        return sizes

    def fewer(self, pairs: int) -> Confident:
        """Those of fewer images, chosen evenly, so that there are about so many pairs."""
        each = np.diff(self.first)[self.image]
        ends = np.cumsum(each)
        step = -(-int(ends[-1]) // pairs) if len(ends) else 1
        if step <= 1:
            return self
        # Images in turn, as rows stand by image.
        turn = np.cumsum(np.diff(self.image, prepend=self.image[:1]) != 0)
        return self._keep(turn % step == 0)

    def hits(
        self,
        boxes: Floats | None = None,
        image: Ints | None = None,
        objects: Floats | None = None,
    ) -> Hits:
        """Who lies on what, with these boxes, on these images, or with these objects, in place of
        their own.
        """
        boxes = self.boxes if boxes is None else boxes
        there = self.there if objects is None else Columns.of(objects)
        detection, truth = self.pairs(self.image if image is None else image)
        with np.errstate(all="ignore"):  # what a wrong reading makes may be no box at all
            overlap = _overlaps(Columns.of(boxes), detection, there, truth)
        best = np.zeros(len(boxes))
        starts = np.flatnonzero(np.diff(detection, prepend=-1))
        if len(starts):
            best[detection[starts]] = np.maximum.reduceat(overlap, starts)
        return Hits(detection=detection, ground_truth=truth, overlap=overlap, best=best)

    def overlaps(self, boxes: Floats, image: Ints) -> Floats:
        """(K, C) the largest overlap of each detection after each of K changes, all measured at
        once.

        boxes : (K * C, 4), image : (K * C,) what each change makes of these detections.
        """
        return self.best(boxes, image).reshape(-1, max(len(self), 1))

    def best(self, boxes: Floats, image: Ints) -> Floats:
        """(n,) the largest overlap of each of n boxes, on these images, with an object."""
        # As :meth:`hits`, in blocks of so many pairs.
        ends = np.cumsum(np.diff(self.first)[image])
        total = int(ends[-1]) if len(ends) else 0
        cuts = np.searchsorted(ends, np.arange(MOST_PAIRS, total, MOST_PAIRS)) + 1
        places = sorted({0, *cuts.tolist(), len(image)})
        parts = [self.hits(boxes[a:b], image[a:b]).best for a, b in pairwise(places)]
        return np.concatenate([np.zeros(0), *parts])

    def closeness(self, boxes: Floats, image: Ints) -> Floats:
        """(K,) the closeness after each of K changes; as :meth:`overlaps`."""
        mean: Floats = np.clip(2 * self.overlaps(boxes, image) - 1, 0, 1).mean(axis=1)
        return mean

    def pairs(self, image: Ints) -> tuple[Ints, Ints]:
        """Every detection with every object of its image, by detection."""
        first = self.first[image]
        count = self.first[image + 1] - first
        truth = np.repeat(first - (np.cumsum(count) - count), count)
        return np.repeat(np.arange(len(image)), count), truth + np.arange(len(truth))

    def fit(self, hits: Hits, category: Ints) -> float:
        """As closeness, to objects of the same class alone; category : (C,) of each detection."""
        same = category[hits.detection] == self.classes[hits.ground_truth]
        near = np.where(same, np.maximum(2 * hits.overlap - 1, 0), 0.0)
        starts = np.flatnonzero(np.diff(hits.detection, prepend=-1))
        best = np.maximum.reduceat(near, starts) if len(starts) else near
        return float(best.sum()) / max(len(self), 1)

    def votes(self, hits: Hits) -> tuple[Ints, Ints]:
        """(V,) the class of each detection on an object, and that of the object.

        It is an object of its own class where it lies on one, else the one that it overlaps most.
        """
        same = self.category[hits.detection] == self.classes[hits.ground_truth]
        rank = hits.overlap + same  # an overlap is at most 1
        slots = np.flatnonzero(hits.overlap >= HIT)
        order = slots[np.lexsort((-rank[slots], hits.detection[slots]))]
        chosen = order[np.flatnonzero(np.diff(hits.detection[order], prepend=-1))]
        return self.category[hits.detection[chosen]], self.classes[hits.ground_truth[chosen]]

    def _keep(self, rows: Bools) -> Confident:
        return replace(
            self,
            boxes=self.boxes[rows],
            sizes=self.sizes[rows],
            image=self.image[rows],
            category=self.category[rows],
            row=self.row[rows],
        )


def _overlaps(mine: Columns, detection: Ints, other: Columns, truth: Ints) -> Floats:
    """(P,) IoU of pairs."""
    wide = np.minimum(mine.x2[detection], other.x2[truth])
    wide -= np.maximum(mine.x1[detection], other.x1[truth])
    high = np.minimum(mine.y2[detection], other.y2[truth])
    high -= np.maximum(mine.y1[detection], other.y1[truth])
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    union = mine.area[detection] + other.area[truth] - shared
    overlap: Floats = shared / np.maximum(union, TINY)
    return overlap
