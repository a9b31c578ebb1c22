"""``evalImgs`` of an evaluation: what became of every class, area range and image.

Source: ``pycocotools/cocoeval.py``, ``evaluate``, ``evaluateImg``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints, run_starts

__all__ = ["records_of"]


def records_of(
    result: Evaluation, params: Any, classes: list[Any], found_ids: Any, scores: Any
) -> list[dict[str, Any] | None]:
    """The records by class, then range, then image; None where a class and image have nothing.

    params: those of the evaluation; classes: as ``params`` has them, or -1 where they are pooled;
    found_ids, scores : (D,) of the rows of detections, as they were given.
    """
    matches, ground_truth = result.matching, result.ground_truth
    images = len(params.imgIds)
    truth_image = ground_truth.image[matches.truth_row]
    # Detections best first, ground truths as pycocotools lists them: by class, then file.
    # A cell is a class and an image.
    found = _by_cell(matches.category * images + matches.image, np.arange(len(matches.row)))
    listed = np.lexsort((matches.truth_row, ground_truth.category[matches.truth_row]))
    there = _by_cell(matches.truth_category * images + truth_image, listed)
    truth_ids = ground_truth.ids[matches.truth_row]
    found_ids, scores = found_ids[matches.row], scores[matches.row]
    labels = [area.name for area in result.rules.area_ranges]
    records: list[dict[str, Any] | None] = [None] * (len(classes) * len(params.areaRng) * images)
    cells = sorted(found.keys() | there.keys())
    nobody = np.zeros(0, np.int64)
    for place, (label, bounds) in enumerate(zip(params.areaRngLbl, params.areaRng, strict=True)):
        area = labels.index(label)
        of_found, of_truth, set_aside = _matched(result, area, found_ids, truth_ids)
        for cell in cells:
            category, image = divmod(cell, images)
            d, g = found.get(cell, nobody), there.get(cell, nobody)
            # evaluateImg: gtind = np.argsort(ignore, kind="mergesort")
            g = g[np.argsort(matches.ignored[area][g], kind="stable")]
            records[(category * len(params.areaRng) + place) * images + image] = {
                "image_id": params.imgIds[image],
                "category_id": classes[category],
                "aRng": bounds,
                "maxDet": params.maxDets[-1],
                "dtIds": found_ids[d].tolist(),
                "gtIds": truth_ids[g].tolist(),
                "dtMatches": of_found[:, d],
                "gtMatches": of_truth[:, g],
                "dtScores": scores[d].tolist(),
                # np.array of a list, which is of floats where the list is empty
                "gtIgnore": np.array(matches.ignored[area][g].astype(np.int64).tolist()),
                "dtIgnore": set_aside[:, d],
            }
    return records


def _matched(
    result: Evaluation, area: int, found_ids: Any, truth_ids: Any
) -> tuple[Floats, Floats, Any]:
    """(T, D) the id of the partner of each detection, (T, G) of each ground truth, 0 for none, and
    (T, D) which detections are set aside.
    """
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


def _by_cell(cell: Ints, order: Ints) -> dict[int, Ints]:
    """The rows of each cell, in this order."""
    order = order[np.argsort(cell[order], kind="stable")]
    starts = run_starts(cell[order])
    parts = np.split(order, starts[1:])
    return dict(zip(cell[order][starts].tolist(), parts, strict=False)) if len(order) else {}
