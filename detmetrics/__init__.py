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
from detmetrics.rules import (
    CITYPERSONS,
    COCO,
    COCO_ORIENTED,
    COCO_SEGM,
    CROWDHUMAN,
    DOTA,
    DOTA_EVERY,
    KITTI,
    KITTI_R11,
    LVIS,
    LVIS_FIXED,
    OLRP,
    OPEN_IMAGES,
    OPEN_IMAGES_CHALLENGE,
    RULE_SETS,
    TORCHMETRICS,
    ULTRALYTICS,
    ULTRALYTICS_2025,
    ULTRALYTICS_OBB,
    VOC2007,
    VOC2012,
    AreaRange,
    ClassRule,
    Rules,
)
from detmetrics.version import __version__

if TYPE_CHECKING:
    from detmetrics.catalog import Catalog
    from detmetrics.checks import CheckReport, Finding, check, check_parts
    from detmetrics.conversion import Conversion, convert
    from detmetrics.crosschecking import Crosscheck, crosscheck
    from detmetrics.curves import Curve
    from detmetrics.evaluation import evaluate, read_detections, read_ground_truth
    from detmetrics.history import EarlyStopping, History
    from detmetrics.metric import DetectionMetric
    from detmetrics.overlap.masks import Masks
    from detmetrics.overlap.polygons import Polygons, Rectangles
    from detmetrics.overview import Overview, stats
    from detmetrics.reading.format import Format
    from detmetrics.reading.request import Reading
    from detmetrics.reconciling import Reconciliation, reconcile
    from detmetrics.result import Evaluation
    from detmetrics.rules.files import rule_set
    from detmetrics.splitting import Split, split
    from detmetrics.summary import Summary
    from detmetrics.tables import Detections, GroundTruth

__all__ = [  # noqa: RUF022 - in plain order, which people can check
    "AreaRange",
    "CITYPERSONS",
    "COCO",
    "COCO_ORIENTED",
    "COCO_SEGM",
    "CROWDHUMAN",
    "Catalog",
    "CheckReport",
    "ClassRule",
    "Conversion",
    "Crosscheck",
    "Curve",
    "DOTA",
    "DOTA_EVERY",
    "DetectionMetric",
    "Detections",
    "DetmetricsError",
    "DetmetricsWarning",
    "EarlyStopping",
    "Evaluation",
    "Finding",
    "Format",
    "FormatError",
    "GroundTruth",
    "History",
    "InputError",
    "KITTI",
    "KITTI_R11",
    "LVIS",
    "LVIS_FIXED",
    "Masks",
    "OLRP",
    "OPEN_IMAGES",
    "OPEN_IMAGES_CHALLENGE",
    "OutputError",
    "Overview",
    "Polygons",
    "RULE_SETS",
    "Reading",
    "Reconciliation",
    "Rectangles",
    "Rules",
    "RulesError",
    "Split",
    "Summary",
    "TORCHMETRICS",
    "TableError",
    "ULTRALYTICS",
    "ULTRALYTICS_2025",
    "ULTRALYTICS_OBB",
    "UnknownIdError",
    "VOC2007",
    "VOC2012",
    "__version__",
    "check",
    "check_parts",
    "convert",
    "crosscheck",
    "evaluate",
    "read_detections",
    "read_ground_truth",
    "reconcile",
    "rule_set",
    "split",
    "stats",
]

# What needs more than NumPy, or much of it, is imported when it is first asked for.
_LAZY = {
    "Catalog": "catalog",
    "CheckReport": "checks",
    "Conversion": "conversion",
    "Crosscheck": "crosschecking",
    "Curve": "curves",
    "DetectionMetric": "metric",
    "Detections": "tables",
    "EarlyStopping": "history",
    "Evaluation": "result",
    "Finding": "checks",
    "Format": "reading.format",
    "GroundTruth": "tables",
    "History": "history",
    "Masks": "overlap.masks",
    "Overview": "overview",
    "Polygons": "overlap.polygons",
    "Reading": "reading.request",
    "Reconciliation": "reconciling",
    "Rectangles": "overlap.polygons",
    "Split": "splitting",
    "Summary": "summary",
    "check": "checks",
    "check_parts": "checks",
    "convert": "conversion",
    "crosscheck": "crosschecking",
    "evaluate": "evaluation",
    "read_detections": "evaluation",
    "read_ground_truth": "evaluation",
    "reconcile": "reconciling",
    "rule_set": "rules.files",
    "split": "splitting",
    "stats": "overview",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'detmetrics' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"detmetrics.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
