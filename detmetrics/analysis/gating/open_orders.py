"""What equal scores leave open of a difference between two models.

Detections of one score have no order of their own, and AP depends on it. What no file decides must
not decide about a release, so the interval of a difference is widened by how far it could be lower
and higher in other orders.
"""

from __future__ import annotations

from detmetrics.evaluation.attention import TIE_WIDTH
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError

__all__ = ["Slack", "slack_of"]

Slack = tuple[float, float]
"""By how much a difference could be lower, and higher."""


def slack_of(
    a: Evaluation, b: Evaluation, metric: str, values: tuple[float, float], category: str | None
) -> Slack:
    """How far b less a could move; values: of both; category: of this class alone."""
    (below_a, above_a), (below_b, above_b) = (
        _around(result, metric, value, category)
        for result, value in zip((a, b), values, strict=True)
    )
    return below_b + above_a, above_b + below_a


def _around(result: Evaluation, metric: str, value: float, category: str | None) -> Slack:
    """By how much a value could be lower and higher; nothing where no view speaks of it."""
    try:
        low, high = result.tie_interval(metric, category)
    except InputError:  # of no metric of curves, or of rules that leave no order open
        return 0.0, 0.0
    if not high - low > TIE_WIDTH:
        return 0.0, 0.0
    return max(value - low, 0.0), max(high - value, 0.0)
