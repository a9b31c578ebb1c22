"""A benchmark's settings as a value, and the rule sets that have a name; it imports overlap."""

from detmetrics.rules.areas import AreaRange
from detmetrics.rules.by_name import RULE_SETS
from detmetrics.rules.class_rules import ClassRule
from detmetrics.rules.rule_sets import (
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
    TORCHMETRICS,
    ULTRALYTICS,
    ULTRALYTICS_2025,
    ULTRALYTICS_OBB,
    VOC2007,
    VOC2012,
)
from detmetrics.rules.signature import UNLIMITED
from detmetrics.rules.value import Rules

__all__ = [
    "CITYPERSONS",
    "COCO",
    "COCO_ORIENTED",
    "COCO_SEGM",
    "CROWDHUMAN",
    "DOTA",
    "DOTA_EVERY",
    "KITTI",
    "KITTI_R11",
    "LVIS",
    "LVIS_FIXED",
    "OLRP",
    "OPEN_IMAGES",
    "OPEN_IMAGES_CHALLENGE",
    "RULE_SETS",
    "TORCHMETRICS",
    "ULTRALYTICS",
    "ULTRALYTICS_2025",
    "ULTRALYTICS_OBB",
    "UNLIMITED",
    "VOC2007",
    "VOC2012",
    "AreaRange",
    "ClassRule",
    "Rules",
]
