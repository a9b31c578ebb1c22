"""Questions asked of an evaluation; what was matched once is not matched again.

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
    from detmetrics.analysis.confusion import ConfusionMatrix, confusion_matrix
    from detmetrics.analysis.errortypes import ErrorTypes, error_types
    from detmetrics.analysis.hidden import BlindSpots, blind_spots
    from detmetrics.analysis.reliability import calibration, detection_ece
    from detmetrics.analysis.sizes import by_bins
    from detmetrics.analysis.slicing import part_of, slices
    from detmetrics.analysis.thresholds import operating_curves, operating_points

__all__ = [
    "BlindSpots",
    "ConfusionMatrix",
    "ErrorTypes",
    "blind_spots",
    "by_bins",
    "calibration",
    "confidence_intervals",
    "confusion_matrix",
    "detection_ece",
    "error_types",
    "operating_curves",
    "operating_points",
    "part_of",
    "slices",
]

# No file has the name of a function: once imported, it would stand in its place.
_LAZY = {
    "BlindSpots": "hidden",
    "ConfusionMatrix": "confusion",
    "ErrorTypes": "errortypes",
    "blind_spots": "hidden",
    "by_bins": "sizes",
    "calibration": "reliability",
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
