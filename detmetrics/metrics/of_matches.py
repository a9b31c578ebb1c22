"""The metrics of matches alone, as merged ones are: without tables and without an evaluation."""

from __future__ import annotations

from detmetrics.matching.matches import Matches
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import Summary, summarize

__all__ = ["summarize_matches"]


def summarize_matches(matches: Matches) -> Summary:
    """All metrics of the rules over all classes, as :attr:`Evaluation.summary` has them.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> dm.summarize_matches(result.matching) == result.summary
    True
    """
    return summarize(Curves(matches))
