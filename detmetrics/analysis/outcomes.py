"""What became of each detection at one IoU threshold and in one area range, as columns."""

from __future__ import annotations

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.matching.matches import Outcomes

__all__ = ["outcomes"]


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
    return matches.outcomes(index, threshold)
