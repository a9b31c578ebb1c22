"""Clients of faster-coco-eval, hotcoco and ultrafast-pycocotools, on detmetrics' stand-ins.

What a client reads equals pycocotools' numbers, and those of the package itself where it is there.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import cocoeval

import detmetrics as dm
from detmetrics import compat
from detmetrics.compat import pycocotools as ours

pytestmark = [
    pytest.mark.filterwarnings("ignore:hotcoco:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning"),  # of pycocotools.mask.decode
]

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
PACKAGES = ("faster_coco_eval", "hotcoco", "ultrafast_pycocotools")


def forget(package):
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        del sys.modules[name]


@pytest.fixture
def take():
    """Import a package by its name: the stand-in for it, or the package itself."""
    held = {name: one for name, one in sys.modules.items() if name.partition(".")[0] in PACKAGES}

    def of(package, whose):
        forget(package)
        if whose == "stand-in":
            getattr(compat, f"install_as_{package}")()
        else:
            pytest.importorskip(package, reason=f"needs {package}")
        return importlib.import_module(package)

    yield of
    for package in PACKAGES:
        forget(package)
    sys.modules.update(held)


def of_pycocotools(last=100):
    """The twelve numbers, AP at this limit."""
    with contextlib.redirect_stdout(io.StringIO()):
        index = ours.OriginalIndex(TRUTH)
        made = cocoeval.COCOeval(index, index.loadRes(FOUND), "bbox")
        made.params.maxDets = [1, 10, last]
        made.evaluate()
        made.accumulate()
        made.summarize()
    if last != 100:
        cells = made.eval["precision"][:, :, :, 0, -1]
        made.stats[0] = cells[cells > -1].mean()
    return made.stats


WHOSE = pytest.mark.parametrize("whose", ["stand-in", "package"])


@WHOSE
def test_as_ultralytics_calls_it(take, whose):
    package = take("faster_coco_eval", whose)
    from faster_coco_eval import COCO, COCOeval_faster

    lines = []
    index = COCO(Path(TRUTH))
    results = index.loadRes(Path(FOUND))
    made = COCOeval_faster(
        index, results, iouType="bbox", lvis_style=False, print_function=lines.append
    )
    made.params.imgIds = [*index.getImgIds()]
    made.evaluate()
    made.accumulate()
    made.summarize()
    wanted = of_pycocotools()
    assert made.stats.tolist() == wanted.tolist()
    names = ["AP_all", "AP_50", "AP_75", "AP_small", "AP_medium", "AP_large"]
    names += ["AR_all", "AR_second", "AR_third", "AR_small", "AR_medium", "AR_large"]
    assert list(made.stats_as_dict) == [*names, "AR_50", "AR_75"]
    assert [made.stats_as_dict[name] for name in names] == wanted.tolist()
    recall = made.eval["recall"][:, :, 0, 2]
    for name, at in (("AR_50", 0), ("AR_75", 5)):
        assert made.stats_as_dict[name] == recall[at][recall[at] > -1].mean()
    assert sum("Average" in line for line in lines) == 14
    assert package.COCO is COCO


def batches(index):
    rows = json.loads(Path(FOUND).read_text())
    images = sorted(index.getImgIds())
    padded = [*images, *images[:3]]
    for start in range(0, len(padded), 4):
        batch = padded[start : start + 4]
        yield batch, [dict(one) for one in rows if one["image_id"] in batch]


@WHOSE
def test_as_d_fine_and_rt_detr_call_it(take, whose):
    """By batches whose records are gathered, the repeats of padding left out."""
    take("faster_coco_eval", whose)
    from faster_coco_eval import COCO, COCOeval_faster

    with contextlib.redirect_stdout(io.StringIO()) as said:
        truth = copy.deepcopy(COCO(TRUTH))
        made = COCOeval_faster(truth, iouType="bbox", print_function=print, separate_eval=True)
        seen, gathered = [], []
        for images, rows in batches(truth):
            made.cocoDt = truth.loadRes(rows) if rows else COCO()
            made.params.imgIds = list(np.unique(images))
            made.evaluate()
            params = made.params
            shape = len(params.catIds), len(params.areaRng), len(params.imgIds)
            gathered.append(np.array(made._evalImgs_cpp).reshape(shape))
            seen.extend(params.imgIds)
        kept, first = np.unique(seen, return_index=True)
        made.params.imgIds = kept.tolist()
        made._paramsEval = copy.deepcopy(made.params)
        made._evalImgs_cpp = np.concatenate(gathered, axis=2)[..., first].ravel().tolist()
        made.accumulate()
        made.summarize()
    assert made.stats.tolist() == of_pycocotools().tolist()
    assert "Evaluate annotation type *bbox*" in said.getvalue()


@WHOSE
def test_the_evaluator_of_batches_has_its_numbers_by_name(take, whose):
    if whose == "package":
        pytest.importorskip("torch", reason="needs torch")
        import torchvision_operators  # noqa: F401 - before torchvision, which it imports
    take("faster_coco_eval", whose)
    from faster_coco_eval import COCO
    from faster_coco_eval.utils.pytorch import FasterCocoEvaluator

    truth = COCO(TRUTH)
    made = FasterCocoEvaluator(truth, ["bbox"])
    for _ in range(2):  # two epochs
        made.cleanup()
        for images, rows in batches(truth):
            made.update({image: corners(rows, image, whose) for image in images})
        made.synchronize_between_processes()
        with contextlib.redirect_stdout(io.StringIO()) as said:
            made.accumulate()
            made.summarize()
    wanted = of_pycocotools()
    assert made.coco_eval["bbox"].stats.tolist() == pytest.approx(wanted.tolist(), abs=1e-12)
    assert list(made.stats_as_dict["bbox"])[:3] == ["AP_all", "AP_50", "AP_75"]
    assert made.stats_as_dict["bbox"]["AP_all"] == made.coco_eval["bbox"].stats[0]
    assert "IoU metric: bbox" in said.getvalue()
    if whose == "stand-in":
        with pytest.raises(NotImplementedError, match=r"lvis_style=True is not available"):
            FasterCocoEvaluator(truth, ["bbox"], lvis_style=True)


def corners(rows, image, whose):
    """What a loop hands over; the package takes tensors alone."""
    mine = [row for row in rows if row["image_id"] == image]
    boxes = np.array([row["bbox"] for row in mine], np.float64).reshape(-1, 4)
    columns = {
        "boxes": np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]),
        "scores": np.array([row["score"] for row in mine], np.float64),
        "labels": np.array([row["category_id"] for row in mine], np.int64),
    }
    if whose == "package":
        import torch

        return {name: torch.from_numpy(column) for name, column in columns.items()}
    return columns


@WHOSE
def test_as_rf_detr_calls_it(take, whose):
    take("faster_coco_eval", whose)
    import faster_coco_eval.core.mask as mask_util
    from faster_coco_eval import COCO
    from faster_coco_eval.core.faster_eval_api import COCOeval

    truth = COCO()
    truth.dataset = json.loads(Path(TRUTH).read_text())
    truth.createIndex()
    assert hasattr(truth, "cat_img_map")
    made = COCOeval(truth, iouType="bbox")
    made.params.maxDets = [1, 10, 500]
    made.cocoDt = truth.loadRes(json.loads(Path(FOUND).read_text()))
    made.params.imgIds = list(np.unique(truth.getImgIds()))
    made.evaluate()
    made.accumulate()
    made.summarize()
    assert made.stats.tolist() == of_pycocotools(last=500).tolist()
    assert "AR_500" in made.stats_as_dict
    bits = np.zeros((4, 5, 1), bool, order="F")
    bits[1:3, 2] = True
    code = mask_util.encode(np.array(bits, np.uint8, order="F"))[0]
    assert mask_util.decode(code).sum() == mask_util.area(code) == 2


@WHOSE
def test_as_torchmetrics_calls_it(take, whose):
    take("faster_coco_eval", whose)
    from faster_coco_eval import COCO
    from faster_coco_eval import COCOeval_faster as COCOeval
    from faster_coco_eval.core import mask as mask_utils

    assert mask_utils.encode(np.asfortranarray(np.ones((2, 3), bool)))["size"] == [2, 3]
    truth, found = COCO(), COCO()
    truth.dataset = json.loads(Path(TRUTH).read_text())
    truth.createIndex()
    found.dataset = copy.deepcopy(truth.loadRes(json.loads(Path(FOUND).read_text())).dataset)
    found.createIndex()
    made = COCOeval(truth, found, iouType="bbox")
    made.params.iouThrs = np.array([0.5, 0.75])
    made.evaluate()
    made.accumulate()
    made.summarize()
    assert made.stats[1] == of_pycocotools()[1]


@WHOSE
def test_as_clients_of_hotcoco_call_it(take, whose):
    hotcoco = take("hotcoco", whose)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = hotcoco.COCO(json.loads(Path(TRUTH).read_text()))
        made = hotcoco.COCOeval(truth, truth.load_res(FOUND), "bbox")
        made.run()
        other = hotcoco.COCOeval(truth, truth.loadRes(FOUND), iouType="bbox")
        params = other.params
        params.max_dets = [1, 10, 500]
        params.iouThrs = np.linspace(0.5, 0.95, 10)
        other.params = params
        other.evaluate()
        other.accumulate()
        other.summarize()
    wanted = of_pycocotools()
    assert np.asarray(made.stats).tolist() == wanted.tolist()
    names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
    assert [made.get_results()[name] for name in names] == wanted.tolist()
    assert made.results()["metrics"] == made.get_results()
    assert made.get_results(prefix="val")["val/AP"] == wanted[0]
    assert other.stats[0] == of_pycocotools(last=500)[0]
    assert [*other.params.max_dets] == [1, 10, 500]
    assert made.eval["precision"].shape == (10, 101, 5, 4, 3)


@WHOSE
def test_as_clients_of_ultrafast_pycocotools_call_it(take, whose):
    package = take("ultrafast_pycocotools", whose)
    lines = []
    with contextlib.redirect_stdout(io.StringIO()):
        truth = package.COCO(Path(TRUTH), verbose=False)
        results = truth.loadRes(FOUND)
        made = package.COCOeval(truth, results, "bbox", print_function=lines.append)
        made.run()
        last = package.COCOeval(truth, results, "bbox")
        last.params.maxDets = [1, 10, 500]
        last.run()
        ap = last._summarize(1, maxDets=500)
    wanted = of_pycocotools()
    assert np.asarray(made.stats).tolist() == wanted.tolist()
    named = made.stats_as_dict
    assert [named[name] for name in ("AP", "AP_50", "AP50", "AR_1", "AR@100", "AP_all")] == [
        wanted[at] for at in (0, 1, 1, 6, 8, 0)
    ]
    assert last.stats[0] == -1
    assert ap == of_pycocotools(last=500)[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_taking_pycocotools_name_takes_it_for_detmetrics(take, package, monkeypatch):
    monkeypatch.setattr(cocoeval, "COCOeval", ours.Original)
    monkeypatch.setattr(sys.modules["pycocotools.coco"], "COCO", ours.OriginalIndex)
    take(package, "stand-in").init_as_pycocotools()
    assert cocoeval.COCOeval is ours.COCOeval


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("faster_coco_eval", ["extra.Curves", "extra.ExtraEval", "extra.PreviewResults"]),
        ("faster_coco_eval", ["utils.pytorch.FasterCocoDetection"]),
        ("hotcoco", ["CocoEvaluator"]),
        ("hotcoco", ["LVISEval", "StreamingEval", "compare"]),
        ("ultrafast_pycocotools", ["metrics"]),
    ],
)
def test_a_name_that_is_absent_says_what_to_use(take, package, names):
    take(package, "stand-in")
    for name in names:
        module, _, attribute = f"{package}.{name}".rpartition(".")
        with pytest.raises(ImportError, match=rf"{name} is not available .* Fix: use "):
            exec(f"from {module} import {attribute}")
    with pytest.raises(AttributeError, match=r"\.nothing is not available in detmetrics' stand-in"):
        getattr(importlib.import_module(package), "nothing")  # noqa: B009


@pytest.mark.parametrize(
    ("package", "kind", "given", "fix"),
    [
        ("faster_coco_eval", "COCOeval_faster", {"lvis_style": True}, "rules='lvis'"),
        ("faster_coco_eval", "COCOeval_faster", {"extra_calc": True}, "result.matches"),
        ("faster_coco_eval", "COCOeval_faster", {"iouType": "boundary"}, "use 'bbox'"),
        ("hotcoco", "COCOeval", {"iou_type": "bbox", "oid_style": True}, "rules='openimages'"),
        ("ultrafast_pycocotools", "COCOeval", {"use_area": False}, "give each object an area"),
    ],
)
def test_an_argument_that_is_absent_says_what_to_use(take, package, kind, given, fix):
    module = take(package, "stand-in")
    with pytest.raises(NotImplementedError, match=f"{package}: .* is not available .*{fix}"):
        getattr(module, kind)(**given)


def test_results_of_a_score_and_none_at_all(take):
    package = take("faster_coco_eval", "stand-in")
    index = package.COCO(json.loads(Path(TRUTH).read_text()), use_deepcopy=True)
    rows = json.loads(Path(FOUND).read_text())
    kept = [one for one in rows if one["score"] >= 0.5]
    assert len(index.loadRes(rows, min_score=0.5).anns) == len(kept) > 0
    nothing = index.loadRes([])
    assert isinstance(nothing, package.COCO)
    assert nothing.get_cat_ids() == index.get_cat_ids()
    assert index.get_ann_ids(img_ids=[100]) == index.getAnnIds(imgIds=[100])


def test_the_stand_ins_are_copied_and_pickled(take):
    package = take("faster_coco_eval", "stand-in")
    index = package.COCO(TRUTH)
    made = package.COCOeval_faster(index, index.loadRes(FOUND), "bbox")
    made.run()
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        other.run()
        assert other.stats_as_dict == made.stats_as_dict
    assert dict(made.result.summary) == dict(dm.evaluate(TRUTH, FOUND).summary)
