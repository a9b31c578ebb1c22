"""The one table of metrics: what :attr:`Rules.metrics` may name, in the order of reports.

A new metric is a file beside this one and a row here; ``CONTRIBUTING.md`` has a complete example.
"""

from __future__ import annotations

from detmetrics.metrics import average_precision, best_f1, jaccard, lrp, miss_rate, unranked

__all__ = ["GROUPS", "NAMES"]

GROUPS = (
    unranked.POINT,
    unranked.RANGE,
    average_precision.AP,
    average_precision.AP_IOU,
    average_precision.AP_AREA,
    average_precision.AP_FREQUENCY,
    average_precision.AR,
    average_precision.AR_AREA,
    best_f1.GROUP,
    lrp.GROUP,
    miss_rate.BY_AREA,
    miss_rate.OVERALL,
    jaccard.GROUP,
)

NAMES = tuple(group.name for group in GROUPS)
