"""Scenes for Hypothesis, made to collide: coordinates on a coarse grid, few scores, few sizes.

Random floats almost never tie and almost never fall on a threshold; a grid does both all the time.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.rules.setting_table import CHOICES
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.federation import Federation

LIMITS = [(1, 10, 100), (1, 2, 3), (2,), (1, 300)]
RANGES = [
    dm.COCO.area_ranges,
    (("all", 0.0, 1e10), ("tiny", 0.0, 8.0), ("rest", 8.0, 64.0)),
]

CLASS_RULES = [
    [("a", 0.3)],
    [("A", 0.7, ("b",)), ("c", 0.25)],
    [("c", 0.5, ("a", "b", "none")), ("a", 0.4, ("c",))],
]

OTHER_RANGES = [
    (("all", -math.inf, math.inf),),
    (("wide", 0.005, 0.1, "share"), ("low", 0.0, 2.0, "height"), ("tiny", 0.0, 8.0)),
    (("tall", 0.0, 0.5, "aspect"), ("left", 0.0, 0.1, "x"), ("high", 0.0, 0.125, "y")),
    (("flat", 1.5, 1e10, "aspect"), ("edge", 0.0, 0.05, "border"), ("in", 0.05, 0.5, "border")),
    (("seen", 0.0, 1e10, "height", (("visibility", 0.5, 1.0),)), ("low", 2.0, 4.0, "height")),
    (
        ("all", 1.0, 1e10, "height", (("visibility", 0.25, 1e10),)),
        ("some", 1.0, 3.0, "height", (("visibility", 0.0, 0.5),)),
    ),
]


@st.composite
def rules(draw: st.DrawFn) -> dm.Rules:
    thresholds = draw(
        st.sampled_from([dm.COCO.iou_thresholds, (0.5,), (0.1, 0.25, 1 / 3, 0.5, 0.75, 1.0)])
    )
    points = draw(st.sampled_from([dm.COCO.recall_points, (0.0, 0.5, 1.0), (0.3, 0.7)]))
    return dm.COCO.replace(
        iou_thresholds=thresholds,
        recall_points=points,
        max_detections=draw(st.sampled_from(LIMITS)),
        area_ranges=draw(st.sampled_from(RANGES)),
        class_agnostic=draw(st.booleans()),
        ignore=draw(st.sampled_from(["overwrite", "honour"])),
    )


@st.composite
def any_rules(draw: st.DrawFn, **fixed: object) -> dm.Rules:
    """Rules with any settings at all, also those that no benchmark has; fixed: choices."""
    choices = {setting: draw(st.sampled_from(values)) for setting, values in CHOICES.items()}
    choices["shape"] = "box"  # scenes have no other outlines
    choices |= fixed
    choices["federated"] &= not choices["class_agnostic"]
    base, slack = draw(rules()), draw(st.sampled_from([None, None, 1.0, 1.25]))
    if choices["assignment"] == "overlap" and choices["interpolation"] == "cuts":
        choices["interpolation"] = "points"
    if choices["interpolation"] == "cuts":
        choices |= {"out_of_range": "ignore", "group_weight": 0}
        slack = None
        base = base.replace(recall_points=draw(st.sampled_from([(0.0, 0.5, 1.0), (0.3, 0.7)])))
    if not choices["class_agnostic"] and draw(st.booleans()):
        choices["class_rules"] = draw(st.sampled_from(CLASS_RULES))
        base = base.replace(iou_thresholds=0.5)
    return base.replace(
        max_detections=draw(st.sampled_from([(1, 10, 100), (2,), (1, math.inf), (math.inf,)])),
        area_ranges=draw(st.sampled_from([*RANGES, *OTHER_RANGES])),
        min_score=draw(st.sampled_from([None, None, 0.1, 0.2])),
        image_limit=draw(st.sampled_from([None, None, 2, 5])),
        class_limit=draw(st.sampled_from([None, None, 3, 6])),
        range_slack=slack,
        box_decimals=draw(st.sampled_from([None, None, 0])),
        score_decimals=draw(st.sampled_from([None, None, 1])),
        metrics=("ap", "ap_iou", "ap_area", "ar", "ar_area"),
        **choices,
    )


@st.composite
def federations(draw: st.DrawFn, images: int, classes: int) -> Federation:
    """Some classes that were looked for, and some whose objects are not all marked."""
    pairs = [(image, category) for image in range(images) for category in range(classes)]

    def some() -> np.ndarray:
        return np.array([p for p in pairs if draw(st.booleans())], np.int64).reshape(-1, 2)

    return Federation(verified=some(), not_exhaustive=some(), frequency=("",) * classes)


@st.composite
def scenes(
    draw: st.DrawFn, max_objects: int = 12, max_detections: int = 20, *, full: bool = False
) -> tuple[dm.GroundTruth, dm.Detections]:
    """Ground truth and detections over at most 3 images and 3 classes, which share a catalog.

    full: with class names, difficult objects, image sizes, corners and classes that were looked
    for too, which pycocotools does not know.
    """
    images = draw(st.lists(st.integers(0, 50), min_size=1, max_size=3, unique=True))
    classes = draw(st.lists(st.integers(0, 90), min_size=1, max_size=3, unique=True))
    unit = draw(st.sampled_from([1.0, 0.5, 1 / 3, 8.0]))
    sizes = [(48.0, 32.0)] * len(images) if full else None
    names = ["a", "b", "c"][: len(classes)] if full else None
    catalog = Catalog.from_ids(
        images=images, categories=classes, category_names=names, image_sizes=sizes
    )
    corners = full and draw(st.booleans())
    side = st.integers(0, 6)
    box = st.tuples(side, side, side, side)

    def column(values: st.SearchStrategy, count: int) -> list:
        return draw(st.lists(values, min_size=count, max_size=count))

    objects, found = draw(st.integers(0, max_objects)), draw(st.integers(0, max_detections))
    boxes = unit * np.array(column(box, objects), float).reshape(-1, 4)
    if corners:
        boxes[:, 2:] += boxes[:, :2]
    areas = np.array(column(st.sampled_from([None, 8.0, 64.0, 1024.0, 9216.0]), objects), float)
    truth = dm.GroundTruth.from_arrays(
        image_ids=column(st.sampled_from(images), objects),
        categories=column(st.sampled_from(classes), objects),
        boxes=boxes,
        attributes={"visibility": column(st.sampled_from([0.0, 0.25, 0.5, 1.0]), objects)}
        if full
        else None,
        areas=areas,
        crowd=column(st.sampled_from([False, False, False, True]), objects),
        ignore=column(st.sampled_from([False, False, True]), objects),
        difficult=column(st.sampled_from([False, False, full]), objects),
        box_format="xyxy" if corners else "xywh",
        catalog=catalog,
    )
    if full:
        truth = replace(truth, federation=draw(federations(len(images), len(classes))))
    boxes = unit * np.array(column(box, found), float).reshape(-1, 4)
    if corners:
        boxes[:, 2:] += boxes[:, :2]
    detections = dm.Detections.from_arrays(
        image_ids=column(st.sampled_from(images), found),
        categories=column(st.sampled_from(classes), found),
        boxes=boxes,
        box_format="xyxy" if corners else "xywh",
        scores=column(st.sampled_from([0.1, 0.3, 0.3000001, 0.5, 0.9]), found),
        catalog=catalog,
    )
    return truth, detections


def on_one_image(
    scene: tuple[dm.GroundTruth, dm.Detections],
) -> tuple[dm.GroundTruth, dm.Detections]:
    """The same boxes, all on the first image, where they meet more often."""
    truth, found = (replace(table, image=np.zeros_like(table.image)) for table in scene)
    return truth, found
