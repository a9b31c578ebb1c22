"""Which detections a rule set looks at: score cut and limits.

Every limit keeps the best scores, so that of each image and category it keeps the first few of
the ranking: what is left out never changes the place of what is kept.

Source: ``pycocotools/cocoeval.py``, ``evaluateImg``, for the limit of an image and class;
``lvis-api``, ``results.py``, for that of an image, and ``eval.py``, ``_prepare``, for classes that
nobody looked for.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints, rank_in_runs
from detmetrics.matching.ranking import Ranking, best_first
from detmetrics.rules import UNLIMITED, Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["left_out", "limits", "looked_for", "selected"]


def selected(
    ground_truth: GroundTruth,
    detections: Detections,
    category: Ints,
    ranking: Ranking,
    rules: Rules,
) -> Bools:
    """(D,) which of the ranked detections count.

    category : (D,) by row of the table.
    """
    # Each limit is asked of all detections, not of those that another one keeps.
    row, kept = ranking.row, ranking.rank < rules.max_limit
    if rules.min_score is not None:
        kept &= detections.scores[row] > rules.min_score
    if rules.class_limit is not None:
        kept &= _rank_in(detections, category)[row] < rules.class_limit
    if rules.image_limit is not None:
        kept &= _rank_in(detections, detections.image)[row] < rules.image_limit
    if rules.federated:
        kept &= looked_for(ground_truth, detections)[row]
    return kept


def looked_for(ground_truth: GroundTruth, detections: Detections) -> Bools:
    """(D,) by row of the table: its class is in its image, or known not to be."""
    assert ground_truth.federation is not None
    classes = len(ground_truth.catalog.category_ids)
    present_groups = (
        ground_truth.image * classes + ground_truth.category
    )  # image and class as one number
    if ground_truth.beside is not None:  # an object of a class like this one
        present_groups = present_groups[~ground_truth.beside]
    present = np.isin(detections.image * classes + detections.category, present_groups)
    return present | ground_truth.federation.is_verified(detections.image, detections.category)


def left_out(rules: Rules) -> str:
    """Why a detection may not count, in words."""
    reasons = [] if rules.min_score is None else [f"its score is not above {rules.min_score:g}"]
    for limit, of in limits(rules):
        reasons.append(f"beyond the limit of {limit:,} detections {of}")
    return ", or ".join(reasons) or "left out"


def limits(rules: Rules) -> list[tuple[float, str]]:
    """How many detections count, and of what."""
    known = [
        (rules.image_limit, "an image"),
        (rules.class_limit, "a class"),
        (rules.max_limit, "an image and class"),
    ]
    return [(limit, of) for limit, of in known if limit is not None and limit < UNLIMITED]


def _rank_in(detections: Detections, group: Ints) -> Ints:
    """(D,) by row of the table: its place among the scores of its group, equal ones as in the file.

    group : (D,). Limits cut a file before anything orders its images: ``lvis-api``, ``results.py``.
    """
    # rank[d] = how many of the same group have a larger score, or an equal one and stand before d
    gathered = best_first(detections.scores, np.zeros(len(detections), np.int64), group)
    rank = np.empty_like(gathered)
    rank[gathered] = rank_in_runs(group[gathered])
    return rank
