"""VOC2007 and three real detectors: every known number is traced to its rule set, and files that
are spoiled in one of the usual ways are seen through.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.analysis.reconcile.reported import Reported, candidates, ways
from detmetrics.analysis.reconcile.workbench import Workbench
from detmetrics.foundation.arrays import read_only

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

KNOWN_RULES = [dm.COCO, dm.VOC2007, dm.VOC2012]
ONE = np.array([1.0, 1.0, 0.0, 0.0])
TWELVE = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


@pytest.fixture(scope="module")
def truth(voc):
    return dm.read_ground_truth(voc / "Annotations")


@pytest.fixture(scope="module")
def yolov2(voc, truth):
    return dm.read_detections(voc / "yolov2", truth)


def test_the_numbers_of_three_protocols(truth, yolov2):
    found = dm.reconcile(truth, yolov2, "coco", "voc2007")
    shown = {standing.rules.name: standing for standing in found.standings}
    assert round(shown["voc2007"].map50, 4) == 0.7466
    assert round(shown["voc2012"].map50, 4) == 0.7706
    assert round(shown["coco"].map50_95, 4) == 0.4397
    assert round(shown["coco"].map50, 4) == 0.7661
    fall = found.waterfall
    assert (round(fall.start, 4), round(fall.end, 4)) == (0.4397, 0.7466)
    amounts = {step.cause: step.amount for step in fall.steps}
    assert max(amounts, key=lambda cause: amounts[cause]) == "IoU thresholds"
    assert found.suspicions == ()


@pytest.mark.parametrize(
    "detector",
    [
        "yolov2",
        pytest.param("yolo2_e150", marks=pytest.mark.heavy),
        pytest.param("yolov1_18_classes", marks=pytest.mark.heavy),
    ],
)
def test_every_known_number_is_traced_to_its_rule_set(voc, truth, detector):
    known = json.loads((voc / "reference.json").read_text())[detector]
    bench = Workbench(truth, dm.read_detections(voc / detector, truth))
    found = list(ways(bench, KNOWN_RULES))

    def first(value: float):
        way = candidates(found, Reported.parse(repr(value)))[0]
        assert way.gives
        return way.rules, way.metric, way.category

    for metric, value in zip(TWELVE, known["coco12"], strict=True):
        assert first(value) == ("coco", metric, None)
    assert first(known["mAP11"]) == ("voc2007", "AP", None)
    assert first(known["mAParea"]) == ("voc2012", "AP", None)
    for rules, table in (("voc2007", "voc11"), ("voc2012", "vocarea")):
        for category, value in known[table].items():
            assert first(value) == (rules, "AP", category)


def boxes(found: dm.Detections, change) -> dm.Detections:
    return replace(found, boxes=read_only(change(found.xywh)), box_format="xywh")


def scaled(side: int, letterbox: bool):
    def spoil(truth: dm.GroundTruth, found: dm.Detections) -> dm.Detections:
        sizes = truth.catalog.image_sizes[found.image]
        scale, gap = side / sizes, 0.0
        if letterbox:
            scale = np.repeat(side / sizes.max(axis=1, keepdims=True), 2, axis=1)
            gap = (side - sizes * scale) / 2
        return boxes(found, lambda b: np.hstack([b[:, :2] * scale + gap, b[:, 2:] * scale]))

    return spoil


def moved_class(by: int):
    def spoil(truth: dm.GroundTruth, found: dm.Detections) -> dm.Detections:
        category = found.category + by
        inside = (category >= 0) & (category < len(truth.catalog.category_ids))
        return replace(found, category=read_only(np.clip(category, 0, 19))).keep(inside)

    return spoil


def limited(**limit):
    def spoil(truth: dm.GroundTruth, found: dm.Detections) -> dm.Detections:
        rules = dm.COCO.replace(**limit)
        return found.take(np.sort(dm.evaluate(truth, found, rules).matching.row))

    return spoil


SPOILED = {
    "corners x1 y1 x2 y2 read as x y w h": lambda _, found: boxes(found, lambda _: found.xyxy),
    "x y w h read as corners": lambda _, found: boxes(
        found, lambda b: np.hstack([b[:, :2], b[:, 2:] - b[:, :2]])
    ),
    "class numbers off by one (+1)": moved_class(-1),
    "class numbers off by one (-1)": moved_class(1),
    "pixels counted from 1": lambda _, found: boxes(found, lambda b: b + ONE),
    "pixels counted from 0": lambda _, found: boxes(found, lambda b: b - ONE),
    "a confidence cut at 0.25": lambda _, found: found.keep(found.scores > 0.25),
    "a confidence cut at 0.5": lambda _, found: found.keep(found.scores > 0.5),
    "at most 10 detections an image:": limited(image_limit=10),
    "at most 10 detections an image and class": limited(max_detections=(10,)),
    "boxes in the stretched frame of 640": scaled(640, letterbox=False),
    "boxes in the letterboxed frame of 416": scaled(416, letterbox=True),
    "111,247 detections that repeat": lambda _, found: found.take(np.repeat(np.arange(111_247), 2)),
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", SPOILED)
def test_the_mistake_in_spoiled_files_is_named_first(truth, yolov2, name):
    spoiled = SPOILED[name](truth, yolov2)
    found = dm.reconcile(truth, spoiled, theirs="coco")
    assert found.suspicions[0].name.startswith(name)
