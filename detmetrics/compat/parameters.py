"""pycocotools' parameters as rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from detmetrics.foundation.errors import RulesError
from detmetrics.rules import COCO as COCO_RULES
from detmetrics.rules import Rules

__all__ = ["ALL_CLASSES", "KEYS", "alike", "classes_of", "rules_of", "settle"]

SHAPES = {"bbox": "box", "segm": "mask"}
KEYS = {"bbox": "bbox", "segm": "segmentation"}
"""The key of an annotation that holds what is measured."""
ALL_CLASSES = -1
"""What pycocotools calls the class where classes are pooled."""
NAMES = (
    *("imgIds", "catIds", "iouThrs", "recThrs", "maxDets", "areaRng", "areaRngLbl"),
    *("useCats", "iouType"),
)


def settle(params: Any) -> None:
    """Sort ids and limits, as ``evaluate`` does with the parameters that it is given."""
    params.imgIds = list(np.unique(params.imgIds))
    if params.useCats:
        params.catIds = list(np.unique(params.catIds))
    params.maxDets = sorted(params.maxDets)


def classes_of(params: Any) -> list[Any]:
    """The classes of ``evalImgs`` and ``ious``, in their order."""
    return list(params.catIds) if params.useCats else [ALL_CLASSES]


def alike(params: Any, other: Any) -> bool:
    """Whether two sets of parameters agree: those of ``evaluate`` may have been changed."""
    return all(
        np.array_equal(np.asarray(getattr(params, name)), np.asarray(getattr(other, name)))
        for name in NAMES
    )


def rules_of(params: Any) -> Rules | None:
    """The parameters as rules; None where they are none, or choose no images and classes."""
    if len(params.areaRngLbl) != len(params.areaRng) or params.useCats not in (0, 1):
        return None
    if not len(params.imgIds) or not len(params.catIds):
        return None
    # Of pooled classes in another order, ground truths of equal overlap are in another order too.
    if list(params.catIds) != sorted(set(params.catIds)):
        return None
    ranges = zip(params.areaRngLbl, params.areaRng, strict=True)
    try:
        return _rules(
            shape=SHAPES[params.iouType],
            iou_thresholds=tuple(float(value) for value in params.iouThrs),
            recall_points=tuple(float(value) for value in params.recThrs),
            max_detections=tuple(int(limit) for limit in params.maxDets),
            area_ranges=tuple((label, float(low), float(high)) for label, (low, high) in ranges),
            class_agnostic=not params.useCats,
        )
    except (RulesError, TypeError, ValueError):
        return None


@lru_cache(maxsize=8)
def _rules(**settings: Any) -> Rules:
    """Rules of these settings: a loop of training asks for the same ones at every batch."""
    return COCO_RULES.replace(**settings)
