"""Precision, recall and scores of ``evalImgs``, as pycocotools' ``accumulate`` makes them.

Evaluators of batches put the records of all batches together and accumulate from these. The numbers
are pycocotools' to the last bit; each class, range and limit is computed for all thresholds at
once. Source: ``pycocotools/cocoeval.py``, ``accumulate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints

__all__ = ["accumulated"]

Record = dict[str, Any]
ODD = (KeyError, IndexError, TypeError, ValueError, AttributeError)
"""What records end in that pycocotools does not make; its own ``accumulate`` has to judge them."""


def accumulated(
    records: Sequence[Record | None], params: Any, evaluated: Any
) -> dict[str, Floats] | None:
    """``precision`` and ``scores`` (T, R, K, A, M), ``recall`` (T, K, A, M), -1 where there is no
    ground truth; None where records are not what ``evaluate`` makes.

    params: what is asked for; evaluated: the parameters of the records.
    """
    try:
        return _accumulated(records, params, evaluated)
    except ODD:
        return None


def _accumulated(
    records: Sequence[Record | None], params: Any, evaluated: Any
) -> dict[str, Floats]:
    asked = list(params.catIds) if params.useCats == 1 else [-1]
    known = list(evaluated.catIds) if evaluated.useCats else [-1]
    # The numbers of what is asked for and was evaluated. As there, they are places among the
    # records too, and what they make is stored in the order in which they were found.
    classes = _places(asked, known)
    ranges = _places([tuple(one) for one in params.areaRng], [tuple(b) for b in evaluated.areaRng])
    limits = [limit for limit in params.maxDets if limit in set(evaluated.maxDets)]
    images = _places(params.imgIds, evaluated.imgIds)
    shape = len(asked), len(params.areaRng), len(params.maxDets)
    thresholds, points = len(params.iouThrs), np.asarray(params.recThrs)
    precision = np.full((thresholds, len(points), *shape), -1.0)
    scores = precision.copy()
    recall = np.full((thresholds, *shape), -1.0)
    for k, k0 in enumerate(classes):
        for a, a0 in enumerate(ranges):
            start = (k0 * len(evaluated.areaRng) + a0) * len(evaluated.imgIds)
            some = [one for at in images if (one := records[start + at]) is not None]
            merged = Merged.of(some, thresholds) if some else None
            if merged is None or not merged.positives:
                continue
            for m, limit in enumerate(limits):
                recall[:, k, a, m], precision[:, :, k, a, m], scores[:, :, k, a, m] = merged.curves(
                    limit, points
                )
    return {"precision": precision, "recall": recall, "scores": scores}


def _places(asked: Sequence[Any], known: Sequence[Any]) -> list[int]:
    there = set(known)
    return [at for at, one in enumerate(asked) if one in there]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """The detections of a class and range in all images, best first.

    scores : (D,); rank : (D,) of each in its image; true, false : (T, D) which are true and false
    positives; positives: the ground truths that count.
    """

    scores: Floats
    rank: Ints
    true: Bools
    false: Bools
    positives: int

    @classmethod
    def of(cls, records: list[Record], thresholds: int) -> Self:
        """The records of some images put together."""
        scores = np.concatenate([one["dtScores"] for one in records])
        order = np.argsort(-scores, kind="mergesort")
        matched = np.concatenate([one["dtMatches"] for one in records], axis=1)
        ignored = np.concatenate([one["dtIgnore"] for one in records], axis=1)
        if not matched.shape == ignored.shape == (thresholds, len(scores)):
            raise ValueError("records of other lengths")
        count = np.array([len(one["dtScores"]) for one in records])
        rank = np.arange(len(scores)) - np.repeat(np.cumsum(count) - count, count)
        matched, ignored = matched[:, order], ignored[:, order]
        counts = np.logical_not(ignored)
        return cls(
            scores[order],
            rank[order],
            np.logical_and(matched, counts),
            np.logical_and(np.logical_not(matched), counts),
            int(np.count_nonzero(np.concatenate([one["gtIgnore"] for one in records]) == 0)),
        )

    def curves(self, limit: int, points: Floats) -> tuple[Floats, Floats, Floats]:
        """(T,) recall, (T, R) precision and (T, R) scores at these recall points, of at most so
        many detections of each image.
        """
        kept = self.rank < limit
        scores = self.scores[kept]
        true, false = (
            np.cumsum(side[:, kept], axis=1).astype(float) for side in (self.true, self.false)
        )
        made = np.zeros((2, len(true), len(points)))
        if not len(scores):
            return np.zeros(len(true)), *made
        recall = true / self.positives
        precision = true / (false + true + np.spacing(1))
        # if pr[i] > pr[i-1]: pr[i-1] = pr[i], from the last one on
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for t, curve in enumerate(recall):
            at = np.searchsorted(curve, points, side="left")
            beyond = at >= len(scores)
            reached = int(np.argmax(beyond)) if beyond.any() else len(at)
            made[0, t, :reached] = envelope[t, at[:reached]]
            made[1, t, :reached] = scores[at[:reached]]
        return recall[:, -1], *made
