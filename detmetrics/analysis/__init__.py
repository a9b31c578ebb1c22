"""Questions asked of an evaluation; what was matched once is not matched again."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detmetrics.analysis.confusion import ConfusionMatrix, confusion_matrix
    from detmetrics.analysis.errortypes import ErrorTypes, error_types
    from detmetrics.analysis.hidden import BlindSpots, blind_spots

__all__ = [
    "BlindSpots",
    "ConfusionMatrix",
    "ErrorTypes",
    "blind_spots",
    "confusion_matrix",
    "error_types",
]

# Each is imported when it is first asked for.
_LAZY = {
    "BlindSpots": "hidden",
    "ConfusionMatrix": "confusion",
    "ErrorTypes": "errortypes",
    "blind_spots": "hidden",
    "confusion_matrix": "confusion",
    "error_types": "errortypes",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'detmetrics.analysis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"detmetrics.analysis.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
