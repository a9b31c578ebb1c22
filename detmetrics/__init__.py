"""detmetrics: how good is an object detector, exactly, quickly, and why.

>>> import detmetrics as dm
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> sorted(result.summary)[:3]
['AP', 'AP50', 'AP75']
"""

from __future__ import annotations

import sys
from typing import Any

import lazy_loader

from detmetrics.foundation import late_binding


def _views() -> Any:
    from detmetrics.reports import views

    return views


def _metric_groups() -> tuple[str, ...] | None:
    """The names of groups of metrics; None while the named rule sets are being defined, which
    the table of metrics needs.
    """
    if not hasattr(sys.modules.get("detmetrics.rules"), "RULE_SETS"):
        return None
    from detmetrics.metrics.registry import NAMES

    return NAMES


# Here, above all rooms, what lies above is bound for those below.
late_binding.bind("views", _views)
late_binding.bind("metric groups", _metric_groups)

# The public names are those of __init__.pyi, each imported when it is first asked for.
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
