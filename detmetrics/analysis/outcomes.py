"""What became of each detection at one IoU threshold and in one area range, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError

__all__ = ["Outcomes", "outcomes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Of the detections that the rules look at, in the order of :class:`Matches`.

    true_positive, false_positive : (D,) what is neither is set aside. overlap : (D,)
    with the ground truth that a true positive took, 0 for all others. first : (K + 1,) where
    each category begins. truths : (K,) ground truths that count.
    """

    true_positive: Bools
    false_positive: Bools
    overlap: Floats
    first: Ints
    positives: Ints

    @property
    def counts(self) -> Bools:
        """(D,) which are right or wrong, and not set aside."""
        return self.true_positive | self.false_positive


def outcomes(result: Evaluation, iou: float = 0.5, area: str = "all") -> Outcomes:
    """At a threshold and in an area range of the rules.

    Raises:
        RulesError: the rules have no such threshold or range.
        InputError: the range is one of sizes that are not known.
    """
    matches = result.matching
    threshold, index = result.threshold_index(iou), result._area(area)
    if matches.unsized[index]:
        raise InputError(
            f"image sizes are unknown, so no box is known to be {area}: --image-dir or "
            "--image-sizes"
        )
    pair, is_right = matches.matched[index].at(threshold)
    detection = matches.pairs.detection[pair]
    right, overlap = np.zeros(len(matches.row), bool), np.zeros(len(matches.row))
    right[detection[is_right]] = True
    overlap[detection[is_right]] = matches.pairs.overlap[pair[is_right]]
    # A match that is not right is set aside; without a match it is wrong where it is liable.
    wrong = matches.fp_if_unmatched[index].copy()
    wrong[detection] = False
    return Outcomes(
        true_positive=right,
        false_positive=wrong,
        overlap=overlap,
        first=np.searchsorted(matches.category, np.arange(matches.categories + 1)),
        positives=result.curves.positives[:, index],
    )
