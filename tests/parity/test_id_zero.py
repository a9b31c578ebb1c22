"""An annotation of id 0 is matched like any other, in whatever order a program asks for what.

pycocotools takes the id 0 for "unmatched", at every order of calls; renumbered ids give its right
numbers, with which the stand-in is compared.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from detmetrics.compat import measured
from detmetrics.compat.coco_evaluator import CocoEvaluator
from detmetrics.compat.pycocotools import COCO, COCOeval, Original

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

SIZE = 40.0


def index(annotations: list[dict]) -> COCO:
    made = COCO()
    made.dataset = {
        "images": [{"id": image, "width": 640, "height": 480} for image in (1, 2)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": copy.deepcopy(annotations),
    }
    made.createIndex()
    return made


def annotation(number: int, image: int, x: float, **more: object) -> dict:
    box = {"bbox": [x, 0.0, SIZE, SIZE], "area": SIZE * SIZE, "iscrowd": 0}
    return {"id": number, "image_id": image, "category_id": 1, **box, **more}


def sides(first: int, found_first: int | None, **change: object) -> tuple[COCO, COCO]:
    """Ground truths of ids from ``first`` on, and what is found: too much of the first, which is
    beside the area range ``small``, and one thing that is not there.
    """
    places = [(1, 0.0), (1, 100.0), (2, 0.0)]
    truths = [annotation(first + at, *place) for at, place in enumerate(places)]
    truths[0] |= change
    rows = [(1, 2.0, 0.9), (1, 0.0, 0.8), (1, 101.0, 0.7), (2, 300.0, 0.6), (2, 1.0, 0.5)]
    found = [
        annotation(at + (found_first or 0), image, x, score=score)
        for at, (image, x, score) in enumerate(rows)
    ]
    truth = index(truths)
    return truth, truth.loadRes(found) if found_first is None else index(found)


def plainly(evaluator: Original) -> None:
    evaluator.accumulate()


def after_a_look(evaluator: Original) -> None:
    assert evaluator.evalImgs
    evaluator.accumulate()


def twice(evaluator: Original) -> None:
    evaluator.accumulate()
    assert evaluator.evalImgs
    evaluator.accumulate()


def of_gathered_records(evaluator: Original) -> None:
    evaluator.evalImgs = pickle.loads(pickle.dumps(evaluator.evalImgs))
    evaluator._paramsEval = copy.deepcopy(evaluator.params)
    evaluator.accumulate()


def with_parameters(evaluator: Original) -> None:
    """Left to pycocotools' own ``accumulate``."""
    evaluator.accumulate(copy.deepcopy(evaluator.params))


def by_hand(evaluator: Original) -> None:
    """As DETR's loop does."""
    params = evaluator.params
    evaluator._prepare()
    evaluator.ious = {
        (image, kind): evaluator.computeIoU(image, kind)
        for image in params.imgIds
        for kind in params.catIds
    }
    evaluator.evalImgs = [
        evaluator.evaluateImg(image, kind, area, params.maxDets[-1])
        for kind in params.catIds
        for area in params.areaRng
        for image in params.imgIds
    ]
    evaluator.accumulate()


ORDERS = [plainly, after_a_look, twice, of_gathered_records, with_parameters, by_hand]
CHANGES = [{}, {"iscrowd": 1}, {"area": 10.0}]


def accumulated(kind: type, pair: tuple[COCO, COCO], order=plainly, **params: object) -> Original:
    evaluator = kind(*pair, "bbox")
    for name, value in params.items():
        setattr(evaluator.params, name, value)
    evaluator.evaluate()
    order(evaluator)
    return evaluator


def same(ours: Original, theirs: Original) -> None:
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(ours.eval[name], theirs.eval[name], err_msg=name)


@pytest.mark.parametrize("way", [0, 10**6])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("first", "found_first"), [(0, None), (0, 0), (4, 0), (0, 7)])
def test_every_order_of_calls_gives_the_numbers_of_other_ids(
    monkeypatch, way, order, change, first, found_first
):
    monkeypatch.setattr(measured, "FEW", way)
    ours = accumulated(COCOeval, sides(first, found_first, **change), order)
    same(ours, accumulated(Original, sides(4, 7, **change)))


@pytest.mark.parametrize("order", ORDERS[:-1])
@pytest.mark.parametrize(
    "params", [{"areaRng": [[0, 1e10]]}, {"useCats": 0}, {"areaRngLbl": ["all", "a", "a", "a"]}]
)
def test_parameters_that_leave_the_columns_do_not_change_that(order, params):
    ours = accumulated(COCOeval, sides(0, 0), order, **params)
    same(ours, accumulated(Original, sides(4, 7), **params))


def test_pycocotools_loses_them_in_every_order():
    for order in ORDERS:
        theirs = accumulated(Original, sides(0, None), order)
        right = accumulated(Original, sides(4, None), order)
        assert theirs.eval["recall"][0, 0, 0, -1] < right.eval["recall"][0, 0, 0, -1] == 1


@pytest.mark.parametrize("way", [0, 10**6])
def test_records_say_that_they_are_matched(monkeypatch, way):
    """By a number that is true and whose whole part is the id."""
    monkeypatch.setattr(measured, "FEW", way)
    ours = accumulated(COCOeval, sides(0, 0))
    theirs = accumulated(Original, sides(4, 7))
    for mine, other in zip(ours.evalImgs, theirs.evalImgs, strict=True):
        for name, shift in (("dtMatches", 4), ("gtMatches", 7)):
            matched = other[name] != 0
            np.testing.assert_array_equal(mine[name] != 0, matched)
            ids = np.where(matched, other[name] - shift, 0)
            np.testing.assert_array_equal(mine[name].astype(int), ids)
        np.testing.assert_array_equal(mine["dtIgnore"], other["dtIgnore"])
        assert mine["gtIds"] == [number - 4 for number in other["gtIds"]]


def test_an_evaluator_of_batches_does_likewise():
    def evaluated(first: int) -> CocoEvaluator:
        truth, found = sides(first, None)
        made = CocoEvaluator(truth, ["bbox"])
        for image in (1, 2):
            x, y, w, h = np.array([one["bbox"] for one in found.imgToAnns[image]]).T
            scores = np.array([one["score"] for one in found.imgToAnns[image]])
            boxes = np.stack([x, y, x + w, y + h], axis=1)
            labels = np.ones(len(x), int)
            made.update({image: {"boxes": boxes, "scores": scores, "labels": labels}})
        made.synchronize_between_processes()
        assert made.eval_imgs["bbox"].size
        made.accumulate()
        return made

    same(evaluated(0).coco_eval["bbox"], evaluated(4).coco_eval["bbox"])
