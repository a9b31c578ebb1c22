"""The Jaccard index of a few boxes, by hand: what counts in it, and at which confidence."""

from __future__ import annotations

import pytest
from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

JI = BASE.replace(ignore="region", metrics="ji")
REGION = Object([100, 0, 100, 100], ignore=True)
HALF_INSIDE, INSIDE = [95, 0, 10, 10], [96, 0, 10, 10]  # by 5 and by 6 of 10 columns
ON_WHOLE = Detected(0.9, WHOLE)


def ji(
    objects: list[Object],
    found: list[Detected],
    classes: str = "a",
    images: int = 1,
    rules: dm.Rules = JI,
) -> float:
    scene = Scene(
        setting="metrics",
        what="",
        objects=objects,
        found=found,
        expected={},
        classes=classes,
        images=images,
    )
    return dm.evaluate(*scene.tables(), rules).summary["JI"]


def index(pairs: int, objects: int, detections: int) -> float:
    return pytest.approx(pairs / (objects + detections - pairs + 1e-6), abs=1e-12)


def test_of_one_pair():
    assert ji([Object(WHOLE)], [ON_WHOLE]) == index(1, 1, 1)
    assert ji([Object(WHOLE), Object([20, 0, 10, 10])], [ON_WHOLE]) == index(1, 2, 1)
    assert ji([Object(WHOLE)], [ON_WHOLE, Detected(0.9, [20, 0, 10, 10])]) == index(1, 1, 2)
    assert ji([Object(WHOLE)], []) == 0


def test_a_half_is_enough_for_a_pair_whatever_is_strict():
    half = [Detected(0.9, [0, 0, 10, 5])]
    assert ji([Object(WHOLE)], half) == index(1, 1, 1)
    assert ji([Object(WHOLE)], half, rules=JI.replace(strict=True)) == index(1, 1, 1)
    assert ji([Object(WHOLE)], [Detected(0.9, [0, 0, 10, 4.9])]) == 0


@pytest.mark.parametrize(("box", "counts"), [(HALF_INSIDE, 1), (INSIDE, 0)])
def test_more_than_half_inside_a_region_is_not_counted(box, counts):
    objects = [Object(WHOLE), REGION]
    assert ji([*objects, Object(box)], [ON_WHOLE]) == index(1, 1 + counts, 1)
    assert ji(objects, [ON_WHOLE, Detected(0.9, box)]) == index(1, 1, 1 + counts)


def test_what_is_paired_counts_inside_a_region_too():
    objects = [Object(WHOLE), REGION, Object(INSIDE)]
    assert ji(objects, [ON_WHOLE, Detected(0.9, INSIDE)]) == index(2, 2, 2)
    assert ji(objects[1:], [Detected(0.9, INSIDE)]) == index(1, 1, 1)


def test_regions_are_of_their_class_unless_classes_are_pooled():
    objects = [Object(WHOLE), REGION._replace(name="b"), Object(INSIDE)]
    assert ji(objects, [ON_WHOLE], "ab") == index(1, 2, 1)
    assert ji(objects, [ON_WHOLE], "ab", rules=JI.replace(class_agnostic=True)) == index(1, 1, 1)


def test_regions_are_of_their_image():
    objects = [Object(WHOLE), REGION._replace(image=2), Object(INSIDE)]
    assert ji(objects, [ON_WHOLE], images=2) == index(1, 2, 1)


def test_the_best_confidence_counts():
    """The wrong one is left out from 0.1 on, as it is not above; a score of 0 never counts."""
    wrong = Detected(0.1, [20, 0, 10, 10])
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.2), wrong]) == index(1, 1, 1)
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.1), wrong]) == index(1, 1, 2)
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.01)]) == index(1, 1, 1)
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.0)]) == 0


def test_the_highest_confidence_is_nine_tenths():
    wrong = Detected(0.9, [20, 0, 10, 10])
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.95), wrong]) == index(1, 1, 1)
    assert ji([Object(WHOLE)], [ON_WHOLE._replace(score=0.91), wrong._replace(score=0.901)]) == (
        index(1, 1, 2)
    )


def test_the_mean_is_over_images_that_have_something():
    """An image without anything is none; one with a region and nothing else neither."""
    objects = [Object(WHOLE), Object(WHOLE, image=2), REGION._replace(image=3)]
    found = [ON_WHOLE, ON_WHOLE._replace(image=2), Detected(0.9, [20, 0, 10, 10], image=2)]
    expected = (1 / (1 + 1e-6) + 1 / (2 + 1e-6)) / 2
    assert ji(objects, found, images=4) == pytest.approx(expected, abs=1e-12)
    found.append(Detected(0.9, [20, 0, 10, 10], image=4))
    assert ji(objects, found, images=4) == pytest.approx(expected * 2 / 3, abs=1e-12)


def test_pairs_are_as_many_as_possible():
    """The better detection moves on to the object that it overlaps less."""
    objects = [Object(WHOLE), Object([2, 0, 10, 10])]
    found = [Detected(0.9, [1, 0, 10, 10]), Detected(0.8, [-2, 0, 10, 10])]
    assert ji(objects, found) == index(2, 2, 2)
    assert ji(objects[::-1], found) == index(2, 2, 2)


@pytest.mark.parametrize("setting", [{"out_of_range": "region"}, {"range_slack": 1.25}])
def test_is_not_defined_where_sizes_decide_what_counts(setting):
    with pytest.raises(dm.RulesError, match="ji is not defined with out_of_range or range_slack"):
        dm.COCO.replace(metrics=("ji",), **setting)
