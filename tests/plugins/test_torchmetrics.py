"""Our metric for torchmetrics beside its own: every output, on the same tensors."""

from __future__ import annotations

import warnings
from pathlib import Path

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
    ours = MeanAveragePrecision(grids="float32" if float32 else "exact", **options)
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
    theirs = Theirs(box_format="xywh")
    for metric in (ours, theirs):
        metric.update(*sides)
    same(ours.compute(), theirs.compute())


@st.composite
def planes(draw: st.DrawFn) -> np.ndarray:
    """A rectangle of pixels, of any of COCO's sizes, from which another may be cut."""
    plane = np.zeros((120, 130), bool)
    for value in (True, draw(st.booleans())):
        x, y = draw(st.sampled_from([0, 4, 30])), draw(st.sampled_from([0, 4, 20]))
        w, h = draw(st.sampled_from([2, 8, 33, 100])), draw(st.sampled_from([5, 32, 99]))
        plane[y : y + h, x : x + w] = value
    return plane


@st.composite
def masked(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Three images, each with an object at least, since its own leaves others out."""
    sides: tuple = [], []
    for _ in range(3):
        for least, side in zip((0, 1), sides, strict=True):
            found = draw(st.lists(planes(), min_size=least, max_size=3))
            whole = st.lists(st.integers(0, 1), min_size=len(found), max_size=len(found))
            masks = np.array(found).reshape(-1, 120, 130)
            rows = {
                "masks": torch.tensor(masks).to(draw(st.sampled_from([torch.bool, torch.uint8]))),
                "boxes": torch.tensor([_around(plane) for plane in masks]).reshape(-1, 4),
                "labels": torch.tensor(draw(whole), dtype=torch.int64),
            }
            if least:
                rows["iscrowd"] = torch.tensor(draw(whole), dtype=torch.int64)
                rows["area"] = torch.tensor(draw(whole), dtype=torch.float32) * 2_000
            else:
                rows["scores"] = torch.tensor(draw(whole), dtype=torch.float32) / 4
            side.append(rows)
    return sides


def _around(plane: np.ndarray) -> list[float]:
    y, x = np.nonzero(plane)
    return [float(one) for one in (x.min(), y.min(), x.max() + 1, y.max() + 1)] if len(x) else [
        0.0, 0.0, 0.0, 0.0
    ]  # fmt: skip


@given(
    sides=masked(),
    iou_type=st.sampled_from(["segm", ("segm",), ("bbox", "segm"), ("segm", "bbox")]),
    average=st.sampled_from(["macro", "micro"]),
    class_metrics=st.booleans(),
)
def test_every_output_of_masks(sides, iou_type, average, class_metrics):
    if not any(len(one["labels"]) for one in sides[0]):
        return  # -1 there without any detection
    if average == "micro" and class_metrics and len(iou_type) == 2:
        return  # its own forgets after the first type that everything is of one class
    options = {"iou_type": iou_type, "average": average, "class_metrics": class_metrics}
    ours, theirs = MeanAveragePrecision(**options), Theirs(**options)
    for metric in (ours, theirs):
        metric.update(*(side[:2] for side in sides))
        metric.update(*(side[2:] for side in sides))
    same(ours.compute(), theirs.compute())
    assert list(ours.results) == list(ours.iou_type)


def test_what_is_found_where_nothing_is_counts():
    """Its own leaves an image without objects out, where masks are all that is measured."""
    plane = torch.zeros(1, 9, 9, dtype=torch.uint8)
    plane[0, 2:5, 2:5] = 1
    there = {"masks": plane, "labels": torch.tensor([0])}
    found = {**there, "scores": torch.tensor([0.5])}
    nothing = {"masks": plane[:0], "labels": torch.zeros(0, dtype=torch.int64)}
    wrong = {**found, "scores": torch.tensor([0.9])}
    values = []
    for kind in (MeanAveragePrecision, Theirs):
        metric = kind(iou_type="segm")
        metric.update([found, wrong], [there, nothing])
        values.append(float(metric.compute()["map"]))
    assert values == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": torch.zeros(1, 3)}, r"preds\[0\]\['masks'\]: expected bool"),
        ({"masks": torch.zeros(1, 3) > 0}, r"preds\[0\]\['masks'\]: expected shape \(n, he"),
        ({"masks": None}, r"preds\[0\]: expected a key 'masks', got boxes, labels, masks"),
    ],
)
def test_masks_that_do_not_fit_are_named(change, message):
    box = {"boxes": torch.zeros(1, 4), "labels": torch.tensor([0])}
    there = {**box, "masks": torch.zeros(1, 4, 4) > 0}
    metric = MeanAveragePrecision(iou_type=("bbox", "segm"))
    with pytest.raises(dm.InputError, match=message):
        metric.update([{**there, "scores": torch.zeros(1), **change}], [there])


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
        ({"boxes": torch.zeros(2, 3)}, r"preds\[0\]\['boxes'\]: expected shape \(n, 4\)"),
        ({"scores": torch.zeros(2)}, r"preds\[0\]\['scores'\]: expected shape \(1,\)"),
        ({"labels": torch.tensor([0.5])}, r"preds\[0\]\['labels'\]\[0\]: expected a class"),
        ({"labels": ["cat"]}, r"preds\[0\]\['labels'\]\[0\]: expected a class"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    box = {"boxes": torch.zeros(1, 4), "labels": torch.tensor([0])}
    metric = MeanAveragePrecision()
    with pytest.raises(dm.InputError, match=message):
        metric.update([{**box, "scores": torch.zeros(1), **change}], [box])
    with pytest.raises(dm.InputError, match="target: expected 1 images like preds, got 0"):
        metric.update([{**box, "scores": torch.zeros(1)}], [])
    with pytest.raises(dm.InputError, match=r"^preds: expected a list of dicts, got"):
        metric.update(box, [box])
    with pytest.raises(dm.InputError, match=r"^target: expected a list of dicts, got None"):
        metric.update([{**box, "scores": torch.zeros(1)}], None)
    MeanAveragePrecision(backend="pycocotools", extended_summary=False)
    for options in (
        {"iou_type": "obb"},
        {"iou_type": ()},
        {"box_format": "yolo"},
        {"average": "all"},
    ):
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


def masks_of_seed() -> tuple[list[dict], list[dict]]:
    """The scene, with masks of the boxes on a small picture."""

    def drawn(one: dict) -> dict:
        planes = torch.zeros(len(one["boxes"]), 90, 90, dtype=torch.bool)
        for plane, (x, y, w, h) in zip(planes, one["boxes"].long().tolist(), strict=True):
            plane[y : y + h, x : x + w] = True
        return {**one, "masks": planes}

    preds, target = batch(*scene_of_seed())
    return [drawn(one) for one in preds], [drawn(one) for one in target]


BOTH = {"box_format": "xywh", "class_metrics": True, "iou_type": ("bbox", "segm")}


def _rank(rank: int, ranks: int, folder: str, idle: bool) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks
    )
    preds, target = masks_of_seed()
    metric = MeanAveragePrecision(**BOTH)
    if not idle:
        metric.update(preds[rank::ranks], target[rank::ranks])
    elif rank == 0:
        metric.update(preds, target)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        values = metric.compute()
        metric._computed = None  # asked again, it measures again
        metric.compute()
    torch.save(values, f"{folder}/{rank}.pt")
    Path(folder, f"{rank}.txt").write_text("\n".join(str(one.message) for one in said))
    dist.destroy_process_group()


@pytest.mark.parametrize("idle", [False, True])
def test_processes_are_gathered_by_torchmetrics(tmp_path, idle):
    mp.spawn(_rank, (2, str(tmp_path), idle), nprocs=2)
    whole = MeanAveragePrecision(**BOTH)
    whole.update(*masks_of_seed())
    for rank in range(2):
        same(torch.load(tmp_path / f"{rank}.pt"), whole.compute())
        # Without image ids nobody knows which image a sampler has repeated: said once, by one.
        told = (tmp_path / f"{rank}.txt").read_text()
        assert told.count("count twice: this metric is given no image ids. Fix: ") == (rank == 0)


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
