"""What cannot be evaluated is refused, and the error names annotation, key and image."""

from __future__ import annotations

import contextlib
import copy
import io
import math

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.compat.coco_evaluator import CocoEvaluator
from detmetrics.compat.faster_coco_eval import COCOeval_faster, FasterIndex
from detmetrics.compat.pycocotools import COCO, COCOeval, Original

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

NAN = math.nan
MASK = {"size": [480, 640], "counts": [0, 1200, 306000]}
FEW, MANY = 3, 300
ODD = {"areaRng": [[0, 1e10]]}
"""Parameters that no rules follow."""


@pytest.fixture(autouse=True)
def _quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def changed(one: dict, change: dict) -> None:
    for key, value in change.items():
        one[key] = value
        if value is ...:
            del one[key]


def sides(count: int, change: dict, found_change: dict, kind: type = COCO) -> tuple:
    """So many annotations a side, of which one, 12 here and 2 there, in image 2, is changed."""
    truth = kind()
    truth.dataset = {
        "images": [{"id": image, "width": 640, "height": 480} for image in (1, 2)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {
                "id": 11 + row,
                "image_id": 1 + row % 2,
                "category_id": 1,
                "iscrowd": 0,
                "area": 1200,
                "bbox": [50 * row, 0, 40, 30],
                "segmentation": dict(MASK),
            }
            for row in range(count)
        ],
    }
    changed(truth.dataset["annotations"][1], change)
    truth.createIndex()
    found = truth.loadRes(
        [
            {
                "image_id": 1 + row % 2,
                "category_id": 1,
                "score": 0.9 - 0.001 * row,
                "bbox": [50 * row, 0, 40, 30],
                "segmentation": dict(MASK),
            }
            for row in range(count)
        ]
    )
    changed(found.anns[2], found_change)
    return truth, found


def run(count, change, found_change=None, iou_type="bbox", params=None, kind=COCOeval):
    evaluator = kind(*sides(count, change, found_change or {}), iou_type)
    for name, value in (params or {}).items():
        setattr(evaluator.params, name, value)
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator


FOUR = "bbox: expected four"
TRUTHS = [
    ({"area": NAN}, "area: expected an area from 0 up, got nan"),
    ({"area": np.float32(NAN)}, "area: expected an area from 0 up, got nan"),
    ({"area": -5}, "area: expected an area from 0 up, got -5"),
    ({"area": math.inf}, "area: expected an area from 0 up, got inf"),
    ({"area": "5"}, "area: expected an area from 0 up, got '5'"),
    ({"area": [5]}, r"area: expected an area from 0 up, got \[5\]"),
    ({"iscrowd": NAN}, "iscrowd: expected 0 or 1, got nan"),
    ({"iscrowd": "0"}, "iscrowd: expected 0 or 1, got '0'"),
    ({"bbox": ...}, "expected a key 'bbox', got id, image_id, category_id, .*"),
    ({"bbox": None}, f"{FOUR} numbers, got None"),
    ({"bbox": [1, 2, 3]}, rf"{FOUR} numbers, got 3: \[1, 2, 3\]"),
    ({"bbox": [1, 2, 3, 4, 5]}, rf"{FOUR} numbers, got 5: \[1, 2, 3, 4, 5\]"),
    ({"bbox": [1, 2, 3, NAN]}, rf"{FOUR} finite numbers that can be pixels, got \[1, 2, 3, nan\]"),
    ({"bbox": [1, 2, 3, "4"]}, rf"{FOUR} finite numbers that can be pixels, got \[1, 2, 3, '4'\]"),
    ({"bbox": [1, 2, -3, 4]}, r"bbox: expected w and h from 0 up, got \[1, 2, -3, 4\]"),
    ({"bbox": {"x": 1}}, f"{FOUR} numbers, got {{'x': 1}}"),
]
FOUNDS = [
    ({"area": NAN}, "area: expected a finite number, got nan"),
    ({"score": NAN}, "score: expected a finite number, got nan"),
    ({"score": None}, "score: expected a finite number, got None"),
    ({"score": "0.5"}, "score: expected a finite number, got '0.5'"),
    ({"bbox": ...}, "expected a key 'bbox', got image_id, .*"),
    ({"bbox": [1, 2, 3, 4, 5]}, rf"{FOUR} numbers, got 5: \[1, 2, 3, 4, 5\]"),
    ({"bbox": np.array([1, 2, 3])}, rf"{FOUR} numbers, got 3: \[1, 2, 3\]"),
    ({"bbox": [1, 2, 3, math.inf]}, f"{FOUR} finite numbers that can be pixels, .*"),
]


@pytest.mark.parametrize("params", [{}, ODD])
@pytest.mark.parametrize("count", [FEW, MANY])
class TestOneAnnotation:
    @pytest.mark.parametrize(("change", "text"), TRUTHS)
    def test_of_the_ground_truth(self, count, params, change, text):
        with pytest.raises(dm.TableError, match=rf"^cocoGt: annotation 12: {text} \(image 2\)$"):
            run(count, change, params=params)

    @pytest.mark.parametrize(("change", "text"), FOUNDS)
    def test_of_the_detections(self, count, params, change, text):
        with pytest.raises(dm.TableError, match=rf"^cocoDt: annotation 2: {text} \(image 2\)$"):
            run(count, {}, change, params=params)

    @pytest.mark.parametrize("side", [0, 1])
    def test_masks(self, count, params, side):
        place = (r"cocoGt: annotation 12", r"cocoDt: annotation 2")[side]
        for value, text in [(..., "expected a key 'segmentation'"), (5, "segmentation: expected")]:
            changes = [{}, {}]
            changes[side] = {"segmentation": value}
            with pytest.raises(dm.InputError, match=rf"^{place}: {text}.* \(image 2\)$"):
                run(count, *changes, iou_type="segm", params=params)


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
@pytest.mark.parametrize("params", [{}, ODD])
def test_what_is_missing_or_null_is_unknown(count, iou_type, params):
    right = run(count, {}, None, iou_type, params)
    for side, change in [
        *[(0, {key: value}) for key in ("area", "iscrowd") for value in (..., None)],
        *[(1, {"area": value}) for value in (..., None)],
    ]:
        changes = [{}, {}]
        changes[side] = change
        ours = run(count, *changes, iou_type, params)
        np.testing.assert_array_equal(ours.eval["precision"], right.eval["precision"])
        for key, overlaps in right.ious.items():
            np.testing.assert_array_equal(ours.ious[key], overlaps)
        for area in ours.params.areaRng:
            one, other = (kind.evaluateImg(2, 1, area, 100) for kind in (ours, right))
            np.testing.assert_array_equal(one["dtMatches"], other["dtMatches"])
            np.testing.assert_array_equal(one["gtIgnore"], other["gtIgnore"])


@pytest.mark.parametrize("count", [FEW, MANY])
def test_a_negative_area_of_a_detection_is_beside_every_range_as_there(count):
    ours, theirs = (run(count, {}, {"area": -5}, kind=kind) for kind in (COCOeval, Original))
    np.testing.assert_array_equal(ours.eval["precision"], theirs.eval["precision"])


def test_several_are_listed():
    truth, found = sides(FEW, {"area": NAN, "bbox": [1]}, {})
    truth.anns[13]["area"] = -1
    with pytest.raises(dm.TableError) as caught:
        COCOeval(truth, found, "bbox").evaluate()
    assert str(caught.value).splitlines() == [
        "cocoGt: 3 faults",
        "  annotation 13: area: expected an area from 0 up, got -1 (image 1)",
        "  annotation 12: bbox: expected four numbers, got 1: [1] (image 2)",
        "  annotation 12: area: expected an area from 0 up, got nan (image 2)",
    ]


def test_warnings_name_the_annotation():
    truth, found = sides(MANY, {}, {"score": 1.5})
    with pytest.warns(
        dm.DetmetricsWarning, match=r"^cocoDt: 1 score .*, first at annotation 2: score of image 2"
    ):
        COCOeval(truth, found, "bbox").evaluate()


def test_other_names_do_likewise():
    truth, found = sides(FEW, {"area": NAN}, {}, FasterIndex)
    with pytest.raises(dm.TableError, match=r"^cocoGt: annotation 12: area: .*nan \(image 2\)$"):
        COCOeval_faster(truth, found, "bbox").run()


@pytest.mark.parametrize(("change", "text"), TRUTHS)
def test_an_evaluator_of_batches(change, text):
    evaluator = CocoEvaluator(sides(FEW, change, {})[0], ["bbox"])
    found = {"boxes": np.array([[0.0, 0, 9, 9]]), "scores": np.ones(1), "labels": np.ones(1, int)}
    evaluator.update({2: found})
    with pytest.raises(dm.TableError, match=rf"^coco_gt: annotation 12: {text} \(image 2\)$"):
        evaluator.synchronize_between_processes()


@pytest.mark.parametrize("change", [{"area": NAN}, {"area": -5}, {"bbox": [1.0, 2, 3, NAN]}])
def test_loops_that_match_themselves_have_pycocotools_numbers(change):
    evaluators = []
    for kind in (COCOeval, Original):
        evaluator = kind(*sides(FEW, change, {}), "bbox")
        params = evaluator.params
        evaluator._prepare()
        pairs = [(image, 1) for image in params.imgIds]
        evaluator.ious = {pair: evaluator.computeIoU(*pair) for pair in pairs}
        evaluator.evalImgs = [
            evaluator.evaluateImg(*pair, area, 100) for area in params.areaRng for pair in pairs
        ]
        evaluator._paramsEval = copy.deepcopy(params)
        evaluator.accumulate()
        evaluators.append(evaluator.eval["precision"])
    np.testing.assert_array_equal(*evaluators)
