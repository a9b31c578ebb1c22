"""Every cell of precision, recall and scores equals pycocotools', bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import reference
import strategies
from hypothesis import given

import detmetrics as dm
from detmetrics.tables.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

SAMPLE = "coco_val2014_100/instances_val2014_100.json"
SAMPLE_FOUND = "coco_val2014_100/instances_val2014_fakebbox100_results.json"
VOC = "voc2007/coco_json/ground_truth_difficult_as_crowd.json.gz"
VOC_FOUND = "voc2007/coco_json/yolov2.json.gz"


@given(scene=strategies.scenes(), rules=strategies.rules())
def test_equals_pycocotools(scene, rules):
    check = dm.crosscheck(*scene, rules)
    assert check.agrees, str(check)


@given(scene=strategies.scenes(), rules=strategies.rules())
def test_equals_slow_reference(scene, rules):
    ours = dm.evaluate(*scene, rules).arrays()
    theirs = reference.evaluate(*scene, rules)
    for name, cells in theirs.items():
        np.testing.assert_array_equal(ours[name], cells, err_msg=name, strict=True)


def crowded(seed: int, images: int, classes: int, objects: int, found: int):
    """Many detections of an image and class, most near an object, scores with many ties."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.from_ids(images=range(images), categories=range(classes))
    boxes = np.round(rng.uniform(0, 60, (objects, 4)) + np.array([0, 0, 4, 4]), 1)
    image, category = rng.integers(0, images, objects), rng.integers(0, classes, objects)
    truth = dm.GroundTruth.from_arrays(
        image_ids=image,
        categories=category,
        boxes=boxes,
        areas=boxes[:, 2] * boxes[:, 3] * rng.uniform(0.5, 1, objects),
        crowd=rng.random(objects) < 0.05,
        catalog=catalog,
    )
    source = rng.integers(0, objects, found)
    jitter = np.abs(np.round(boxes[source] + rng.normal(0, 3, (found, 4)), 1))
    shuffle = rng.permutation(found)  # images of the file in no order
    detections = dm.Detections.from_arrays(
        image_ids=image[source][shuffle],
        categories=np.where(
            rng.random(found) < 0.9, category[source], rng.integers(0, classes, found)
        )[shuffle],
        boxes=jitter[shuffle],
        scores=np.round(rng.random(found), 2),
        catalog=catalog,
    )
    return truth, detections


@pytest.mark.parametrize(
    ("seed", "images", "classes", "objects", "found"),
    [
        pytest.param(0, 2, 1, 120, 900, id="one class, far over the limit"),
        pytest.param(1, 3, 2, 300, 1500, id="crowded images"),
        pytest.param(2, 40, 1000, 400, 1500, id="a thousand classes", marks=pytest.mark.heavy),
        pytest.param(3, 300, 5, 250, 300, id="mostly empty images"),
    ],
)
def test_larger_scenes(seed, images, classes, objects, found):
    scene = crowded(seed, images, classes, objects, found)
    for rules in (dm.COCO, dm.COCO.replace(class_agnostic=True, max_detections=(5, 50))):
        check = dm.crosscheck(*scene, rules)
        assert check.agrees, str(check)


def test_iou_exactly_on_a_threshold():
    # 10 x 10 against 10 x 5 inside it: IoU is 0.5, exactly.
    truth = dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]])
    found = dm.Detections.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 5]], scores=[0.5], catalog=truth.catalog
    )
    result = dm.evaluate(truth, found)
    assert result.summary["AP50"] == pytest.approx(1.0, abs=1e-12)
    assert result.summary["AP"] == pytest.approx(0.1, abs=1e-12)
    assert dm.crosscheck(result).agrees


@pytest.mark.parametrize("area", [1024.0, 9216.0, 1e10, 0.0])
def test_area_on_a_boundary_belongs_to_both_ranges(area):
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], areas=[area]
    )
    found = dm.Detections.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], scores=[0.5], catalog=truth.catalog
    )
    result = dm.evaluate(truth, found)
    assert dm.crosscheck(result).agrees
    defined = {name for name in ("APs", "APm", "APl") if not np.isnan(result.summary[name])}
    ranges = {0.0: {"APs"}, 1024.0: {"APs", "APm"}, 9216.0: {"APm", "APl"}, 1e10: {"APl"}}
    assert defined == ranges[area]


def test_the_twelve_numbers_of_the_coco_sample(shared: Path):
    result = dm.evaluate(shared / SAMPLE, shared / SAMPLE_FOUND)
    known = ".5046 .6970 .5730 .5856 .5194 .5014 .3868 .5937 .5954 .6398 .5664 .5643"
    assert [f"{value:.4f}".lstrip("0") for value in result.summary.values()] == known.split()
    assert dm.crosscheck(result).agrees


@pytest.mark.heavy
def test_voc2007_in_every_cell(shared: Path):
    result = dm.evaluate(shared / VOC, shared / VOC_FOUND)
    known = json.loads((shared / "voc2007/reference.json").read_text())["yolov2"]["coco12"]
    assert list(result.summary.values()) == known
    check = dm.crosscheck(result)
    assert check.agrees, str(check)


def test_class_metrics_are_means_of_pycocotools_cells(shared: Path):
    result = dm.evaluate(shared / SAMPLE, shared / SAMPLE_FOUND)
    precision = result.arrays()["precision"]
    frame = result.per_class()
    for k, value in enumerate(frame["AP"]):
        cells = precision[:, :, k, 0, -1].ravel()
        assert np.array_equal(value, cells.mean(), equal_nan=True)


def test_crosscheck_sees_a_difference(monkeypatch: pytest.MonkeyPatch):
    result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    arrays = result.arrays()
    arrays["precision"][2, 10, 0, 1, 2] += 1e-16 + np.spacing(arrays["precision"][2, 10, 0, 1, 2])
    monkeypatch.setattr(type(result), "arrays", lambda _: arrays)
    check = dm.crosscheck(result)
    assert not check.agrees
    assert check.different == 1
    assert "precision at class person, IoU 0.6, recall 0.1, area small, limit 100" in str(check)


def single_class(truths: list[list[float]], boxes: list[list[float]], rules: dm.Rules = dm.COCO):
    """One image, one class, detections in order of falling score."""
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1] * len(truths), categories=[1] * len(truths), boxes=truths
    )
    found = dm.Detections.from_arrays(
        image_ids=[1] * len(boxes),
        categories=[1] * len(boxes),
        boxes=boxes,
        scores=np.linspace(0.9, 0.1, len(boxes)),
        catalog=truth.catalog,
    )
    return dm.evaluate(truth, found, rules)


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_equal_overlaps_the_later_ground_truth_is_taken(swapped):
    # The first detection overlaps both objects alike and takes the later one. The second overlaps
    # only the left object.
    left, right = [0, 0, 10, 10], [4, 0, 10, 10]
    truths = [right, left] if swapped else [left, right]
    result = single_class(truths, [[2, 0, 10, 10], [0, 0, 10, 8]])
    assert dm.crosscheck(result).agrees
    assert result.curve("1").recall.tolist() == ([0.5, 0.5] if swapped else [0.5, 1.0])


def test_a_threshold_of_one_forgives_the_last_digits():
    nearly = [0, 0, 10, 10 * (1 - 1e-11)]
    rules = dm.COCO.replace(iou_thresholds=(1.0,))
    result = single_class([[0, 0, 10, 10]], [nearly], rules)
    assert result.summary["AP"] == pytest.approx(1.0)
    assert dm.crosscheck(result).agrees
