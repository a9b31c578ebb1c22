"""The stand-in for pycocotools beside pycocotools itself: every cell, record and printed line."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO as OriginalIndex
from pycocotools.cocoeval import COCOeval as Original

import detmetrics as dm
from detmetrics.compat import measured
from detmetrics.compat.pycocotools import COCO, COCOeval

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


@pytest.fixture(autouse=True)
def _quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def sides(truth: dm.GroundTruth, found: dm.Detections) -> tuple[COCO, COCO]:
    """The tables as pycocotools' objects, with ids that are not those of rows."""
    catalog = truth.catalog
    document = {
        "images": [{"id": int(image)} for image in catalog.image_ids],
        "categories": [{"id": int(k), "name": str(k)} for k in catalog.category_ids],
        "annotations": [
            {
                "id": 7 + 3 * row,
                "image_id": int(catalog.image_ids[truth.image[row]]),
                "category_id": int(catalog.category_ids[truth.category[row]]),
                "bbox": truth.xywh[row].tolist(),
                "area": float(truth.area[row]),
                "iscrowd": int(truth.crowd[row]),
            }
            for row in range(len(truth))
        ],
    }
    rows = [
        {
            "image_id": int(catalog.image_ids[found.image[row]]),
            "category_id": int(catalog.category_ids[found.category[row]]),
            "bbox": found.xywh[row].tolist(),
            "score": float(found.scores[row]),
        }
        for row in range(len(found))
    ]
    side = COCO()
    side.dataset = document
    side.createIndex()
    return side, side.loadRes(rows) if rows else COCO()


def run(kind: type, pair: tuple[COCO, COCO], changes: dict) -> Original:
    evaluator = kind(*pair, "bbox")
    for name, value in changes.items():
        setattr(evaluator.params, name, copy.deepcopy(value))
    evaluator.evaluate()
    return evaluator


def same(ours: Original, theirs: Original) -> None:
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(ours.eval[name], theirs.eval[name], err_msg=name)
    assert ours.eval["counts"] == theirs.eval["counts"]


PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "iouThrs": st.sampled_from([[0.5], [0.1, 0.5, 1.0]]),
        "recThrs": st.sampled_from([[0.0, 0.5, 1.0]]),
        "maxDets": st.sampled_from([[1, 2, 3], [100, 1, 10]]),
        "useCats": st.sampled_from([0, 1]),
        "areaRng": st.just([[0, 1e10], [0, 8.0], [8.0, 64.0], [64.0, 1e10]]),
    },
)


WAYS = st.sampled_from([0, 10**6])
"""Up to how many annotations are matched cell by cell: none, or all."""


@contextlib.contextmanager
def by(way):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "FEW", way)
        yield


@given(scene=strategies.scenes(), changes=PARAMS, half=st.booleans(), way=WAYS)
def test_every_cell_and_every_record(scene, changes, half, way):
    pair = sides(*scene)
    if half:
        changes = {**changes, "imgIds": pair[0].getImgIds()[::2], "catIds": pair[0].getCatIds()[:2]}
    with by(way):
        ours, theirs = run(COCOeval, pair, changes), run(Original, pair, changes)
    ours.accumulate()
    theirs.accumulate()
    same(ours, theirs)
    assert len(ours.evalImgs) == len(theirs.evalImgs)
    for mine, other in zip(ours.evalImgs, theirs.evalImgs, strict=True):
        assert (mine is None) == (other is None)
        for name in other or ():
            np.testing.assert_array_equal(mine[name], other[name], err_msg=name)
    assert ours.ious.keys() == theirs.ious.keys()
    for key, overlaps in theirs.ious.items():
        np.testing.assert_array_equal(ours.ious[key], overlaps)


@given(scene=strategies.scenes(), way=WAYS)
def test_accumulated_from_records_that_others_put_together(scene, way):
    """As evaluators of several processes do: they gather ``evalImgs`` and put them back."""
    pair = sides(*scene)
    with by(way):
        ours, theirs = run(COCOeval, pair, {}), run(Original, pair, {})
    params = ours.params
    shape = -1, len(params.areaRng), len(params.imgIds)
    gathered = np.asarray(ours.evalImgs).reshape(shape)
    fresh = COCOeval(pair[0], iouType="bbox")
    fresh.params.imgIds = list(params.imgIds)
    fresh.evalImgs = list(gathered.flatten())
    fresh._paramsEval = copy.deepcopy(fresh.params)
    fresh.accumulate()
    theirs.accumulate()
    same(fresh, theirs)


def fed_by_batches(kind: type) -> Original:
    """As torchvision's detection reference does: one evaluator, a batch of images at a time, and
    the records of all of them put back at the end, the padding's repeats left out.
    """
    truth = COCO(FIXTURES[0])
    by_image: dict[int, list[dict]] = {image: [] for image in truth.getImgIds()}
    for one in json.loads(Path(FIXTURES[1]).read_text()):
        by_image[one["image_id"]].append(one)
    images = [*by_image, *list(by_image)[:3]]
    evaluator = kind(truth, iouType="bbox")
    seen, records = [], []
    for start in range(0, len(images), 5):
        batch = np.unique(images[start : start + 5])
        rows = [one for image in batch for one in by_image[image]]
        evaluator.cocoDt = truth.loadRes(rows) if rows else COCO()
        evaluator.params.imgIds = list(batch)
        evaluator.evaluate()
        seen.extend(evaluator.params.imgIds)
        shape = -1, len(evaluator.params.areaRng), len(batch)
        records.append(np.asarray(evaluator.evalImgs).reshape(shape))
    kept, first = np.unique(seen, return_index=True)
    evaluator.evalImgs = list(np.concatenate(records, axis=2)[..., first].flatten())
    evaluator.params.imgIds = list(kept)
    evaluator._paramsEval = copy.deepcopy(evaluator.params)
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def test_fed_by_batches_as_evaluators_of_training_loops_do():
    ours, theirs = fed_by_batches(COCOeval), fed_by_batches(Original)
    same(ours, theirs)
    assert ours.stats.tolist() == [*dm.evaluate(*FIXTURES).summary.values()]


def printed(kind: type) -> tuple[str, list[float]]:
    truth = COCO(FIXTURES[0])
    evaluator = kind(truth, truth.loadRes(FIXTURES[1]), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        evaluator.summarize()
    return said.getvalue(), evaluator.stats.tolist()


def test_the_summary_is_printed_as_it_was():
    assert printed(COCOeval) == printed(Original)
    assert printed(COCOeval)[1] == [*dm.evaluate(*FIXTURES).summary.values()]


def test_parameters_given_to_accumulate_are_followed():
    truth = COCO(FIXTURES[0])
    pair = truth, truth.loadRes(FIXTURES[1])
    ours, theirs = run(COCOeval, pair, {}), run(Original, pair, {})
    for evaluator in (ours, theirs):
        fewer = copy.deepcopy(evaluator.params)
        fewer.maxDets = [10]
        evaluator.accumulate(fewer)
    same(ours, theirs)


@pytest.mark.parametrize(
    "changed",
    [
        {"recThrs": np.linspace(0, 1, 11)},
        {"catIds": [1, 3]},
        {"imgIds": [100, 107, 114]},
        {"maxDets": [1, 10]},
        {"areaRng": [[0, 1e10]], "areaRngLbl": ["all"]},
    ],
)
def test_parameters_changed_before_accumulate_are_followed(changed):
    truth = COCO(FIXTURES[0])
    pair = truth, truth.loadRes(FIXTURES[1])
    ours, theirs = run(COCOeval, pair, {}), run(Original, pair, {})
    for evaluator in (ours, theirs):
        for name, value in changed.items():
            setattr(evaluator.params, name, copy.deepcopy(value))
        evaluator.accumulate()
    same(ours, theirs)


@pytest.mark.parametrize(
    "changes", [{"areaRng": [[0, 1e10]]}, {"useCats": 0, "catIds": [18, 3, 1]}]
)
def test_odd_parameters_are_followed(changes):
    truth = COCO(FIXTURES[0])
    pair = truth, truth.loadRes(FIXTURES[1])
    ours, theirs = run(COCOeval, pair, changes), run(Original, pair, changes)
    for evaluator in (ours, theirs):
        evaluator.accumulate()
    same(ours, theirs)


def test_the_whole_result_is_at_hand():
    truth = COCO(FIXTURES[0])
    evaluator = run(COCOeval, (truth, truth.loadRes(FIXTURES[1])), {})
    assert dict(evaluator.result.summary) == dict(dm.evaluate(*FIXTURES).summary)
    assert len(evaluator.result.matches()) > 100


@pytest.mark.parametrize("way", [0, 10**6])
def test_a_copy_has_the_result_of_what_was_evaluated(way):
    truth = COCO(FIXTURES[0])
    with by(way):
        evaluator = run(COCOeval, (truth, truth.loadRes(FIXTURES[1])), {})
    summary = dict(evaluator.result.summary)
    for one in evaluator.cocoDt.anns.values():
        one["score"] = 0.0
    for other in (copy.deepcopy(evaluator), pickle.loads(pickle.dumps(evaluator))):
        assert dict(other.result.summary) == summary
    evaluator.evaluate()
    assert evaluator.result.summary["AP"] != summary["AP"]


@pytest.mark.parametrize("way", [0, 10**6])
def test_masks_of_several_sizes_are_warned_of(way):
    code = {"size": [4, 4], "counts": [3, 5, 8]}
    document = {
        "images": [{"id": 1, "width": 4, "height": 4}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": 5,
                "segmentation": code,
            }
        ],
    }
    truth, found = COCO(), COCO()
    truth.dataset = document
    truth.createIndex()
    other = {"size": [2, 8], "counts": [3, 5, 8]}
    rows = [{**document["annotations"][0], "score": 1.0, "segmentation": other}]
    found.dataset = {**document, "annotations": rows}
    found.createIndex()
    evaluator = COCOeval(truth, found)
    with by(way), pytest.warns(dm.DetmetricsWarning, match="masks of several sizes.* Fix: resize"):
        evaluator.evaluate()
    evaluator.accumulate()
    assert evaluator.ious[1, 1].tolist() == [[-1]]
    assert (evaluator.eval["precision"][:, :, 0, 0] == 0).all()
    assert evaluator.result is None


def test_nothing_found_is_zero_and_no_error():
    truth = COCO(FIXTURES[0])
    evaluator = run(COCOeval, (truth, COCO()), {})
    evaluator.accumulate()
    evaluator.summarize()
    assert evaluator.stats[0] == 0


@pytest.mark.parametrize(
    "changes", [{"iouThrs": [0.75, 0.5]}, {"areaRngLbl": ["all", "a", "a", "a"]}]
)
def test_parameters_that_are_no_rules_are_left_to_pycocotools(changes):
    truth = COCO(FIXTURES[0])
    pair = truth, truth.loadRes(FIXTURES[1])
    ours, theirs = run(COCOeval, pair, changes), run(Original, pair, changes)
    assert ours.result is None
    for evaluator in (ours, theirs):
        evaluator.accumulate()
    same(ours, theirs)


def test_areas_of_detections_that_are_not_of_boxes_are_followed():
    truth = COCO(FIXTURES[0])
    found = truth.loadRes(FIXTURES[1])
    for one in found.anns.values():
        one["area"] /= 4
    ours, theirs = run(COCOeval, (truth, found), {}), run(Original, (truth, found), {})
    for evaluator in (ours, theirs):
        evaluator.accumulate()
    same(ours, theirs)


def test_boxes_as_masks(tmp_path):
    """Where results have boxes alone, ``loadRes`` makes polygons of them."""
    document = json.loads(Path(FIXTURES[0]).read_text())
    for one in document["annotations"]:
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    for image in document["images"]:
        image.update(width=640, height=480)
    path = tmp_path / "masks.json"
    path.write_text(json.dumps(document))
    truth = COCO(str(path))
    found = truth.loadRes(FIXTURES[1])
    results = []
    for kind in (COCOeval, Original):
        evaluator = kind(truth, found, "segm")
        evaluator.evaluate()
        evaluator.accumulate()
        results.append(evaluator)
    same(*results)
    assert results[0].result.rules.shape == "mask"


def test_masks_that_are_none_are_refused_before_pycocotools_never_ends(tmp_path):
    document = json.loads(Path(FIXTURES[0]).read_text())
    for one in document["annotations"]:
        one["segmentation"] = {"size": [480, 640], "counts": "0"}
    for image in document["images"]:
        image.update(width=640, height=480)
    path = tmp_path / "masks.json"
    path.write_text(json.dumps(document))
    truth = COCO(str(path))
    evaluator = COCOeval(truth, truth.loadRes(FIXTURES[1]), "segm")
    expected = (
        r"cocoGt: \d+ faults\n  annotation \d+: segmentation: expected counts.* \(image \d+\)"
    )
    with pytest.raises(dm.InputError, match=expected):
        evaluator.evaluate()


def test_asking_for_overlaps_leaves_the_records_and_the_cells():
    truth = COCO(FIXTURES[0])
    evaluator = run(COCOeval, (truth, truth.loadRes(FIXTURES[1])), {})
    evaluator.accumulate()
    records = evaluator.evalImgs
    assert evaluator.ious
    assert evaluator.evalImgs is records
    assert "precision" in evaluator.eval


@pytest.fixture
def installed(monkeypatch):
    import pycocotools.coco
    import pycocotools.cocoeval

    monkeypatch.setattr(pycocotools.cocoeval, "COCOeval", Original)
    monkeypatch.setattr(pycocotools.coco, "COCO", OriginalIndex)
    from detmetrics.compat import install_as_pycocotools

    install_as_pycocotools()
    return pycocotools


def test_the_crosscheck_never_asks_the_stand_in(installed, monkeypatch):
    assert installed.cocoeval.COCOeval is COCOeval
    monkeypatch.setattr(COCOeval, "evaluate", lambda self: pytest.fail("checked against itself"))
    assert dm.crosscheck(dm.evaluate(*FIXTURES)).agrees


def test_the_crosscheck_refuses_the_stand_in_of_another_package(installed, monkeypatch):
    monkeypatch.setattr(installed.cocoeval, "COCOeval", type("COCOeval", (), {}))
    with pytest.raises(dm.InputError, match="needs pycocotools itself, got test_drop_in"):
        dm.crosscheck(dm.evaluate(*FIXTURES))


def test_installed_for_code_that_cannot_change(installed):
    pycocotools = installed
    truth = COCO(FIXTURES[0])
    evaluator = pycocotools.cocoeval.COCOeval(truth, truth.loadRes(FIXTURES[1]), "bbox")
    evaluator.evaluate()
    assert not math.isnan(evaluator.result.summary["AP"])
