"""CocoEvaluator equals the published way, which matches every batch and merges the records."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import re
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
from detmetrics.compat.batch_columns import found_in, of_bytes, to_bytes
from detmetrics.compat.coco_evaluator import CocoEvaluator
from detmetrics.training.batches.row_faults import RowFaults

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


def rows_of(image: int, given: dict[str, np.ndarray], kind: str) -> list[dict[str, Any]]:
    """Results as the reference script prepares them."""
    if not given:
        return []
    if kind == "bbox":
        x1, y1, x2, y2 = given["boxes"].T
        shapes = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1).tolist()
    else:
        planes = given["masks"] > 0.5
        codes = [
            mask_util.encode(np.array(one[0, :, :, None], np.uint8, order="F"))[0] for one in planes
        ]
        shapes = [{**code, "counts": code["counts"].decode()} for code in codes]
    key = "bbox" if kind == "bbox" else "segmentation"
    columns = shapes, given["labels"].tolist(), given["scores"].tolist()
    return [
        {"image_id": image, key: shape, "category_id": label, "score": score}
        for shape, label, score in zip(*columns, strict=True)
    ]


def published(truth: Any, batches: list[Predictions], kind: str, **params: Any) -> Any:
    """As the reference script: evaluate a batch, keep its records, merge them in the end."""
    truth = copy.deepcopy(truth)
    evaluator = COCOeval(truth, iouType=kind)
    vars(evaluator.params).update(copy.deepcopy(params))
    records, ids = [], []
    for part in batches:
        with contextlib.redirect_stdout(io.StringIO()):
            results = [row for image, one in part.items() for row in rows_of(image, one, kind)]
            evaluator.cocoDt = truth.loadRes(results) if results else COCO()
            evaluator.params.imgIds = list(np.unique([*part]))
            evaluator.evaluate()
        shape = (-1, len(evaluator.params.areaRng), len(evaluator.params.imgIds))
        made = np.empty(len(evaluator.evalImgs), object)
        made[:] = evaluator.evalImgs
        records.append(made.reshape(shape))
        ids += evaluator.params.imgIds
    merged = np.concatenate(records, axis=2)
    ids, first = np.unique(ids, return_index=True)
    evaluator.evalImgs = [*merged[..., first].ravel()]
    evaluator.params.imgIds = [*ids]
    evaluator._paramsEval = copy.deepcopy(evaluator.params)
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def ours(
    truth: Any,
    batches: list[Predictions],
    kinds: list[str],
    kind: Any = CocoEvaluator,
    **params: Any,
) -> Any:
    evaluator = kind(truth, kinds)
    for one in evaluator.coco_eval.values():
        vars(one.params).update(copy.deepcopy(params))
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


def same(made: Any, expected: Any) -> None:
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(made.eval[name], expected.eval[name], err_msg=name)
    np.testing.assert_array_equal(made.stats, expected.stats)


@given(seed=st.integers(0, 10_000), batch=st.integers(1, 5), part=st.integers(3, 9))
@examples(20)
def test_every_cell_equals_the_published_way(seed, batch, part):
    truth, predictions = scene(seed)
    some = batches_of({image: predictions[image] for image in [*predictions][:part]}, batch)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = ours(truth, some, ["bbox", "segm"])
        for kind in ("bbox", "segm"):
            same(evaluator.coco_eval[kind], published(truth, some, kind))


PARAMS = [
    {"maxDets": [1, 2, 100]},
    {"maxDets": [1, 10, 500]},
    {"iouThrs": np.array([0.5, 0.75])},
    {"iouThrs": np.array([0.75, 0.3, 0.3, 0.5])},
    {"catIds": [2]},
    {"useCats": 0},
    {"useCats": 0, "catIds": [3, 1]},
    {"recThrs": np.linspace(0, 1, 11)},
    {"areaRng": [[0, 1e10], [0, 200]], "areaRngLbl": ["all", "tiny"]},
]


@pytest.mark.parametrize("params", PARAMS, ids=lambda one: "-".join(one))
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_parameters_that_a_client_sets_are_followed(params, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        for seed in range(3):
            truth, predictions = scene(seed)
            some = batches_of(predictions, 2)
            same(
                ours(truth, some, [kind], **params).coco_eval[kind],
                published(truth, some, kind, **params),
            )


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
    with pytest.raises(dm.InputError, match=r"'keypoints' is not available.*Fix: use COCOeval"):
        CocoEvaluator(scene(0)[0], ["bbox", "keypoints"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((COCO(), "bbox"), r"iou_types: expected a list such as \['bbox'\], got 'bbox'"),
        ((COCO(), ["boxes"]), "expected 'bbox' or 'segm', got 'boxes'"),
        (("gt.json", ["bbox"]), r"coco_gt: expected an index such as .*, got 'gt\.json'"),
    ],
)
def test_what_it_is_made_of_is_checked(given, message):
    with pytest.raises(dm.InputError, match=message):
        CocoEvaluator(*given)


def test_the_callers_annotations_stay_as_they_are():
    truth, predictions = scene(4)
    for one in truth.anns.values():
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    before = copy.deepcopy(truth.dataset)
    ours(truth, [predictions], ["bbox", "segm"])
    assert truth.dataset == before


def test_an_image_without_detections_and_one_that_is_not_there():
    truth, predictions = scene(5)
    some = [{**predictions, 0: {}, 77: {}}]
    same(ours(truth, some, ["bbox"]).coco_eval["bbox"], published(truth, some, "bbox"))
    with pytest.raises(dm.InputError, match=r"predictions\[77\]: this image is not in the ground"):
        ours(truth, [{0: {}, 77: predictions[1]}], ["bbox"])


def test_labels_that_are_no_class_are_left_out_as_there():
    truth, predictions = scene(6)
    for one in predictions.values():
        one["labels"][::2] = 99
    some = batches_of(predictions, 4)
    for kind in ("bbox", "segm"):
        same(ours(truth, some, [kind]).coco_eval[kind], published(truth, some, kind))


def test_rows_that_are_not_finite_are_left_out_and_counted():
    truth, predictions = scene(7)
    image = next(image for image, one in predictions.items() if len(one["scores"]) > 2)
    without = {**predictions, image: {k: v[2:] for k, v in predictions[image].items()}}
    predictions[image]["boxes"][0, 2] = np.nan
    predictions[image]["scores"][1] = np.inf
    message = rf"predictions\[{image}\]\['scores'\]\[1\]: expected a finite number, got inf"
    with pytest.warns(dm.DetmetricsWarning, match=message):
        made = ours(truth, [predictions], ["bbox"])
    assert made.dropped == 2
    same(made.coco_eval["bbox"], published(truth, [without], "bbox"))
    strict = CocoEvaluator(truth, ["bbox"], on_invalid="error")
    with pytest.raises(dm.InputError, match=message):
        strict.update(predictions)
    assert strict.img_ids == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros(1)}, r"\['scores'\]: expected shape \(2,\), got \(1,\)"),
        ({"labels": np.full(2, 0.5)}, r"\['labels'\]: expected whole numbers"),
        ({"boxes": np.zeros((2, 5))}, r"\['boxes'\]: expected shape \(n, 4\), got \(2, 5\)"),
        ({"masks": None}, "expected a key 'masks', got boxes, scores, labels"),
    ],
)
def test_what_does_not_fit_is_named_by_image_and_nothing_is_added(change, message):
    truth, _ = scene(8)
    given = {"boxes": np.ones((2, 4)), "scores": np.ones(2), "labels": np.ones(2, int)}
    given |= {name: value for name, value in change.items() if value is not None}
    evaluator = CocoEvaluator(truth, ["segm" if "masks" in change else "bbox"])
    with pytest.raises(dm.InputError, match=rf"predictions\[3\].*{message}"):
        evaluator.update({2: {}, 3: given})
    assert evaluator.img_ids == []


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_a_subclass_that_prepares_in_its_own_way_is_followed(kind):
    class Mapped(CocoEvaluator):
        """Maps labels to the ids of another list of classes."""

        def prepare_for_coco_detection(self, predictions):
            return self.mapped(super().prepare_for_coco_detection(predictions))

        def prepare_for_coco_segmentation(self, predictions):
            return self.mapped(super().prepare_for_coco_segmentation(predictions))

        def mapped(self, rows):
            return [{**row, "category_id": 1 + row["category_id"] % 3} for row in rows]

    truth, predictions = scene(9)
    some = batches_of(predictions, 2)
    mapped = [
        {image: {**one, "labels": 1 + one["labels"] % 3} for image, one in part.items()}
        for part in some
    ]
    same(ours(truth, some, [kind], Mapped).coco_eval[kind], published(truth, mapped, kind))


def test_what_is_printed_and_which_records_are_there(capsys):
    truth, predictions = scene(10)
    some = batches_of(predictions, 3)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = CocoEvaluator(truth, ["bbox"])
    held = evaluator.coco_eval["bbox"]
    for part in some:
        evaluator.update(part)
    evaluator.synchronize_between_processes()
    assert capsys.readouterr().out == ""
    records = copy.deepcopy(held.evalImgs)
    evaluator.accumulate()
    evaluator.summarize()
    said = capsys.readouterr().out
    expected = published(truth, some, "bbox")
    assert steady(said) == steady(capsys.readouterr().out).replace(
        " Average", "IoU metric: bbox\n Average", 1
    )
    same(held, expected)
    for mine, theirs in zip(records, expected.evalImgs, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine["gtIds"] == theirs["gtIds"]
            assert mine["dtScores"] == theirs["dtScores"]
            np.testing.assert_array_equal(mine["gtMatches"] > 0, theirs["gtMatches"] > 0)
            np.testing.assert_array_equal(mine["dtIgnore"], theirs["dtIgnore"])


def steady(said: str) -> str:
    return re.sub(r"t=\d+\.\d+s", "t=", said)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_copies_go_on(way, kind):
    truth, predictions = scene(11)
    first, *rest = batches_of(predictions, 3)
    evaluator = CocoEvaluator(truth, [kind])
    evaluator.update(first)
    evaluator.accumulate()
    other = way(evaluator)
    for part in rest:
        other.update(part)
    other.accumulate()
    other.summarize()
    assert evaluator.img_ids == [*first]
    same(other.coco_eval[kind], published(truth, [first, *rest], kind))


def test_records_of_batches_are_kept_in_bytes():
    _, predictions = scene(12)
    found = {
        kind: {
            image: found_in(image, one, kind, RowFaults("error"))
            for image, one in {**predictions, 9: {}}.items()
        }
        for kind in ("bbox", "segm")
    }
    for kind, images in of_bytes(to_bytes(found)).items():
        assert [*images] == [*found[kind]]
        for image, one in images.items():
            assert one.rows(image) == found[kind][image].rows(image)
    with pytest.raises(dm.InputError, match="damaged"):
        of_bytes(to_bytes(found)[:-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"iouThrs": np.array([0.1, 0.5, 0.75])},
        {"catIds": [2]},
        {"useCats": 0},
        {"useCats": 0, "catIds": [3, 1]},
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
