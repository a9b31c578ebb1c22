"""Questions asked of an evaluation.

What was matched once is matched again only where a definition sets how.

>>> import detmetrics as dm
>>> from detmetrics import analysis
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> analysis.operating_points(result, "precision:0.8").overall.threshold
0.43
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import confidence_intervals
    from detmetrics.analysis.comparison import compare
    from detmetrics.analysis.confusion import confusion_matrix
    from detmetrics.analysis.errortypes import error_types
    from detmetrics.analysis.hidden import blind_spots
    from detmetrics.analysis.reliability import calibration, detection_ece
    from detmetrics.analysis.sizes import by_bins
    from detmetrics.analysis.slicing import part_of, slices
    from detmetrics.analysis.thresholds import operating_curves, operating_points

__all__ = [
    "blind_spots",
    "by_bins",
    "calibration",
    "compare",
    "confidence_intervals",
    "confusion_matrix",
    "detection_ece",
    "error_types",
    "operating_curves",
    "operating_points",
    "part_of",
    "slices",
]

# Each is imported when it is first asked for.
_LAZY = {
    "blind_spots": "hidden",
    "by_bins": "sizes",
    "calibration": "reliability",
    "compare": "comparison",
    "confidence_intervals": "bootstrap",
    "confusion_matrix": "confusion",
    "detection_ece": "reliability",
    "error_types": "errortypes",
    "operating_curves": "thresholds",
    "operating_points": "thresholds",
    "part_of": "slicing",
    "slices": "slicing",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'detmetrics.analysis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"detmetrics.analysis.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
