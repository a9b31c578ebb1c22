"""``evalImgs`` of an evaluation: what became of every class, area range and image.

Source: ``pycocotools/cocoeval.py``, ``evaluate``, ``evaluateImg``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detmetrics.compat.cells import ID_ZERO
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints

__all__ = ["records_of"]


def records_of(
    result: Evaluation, params: Any, classes: list[Any], found_ids: Any, scores: Any
) -> list[dict[str, Any] | None]:
    """The records by class, then range, then image; None where a class and image have nothing.

    params: those of the evaluation; classes: as ``params`` has them, or -1 where they are pooled;
    found_ids, scores : (D,) of the rows of detections, as they were given.
    """
    matches, ground_truth = result.matching, result.ground_truth
    images, ranges = len(params.imgIds), params.areaRng
    # A cell is a class and an image. Detections best first, ground truths as pycocotools lists
    # them: by class, then file.
    found_cell = matches.category * images + matches.image
    truth_cell = matches.truth_category * images + ground_truth.image[matches.truth_row]
    best_first = np.argsort(found_cell, kind="stable")
    cells = np.union1d(found_cell, truth_cell)
    found_at, truth_at = _places(found_cell, cells), _places(truth_cell, cells)
    truth_ids = ground_truth.ids[matches.truth_row]
    found_ids, scores = found_ids[matches.row], scores[matches.row]
    ids, ranked = found_ids[best_first].tolist(), scores[best_first].tolist()
    labels = [area.name for area in result.rules.area_ranges]
    records: list[dict[str, Any] | None] = [None] * (len(classes) * len(ranges) * images)
    for place, (label, bounds) in enumerate(zip(params.areaRngLbl, ranges, strict=True)):
        area = labels.index(label)
        ignored = matches.ignored[area]
        # evaluateImg: gtind = np.argsort(ignore, kind="mergesort")
        listed = np.lexsort(
            (matches.truth_row, ground_truth.category[matches.truth_row], ignored, truth_cell)
        )
        of_found, of_truth, set_aside = _matched(result, area, found_ids, truth_ids)
        of_found, set_aside = of_found[:, best_first], set_aside[:, best_first]
        of_truth, there = of_truth[:, listed], truth_ids[listed].tolist()
        flags = ignored[listed].astype(np.int64)
        for cell, d, g in zip(cells.tolist(), found_at, truth_at, strict=True):
            category, image = divmod(cell, images)
            records[(category * len(ranges) + place) * images + image] = {
                "image_id": params.imgIds[image],
                "category_id": classes[category],
                "aRng": bounds,
                "maxDet": params.maxDets[-1],
                "dtIds": ids[d],
                "gtIds": there[g],
                "dtMatches": of_found[:, d],
                "gtMatches": of_truth[:, g],
                "dtScores": ranked[d],
                # np.array of a list, which is of floats where the list is empty
                "gtIgnore": flags[g] if g.start < g.stop else np.zeros(0),
                "dtIgnore": set_aside[:, d],
            }
    return records


def _places(column: Ints, cells: Ints) -> list[slice]:
    """Where the rows of each cell are, once they are sorted by it."""
    ends = np.cumsum(np.bincount(np.searchsorted(cells, column), minlength=len(cells))).tolist()
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _matched(
    result: Evaluation, area: int, found_ids: Any, truth_ids: Any
) -> tuple[Floats, Floats, Any]:
    """(T, D) the id of the partner of each detection, (T, G) of each ground truth, 0 for none and
    ``ID_ZERO`` for an id of 0, and (T, D) which detections are set aside.
    """
    found_ids, truth_ids = (np.where(ids == 0, ID_ZERO, ids) for ids in (found_ids, truth_ids))
    matches = result.matching
    count = len(result.rules.iou_thresholds)
    of_found = np.zeros((count, len(found_ids)))
    of_truth = np.zeros((count, len(truth_ids)))
    set_aside = np.empty(of_found.shape, bool)
    for threshold in range(count):
        pair, _ = matches.matched[area].at(threshold)
        d, g = matches.pairs.detection[pair], matches.pairs.ground_truth[pair]
        of_found[threshold, d] = truth_ids[g]
        of_truth[threshold, g] = found_ids[d]  # of a crowd the last one
        set_aside[threshold] = ~matches.outcomes(area, threshold).counts
    return of_found, of_truth, set_aside
