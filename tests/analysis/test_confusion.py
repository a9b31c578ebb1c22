"""The confusion matrix: hand-made cells, a slow loop from the definition, laws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from reference import overlap

import detmetrics as dm
from detmetrics.analysis import confusion_matrix
from detmetrics.matching import roles

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
OBJECT, FAR = [0, 0, 10, 10], [50, 50, 10, 10]
RULES = [
    dm.COCO,
    dm.COCO.replace(ignore="honour", class_agnostic=True),
    dm.COCO.replace(crowd="count", max_detections=(2,)),
    dm.ULTRALYTICS,
]


def scene(objects, found, classes=("cat", "dog"), rules=dm.COCO, **more) -> dm.Evaluation:
    """objects: (class, box); found: (class, box, score), all of one image."""
    catalog = dm.Catalog.from_ids(images=[1], categories=classes)
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1] * len(objects),
        categories=[row[0] for row in objects],
        boxes=np.array([row[1] for row in objects], float).reshape(-1, 4),
        catalog=catalog,
        **more,
    )
    detections = dm.Detections.from_arrays(
        image_ids=[1] * len(found),
        categories=[row[0] for row in found],
        boxes=np.array([row[1] for row in found], float).reshape(-1, 4),
        scores=[row[2] for row in found],
        catalog=catalog,
    )
    return dm.evaluate(truth, detections, rules)


def counts(result: dm.Evaluation, *settings) -> list:
    return confusion_matrix(result, *settings).counts.tolist()


def test_right_confused_missed_and_on_nothing():
    objects = [("cat", OBJECT), ("cat", FAR), ("dog", [100, 0, 10, 10])]
    found = [("cat", OBJECT, 0.9), ("dog", FAR, 0.8), ("dog", [200, 0, 5, 5], 0.7)]
    matrix = confusion_matrix(scene(objects, found))
    assert matrix.counts.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert [rows.tolist() for rows in matrix.cell("cat", "dog")] == [[1], [1]]
    assert [rows.tolist() for rows in matrix.cell("dog", "background")] == [[-1], [2]]
    assert [rows.tolist() for rows in matrix.cell("background", "dog")] == [[2], [-1]]
    assert matrix.confused() == [("cat", "dog", 1)]
    assert matrix.frame().loc["cat", "dog"] == 1


def test_the_better_score_takes_the_object_whatever_its_class():
    found = [("cat", OBJECT, 0.8), ("dog", OBJECT, 0.9)]
    assert counts(scene([("cat", OBJECT)], found)) == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_ties():
    """Of equal scores the first in the file, though another class; of equal overlaps too."""
    found = [("dog", OBJECT, 0.9), ("cat", OBJECT, 0.9)]
    assert counts(scene([("cat", OBJECT)], found)) == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    objects = [("dog", OBJECT), ("cat", OBJECT)]
    matrix = confusion_matrix(scene(objects, [("cat", OBJECT, 0.9)]))
    assert matrix.cell("dog", "cat")[1].tolist() == [0]


@pytest.mark.parametrize(
    ("definition", "score", "box", "found"),
    [
        ("greedy", 0.25, OBJECT, 1),
        ("greedy", 0.2499, OBJECT, 0),
        ("ultralytics", 0.25, OBJECT, 0),
        ("ultralytics", 0.2501, OBJECT, 1),
        ("greedy", 0.9, [0, 0, 10, 5], 1),
        ("greedy", 0.9, [0, 0, 10, 4.9], 0),
        ("ultralytics", 0.9, [0, 0, 10, 4.5], 0),
        ("ultralytics", 0.9, [0, 0, 10, 4.6], 1),
    ],
)
def test_at_the_thresholds(definition, score, box, found):
    result = scene([("cat", OBJECT)], [("cat", box, score)])
    assert confusion_matrix(result, definition=definition).counts[0, 0] == found


def test_crowds_and_ignored_objects_set_aside_what_is_of_their_class():
    objects = [("cat", OBJECT), ("cat", FAR)]
    found = [("cat", [51, 51, 2, 2], 0.9), ("cat", FAR, 0.8), ("dog", [51, 51, 2, 2], 0.9)]
    matrix = confusion_matrix(scene(objects, found, crowd=[False, True]))
    assert matrix.set_aside == 2
    assert matrix.counts.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]
    honour = dm.COCO.replace(ignore="honour")
    matrix = confusion_matrix(scene(objects, found, rules=honour, ignore=[False, True]))
    assert matrix.set_aside == 1  # by IoU, and any number
    assert matrix.counts.tolist() == [[0, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_shares_and_where_there_is_nothing_to_take_a_share_of():
    objects = [("cat", OBJECT), ("cat", FAR)]
    matrix = confusion_matrix(scene(objects, [("cat", OBJECT, 0.9), ("dog", FAR, 0.8)]))
    nan = math.nan
    np.testing.assert_array_equal(matrix.normalized(), [[0.5, 0.5, 0], [nan] * 3, [nan] * 3])
    np.testing.assert_array_equal(
        matrix.normalized("detections"), [[1, 1, nan], [0, 0, nan], [0, 0, nan]]
    )
    np.testing.assert_array_equal(matrix.normalized("all").sum(), 1)
    with pytest.raises(dm.InputError, match="over: expected one of ground_truths, detections, all"):
        matrix.normalized("rows")


def test_a_class_may_be_called_background():
    result = scene([("background", OBJECT)], [], classes=("background",))
    matrix = confusion_matrix(result)
    assert matrix.labels == ("background", "(background)")
    assert matrix.cell("background", "(background)")[1].tolist() == [0]


def test_as_plain_values():
    assert confusion_matrix(scene([("cat", OBJECT)], [])).to_dict() == {
        "definition": "greedy",
        "confidence": 0.25,
        "iou": 0.5,
        "labels": ["cat", "dog", "background"],
        "counts": [[0, 0, 1], [0, 0, 0], [0, 0, 0]],
        "set_aside": 0,
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((0.25, 0.5, "coco"), "definition: expected greedy or ultralytics, got 'coco'"),
        ((math.nan,), "confidence: expected a number, got nan"),
        ((0.25, 1.5), "iou: expected 0 < iou <= 1, got 1.5"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(dm.InputError, match=message):
        confusion_matrix(dm.evaluate(*FIXTURES), *settings)


def test_unknown_labels_are_refused():
    with pytest.raises(dm.InputError, match="no class 'wolf'; there are person, bicycle"):
        confusion_matrix(dm.evaluate(*FIXTURES)).cell("wolf", "dog")


def test_sizes_that_are_not_known():
    catalog = dm.Catalog.from_ids(images=[1], categories=["cat"])
    boxes = {"image_ids": [1], "categories": ["cat"], "boxes": [OBJECT], "catalog": catalog}
    rules = dm.COCO.replace(area_ranges=[("all", 0.0, 0.5, "share")])
    result = dm.evaluate(
        dm.GroundTruth.from_arrays(**boxes), dm.Detections.from_arrays(**boxes, scores=[1]), rules
    )
    with pytest.raises(dm.InputError, match="image sizes are unknown"):
        confusion_matrix(result)


# --- the definition as loops ----------------------------------------------------------------------


def slow(result: dm.Evaluation, confidence: float, iou: float) -> tuple[np.ndarray, int]:
    """One detection at a time."""
    truth, found, rules = result.ground_truth, result.detections, result.rules
    excused, region = roles.excused(truth, rules), roles.regions(truth, rules)
    considered = set(result.matching.row.tolist())
    classes = len(truth.catalog.category_ids)
    cells, taken, aside = np.zeros((classes + 1, classes + 1), int), set(), 0

    def between(d, g, as_region=False):
        return overlap(found.xywh[d].tolist(), truth.xywh[g].tolist(), as_region)

    for d in sorted(considered, key=lambda d: (-found.scores[d], d)):
        if found.scores[d] < confidence:
            continue
        there = [g for g in range(len(truth)) if truth.image[g] == found.image[d]]
        free = [g for g in there if not excused[g] and g not in taken]
        best = max(free, key=lambda g: between(d, g), default=None)
        if best is not None and between(d, best) >= iou:
            taken.add(best)
            cells[truth.category[best], found.category[d]] += 1
        elif any(
            excused[g]
            and (rules.class_agnostic or truth.category[g] == found.category[d])
            and between(d, g, bool(region[g])) >= iou
            for g in there
        ):
            aside += 1
        else:
            cells[classes, found.category[d]] += 1
    for g in range(len(truth)):
        if not excused[g] and g not in taken:
            cells[truth.category[g], classes] += 1
    return cells, aside


@given(
    scene=strategies.scenes() | strategies.scenes().map(strategies.on_one_image),
    rules=st.sampled_from(RULES[:3]),
    settings=st.sampled_from([(0.25, 0.5), (0.3, 1 / 3), (0.0, 0.75)]),
)
def test_slow_loops(scene, rules, settings):
    result = dm.evaluate(*scene, rules)
    matrix = confusion_matrix(result, *settings)
    cells, aside = slow(result, *settings)
    np.testing.assert_array_equal(matrix.counts, cells)
    assert matrix.set_aside == aside


@given(
    scene=strategies.scenes(),
    rules=st.sampled_from(RULES),
    definition=st.sampled_from(["greedy", "ultralytics"]),
)
def test_sums_and_rows(scene, rules, definition):
    """Rows sum to the objects of a class, all of it to detections and missed objects."""
    result = dm.evaluate(*scene, rules)
    matrix = confusion_matrix(result, 0.3, definition=definition)
    truth, found = result.ground_truth, result.detections
    counted = truth.category[~roles.excused(truth, rules)]
    classes = len(truth.catalog.category_ids)
    np.testing.assert_array_equal(
        matrix.counts[:-1].sum(axis=1), np.bincount(counted, minlength=classes)
    )
    scores = found.scores[result.matching.row]
    surer = (scores >= 0.3 if definition == "greedy" else scores > 0.3).sum()
    assert matrix.counts[:, :-1].sum() + matrix.set_aside == surer
    assert matrix.counts[-1, -1] == 0
    behind = np.zeros_like(matrix.counts)
    for row, there in enumerate(matrix.labels):
        for column, found_as in enumerate(matrix.labels):
            d, g = matrix.cell(there, found_as)
            behind[row, column] = len(d)
            assert (truth.category[g[g >= 0]] == row).all()
            assert (found.category[d[d >= 0]] == column).all()
    np.testing.assert_array_equal(behind, matrix.counts)
    used = matrix.ground_truth[matrix.ground_truth >= 0]
    assert len(np.unique(used)) == len(used)


@given(scene=strategies.scenes())
def test_the_order_of_images_changes_nothing(scene):
    truth, found = scene
    images = len(truth.catalog.image_ids)
    turned = (
        replace(
            table,
            image=images - 1 - table.image,
            catalog=catalog,
        )
        for catalog in [replace(truth.catalog, image_ids=np.arange(images))]
        for table in (truth, found)
    )
    assert counts(dm.evaluate(truth, found)) == counts(dm.evaluate(*turned))


def test_a_group_is_no_object_even_where_it_has_weight():
    """Open Images' challenge counts a group as one object; who is taken for whom knows none."""
    catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1, 1],
        categories=[1, 1],
        boxes=[[0, 0, 10, 10], [100, 0, 100, 100]],
        crowd=[False, True],
        catalog=catalog,
    )
    found = dm.Detections.from_arrays(
        image_ids=[1, 1],
        categories=[1, 1],
        boxes=[[0, 0, 10, 10], [100, 0, 100, 100]],
        scores=[0.9, 0.8],
        catalog=catalog,
    )
    result = dm.evaluate(truth, found, dm.OPEN_IMAGES.replace(group_weight=1))
    matrix = confusion_matrix(result)
    assert matrix.counts.tolist() == [[1, 0], [0, 0]]
    assert matrix.set_aside == 1
