"""torchmetrics' MeanAveragePrecision on the same boxes: all its outputs, of each class too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import strategies
from hypothesis import given

import detmetrics as dm

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("torchmetrics", reason="needs torchmetrics: make test-peers")

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

OUTPUTS = {
    "map": "AP", "map_50": "AP50", "map_75": "AP75", "map_small": "APs", "map_medium": "APm",
    "map_large": "APl", "mar_1": "AR1", "mar_10": "AR10", "mar_100": "AR100",
    "mar_small": "ARs", "mar_medium": "ARm", "mar_large": "ARl",
}  # fmt: skip


def theirs(truth: dm.GroundTruth, found: dm.Detections) -> dict:
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(box_format="xywh", class_metrics=True)
    metric.warn_on_many_detections = False
    for image in range(len(truth.catalog.image_ids)):
        here, there = found.image == image, truth.image == image
        metric.update(
            [{
                "boxes": torch.tensor(found.xywh[here], dtype=torch.float32),
                "scores": torch.tensor(found.scores[here], dtype=torch.float32),
                "labels": torch.tensor(found.category[here]),
            }],
            [{
                "boxes": torch.tensor(truth.xywh[there], dtype=torch.float32),
                "labels": torch.tensor(truth.category[there]),
                "iscrowd": torch.tensor(truth.crowd[there].astype(int)),
                "area": torch.tensor(truth.area[there], dtype=torch.float32),
            }],
        )  # fmt: skip
    return metric.compute()


def compare(truth: dm.GroundTruth, found: dm.Detections) -> None:
    """To 1e-6: its outputs are float32."""
    result = dm.evaluate(truth, found, dm.TORCHMETRICS)
    outputs = theirs(truth, found)
    for output, name in OUTPUTS.items():
        value = float(outputs[output])
        ours = result.summary[name]
        assert ours == pytest.approx(value, abs=1e-6) if value != -1 else np.isnan(ours), name
    columns = result.class_columns()
    of_class = zip(
        np.atleast_1d(outputs["classes"]), np.atleast_1d(outputs["map_per_class"]), strict=False
    )
    for category, value in of_class:
        ours = columns["AP"][int(category)]
        assert np.isnan(ours) if value == -1 else ours == pytest.approx(float(value), abs=1e-6)


@given(scene=strategies.scenes())
def test_made_up_scenes(scene):
    truth, found = scene
    whole = np.round(found.scores * 256) / 256  # what float32 holds exactly
    boxes = [np.round(table.xywh) for table in scene]
    found = replace(found, scores=whole, boxes=boxes[1], box_format="xywh")
    compare(replace(truth, boxes=boxes[0], box_format="xywh", ignore=truth.none), found)


def test_real_files(shared):
    folder = shared / "coco_val2014_100"
    truth = dm.read_ground_truth(folder / "instances_val2014_100.json")
    found = dm.read_detections(folder / "instances_val2014_fakebbox100_results.json", truth)
    compare(
        replace(truth, boxes=single(truth.boxes), area=single(truth.area)),
        replace(found, boxes=single(found.boxes), scores=single(found.scores)),
    )


def single(values):
    """As tensors of float32 hold them."""
    return values.astype(np.float32).astype(np.float64)


def test_its_grids_change_numbers():
    """An IoU of exactly 0.6 misses its threshold 0.6, and meets that of COCO."""
    catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], catalog=catalog
    )
    found = dm.Detections.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 6]], scores=[0.5], catalog=catalog
    )
    coco, single = (dm.evaluate(truth, found, r) for r in (dm.COCO, dm.TORCHMETRICS))
    assert coco.summary["AP"] == pytest.approx(0.3)
    assert single.summary["AP"] == pytest.approx(0.2)
    assert float(theirs(truth, found)["map"]) == pytest.approx(0.2)
