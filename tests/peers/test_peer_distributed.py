"""Processes of torch.distributed: each gets the result of one process, bit for bit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402

import detmetrics as dm  # noqa: E402

ROOT = Path(__file__).parents[2]
FIXTURES = str(ROOT / "fixtures/ground_truth.json"), str(ROOT / "fixtures/detections.json")


def batches() -> tuple[dict, list[tuple]]:
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    catalog = truth.catalog
    classes = dict(zip(catalog.category_ids.tolist(), catalog.category_names, strict=True))

    def of(index: int) -> tuple:
        g, d = truth.image == index, found.image == index
        prediction = {
            "boxes": torch.tensor(found.boxes[d]),
            "scores": torch.tensor(found.scores[d]),
            "labels": torch.tensor(catalog.category_ids[found.category[d]]),
        }
        target = {
            "boxes": torch.tensor(truth.boxes[g]),
            "labels": torch.tensor(catalog.category_ids[truth.category[g]]),
            "area": torch.tensor(truth.area[g]),
            "iscrowd": torch.tensor(truth.crowd[g]),
        }
        return int(catalog.image_ids[index]), prediction, target

    return classes, [of(index) for index in range(len(catalog.image_ids))]


def _rank(rank: int, ranks: int, share: str, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks
    )
    classes, images = batches()
    if share == "padded":  # as DistributedSampler does: the first images again at the end
        images = [*images, *itertools.islice(itertools.cycle(images), -len(images) % ranks)]
        assert len(images) % ranks == 0
        mine = images[rank::ranks]
    else:  # the last process saw nothing
        mine = images[rank :: ranks - 1] if rank < ranks - 1 else []
    metric = dm.DetectionMetric(classes, box_format="xywh")
    for image, prediction, target in mine:
        metric.update([image], [prediction], [target])
    results = [dict(metric.sync().compute().summary) for _ in range(2)]
    assert results[0] == results[1]
    assert len(metric) == len({image for image, *_ in mine})
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump(results[0], file)
    dist.destroy_process_group()


@pytest.mark.parametrize("share", ["padded", "one idle"])
@pytest.mark.parametrize("ranks", [2, 3])
def test_every_process_has_the_result_of_one(tmp_path, ranks, share):
    mp.spawn(_rank, (ranks, share, str(tmp_path)), nprocs=ranks)
    expected = dict(dm.evaluate(*FIXTURES).summary)
    for rank in range(ranks):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == expected


def test_without_processes_sync_is_a_copy():
    classes, images = batches()
    metric = dm.DetectionMetric(classes, box_format="xywh")
    metric.update(*([part] for part in images[0]))
    copy = metric.sync()
    metric.reset()
    assert (len(metric), len(copy)) == (0, 1)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_tensors_of_any_kind(kind):
    boxes = torch.tensor([[0, 0, 8, 8]], dtype=kind, requires_grad=True)
    one = {"boxes": boxes, "labels": torch.tensor([0])}
    metric = dm.DetectionMetric(["cat"])
    metric.update(torch.tensor([3]), [{**one, "scores": torch.tensor([0.5], dtype=kind)}], [one])
    assert metric.compute().summary["AP50"] == pytest.approx(1)


def _columns(rank: int, ranks: int) -> list[dict]:
    """Batches of a process, padded; what is repeated is found otherwise by each process."""
    _, images = batches()
    images = [*images, *itertools.islice(itertools.cycle(images), -len(images) % ranks)]
    made = []
    for image, prediction, _ in images[rank::ranks]:
        x, y, w, h = prediction["boxes"].float().unbind(1)
        side = torch.arange(24)
        masks = torch.stack(
            [
                ((side - a) ** 2)[:, None] + ((side - b) ** 2)[None] < 30
                for a, b in zip((x % 20).tolist(), (y % 20).tolist(), strict=True)
            ]
            or [torch.zeros(24, 24, dtype=torch.bool)]
        )[: len(x)]
        boxes = torch.stack([x, y, x + w, y + h], dim=1)
        scores = prediction["scores"].float() * (1 - 0.01 * rank)
        columns = {"boxes": boxes, "masks": masks.float()[:, None], "scores": scores}
        made.append({image: {**columns, "labels": prediction["labels"]}})
    return made


def _truth():
    """An index of boxes and masks, all of one size."""
    import contextlib
    import io

    from pycocotools import mask
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(FIXTURES[0])
    for one in truth.anns.values():
        plane = torch.zeros(24, 24, dtype=torch.uint8)
        x, y = (int(value) % 16 for value in one["bbox"][:2])
        plane[x : x + 8, y : y + 8] = 1
        code = mask.encode(plane.numpy().copy(order="F"))
        one["segmentation"] = {"size": [24, 24], "counts": code["counts"].decode()}
    for image in truth.imgs.values():
        image.update(width=24, height=24)
    return truth


def _evaluated(rank: int, ranks: int, folder: str) -> None:
    from detmetrics.compat.coco_evaluator import CocoEvaluator

    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/evaluators", rank=rank, world_size=ranks
    )
    evaluator = CocoEvaluator(_truth(), ["bbox", "segm"])
    for part in _columns(rank, ranks) if rank < ranks - 1 or ranks == 2 else []:
        evaluator.update(part)
    evaluator.synchronize_between_processes()
    evaluator.accumulate()
    evaluator.summarize()
    cells = {kind: one.eval["precision"].tolist() for kind, one in evaluator.coco_eval.items()}
    with open(f"{folder}/{ranks}-{rank}.json", "w") as file:
        json.dump({**cells, "images": evaluator.img_ids}, file)
    dist.destroy_process_group()


@pytest.mark.parametrize("ranks", [2, 5])
def test_evaluators_of_processes_with_padding_equal_the_published_merge(tmp_path, ranks):
    """CocoEvaluator: of an image that several processes have, that of the lowest rank counts; of
    five processes the last one is idle.
    """
    from detmetrics.compat.coco_evaluator import CocoEvaluator

    mp.spawn(_evaluated, (ranks, str(tmp_path)), nprocs=ranks)
    alone = CocoEvaluator(_truth(), ["bbox", "segm"])
    working = range(ranks if ranks == 2 else ranks - 1)
    # np.unique of the images of all ranks, one rank after the other, keeps the first of each.
    first: dict = {}
    for rank in working:
        for part in _columns(rank, ranks):
            first = {**part, **first}
    alone.update(first)
    alone.accumulate()
    for rank in range(ranks):
        told = json.loads((tmp_path / f"{ranks}-{rank}.json").read_text())
        assert sorted(told["images"]) == sorted(first)
        for kind, one in alone.coco_eval.items():
            assert told[kind] == one.eval["precision"].tolist()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_evaluators_subtract_corners_in_their_own_type(kind):
    from detmetrics.compat.coco_evaluator import CocoEvaluator

    boxes = torch.tensor([[1.3, 2.7, 301.9, 77.7]], dtype=kind, requires_grad=True)
    scores, labels = torch.tensor([0.5], dtype=kind), torch.tensor([1])
    (row,) = CocoEvaluator(_truth(), ["bbox"]).prepare(
        {100: {"boxes": boxes, "scores": scores, "labels": labels}}, "bbox"
    )
    x, y, right, low = boxes.unbind(1)
    expected = torch.stack([x, y, right - x, low - y], dim=1).tolist()
    assert [row["bbox"]] == expected
    assert [row["score"]] == scores.tolist()
