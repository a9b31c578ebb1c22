"""From true positives to the cells of a benchmark: the envelope of precision at recall points.

The envelope at a recall ``r`` is the highest precision at recall ``r`` or beyond, which stands at
a true positive: the first that reaches ``r``, or a later one. All curves are sampled at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints

__all__ = ["TruePositives", "envelope", "scores_reached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePositives:
    """True positives of one area range and limit, by threshold, category and falling score.

    detection : (Q,) index into the matches; precision : (Q,) down to that detection;
    first, count : (T, K) the slice of each threshold and category.
    """

    detection: Ints
    precision: Floats
    first: Ints
    count: Ints


def envelope(hits: TruePositives, truths: Ints, points: Floats) -> Floats:
    """(T, K, R) the highest precision at each recall point or beyond, 0 where none is reached.

    truths : (K,) ground truths that count; points : (R,) ascending recall.
    """
    slot, reached = _slots(hits, truths, points)
    cuts = np.concatenate([slot, (hits.first + hits.count)[:, :, None]], axis=2)
    padded = np.append(hits.precision, 0.0)
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


def _slots(hits: TruePositives, truths: Ints, points: Floats) -> tuple[Ints, Bools]:
    """(T, K, R) which true positive reaches each recall point, and whether one does."""
    needed = _needed(truths, points)
    first, count = hits.first[:, :, None], hits.count[:, :, None]
    return first + np.minimum(needed - 1, count), needed <= count


def _needed(truths: Ints, points: Floats) -> Ints:
    """(K, R) how many true positives reach each recall point: the least j with j / truths >= r.

    At least one, as the envelope at recall 0 is its value at the first true positive.
    """
    truths = np.maximum(truths, 1)[:, None]
    # One below the rounded product cannot be too many; two comparisons make it enough.
    needed: Ints = np.maximum(np.ceil(points * truths).astype(np.int64) - 1, 1)
    for _ in range(2):
        needed += needed / truths < points
    return needed
