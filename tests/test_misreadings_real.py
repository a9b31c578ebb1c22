"""Real detectors and formats: nothing is said of classes, images and boxes, and of scores only what
is true.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import unpacked
from real_data import real_data
from test_misreadings import told

import detmetrics as dm
from detmetrics.foundation.arrays import read_only

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CUT = re.compile(r"no score is below (\S+) \(lowest of [\d,]+: ")
RULES = ("coco", "voc2007", "ultralytics", "olrp")


def of_scores(result: dm.Evaluation) -> list[str]:
    """What is said of scores and limits, in short."""
    said = []
    for text in result.attention:
        if "depending on the order of equal scores" in text:
            continue  # which is no misreading
        if found := CUT.match(text):
            cut, scores = float(found[1]), result.detections.scores
            assert (scores >= cut).all()
            assert scores.min() <= cut + 0.01
            said.append(found[1])
        elif "whole numbers (" in text or "have the score" in text or "none has more" in text:
            said.append(text)
    return said


@pytest.fixture(scope="module")
def voc_truth(voc) -> dm.GroundTruth:
    return dm.read_ground_truth(voc / "Annotations")


@pytest.mark.parametrize(
    "detector",
    [
        "yolov2",
        pytest.param("yolo2_e150", marks=pytest.mark.heavy),
        pytest.param("yolov1_18_classes", marks=pytest.mark.heavy),
    ],
)
def test_voc2007(voc, voc_truth, detector):
    found = dm.read_detections(voc / detector, voc_truth)
    for rules in RULES:
        result = dm.evaluate(voc_truth, found, rules)
        assert (told(result), of_scores(result)) == ([], [])


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("shape", ["auto", "box"])
def test_coco_val2014(kind, shape):
    root = real_data("coco_val2014_100")
    found = root / f"instances_val2014_fake{kind}100_results.json"
    result = dm.evaluate(root / "instances_val2014_100.json", found, shape=shape)
    assert (told(result), of_scores(result)) == ([], [])


def test_classes_of_masks_that_are_in_another_order():
    root = real_data("coco_val2014_100")
    truth = dm.read_ground_truth(root / "instances_val2014_100.json")
    found = dm.read_detections(root / "instances_val2014_fakesegm100_results.json", truth)
    order = np.roll(np.arange(len(truth.catalog.category_ids)), 3)
    result = dm.evaluate(truth, replace(found, category=read_only(order[found.category])))
    assert result.rules.shape == "mask"
    (text,) = told(result)
    assert " gives AP 0.3" in text


@pytest.mark.parametrize("rules", ["dota", "coco-oriented", "coco", "ultralytics-obb"])
def test_dota(tmp_path, rules):
    root = unpacked(real_data("dota_sample/evaluation_example.tar.gz"), tmp_path)
    drop = {"unknown_images": "drop", "unknown_categories": "drop"}
    result = dm.evaluate(root / "row_DOTA_labels", root / "result_classname", rules, **drop)
    assert (told(result), of_scores(result)) == ([], ["0.25"])


@pytest.fixture(scope="module")
def review(tmp_path_factory) -> Path:
    archive = real_data("many_formats/padilla_review.tar.gz")
    return unpacked(archive, tmp_path_factory.mktemp("review"))


def test_many_formats(review):
    root = review / "data" / "database"
    rows = json.loads((root / "gts/coco_format_v2/instances_v2.json").read_text())["images"]
    sizes = {Path(row["file_name"]).stem: (row["width"], row["height"]) for row in rows}
    reading = dm.Reading(class_names=review / "toyexample" / "voc.names", image_sizes=sizes)
    for truth in ("coco_format_v2/instances_v2.json", "pascalvoc_format", "yolo_format"):
        for found in ("abs_xywh", "abs_xyx2y2", "rel_xywh", "coco_format/coco_dets.json"):
            result = dm.evaluate(root / "gts" / truth, root / "dets" / found, reading=reading)
            assert (told(result), of_scores(result)) == ([], ["0.4"])


def test_published_example(review):
    root = review / "tests" / "test_coco_eval"
    truth, found = (next((root / side).glob("*.json")) for side in ("gts", "dets"))
    result = dm.evaluate(truth, found)
    assert (told(result), of_scores(result)) == ([], [])


def jittered(truth: dm.GroundTruth, seed: int, blur: float) -> dm.Detections:
    """A detector of these objects: two boxes near each, and as many again anywhere."""
    rng = np.random.default_rng(seed)
    count = len(truth)
    source, other = rng.integers(0, count, 2 * count), rng.integers(0, count, count)
    off = rng.exponential(blur, len(source))
    near = truth.xywh[source]
    first = near[:, :2] + rng.normal(0, 1, (len(source), 2)) * off[:, None] * near[:, 2:]
    sides = near[:, 2:] * np.exp(rng.normal(0, 1, (len(source), 2)) * off[:, None])
    image = np.r_[truth.image[source], rng.integers(0, len(truth.catalog.image_ids), count)]
    category = np.r_[truth.category[source], truth.category[other]]
    scores = np.r_[rng.beta(4, 2, len(source)) * np.exp(-3 * off), rng.beta(1, 8, count)]
    return dm.Detections.from_arrays(
        image_ids=truth.catalog.image_ids[image],
        categories=truth.catalog.category_ids[category],
        boxes=np.r_[np.hstack([first, sides]), truth.xywh[other]],
        scores=scores,
        catalog=truth.catalog,
    )


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "blur"),
    [("coco_val2017_intboxes_gt", 0.08), ("coco_val2017_intboxes_gt", 0.3),
     ("visdrone_train_gt", 0.2)],
)  # fmt: skip
def test_jittered_detections_of_large_sets(name, blur):
    truth = dm.read_ground_truth(real_data(f"large/{name}.json.gz"))
    truth = truth.keep(truth.image % 4 == 0)
    result = dm.evaluate(truth, jittered(truth, 0, blur))
    assert (told(result), of_scores(result)) == ([], [])


PUZZLES = {
    "15-reconcile-blind/dt_yx.json": "y before x",
    "15-reconcile-blind/dt_hw_swapped.json": "width and height of the image swapped",
    "15-reconcile-blind/dt_norm.json": "normalized coordinates read as pixels",
    "15-reconcile-blind/dt_rotated_images.json": "images shifted by one",
}


@pytest.mark.parametrize("path", PUZZLES)
def test_puzzles(path):
    truth, found = real_data("puzzles/15-reconcile-blind/gt.json"), real_data(f"puzzles/{path}")
    (text,) = [one for one in told(dm.evaluate(truth, found)) if " gives AP " in one]
    assert " gives AP 0.3773 instead of 0.0000. Fix: " in text
    first = dm.reconcile(truth, found).suspicions[0]
    assert PUZZLES[path] in first.name
    assert first.value == pytest.approx(0.3773, abs=5e-5)


def test_track_ids_in_place_of_scores():
    root = real_data("puzzles/27-track-ids")
    said = of_scores(dm.evaluate(root / "gt", root / "trackone"))
    assert said[0].startswith("all 30 detections have the score 1: AP depends on the order")
