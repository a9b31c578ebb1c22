"""What COCO hides, against loops over detections, and against the counts of the result."""

from __future__ import annotations

import math

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from reference import overlap

import detmetrics as dm
from detmetrics.analysis import blind_spots

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
BOX = [0, 0, 10, 10]


def scene(found, objects=((1, "cat"),), images=3, classes=("cat", "dog", "owl")) -> dm.Evaluation:
    catalog = dm.Catalog.from_ids(images=range(1, images + 1), categories=classes)
    truth = dm.GroundTruth.from_arrays(
        image_ids=[row[0] for row in objects],
        categories=[row[1] for row in objects],
        boxes=[BOX for _ in objects],
        catalog=catalog,
    )
    detections = dm.Detections.from_arrays(
        image_ids=[row[0] for row in found],
        categories=[row[1] for row in found],
        boxes=np.array([row[2] for row in found], float).reshape(-1, 4),
        scores=[row[3] for row in found],
        catalog=catalog,
    )
    return dm.evaluate(truth, detections)


def test_one_of_each():
    found = [
        (1, "cat", BOX, 0.9),
        (1, "cat", [0, 0, 10, 9.6], 0.8),
        (2, "cat", BOX, 0.6),
        (3, "dog", BOX, 0.5),
        (3, "dog", BOX, 0.4),
        (1, "cat", [0, 0, 10, 9.4], 0.1),
    ]
    spots = blind_spots(scene(found, [(1, "cat"), (1, "owl")]))
    assert spots.to_dict() == {
        "counts": {
            "images": 3,
            "images_without_ground_truth": 2,
            "classes_detected_without_ground_truth": 1,
            "classes_without_detections": 1,
            "detections_in_classes_without_ground_truth": 2,
            "detections_on_images_without_ground_truth": 3,
            "duplicate_detections": 0,
        },
        "in_unseen_classes": {"dog": 2},
        "on_empty_images": {"cat": 1, "dog": 2},
        "empty_images": [{"image": "3", "detections": 2}, {"image": "2", "detections": 1}],
        "iou": 0.5,
        "false_positives": [
            {"confidence": 0.05, "count": 5, "an_image": 5 / 3},
            {"confidence": 0.25, "count": 4, "an_image": 4 / 3},
            {"confidence": 0.5, "count": 3, "an_image": 1.0},
            {"confidence": 0.75, "count": 1, "an_image": 1 / 3},
        ],
        "repeated_detections": 3,
        "never_found": ["owl"],
    }
    assert spots.repeated.tolist() == [1, 4, 5]
    assert spots.repeats.tolist() == [0, 3, 1]  # the last overlaps 9.4 / 9.6 of the second
    assert spots.repeat_overlap.tolist() == pytest.approx([0.96, 1, 9.4 / 9.6])


def test_repeats_are_of_one_image_and_class():
    found = [(1, "cat", BOX, 0.9), (2, "cat", BOX, 0.8), (1, "dog", BOX, 0.7)]
    assert len(blind_spots(scene(found)).repeated) == 0


@pytest.mark.parametrize("rules", [dm.COCO, dm.VOC2007, dm.COCO.replace(class_agnostic=True)])
def test_a_number_has_one_source(rules):
    result = dm.evaluate(*FIXTURES, rules)
    spots = blind_spots(result)
    for name, count in spots.counts.items():
        assert result.counts[name] == count
    total = result.counts["detections_in_classes_without_ground_truth"]
    assert spots.in_unseen_classes.sum() == total
    total = result.counts["detections_on_images_without_ground_truth"]
    assert spots.on_empty_images.sum() == spots.on_each.sum() == total
    assert len(spots.never_found) == result.counts["classes_without_detections"]


def test_without_images_there_is_no_rate():
    catalog = dm.Catalog.from_ids(images=[], categories=["cat"])
    nothing = {"image_ids": [], "categories": [], "boxes": np.zeros((0, 4)), "catalog": catalog}
    result = dm.evaluate(
        dm.GroundTruth.from_arrays(**nothing), dm.Detections.from_arrays(**nothing, scores=[])
    )
    spots = blind_spots(result)
    assert np.isnan(spots.false_positives_an_image).all()
    assert spots.to_dict()["false_positives"][0]["an_image"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidences": [math.nan]}, "confidences: expected numbers, got"),
        ({"repeat_iou": 0}, "repeat_iou: expected 0 < repeat_iou <= 1, got 0"),
        ({"iou": 0.33}, "no IoU threshold 0.33; the rules have 0.5, 0.55"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises((dm.InputError, dm.RulesError), match=message):
        blind_spots(dm.evaluate(*FIXTURES), **settings)


@given(scene=strategies.scenes(), iou=st.sampled_from([0.5, 0.75]))
def test_slow_loops(scene, iou):
    truth, found = scene
    result = dm.evaluate(truth, found)
    spots = blind_spots(result, (0.2, 0.3, 0.5), iou, repeat_iou=0.75)
    verdicts = result.matches(iou=iou)
    for level, count in zip(spots.confidences, spots.false_positives, strict=True):
        wrong = (verdicts["verdict"] == "false positive") & (verdicts["score"] >= level)
        assert wrong.sum() == count
    images, classes = truth.image.tolist(), truth.category.tolist()
    for k in range(len(spots.class_names)):
        own = found.category == k
        assert spots.in_unseen_classes[k] == (own.sum() if k not in classes else 0)
        empty = [d for d in np.flatnonzero(own) if found.image[d] not in images]
        assert spots.on_empty_images[k] == len(empty)
    repeated = {}
    for d in range(len(found)):
        better = [
            (overlap(found.xywh[d].tolist(), found.xywh[e].tolist(), False), e)
            for e in range(len(found))
            if (found.image[d], found.category[d]) == (found.image[e], found.category[e])
            and (-found.scores[e], e) < (-found.scores[d], d)
        ]
        if better and max(better)[0] >= 0.75:
            repeated[d] = max(better)[0]
    assert spots.repeated.tolist() == list(repeated)
    assert spots.repeat_overlap.tolist() == list(repeated.values())
    assert all(
        overlap(found.xywh[d].tolist(), found.xywh[e].tolist(), False) == repeated[d]
        for d, e in zip(spots.repeated.tolist(), spots.repeats.tolist(), strict=True)
    )
