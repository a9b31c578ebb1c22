"""detmetrics: how good is an object detector, exactly, quickly, and why.

>>> import detmetrics as dm
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> sorted(result.summary)[:3]
['AP', 'AP50', 'AP75']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from detmetrics.errors import (
    DetmetricsError,
    DetmetricsWarning,
    FormatError,
    InputError,
    OutputError,
    RulesError,
    TableError,
    UnknownIdError,
)
from detmetrics.rules import COCO, AreaRange, Rules
from detmetrics.version import __version__

if TYPE_CHECKING:
    from detmetrics.catalog import Catalog
    from detmetrics.crosschecking import Crosscheck, crosscheck
    from detmetrics.curves import Curve
    from detmetrics.evaluation import evaluate, read_detections, read_ground_truth
    from detmetrics.reading.format import Format
    from detmetrics.reading.request import Reading
    from detmetrics.result import Evaluation
    from detmetrics.summary import Summary
    from detmetrics.tables import Detections, GroundTruth

__all__ = [  # noqa: RUF022 - in plain order, which people can check
    "AreaRange",
    "COCO",
    "Catalog",
    "Crosscheck",
    "Curve",
    "Detections",
    "DetmetricsError",
    "DetmetricsWarning",
    "Evaluation",
    "Format",
    "FormatError",
    "GroundTruth",
    "InputError",
    "OutputError",
    "Reading",
    "Rules",
    "RulesError",
    "Summary",
    "TableError",
    "UnknownIdError",
    "__version__",
    "crosscheck",
    "evaluate",
    "read_detections",
    "read_ground_truth",
]

# What needs more than NumPy, or much of it, is imported when it is first asked for.
_LAZY = {
    "Catalog": "catalog",
    "Crosscheck": "crosschecking",
    "Curve": "curves",
    "Detections": "tables",
    "Evaluation": "result",
    "Format": "reading.format",
    "GroundTruth": "tables",
    "Reading": "reading.request",
    "Summary": "summary",
    "crosscheck": "crosschecking",
    "evaluate": "evaluation",
    "read_detections": "evaluation",
    "read_ground_truth": "evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'detmetrics' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"detmetrics.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
