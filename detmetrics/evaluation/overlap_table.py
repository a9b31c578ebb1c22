"""The overlaps of the detections and the ground truth of each image and class.

pycocotools keeps them as ``COCOeval.ious``. Source: ``pycocotools/cocoeval.py``, ``computeIoU``.
"""

from __future__ import annotations

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints, by_group
from detmetrics.matching.candidates import measure_of, measured

__all__ = ["overlap_table"]


def overlap_table(result: Evaluation) -> dict[tuple[int, int], Floats]:
    """(D, G) overlaps by image and class, as indices of the catalog; every pair of these is a key.

    Detections stand by score, the highest first, as many as the largest limit of the rules lets
    count; ground truth stands in its order. IoU, or for a crowd the share of the detection inside.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> table = overlap_table(result)
    >>> len(table), table[0, 0].shape
    (120, (4, 3))
    """
    ground_truth, detections = result.ground_truth, result.detections
    measure = measure_of(result.rules)
    found, there = measured(detections, measure), measured(ground_truth, measure)
    images = len(ground_truth.catalog.image_ids)
    classes = len(ground_truth.catalog.category_ids)
    best = np.argsort(-detections.scores, kind="stable")
    mine = _rows_of(detections.image * classes + detections.category, best, images * classes)
    theirs = _rows_of(
        ground_truth.image * classes + ground_truth.category,
        np.arange(len(ground_truth)),
        images * classes,
    )
    table = {}
    for group, (rows, others) in enumerate(zip(mine, theirs, strict=True)):
        rows = rows[: result.rules.max_limit]
        pairs = np.repeat(rows, len(others)), np.tile(others, len(rows))
        crowd = ground_truth.crowd[pairs[1]]
        overlaps = (
            np.zeros(0) if not len(crowd) else found.overlaps(pairs[0], there, pairs[1], crowd, 0.0)
        )
        table[group // classes, group % classes] = overlaps.reshape(len(rows), len(others))
    return table


def _rows_of(groups: Ints, order: Ints, count: int) -> list[Ints]:
    """(count,) the rows of each group, in this order."""
    ends = np.cumsum(np.bincount(groups, minlength=count))
    return np.split(by_group(groups, order), ends[:-1])
