"""KITTI's precision at cuts of the score, where objects choose: what is wrong above a cut."""

from __future__ import annotations

import pytest

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CAR, FAR = [0, 0, 100, 50], [500, 0, 100, 50]
REGION = [200, 0, 100, 100]


def ap(
    objects: list[list[float]],
    found: list[tuple[list[float], float]],
    *,
    region: list[float] | None = None,
    points: tuple[float, ...] = (0.0,),
    area: str = "easy",
) -> float:
    """AP of cars, at the first cut alone unless points say otherwise."""
    boxes = [*objects, *([] if region is None else [region])]
    count = len(boxes)
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1] * count,
        categories=["Car"] * count,
        boxes=boxes,
        crowd=[False] * len(objects) + [True] * (count - len(objects)),
        attributes={"occlusion": [0] * count, "truncation": [0.0] * count},
    )
    detections = dm.Detections.from_arrays(
        image_ids=[1] * len(found),
        categories=["Car"] * len(found),
        boxes=[box for box, _ in found],
        scores=[score for _, score in found],
        catalog=truth.catalog,
    )
    rules = dm.KITTI.replace(recall_points=points)
    return dm.evaluate(truth, detections, rules).summary[f"AP_{area}"]


def test_a_second_detection_of_an_object_is_wrong():
    assert ap([CAR], [(CAR, 0.9)]) == 1
    assert ap([CAR], [(CAR, 0.9), (CAR, 0.9)]) == 1 / 2
    assert ap([CAR], [(CAR, 0.9), (CAR, 0.8)]) == 1  # which is below the only cut


def test_a_detection_of_nothing_is_wrong_from_the_cut_on():
    assert ap([CAR], [(FAR, 0.95), (CAR, 0.9)]) == 1 / 2
    assert ap([CAR], [(FAR, 0.9), (CAR, 0.9)]) == 1 / 2
    assert ap([CAR], [(FAR, 0.85), (CAR, 0.9)]) == 1


@pytest.mark.parametrize(("left", "precision"), [(240, 1 / 2), (230, 1 / 2), (229, 1)])
def test_what_lies_in_a_region_by_more_than_the_threshold_is_not(left, precision):
    """Of 100 columns 60, 70 and 71 lie inside."""
    found = [([left, 0, 100, 50], 0.95), (CAR, 0.9)]
    assert ap([CAR], found, region=REGION) == precision


@pytest.mark.parametrize(("high", "precision"), [(40, 1 / 2), (39, 1)])
def test_what_is_too_low_for_a_difficulty_is_not(high, precision):
    assert ap([CAR], [([500, 0, 100, high], 0.95), (CAR, 0.9)]) == precision


def test_an_object_takes_what_fits_best_above_the_cut():
    """At the cut of 0.9 the second car fits nothing but 0.95, and the first has 0.9 itself."""
    near = [10, 0, 100, 50]
    found = [([5, 0, 100, 50], 0.95), (CAR, 0.9)]
    assert ap([CAR, near], found, points=(0.0,)) == 1
    assert ap([CAR, near], found, points=(0.025,)) == 1


def test_an_ignored_object_takes_a_detection_that_is_neither():
    """A car that is 30 pixels high is none of the easy ones, and one of the moderate ones."""
    low = [500, 0, 100, 40]  # its low end is outside, that of a detection inside
    found = [(low, 0.95), (CAR, 0.9)]
    assert ap([CAR, low], found) == 1
    assert ap([CAR, low], [(low, 0.95), *found]) == 1 / 2
    assert ap([CAR, low], found, area="moderate", points=(0.025,)) == 1


def test_each_cut_has_its_precision_or_a_later_one_s():
    """Right at 0.9, wrong twice, right at 0.6: 1 and 2/4 of two; later cuts count for earlier."""
    other = [1000, 0, 100, 50]
    found = [(CAR, 0.9), (FAR, 0.8), (FAR, 0.7), (other, 0.6)]
    assert ap([CAR, other], found, points=(0.0, 0.025, 0.05)) == (1 + 2 / 4 + 0) / 3
    found = [(FAR, 0.95), (CAR, 0.9), (other, 0.6)]
    assert ap([CAR, other], found, points=(0.0, 0.025, 0.05)) == (2 / 3 + 2 / 3 + 0) / 3


def test_without_detections_or_cuts_it_is_0():
    assert ap([CAR], []) == 0
    assert ap([CAR], [(FAR, 0.9)]) == 0


def test_cuts_are_the_scores_nearest_to_recalls_one_fortieth_apart():
    """Of 80 cars each second one is a cut; 40 recalls from 1/40 on and the one at 0 are 41."""
    cars = [[200 * place, 0, 100, 50] for place in range(80)]
    found = [(box, 1 - 0.01 * place) for place, box in enumerate(cars)]
    behind = 0.5  # a false alarm below cars 1 to 50, above the 30 others
    wrong = [([-500, 0, 100, 50], behind)]
    values = [ap(cars, [*found, *wrong], points=(place / 40,)) for place in (24, 25, 26, 40)]
    # Cuts stand at cars 1, 2, 4, 6, ...: that of recall 25/40 at car 50, that of 26/40 at car 52.
    # From there on all have a false alarm, of which the last has the best precision.
    assert values == [1, 1, 80 / 81, 80 / 81]
