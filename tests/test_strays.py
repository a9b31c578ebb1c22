"""KITTI's strays: a detection too low for a difficulty takes an object of any class from its curve.

Where cuts of the score are looked for, each object takes the surest detection that overlaps it
enough. KITTI's kit asks for the height of a detection before it asks for its class, so one that is
too low is taken for whatever it lies on, and the object is no place to cut at.
"""

from __future__ import annotations

import pytest

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CLASSES = ["Car", "Pedestrian", "Cyclist"]
CAR, LOW, HIGH = [0, 0, 100, 50], [0, 0, 100, 39], [0, 0, 100, 40]  # IoU 0.78 and 0.8

# The only cut is the place at recall 0 of eleven.
ONE_CUT, NO_CUT = 1 / 11, 0.0


def ap(objects: list[tuple], found: list[tuple], area: str = "easy", **changes) -> float:
    """AP of cars (or all classes that are there) at 11 points; rows of class, box and score."""
    catalog = dm.Catalog.from_ids(images=[1, 2], categories=[1, 2, 3], category_names=CLASSES)
    count = len(objects)
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1] * count,
        categories=[name for name, _ in objects],
        boxes=[box for _, box in objects],
        attributes={"occlusion": [0] * count, "truncation": [0.0] * count},
        catalog=catalog,
    )
    detections = dm.Detections.from_arrays(
        image_ids=[image for *_, image in found],
        categories=[name for name, *_ in found],
        boxes=[box for _, box, *_ in found],
        scores=[score for _, _, score, _ in found],
        catalog=catalog,
    )
    result = dm.evaluate(truth, detections, dm.KITTI_R11.replace(**changes))
    return result.summary[f"AP_{area}"]


def row(name: str, box: list[float], score: float, image: int = 1) -> tuple:
    return name, box, score, image


FOUND = row("Car", CAR, 0.5)


@pytest.mark.parametrize("name", CLASSES)
def test_a_surer_one_of_any_class_takes_the_object(name):
    assert ap([("Car", CAR)], [FOUND]) == pytest.approx(ONE_CUT)
    assert ap([("Car", CAR)], [row(name, LOW, 0.9), FOUND]) == pytest.approx(NO_CUT)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (row("Pedestrian", LOW, 0.4), "it is less sure"),
        (row("Pedestrian", HIGH, 0.9), "it is as high as the low end, which a detection may be"),
        (row("Pedestrian", [0, 0, 100, 35], 0.9), "0.7 is not above the threshold of cars"),
        (row("Pedestrian", LOW, 0.9, image=2), "it lies in another image"),
    ],
)
def test_other_detections_take_nothing(found, why):
    assert ap([("Car", CAR)], [found, FOUND]) == pytest.approx(ONE_CUT), why


def test_it_is_too_low_for_one_difficulty_alone():
    found = [row("Pedestrian", LOW, 0.9), FOUND]
    assert ap([("Car", CAR)], found, "moderate") == pytest.approx(ONE_CUT)
    assert ap([("Car", CAR)], found, "easy") == pytest.approx(NO_CUT)


def test_equal_scores_are_taken_in_the_order_of_the_file():
    stray = row("Pedestrian", LOW, 0.5)
    assert ap([("Car", CAR)], [stray, FOUND]) == pytest.approx(NO_CUT)
    assert ap([("Car", CAR)], [FOUND, stray]) == pytest.approx(ONE_CUT)


def test_it_is_taken_once_in_each_class():
    """Two cars share one stray, so that the second is found; a pedestrian has it besides."""
    cars = [("Car", CAR), ("Car", CAR)]
    stray = row("Cyclist", LOW, 0.9)
    assert ap(cars, [stray, FOUND]) == pytest.approx(ONE_CUT)
    assert ap(cars, [stray, row("Cyclist", LOW, 0.8), FOUND]) == pytest.approx(NO_CUT)
    both = [("Car", CAR), ("Pedestrian", CAR)]
    found = [FOUND, row("Pedestrian", CAR, 0.5)]
    assert ap(both, found) == pytest.approx(ONE_CUT)
    assert ap(both, [stray, *found]) == pytest.approx(NO_CUT)


def test_pedestrians_ask_for_less():
    """An overlap of 0.6 is above their threshold, and below that of cars."""
    low = [0, 0, 100, 30]
    assert ap([("Pedestrian", CAR)], [row("Pedestrian", CAR, 0.5)]) == pytest.approx(ONE_CUT)
    found = [row("Car", low, 0.9), row("Pedestrian", CAR, 0.5)]
    assert ap([("Pedestrian", CAR)], found) == pytest.approx(NO_CUT)


def test_a_threshold_may_be_below_that_of_the_rules():
    found = [row("Car", [0, 0, 100, 20], 0.9), row("Pedestrian", CAR, 0.5)]  # IoU 0.4
    for iou, expected in ((0.3, NO_CUT), (0.45, ONE_CUT)):
        rules = {"class_rules": [("Car", 0.7), ("Pedestrian", iou)]}
        assert ap([("Pedestrian", CAR)], found, **rules) == pytest.approx(expected)


def test_it_counts_neither_way_where_precision_is_taken():
    """Below a cut at 0.3, the stray of 0.4 is no car and too low for a false positive."""
    found = [row("Car", LOW, 0.35), row("Car", CAR, 0.3), row("Pedestrian", LOW, 0.2)]
    assert ap([("Car", CAR)], found) == pytest.approx(NO_CUT)
    far = [500, 0, 100, 39]
    found = [row("Car", far, 0.4), row("Car", CAR, 0.3)]
    assert ap([("Car", CAR)], found) == pytest.approx(ONE_CUT)
    wrong = [row("Car", [500, 0, 100, 40], 0.4), row("Car", CAR, 0.3)]
    assert ap([("Car", CAR)], wrong) == pytest.approx(ONE_CUT / 2)


def test_there_are_none_where_detections_choose():
    found = [row("Pedestrian", LOW, 0.9), FOUND]
    assert ap([("Car", CAR)], found, assignment="free") == pytest.approx(ONE_CUT)
