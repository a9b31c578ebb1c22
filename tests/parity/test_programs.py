"""Small programs written for pycocotools, run with its own classes and with the stand-in.

What a program returns, prints and raises is the same, in every state of the evaluator.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import json
import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pycocotools import cocoeval as original
from pycocotools import mask

import detmetrics.compat.measured as measured
import detmetrics.compat.pycocotools as ours

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

OURS = SimpleNamespace(COCO=ours.COCO, COCOeval=ours.COCOeval, Params=ours.Params)
THEIRS = SimpleNamespace(COCO=ours.OriginalIndex, COCOeval=ours.Original, Params=original.Params)
TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
PROGRAMS = {}


def program(function):
    """A program: called with the classes and a folder for files."""
    PROGRAMS[function.__name__] = function
    return function


# --- what programs are fed -----------------------------------------------------------------------


def sides(kind, truth=TRUTH, found=FOUND):
    index = kind.COCO(truth)
    return index, index.loadRes(found)


def index_of(kind, document):
    index = kind.COCO()
    index.dataset = copy.deepcopy(document)
    index.createIndex()
    return index


def evaluator(kind, iou_type="bbox", **params):
    made = kind.COCOeval(*sides(kind), iou_type)
    for name, value in params.items():
        setattr(made.params, name, copy.deepcopy(value))
    return made


def evaluated(kind, **params):
    made = evaluator(kind, **params)
    made.evaluate()
    return made


def accumulated(kind, **params):
    made = evaluated(kind, **params)
    made.accumulate()
    return made


def summarized(kind, **params):
    made = accumulated(kind, **params)
    made.summarize()
    return made


def masked(kind, size=(480, 640), shift=3):
    """Both sides with masks of this height and width, on images of 480 x 640."""
    high, wide = size

    def code(x, y):
        plane = np.zeros((high, wide), np.uint8)
        plane[y : y + 30, x : x + 40] = 1
        made = mask.encode(np.asfortranarray(plane))
        return {**made, "counts": made["counts"].decode()}

    document = {
        "images": [{"id": i, "height": 480, "width": 640} for i in (1, 2)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [
            {
                "id": 1 + row,
                "image_id": 1 + row % 2,
                "category_id": 1 + row // 3,
                "iscrowd": int(row == 4),
                "area": 1200,
                "bbox": [10 * row, 5 * row, 40, 30],
                "segmentation": code(10 * row, 5 * row),
            }
            for row in range(6)
        ],
    }
    rows = [
        {
            "image_id": one["image_id"],
            "category_id": one["category_id"],
            "score": 0.9 - 0.1 * one["id"],
            "segmentation": code(10 * (one["id"] - 1) + shift, 5 * (one["id"] - 1)),
        }
        for one in document["annotations"]
    ]
    index = index_of(kind, document)
    return index, index.loadRes(rows)


def state(made):
    """Everything that an evaluator holds, in pycocotools' words."""
    return {
        "eval": {
            name: value for name, value in made.eval.items() if name not in ("date", "params")
        },
        "eval.params": vars(made.eval["params"]) if made.eval else None,
        "evalImgs": made.evalImgs,
        "ious": made.ious,
        "_gts": made._gts,
        "_dts": made._dts,
        "params": vars(made.params),
        "_paramsEval": vars(made._paramsEval) if made._paramsEval else {},
        "stats": made.stats,
        "annotations": [made.cocoGt.anns, made.cocoDt.anns],
    }


# --- programs: every state -----------------------------------------------------------------------


@program
def before_anything(kind, _):
    return state(evaluator(kind))


@program
def after_evaluate(kind, _):
    return state(evaluated(kind))


@program
def after_accumulate(kind, _):
    return state(accumulated(kind))


@program
def after_summarize(kind, _):
    return state(summarized(kind))


@program
def records_are_looked_at_before_accumulate(kind, _):
    made = evaluated(kind)
    seen = [one and one["dtIds"] for one in made.evalImgs]
    made.accumulate()
    return seen, state(made)


@program
def everything_twice(kind, _):
    made = summarized(kind)
    first = copy.copy(made.stats)
    made.evaluate()
    made.accumulate()
    made.summarize()
    return first, state(made)


@program
def accumulate_first(kind, _):
    evaluator(kind).accumulate()


@program
def summarize_first(kind, _):
    evaluator(kind).summarize()


@program
def summarize_before_accumulate(kind, _):
    evaluated(kind).summarize()


@program
def summarize_after_evaluating_again(kind, _):
    made = summarized(kind)
    made.evaluate()
    made.summarize()


@program
def accumulate_twice(kind, _):
    made = accumulated(kind)
    made.accumulate()
    return state(made)


@program
def as_text(kind, _):
    return str(accumulated(kind))


@program
def prepare_alone(kind, _):
    made = evaluator(kind)
    made._prepare()
    return state(made)


@program
def prepare_after_evaluate(kind, _):
    made = accumulated(kind)
    made._prepare()
    return state(made)


@program
def prepare_after_evaluate_then_accumulate(kind, _):
    made = evaluated(kind)
    made._prepare()
    made.accumulate()


@program
def overlaps_after_evaluate(kind, _):
    made = evaluated(kind)
    return [made.computeIoU(i, k) for i in made.params.imgIds for k in made.params.catIds]


@program
def overlaps_before_evaluate(kind, _):
    made = evaluator(kind)
    return [made.computeIoU(i, k) for i in made.params.imgIds for k in made.params.catIds]


@program
def single_images_after_evaluate(kind, _):
    made = evaluated(kind)
    return [
        made.evaluateImg(i, k, area, limit)
        for i in made.params.imgIds
        for k in made.params.catIds
        for area in [*made.params.areaRng, [100, 5000]]
        for limit in (100, 2)
    ]


@program
def a_single_image_before_evaluate(kind, _):
    made = evaluator(kind)
    return made.evaluateImg(made.params.imgIds[0], made.params.catIds[0], [0, 1e10], 100)


@program
def a_single_image_beyond_the_limit(kind, _):
    made = evaluated(kind, maxDets=[1, 2, 3])
    return [
        made.evaluateImg(i, k, [0, 1e10], 100)
        for i in made.params.imgIds
        for k in made.params.catIds
    ]


@program
def overlaps_of_keypoints_after_boxes(kind, _):
    made = evaluated(kind)
    made.computeOks(made.params.imgIds[0], made.params.catIds[0])


@program
def by_hand_as_detr_does(kind, _):
    made = evaluator(kind)
    params = made.params
    params.imgIds = list(np.unique(params.imgIds))
    made._prepare()
    made.ious = {(i, k): made.computeIoU(i, k) for i in params.imgIds for k in params.catIds}
    records = [
        made.evaluateImg(i, k, area, params.maxDets[-1])
        for k in params.catIds
        for area in params.areaRng
        for i in params.imgIds
    ]
    made.evalImgs = records
    made._paramsEval = copy.deepcopy(params)
    made.accumulate()
    made.summarize()
    return state(made)


# --- programs: parameters ------------------------------------------------------------------------


@program
def some_images(kind, _):
    return state(summarized(kind, imgIds=[107, 100, 114, 100]))


@program
def one_image_as_a_number(kind, _):
    return state(accumulated(kind, imgIds=100))


@program
def images_that_are_not_there(kind, _):
    return state(summarized(kind, imgIds=[100, 9999]))


@program
def no_images(kind, _):
    return state(summarized(kind, imgIds=[]))


@program
def some_classes(kind, _):
    return state(summarized(kind, catIds=[3, 1]))


@program
def classes_that_are_not_there(kind, _):
    return state(summarized(kind, catIds=[1, 999]))


@program
def no_classes(kind, _):
    return state(accumulated(kind, catIds=[]))


@program
def classes_pooled(kind, _):
    made = summarized(kind, useCats=0)
    return state(made), made.params.catIds


@program
def classes_pooled_twice(kind, _):
    made = summarized(kind, useCats=0)
    made.accumulate()
    return state(made)


@program
def classes_pooled_and_evaluated_again(kind, _):
    made = summarized(kind, useCats=0)
    made.evaluate()
    made.accumulate()
    made.summarize()
    return state(made)


@program
def classes_pooled_some_of_them_twice(kind, _):
    return state(accumulated(kind, useCats=0, catIds=[3, 1, 3]))


@program
def classes_told_apart_by_two(kind, _):
    return state(accumulated(kind, useCats=2))


@program
def limits_without_100(kind, _):
    return state(summarized(kind, maxDets=[1, 5, 50]))


@program
def limits_unsorted(kind, _):
    return state(summarized(kind, maxDets=[100, 1, 10]))


@program
def a_single_limit(kind, _):
    return state(summarized(kind, maxDets=[100]))


@program
def limits_of_detr_for_lvis(kind, _):
    return state(summarized(kind, maxDets=[1, 10, 300]))


@program
def one_threshold(kind, _):
    return state(summarized(kind, iouThrs=[0.5]))


@program
def one_threshold_as_array(kind, _):
    return state(summarized(kind, iouThrs=np.array([0.75])))


@program
def thresholds_falling(kind, _):
    return state(accumulated(kind, iouThrs=[0.9, 0.5, 0.7]))


@program
def thresholds_0_and_1(kind, _):
    return state(accumulated(kind, iouThrs=[0.0, 1.0]))


@program
def recalls_of_voc(kind, _):
    return state(summarized(kind, recThrs=np.linspace(0, 1, 11)))


@program
def ranges_of_a_program(kind, _):
    areas = {"areaRng": [[0, 1e10], [0, 400]], "areaRngLbl": ["all", "small"]}
    return state(summarized(kind, **areas))


@program
def ranges_of_one_name(kind, _):
    return state(accumulated(kind, areaRngLbl=["all", "a", "a", "a"]))


@program
def more_names_than_ranges(kind, _):
    return state(summarized(kind, areaRng=[[0, 1e10]]))


@program
def limits_changed_after_evaluate(kind, _):
    made = evaluated(kind)
    made.params.maxDets = [1, 10]
    made.accumulate()
    return state(made)


@program
def parameters_changed_after_evaluate_then_methods(kind, _):
    made = evaluated(kind)
    made.params.catIds, made.params.maxDets = [1], [1, 2, 3]
    return made.ious, made.computeIoU(100, 1), made.evaluateImg(100, 1, [0, 1e10], 2)


@program
def parameters_given_to_accumulate(kind, _):
    made = evaluated(kind)
    params = copy.deepcopy(made.params)
    params.catIds, params.maxDets = params.catIds[:2], [10, 100]
    made.accumulate(params)
    return state(made)


@program
def parameters_of_evaluate_replaced(kind, _):
    made = evaluated(kind)
    made._paramsEval = copy.deepcopy(made.params)
    made.accumulate()
    return state(made)


@program
def parameters_set_again(kind, _):
    made = evaluator(kind)
    made.params.setDetParams()
    made.evaluate()
    return state(made)


@program
def parameters_made_anew(kind, _):
    made = evaluator(kind)
    made.params = kind.Params(iouType="bbox")
    made.params.imgIds = sorted(made.cocoGt.getImgIds())
    made.params.catIds = [1, 2, 3]
    made.evaluate()
    made.accumulate()
    made.summarize()
    return state(made)


@program
def a_kind_that_is_none(kind, _):
    kind.Params(iouType="boxes")


@program
def a_kind_that_is_none_set_later(kind, _):
    evaluator(kind, iouType="boxes").evaluate()


@program
def no_kind(kind, _):
    kind.COCOeval(*sides(kind), iouType=None)


@program
def the_old_flag_of_masks(kind, _):
    return state(evaluated(kind, useSegm=0))


# --- programs: tables ----------------------------------------------------------------------------


@program
def nothing_at_all(kind, _):
    made = kind.COCOeval()
    made.evaluate()


@program
def attributes_of_nothing_at_all(kind, _):
    made = kind.COCOeval()
    return made.evalImgs, made.eval, made.ious, made.stats, made._gts, made._dts, made._paramsEval


@program
def no_results_side(kind, _):
    kind.COCOeval(kind.COCO(TRUTH), iouType="bbox").evaluate()


@program
def an_empty_results_side(kind, _):
    made = kind.COCOeval(kind.COCO(TRUTH), kind.COCO(), "bbox")
    made.evaluate()
    made.accumulate()
    made.summarize()
    return state(made)


@program
def empty_ground_truth(kind, _):
    document = {**json.loads(Path(TRUTH).read_text()), "annotations": []}
    index = index_of(kind, document)
    made = kind.COCOeval(index, index.loadRes(FOUND), "bbox")
    made.evaluate()
    made.accumulate()
    made.summarize()
    return state(made)


@program
def ground_truth_without_the_list(kind, _):
    document = json.loads(Path(TRUTH).read_text())
    del document["annotations"]
    index = index_of(kind, document)
    made = kind.COCOeval(index, index.loadRes(FOUND), "bbox")
    made.evaluate()
    return state(made)


@program
def results_of_an_array(kind, _):
    rows = [
        [one["image_id"], *one["bbox"], one["score"], one["category_id"]]
        for one in json.loads(Path(FOUND).read_text())
    ]
    index = kind.COCO(TRUTH)
    made = kind.COCOeval(index, index.loadRes(np.array(rows)), "bbox")
    made.evaluate()
    made.accumulate()
    made.summarize()
    return state(made)


@program
def results_of_unknown_images(kind, _):
    kind.COCO(TRUTH).loadRes([{"image_id": 9999, "category_id": 1, "bbox": [0] * 4, "score": 1}])


@program
def results_that_are_no_list(kind, _):
    kind.COCO(TRUTH).loadRes({"image_id": 100})


@program
def results_with_an_empty_box(kind, _):
    kind.COCO(TRUTH).loadRes([{"image_id": 100, "category_id": 1, "bbox": [], "score": 1}])


@program
def a_file_that_is_not_there(kind, folder):
    kind.COCO(str(folder / "none.json"))


@program
def the_class_of_results(kind, _):
    index, results = sides(kind)
    return isinstance(results, kind.COCO), kind.COCO.loadRes(index, FOUND).getImgIds()


@program
def ground_truth_against_itself(kind, _):
    index = kind.COCO(TRUTH)
    kind.COCOeval(index, index, "bbox").evaluate()


@program
def results_of_a_class_that_is_not_there(kind, _):
    rows = json.loads(Path(FOUND).read_text())
    rows[0]["category_id"] = 999
    index = kind.COCO(TRUTH)
    made = kind.COCOeval(index, index.loadRes(rows), "bbox")
    made.evaluate()
    made.accumulate()
    return state(made)


@program
def scores_of_one(kind, _):
    rows = [{**one, "score": 1} for one in json.loads(Path(FOUND).read_text())]
    index = kind.COCO(TRUTH)
    made = kind.COCOeval(index, index.loadRes(rows), "bbox")
    made.evaluate()
    made.accumulate()
    return state(made)


@program
def annotations_changed_after_evaluate(kind, _):
    made = evaluated(kind)
    for one in made.cocoDt.anns.values():
        one["score"] = 0.5
    made.accumulate()
    made.summarize()
    return made.stats


@program
def results_replaced_after_evaluate(kind, _):
    made = evaluated(kind)
    made.cocoDt = made.cocoGt.loadRes(json.loads(Path(FOUND).read_text())[:5])
    before = made.ious, made.evalImgs, made._dts
    made.evaluate()
    return before, state(made)


# --- programs: masks -----------------------------------------------------------------------------


def run(kind, pair, iou_type="segm"):
    made = kind.COCOeval(*pair, iou_type)
    made.evaluate()
    made.accumulate()
    made.summarize()
    return made


@program
def masks_of_the_size_of_their_image(kind, _):
    made = run(kind, masked(kind))
    return state(made), made.computeIoU(1, 1)


@program
def masks_of_another_size(kind, _):
    return state(run(kind, masked(kind, size=(120, 200))))


@program
def masks_by_default(kind, _):
    made = kind.COCOeval(*masked(kind))
    made.evaluate()
    return state(made)


@program
def masks_of_several_sizes(kind, _):
    truth, found = masked(kind)
    _, others = masked(kind, size=(120, 200))
    for row in (1, 3):
        found.anns[row]["segmentation"] = others.anns[row]["segmentation"]
    made = kind.COCOeval(truth, found, "segm")
    made.evaluate()
    made.accumulate()
    return made.eval["precision"], made.ious, made.evalImgs


@program
def masks_of_polygons_and_lengths(kind, _):
    truth, found = masked(kind)
    for one in truth.anns.values():
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h], [x, y, x + 3, y, x, y + 9]]
    truth.anns[2]["segmentation"] = {"size": [480, 640], "counts": [700, 3000, 480 * 640 - 3700]}
    return state(run(kind, (truth, found)))


@program
def masks_of_boxes(kind, _):
    document = json.loads(Path(TRUTH).read_text())
    for one in document["annotations"]:
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    for image in document["images"]:
        image.update(width=640, height=480)
    index = index_of(kind, document)
    return state(run(kind, (index, index.loadRes(FOUND))))


@program
def masks_prepared_alone(kind, _):
    made = kind.COCOeval(*masked(kind), "segm")
    made._prepare()
    return made.computeIoU(1, 1), state(made)


@program
def masks_without_the_size_of_images(kind, _):
    truth, found = masked(kind)
    for image in truth.imgs.values():
        del image["height"]
    kind.COCOeval(truth, found, "segm").evaluate()


@program
def keypoints(kind, _):
    document = {
        "images": [{"id": 1, "height": 480, "width": 640}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": 10000,
                "bbox": [10, 10, 100, 100],
                "num_keypoints": 17,
                "keypoints": [10, 20, 2] * 17,
            }
        ],
    }
    index = index_of(kind, document)
    rows = [{"image_id": 1, "category_id": 1, "score": 0.5, "keypoints": [12, 21, 1] * 17}]
    made = run(kind, (index, index.loadRes(rows)), "keypoints")
    return state(made), made.computeOks(1, 1)


# --- programs: copies ----------------------------------------------------------------------------


def copied(made, way):
    return copy.deepcopy(made) if way == "copy" else pickle.loads(pickle.dumps(made))


def a_copy_of(reach, way):
    def of(kind, _):
        made = copied(reach(kind), way)
        before = state(made) if reach is not evaluated else None
        if reach is evaluated:
            made.accumulate()
        if reach in (evaluated, accumulated):
            made.summarize()
        return before, state(made)

    return of


for reach in (evaluator, evaluated, accumulated, summarized):
    for way in ("copy", "pickle"):
        PROGRAMS[f"{way}_of_{reach.__name__}"] = a_copy_of(reach, way)


@program
def a_copy_of_masks(kind, _):
    made = run(kind, masked(kind))
    return [state(copied(made, way)) for way in ("copy", "pickle")]


@program
def a_copy_of_masks_accumulates(kind, _):
    made = kind.COCOeval(*masked(kind), "segm")
    made.evaluate()
    other = copied(made, "pickle")
    other.accumulate()
    return state(other)


@program
def a_copy_of_what_was_looked_at(kind, _):
    made = evaluated(kind)
    seen = made.evalImgs, made.ious, made._gts
    other = copied(made, "copy")
    other.accumulate()
    return seen, state(other)


@program
def a_pickle_in_another_process(kind, folder):
    path = folder / "evaluator.pickle"
    path.write_bytes(pickle.dumps(accumulated(kind)))
    made = pickle.loads(path.read_bytes())
    made.summarize()
    return state(made)


@program
def a_copy_evaluates_again(kind, _):
    made = copied(summarized(kind), "pickle")
    made.params.maxDets = [1, 2, 3]
    made.evaluate()
    made.accumulate()
    return state(made)


@program
def a_shallow_copy(kind, _):
    made = copy.copy(evaluated(kind))
    made.accumulate()
    return state(made)


# --- programs: hooks -----------------------------------------------------------------------------


def halved(original_method):
    def hook(self, *given):
        made = original_method(self, *given)
        return made / 2 if len(made) else made

    return hook


def hooked(kind, **methods):
    made = type("Hooked", (kind.COCOeval,), methods)(*sides(kind), "bbox")
    made.evaluate()
    made.accumulate()
    made.summarize()
    return made


@program
def a_hook_of_overlaps(kind, _):
    return state(hooked(kind, computeIoU=halved(kind.COCOeval.computeIoU)))


@program
def a_hook_of_preparation(kind, _):
    def prepare(self):
        kind.COCOeval._prepare(self)
        for group in self._gts.values():
            for one in group:
                one["ignore"] = one["area"] < 2000

    return state(hooked(kind, _prepare=prepare))


@program
def a_hook_of_images(kind, _):
    def evaluate_image(self, image, category, area, limit):
        record = kind.COCOeval.evaluateImg(self, image, category, area, limit)
        if record is not None:
            record["dtMatches"][:, :1] = 0
        return record

    return state(hooked(kind, evaluateImg=evaluate_image))


@program
def a_hook_of_accumulate(kind, _):
    def accumulate(self, p=None):
        for record in self.evalImgs:
            if record is not None:
                record["gtIgnore"] = record["gtIgnore"] * 0
        kind.COCOeval.accumulate(self, p)

    return state(hooked(kind, accumulate=accumulate))


@program
def a_hook_of_summarize(kind, _):
    def summarize(self):
        kind.COCOeval.summarize(self)
        self.stats = self.stats * 100

    return hooked(kind, summarize=summarize).stats


@program
def a_hook_of_the_object(kind, _):
    made = evaluator(kind)
    plain = made.computeIoU
    made.computeIoU = lambda *given: plain(*given)[:, ::-1] if len(plain(*given)) else []
    made.evaluate()
    made.accumulate()
    return state(made)["eval"]


@program
def a_hook_that_returns_no_array(kind, _):
    def overlaps(self, image, category):
        return np.matrix(kind.COCOeval.computeIoU(self, image, category)).view(np.ndarray)

    return state(hooked(kind, computeIoU=overlaps))["eval"]


@program
def a_hook_of_keypoints_is_left_alone(kind, _):
    return state(hooked(kind, computeOks=lambda self, image, category: []))


@program
def a_subclass_without_hooks(kind, _):
    return state(hooked(kind, helper=lambda self: 1))


# --- what is compared ----------------------------------------------------------------------------


def outcome(function, kind, folder):
    """What a program returns, prints (but for times), and raises."""
    returned = raised = None
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            returned = function(kind, folder)
        except Exception as error:
            raised = type(error)
    return returned, re.sub(r"t=\d+\.\d+s", "t=", said.getvalue()), raised


def assert_same(mine, other, where="returned"):
    if isinstance(other, dict):
        assert list(mine) == list(other) or set(mine) == set(other), where
        for key in other:
            assert_same(mine[key], other[key], f"{where}[{key!r}]")
    elif isinstance(other, list | tuple):
        assert len(mine) == len(other), where
        assert isinstance(mine, list | tuple), where
        for at, (a, b) in enumerate(zip(mine, other, strict=True)):
            assert_same(a, b, f"{where}[{at}]")
    elif isinstance(other, np.ndarray):
        assert isinstance(mine, np.ndarray), where
        assert mine.dtype == other.dtype, where
        np.testing.assert_array_equal(mine, other, err_msg=where)
    else:
        assert type(mine) is type(other), where
        assert mine == other, where


@pytest.mark.parametrize("way", ["cells", "columns"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_the_same(name, way, tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "FEW", 10**6 if way == "cells" else 0)
    mine = outcome(PROGRAMS[name], OURS, tmp_path)
    theirs = outcome(PROGRAMS[name], THEIRS, tmp_path)
    assert mine[2] == theirs[2]
    assert mine[1] == theirs[1]
    assert_same(mine[0], theirs[0])


@pytest.mark.parametrize("name", ["COCO", "COCOeval", "Params"])
def test_every_signature_and_default_is_theirs(name):
    mine, theirs = getattr(OURS, name), getattr(THEIRS, name)
    for method, function in inspect.getmembers(theirs, inspect.isfunction):
        given = inspect.signature(getattr(mine, method)).parameters
        wanted = inspect.signature(function).parameters
        assert [*given] == [*wanted], method
        for argument in wanted:
            assert given[argument].default == wanted[argument].default, (method, argument)
            assert given[argument].kind == wanted[argument].kind, (method, argument)


def test_nothing_found_is_no_error_where_theirs_is_one():
    index = OURS.COCO(TRUTH)
    with pytest.raises(IndexError):
        THEIRS.COCO(TRUTH).loadRes([])
    made = run(OURS, (index, index.loadRes([])), "bbox")
    assert made.stats[0] == 0
    assert made.cocoDt.getCatIds() == index.getCatIds()
