"""From true positives to the cells of a benchmark: precision at recall points, or areas.

The envelope at a recall ``r`` is the highest precision at recall ``r`` or beyond, which stands at
a true positive: the first that reaches ``r``, or a later one. All curves are sampled at once.
Areas under a curve, too, follow from its true positives alone, as nothing else moves recall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Counts, Floats, Ints

__all__ = [
    "TINY",
    "TruePositives",
    "area_under_envelope",
    "area_under_lines",
    "area_under_trapezoids",
    "envelope",
    "least_found",
    "scores_reached",
]

TINY = np.spacing(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TruePositives:
    """True positives of one area range and limit, by threshold, category and falling score.

    detection : (Q,) index into the matches; false_positives : (Q,) before it; first, count :
    (T, K) the slice of each threshold and category; all_false_positives : (T, K) of all of it,
    those behind the last true positive too.
    """

    detection: Counts
    false_positives: Counts
    first: Ints
    count: Ints
    all_false_positives: Ints

    # On each curve, found = 1, 2, 3, ..., as pycocotools takes it:
    #
    #     precision = found / (found + false_positives + spacing(1))

    @property
    def precision(self) -> Floats:
        """(Q,) down to each detection."""
        precision, start = np.empty(len(self.detection)), 0
        for first, count in zip(self.first, self.count, strict=True):  # as there is room in cache
            end = start + int(count.sum())
            found = np.arange(start + 1, end + 1) - np.repeat(first, count)
            precision[start:end] = _precision(found, self.false_positives[start:end])
            start = end
        return precision

    def precision_of(self, hit: slice) -> Floats:
        """(q,) that of one curve."""
        wrong = self.false_positives[hit]
        return _precision(np.arange(1, len(wrong) + 1), wrong)


def _precision(found: Ints, wrong: Counts) -> Floats:
    precision: Floats = found / (found + wrong + TINY)
    return precision


def envelope(hits: TruePositives, truths: Ints, points: Floats) -> Floats:
    """(T, K, R) the highest precision at each recall point or beyond, 0 where none is reached.

    truths : (K,) ground truths that count; points : (R,) ascending recall.
    """
    # for each recall r, from the last to the first:
    #     best = max(best, the precision of each true positive that reaches r, but not the next r)
    #     envelope[r] = best
    # The true positives of a curve are cut where each recall point begins, ``reduceat`` gives the
    # maximum of each piece, and a maximum from behind over the R points the envelope.
    slot, reached = _slots(hits, truths, points)
    # The end of a curve closes its last piece. ``reduceat`` gives the element at the cut itself for
    # an empty piece: that is a later recall point's (or the pad's), which the maximum from behind
    # would take anyway, or not reached, and then it is set to 0.
    cuts = np.concatenate([slot, (hits.first + hits.count)[:, :, None]], axis=2)
    padded = np.append(hits.precision, 0.0)  # a last curve may be cut at its end
    highest = np.maximum.reduceat(padded, cuts.ravel()).reshape(cuts.shape)[:, :, :-1]
    highest[~reached] = 0.0
    return np.maximum.accumulate(highest[:, :, ::-1], axis=2)[:, :, ::-1]


def scores_reached(
    hits: TruePositives, truths: Ints, points: Floats, scores: Floats, best: Floats
) -> Floats:
    """(T, K, R) the score that reaches each recall point, 0 where none does.

    scores : (D,) of the matches; best : (K,) what stands at recall 0, as in pycocotools.
    """
    slot, reached = _slots(hits, truths, points)
    padded = np.append(scores[hits.detection], 0.0)
    cells = np.where(reached, padded[slot], 0.0)
    if points[0] == 0:
        cells[:, :, 0] = best
    return cells


def area_under_envelope(hits: TruePositives, truths: Ints) -> Floats:
    """(T, K) the area under each envelope, every point of it: PASCAL VOC's AP since 2010.

    truths : (K,) ground truths that count.
    """

    def area(hit: slice, objects: int, _: int) -> float:
        # sum of (recall' - recall) * envelope; each true positive raises recall by 1 / objects
        return float(_highest(hits.precision_of(hit)).sum()) / objects

    return _each_curve(hits, truths, area)


def area_under_trapezoids(hits: TruePositives, truths: Ints) -> Floats:
    """(T, K) the area under each curve itself, by trapezoids, from its first point on.

    Source: ``eval_ap`` of CrowdHuman's evaluation.
    """

    def area(hit: slice, objects: int, _: int) -> float:
        precision = hits.precision_of(hit)
        found = np.arange(len(precision))
        points = found + hits.false_positives[hit]  # points of the curve before each true positive
        before = found / np.maximum(points, 1)
        # (recall' - recall) * (precision' + precision) / 2
        return float(((before + precision) / 2)[points > 0].sum()) / objects

    return _each_curve(hits, truths, area)


def area_under_lines(
    hits: TruePositives, truths: Ints, points: Floats, *, slope: bool = False
) -> Floats:
    """(T, K) the area under straight lines between the points of each envelope, from (0, 1) on,
    read at these points. At the highest recall they drop to zero; with a slope they fall from
    there, where all detections count, to zero at recall 1.

    Source: ``compute_ap`` of Ultralytics, with a slope before its release 8.4.37.
    """

    def area(hit: slice, objects: int, wrong: int) -> float:
        envelope = np.repeat(_highest(hits.precision_of(hit)), 2)
        recall = np.arange(len(envelope) // 2 + 1) / objects
        # Two points a true positive: at the recall before it, where the envelope drops to its
        # height if a false positive stands there, and at its own.
        place = np.repeat(recall, 2)[1:-1]
        falls = np.ones(len(envelope), bool)
        falls[::2] = np.diff(hits.false_positives[hit], prepend=0) > 0
        found = len(recall) - 1
        last = found / (found + wrong) if slope else 0.0
        x = np.concatenate([[0.0], place[falls], [recall[-1], 1.0]])
        y = np.concatenate([[1.0], envelope[falls], [last, 0.0]])
        height = np.interp(points, x, y)
        return float((np.diff(points) * (height[1:] + height[:-1]) / 2).sum())

    return _each_curve(hits, truths, area)


def _each_curve(
    hits: TruePositives, truths: Ints, area: Callable[[slice, int, int], float]
) -> Floats:
    """(T, K) the area of each curve with true positives, 0 for others.

    area: of the slice of a curve, its ground truths and all its false positives.
    """
    areas = np.zeros(hits.count.shape)
    for threshold, category in np.argwhere(hits.count > 0).tolist():
        first = int(hits.first[threshold, category])
        hit = slice(first, first + int(hits.count[threshold, category]))
        wrong = int(hits.all_false_positives[threshold, category])
        areas[threshold, category] = area(hit, int(truths[category]), wrong)
    return areas


def _highest(precision: Floats) -> Floats:
    """(q,) the highest precision here or at a later true positive of the curve."""
    return np.maximum.accumulate(precision[::-1])[::-1]


def _slots(hits: TruePositives, truths: Ints, points: Floats) -> tuple[Ints, Bools]:
    """(T, K, R) which true positive reaches each recall point, and whether one does."""
    needed = least_found(truths, points)
    first, count = hits.first[:, :, None], hits.count[:, :, None]
    return first + np.minimum(needed - 1, count), needed <= count


def least_found(truths: Ints, points: Floats) -> Ints:
    """(K, R) how many true positives reach each recall point: the least j with j / truths >= r.

    At least one, as the envelope at recall 0 is its value at the first true positive.
    """
    truths = np.maximum(truths, 1)[:, None]
    # j = 1; while j / truths < r: j += 1, by division as pycocotools compares, not by a product.
    # r * truths is rounded: one below its ceiling cannot be too many, and is at most two too few.
    needed: Ints = np.maximum(np.ceil(points * truths).astype(np.int64) - 1, 1)
    for _ in range(2):
        needed += needed / truths < points
    return needed
