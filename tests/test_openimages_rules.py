"""Open Images' group-of boxes, by hand."""

from __future__ import annotations

import pytest

import detmetrics as dm

BOXES = [[0, 0, 10, 10], [100, 0, 100, 100]]  # an object, and a group


def summary(found: list[tuple[list[float], float]], **changes) -> float:
    catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1, 1], categories=[1, 1], boxes=BOXES, crowd=[False, True], catalog=catalog
    )
    detections = dm.Detections.from_arrays(
        image_ids=[1] * len(found),
        categories=[1] * len(found),
        boxes=[box for box, _ in found],
        scores=[score for _, score in found],
        catalog=catalog,
    )
    return dm.evaluate(truth, detections, dm.OPEN_IMAGES.replace(**changes)).summary["AP"]


INSIDE, ALSO_INSIDE, OBJECT, NOWHERE = (
    [110, 10, 20, 20],
    [150, 50, 20, 20],
    [0, 0, 10, 10],
    [300, 0, 9, 9],
)


def test_detections_in_a_group_count_neither_way():
    assert summary([(INSIDE, 0.9), (ALSO_INSIDE, 0.8), (OBJECT, 0.7)]) == pytest.approx(1.0)


def test_elsewhere_they_are_false():
    assert summary([(NOWHERE, 0.9), (OBJECT, 0.7)]) == pytest.approx(0.5)


def test_with_weight_the_best_in_a_group_is_right_and_the_group_is_an_object():
    found = [(INSIDE, 0.9), (ALSO_INSIDE, 0.8), (OBJECT, 0.7)]
    assert summary(found, group_weight=1) == pytest.approx(1.0)
    assert summary([(OBJECT, 0.7)], group_weight=1) == pytest.approx(0.5)  # the group is missed


def test_a_second_detection_of_an_object_is_false():
    found = [(OBJECT, 0.9), (OBJECT, 0.8)]
    assert summary(found) == pytest.approx(1.0)
    assert summary([(OBJECT, 0.9), (OBJECT, 0.8), (INSIDE, 0.7)], group_weight=1) == pytest.approx(
        (1 + 2 / 3) / 2
    )


def test_a_box_without_size_is_dropped():
    assert summary([([0, 0, 0, 10], 0.9), (OBJECT, 0.7)]) == pytest.approx(1.0)
