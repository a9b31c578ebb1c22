"""CocoEvaluator equals the published way, which matches every batch and merges the records."""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools import mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import detmetrics as dm
from detmetrics.compat.coco_evaluator import CocoEvaluator

Predictions = dict[int, dict[str, np.ndarray]]


def scene(seed: int, images: int = 9, classes: int = 3, side: int = 60) -> tuple[Any, Predictions]:
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    predictions: Predictions = {}
    for image in range(images):
        count = int(rng.integers(0, 5))
        boxes = np.hstack(
            [rng.uniform(0, side / 2, (count, 2)), rng.uniform(2, side / 2, (count, 2))]
        )
        for box in boxes.tolist():
            bitmap = drawn(box, side)
            code = mask_util.encode(np.asfortranarray(bitmap))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(rng.integers(1, classes + 1)),
                    "bbox": box,
                    "segmentation": {"size": code["size"], "counts": code["counts"].decode()},
                    "area": float(bitmap.sum()),
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
        more = int(rng.integers(0, 3))
        moved = np.vstack([boxes + rng.normal(0, 1, boxes.shape), rng.uniform(1, 20, (more, 4))])
        moved = np.abs(moved)
        total = len(moved)
        predictions[image] = {
            "boxes": np.hstack([moved[:, :2], moved[:, :2] + moved[:, 2:]]).astype(np.float32),
            "scores": np.round(rng.random(total), 1).astype(np.float32),
            "labels": rng.integers(1, classes + 1, total),
            "masks": np.array([drawn(box, side) for box in moved.tolist()], np.float32).reshape(
                total, 1, side, side
            ),
        }
    truth = COCO()
    truth.dataset = {
        "images": [{"id": k, "width": side, "height": side} for k in range(images)],
        "categories": [{"id": k + 1, "name": f"c{k}"} for k in range(classes)],
        "annotations": annotations,
        "info": {},
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth, predictions


def drawn(box: list[float], side: int) -> np.ndarray:
    plane = np.zeros((side, side), np.uint8)
    x, y, w, h = (round(one) for one in box)
    plane[y : y + h + 1, x : x + w + 1] = 1
    return plane


def published(truth: Any, predictions: Predictions, kind: str, batch: int) -> Any:
    """As the reference script: evaluate a batch, keep its records, merge them in the end."""
    evaluator = COCOeval(truth, iouType=kind)
    prepare = CocoEvaluator(truth, [kind])
    records, ids = [], []
    images = [*predictions]
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        results = prepare.prepare({image: predictions[image] for image in part}, kind)
        evaluator.cocoDt = truth.loadRes(results) if results else COCO()
        evaluator.params.imgIds = part
        evaluator.evaluate()
        shape = (-1, len(evaluator.params.areaRng), len(part))
        made = np.empty(len(evaluator.evalImgs), object)
        made[:] = evaluator.evalImgs
        records.append(made.reshape(shape))
        ids += part
    merged = np.concatenate(records, axis=2)
    ids, first = np.unique(ids, return_index=True)
    evaluator.evalImgs = [*merged[..., first].ravel()]
    evaluator.params.imgIds = [*ids]
    evaluator._paramsEval = copy.deepcopy(evaluator.params)
    evaluator.accumulate()
    return evaluator


def ours(truth: Any, batches: list[Predictions], kinds: list[str]) -> CocoEvaluator:
    evaluator = CocoEvaluator(truth, kinds)
    for predictions in batches:
        evaluator.update(predictions)
    evaluator.synchronize_between_processes()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def batches_of(predictions: Predictions, size: int) -> list[Predictions]:
    images = [*predictions]
    return [
        {image: predictions[image] for image in images[start : start + size]}
        for start in range(0, len(images), size)
    ]


def same(evaluator: CocoEvaluator, kind: str, expected: Any) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        expected.summarize()
    made = evaluator.coco_eval[kind]
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(made.eval[name], expected.eval[name])
    np.testing.assert_array_equal(made.stats, expected.stats)


@given(seed=st.integers(0, 10_000), batch=st.integers(1, 5), part=st.integers(3, 9))
@examples(20)
def test_every_cell_equals_the_published_way(seed, batch, part):
    truth, predictions = scene(seed)
    some = {image: predictions[image] for image in [*predictions][:part]}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = ours(truth, batches_of(some, batch), ["bbox", "segm"])
        for kind in ("bbox", "segm"):
            same(evaluator, kind, published(truth, some, kind, batch))


def test_an_image_that_comes_again_counts_once_and_the_first_time(capsys):
    truth, predictions = scene(1)
    again = {
        image: {**given, "scores": given["scores"] * 0} for image, given in predictions.items()
    }
    once = ours(truth, [predictions], ["bbox"])
    twice = ours(truth, [predictions, again], ["bbox"])
    np.testing.assert_array_equal(once.coco_eval["bbox"].stats, twice.coco_eval["bbox"].stats)
    assert twice.img_ids == once.img_ids
    assert "IoU metric: bbox" in capsys.readouterr().out


def test_records_and_the_next_epoch():
    truth, predictions = scene(2)
    evaluator = ours(truth, batches_of(predictions, 2), ["bbox"])
    assert evaluator.eval_imgs["bbox"].shape == (3, 4, 9)
    before = evaluator.coco_eval["bbox"].stats
    evaluator.cleanup()
    assert evaluator.img_ids == []
    for part in batches_of(predictions, 4):
        evaluator.update(part)
    evaluator.accumulate()
    evaluator.summarize()
    np.testing.assert_array_equal(evaluator.coco_eval["bbox"].stats, before)


def test_nothing_found():
    truth, predictions = scene(3)
    none = {
        image: {name: column[:0] for name, column in given.items()}
        for image, given in predictions.items()
    }
    evaluator = ours(truth, [none], ["bbox", "segm"])
    assert evaluator.coco_eval["bbox"].stats[0] == 0


def test_keypoints_are_refused_by_name():
    with pytest.raises(dm.InputError, match=r"'keypoints'.*measures keypoints with pycocotools"):
        CocoEvaluator(scene(0)[0], ["bbox", "keypoints"])


@pytest.mark.parametrize(
    "changes",
    [
        {"iouThrs": np.array([0.1, 0.5, 0.75])},
        {"catIds": [2]},
        {"useCats": 0},
        {"maxDets": [1, 1, 2]},
    ],
)
def test_parameters_that_a_program_sets_stay(changes):
    truth, predictions = scene(4, images=12)
    evaluator = CocoEvaluator(truth, ["bbox"])
    held, plain = evaluator.coco_eval["bbox"], COCOeval(truth, iouType="bbox")
    for name, value in changes.items():
        setattr(held.params, name, copy.copy(value))
        setattr(plain.params, name, copy.copy(value))
    evaluator.update(predictions)
    plain.cocoDt = truth.loadRes(evaluator.prepare(predictions, "bbox"))
    plain.evaluate()
    plain.accumulate()
    for _ in range(2):
        evaluator.accumulate()
        assert evaluator.coco_eval["bbox"] is held
        for name in ("precision", "recall", "scores"):
            np.testing.assert_array_equal(held.eval[name], plain.eval[name])


def test_an_image_without_a_prediction_is_one_without_detections():
    truth, predictions = scene(5)
    some = ours(truth, [{**predictions, 0: {}}], ["bbox", "segm"])
    none = {name: column[:0] for name, column in predictions[0].items()}
    expected = ours(truth, [{**predictions, 0: none}], ["bbox", "segm"])
    for kind in ("bbox", "segm"):
        same_stats = some.coco_eval[kind].stats, expected.coco_eval[kind].stats
        np.testing.assert_array_equal(*same_stats)


def test_a_third_argument_of_other_copies_is_no_flag():
    with pytest.raises(TypeError):
        CocoEvaluator(scene(0)[0], ["bbox"], 500)
