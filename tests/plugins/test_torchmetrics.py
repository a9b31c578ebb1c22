"""Our metric for torchmetrics beside its own: every output, on the same tensors."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("torchmetrics", reason="needs torchmetrics: make test-plugins")

import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402
from torchmetrics import Metric  # noqa: E402
from torchmetrics.detection import MeanAveragePrecision as Theirs  # noqa: E402

from detmetrics.plugins.torchmetrics import MeanAveragePrecision  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

# Given in full these are float64 there too.
GRIDS = {
    "iou_thresholds": list(dm.COCO.iou_thresholds),
    "rec_thresholds": list(dm.COCO.recall_points),
}


def batch(truth: dm.GroundTruth, found: dm.Detections) -> tuple[list[dict], list[dict]]:
    images = range(len(truth.catalog.image_ids))
    return [
        {
            "boxes": torch.tensor(found.xywh[found.image == image], dtype=torch.float32),
            "scores": torch.tensor(found.scores[found.image == image], dtype=torch.float32),
            "labels": torch.tensor(found.category[found.image == image]),
        }
        for image in images
    ], [
        {
            "boxes": torch.tensor(truth.xywh[truth.image == image], dtype=torch.float32),
            "labels": torch.tensor(truth.category[truth.image == image]),
            "iscrowd": torch.tensor(truth.crowd[truth.image == image].astype(int)),
            "area": torch.tensor(truth.area[truth.image == image], dtype=torch.float32),
        }
        for image in images
    ]


def in_form(sides: tuple, box_format: str) -> tuple:
    def changed(one: dict) -> dict:
        x, y, w, h = one["boxes"].reshape(-1, 4).unbind(1)
        forms = {
            "xywh": (x, y, w, h),
            "xyxy": (x, y, x + w, y + h),
            "cxcywh": (x + w / 2, y + h / 2, w, h),
        }
        return {**one, "boxes": torch.stack(forms[box_format], dim=1)}

    return tuple([changed(one) for one in side] for side in sides)


def same(ours: dict, theirs: dict) -> None:
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=0, atol=1e-6, err_msg=name)


@given(
    scene=strategies.scenes(),
    box_format=st.sampled_from(["xyxy", "xywh", "cxcywh"]),
    average=st.sampled_from(["macro", "micro"]),
    class_metrics=st.booleans(),
    limits=st.sampled_from([None, [1, 2, 100]]),
    float32=st.booleans(),
)
def test_every_output(scene, box_format, average, class_metrics, limits, float32):
    if len(scene[1]) == 0:
        return  # its own stops with an error
    sides = in_form(batch(*scene), box_format)
    options = {
        "box_format": box_format,
        "average": average,
        "class_metrics": class_metrics,
        "max_detection_thresholds": limits,
    }
    ours = MeanAveragePrecision(grids="float32" if float32 else "float64", **options)
    theirs = Theirs(**options, **({} if float32 else GRIDS))
    for metric in (ours, theirs):
        metric.update(*sides)
    same(ours.compute(), theirs.compute())


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16])
def test_floats_of_any_width(kind):
    """What is exact in one of them is not rounded to another."""
    sides = batch(*scene_of_seed())
    shift = torch.tensor(1 / 3, dtype=torch.float64)

    def changed(one: dict) -> dict:
        moved = {"boxes": (one["boxes"].double() + shift).to(kind)}
        scores = {"scores": (one["scores"].double() * shift).to(kind)} if "scores" in one else {}
        return {**{k: v for k, v in one.items() if k != "area"}, **moved, **scores}

    sides = tuple([changed(one) for one in side] for side in sides)
    ours = MeanAveragePrecision(box_format="xywh")
    theirs = Theirs(box_format="xywh", **GRIDS)
    for metric in (ours, theirs):
        metric.update(*sides)
    same(ours.compute(), theirs.compute())


def test_is_a_metric_of_torchmetrics():
    metric = MeanAveragePrecision()
    assert isinstance(metric, Metric)
    box = {"boxes": torch.tensor([[0.0, 0, 10, 10]]), "labels": torch.tensor([3])}
    found = {**box, "scores": torch.tensor([0.5])}
    batch_value = metric([found], [box])
    assert float(batch_value["map"]) == pytest.approx(1)
    metric.update([], [])
    assert metric.result.class_names == ("3",)
    metric.reset()
    assert float(metric.compute()["map"]) == -1
    copy = MeanAveragePrecision()
    copy.load_state_dict(metric.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": torch.zeros(2, 3)}, r"predictions\[0\]\['boxes'\]: expected shape \(n, 4\)"),
        ({"scores": torch.zeros(2)}, r"predictions\[0\]\['scores'\]: expected shape \(1,\)"),
        ({"labels": torch.tensor([0.5])}, r"predictions\[0\]\['labels'\]\[0\]: expected a class"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    box = {"boxes": torch.zeros(1, 4), "labels": torch.tensor([0])}
    metric = MeanAveragePrecision()
    with pytest.raises(dm.InputError, match=message):
        metric.update([{**box, "scores": torch.zeros(1), **change}], [box])
    with pytest.raises(dm.InputError, match="target: expected 1 images like preds, got 0"):
        metric.update([{**box, "scores": torch.zeros(1)}], [])
    with pytest.raises(dm.InputError, match=r"extended_summary: .*result\.arrays\(\)"):
        MeanAveragePrecision(extended_summary=True)
    MeanAveragePrecision(backend="pycocotools", extended_summary=False)
    for options in ({"iou_type": "segm"}, {"box_format": "yolo"}, {"average": "all"}):
        with pytest.raises(dm.InputError, match=f"{next(iter(options))}: expected"):
            MeanAveragePrecision(**options)


def scene_of_seed() -> tuple:
    rng = np.random.default_rng(1)
    images, count = 9, 120
    box = np.concatenate([rng.uniform(0, 50, (count, 2)), rng.uniform(5, 30, (count, 2))], axis=1)
    catalog = dm.Catalog.from_ids(images=range(images), categories=range(3))
    image, label = rng.integers(0, images, count), rng.integers(0, 3, count)
    truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=label, boxes=box.astype("f4"), catalog=catalog
    )
    found = dm.Detections.from_arrays(
        image_ids=image,
        categories=label,
        boxes=(box + rng.normal(0, 1, box.shape)).astype("f4"),
        scores=rng.permutation(count).astype("f4") / 128,
        catalog=catalog,
    )
    return truth, found


def _rank(rank: int, ranks: int, folder: str, idle: bool) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks
    )
    preds, target = batch(*scene_of_seed())
    metric = MeanAveragePrecision(box_format="xywh", class_metrics=True)
    if not idle:
        metric.update(preds[rank::ranks], target[rank::ranks])
    elif rank == 0:
        metric.update(preds, target)
    torch.save(metric.compute(), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.parametrize("idle", [False, True])
def test_processes_are_gathered_by_torchmetrics(tmp_path, idle):
    mp.spawn(_rank, (2, str(tmp_path), idle), nprocs=2)
    whole = MeanAveragePrecision(box_format="xywh", class_metrics=True)
    whole.update(*batch(*scene_of_seed()))
    for rank in range(2):
        same(torch.load(tmp_path / f"{rank}.pt"), whole.compute())


def test_its_own_metric_runs_on_the_stand_in_for_pycocotools(monkeypatch):
    """Code that cannot change: torchmetrics asks ``pycocotools.cocoeval`` for its evaluator."""
    import pycocotools.cocoeval

    from detmetrics.compat import install_as_pycocotools
    from detmetrics.compat.pycocotools import COCOeval

    sides = batch(*scene_of_seed())

    def measured() -> dict:
        metric = Theirs(box_format="xywh", class_metrics=True, backend="pycocotools")
        metric.update(*sides)
        return metric.compute()

    def evaluate(self) -> None:
        ours(self)
        results.append(self.result)

    expected, results, ours = measured(), [], COCOeval.evaluate
    monkeypatch.setattr(pycocotools.cocoeval, "COCOeval", pycocotools.cocoeval.COCOeval)
    monkeypatch.setattr(COCOeval, "evaluate", evaluate)
    install_as_pycocotools()
    values = measured()
    assert results
    assert None not in results
    assert set(values) == set(expected)
    for name, value in expected.items():
        assert torch.equal(values[name], value), name
