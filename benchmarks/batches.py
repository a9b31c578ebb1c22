"""The loops of training repositories that call pycocotools batch by batch.

The loop of torchvision's references (a copy of which DETR and others have) on pycocotools' classes
and on detmetrics' stand-in for them, and ``CocoEvaluator`` of detmetrics in its place. Run by
``run.py --only batches``; alone it is one process: ``python batches.py TOOL PARTS``.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import statistics
import sys
import time
import warnings
from typing import Any

import numpy as np
from child import Phases
from measure import Case, Run, alternately, figure
from targets import Target

HEADING = "## Batch by batch"
PACKAGES = ("numpy", "pycocotools")
MODULES = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval"),
    "detmetrics": ("detmetrics.compat.pycocotools", "detmetrics.compat.pycocotools"),
}
CLASSES, SIDE = 20, 640
# Images, detections of each, images in a batch, and the share of pycocotools' time that is wanted.
PARTS = {
    "1,001 images of 4, two in a batch": (1_001, 4, 2, 1.0),
    "1,001 images of 4, 32 in a batch": (1_001, 4, 32, 0.5),
    "400 images of 100, four in a batch": (400, 100, 4, 1.0),
    "400 images of 100, 32 in a batch": (400, 100, 32, 0.5),
}
ABOUT = """\
Seconds from the first batch to the twelve numbers of boxes, of a ground truth with four objects an
image and 20 classes. *loop* calls ``loadRes`` and ``evaluate`` for every batch, merges the records
in the end and accumulates, as torchvision's references do; *CocoEvaluator* is
``detmetrics.compat.coco_evaluator``, which matches once. The numbers of all are equal."""


def truth_of(images: int, index: Any) -> Any:
    """The index of four objects for each image."""
    rng = np.random.default_rng(0)
    boxes = np.hstack([rng.uniform(0, 400, (images * 4, 2)), rng.uniform(10, 200, (images * 4, 2))])
    truth = index()
    truth.dataset = {
        "info": {},
        "images": [{"id": k, "width": SIDE, "height": SIDE} for k in range(images)],
        "categories": [{"id": k, "name": f"c{k}"} for k in range(CLASSES)],
        "annotations": [
            {
                "id": k + 1,
                "image_id": k // 4,
                "category_id": int(rng.integers(CLASSES)),
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for k, box in enumerate(boxes.tolist())
        ],
    }
    truth.createIndex()
    return truth


def results_of(truth: Any, each: int) -> dict[int, list[dict[str, Any]]]:
    """Detections by image: objects moved a little, and others."""
    rng = np.random.default_rng(1)
    found = {}
    for image in truth.imgs:
        near = [one["bbox"] for one in truth.imgToAnns[image]]
        boxes = np.array(near * (each // 4)) + rng.normal(0, 8, (each, 4))
        found[image] = [
            {
                "image_id": image,
                "category_id": int(rng.integers(CLASSES)),
                "bbox": np.abs(box).tolist(),
                "score": float(rng.random()),
            }
            for box in boxes
        ]
    return found


def looped(truth: Any, evaluator: Any, found: dict[int, Any], batch: int) -> list[float]:
    """As the reference script has it."""
    run = evaluator(truth, iouType="bbox")
    images, records = [*found], []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        run.cocoDt = truth.loadRes([copy.copy(one) for image in part for one in found[image]])
        run.params.imgIds = part
        run.evaluate()
        records.append(np.asarray(run.evalImgs).reshape(-1, len(run.params.areaRng), len(part)))
    run.evalImgs = [*np.concatenate(records, axis=2).ravel()]
    run.params.imgIds = images
    run._paramsEval = copy.deepcopy(run.params)
    run.accumulate()
    run.summarize()
    return [float(value) for value in run.stats]


def collected(truth: Any, found: dict[int, Any], batch: int) -> list[float]:
    """With the evaluator that keeps batches."""
    from detmetrics.compat.coco_evaluator import CocoEvaluator

    def outputs(rows: list[dict[str, Any]]) -> dict[str, Any]:
        boxes = np.array([row["bbox"] for row in rows])
        return {
            "boxes": np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]),
            "labels": np.array([row["category_id"] for row in rows]),
            "scores": np.array([row["score"] for row in rows]),
        }

    evaluator = CocoEvaluator(truth, ["bbox"])
    images = [*found]
    for start in range(0, len(images), batch):
        evaluator.update({image: outputs(found[image]) for image in images[start : start + batch]})
    evaluator.accumulate()
    evaluator.summarize()
    return [float(value) for value in evaluator.coco_eval["bbox"].stats]


def section(machine: str, *, quick: bool) -> str:
    """Measure and write it up."""
    rounds = 1 if quick else 5
    cases = [Case(tool, "batches", rounds=rounds, child="batches.py") for tool in MODULES]
    theirs, ours = alternately(cases, warm=not quick).values()
    if theirs[0].numbers != ours[0].numbers:
        raise RuntimeError("the twelve numbers of detmetrics and pycocotools differ")
    said = ["**`--quick`: one round. For development only.**"] * quick
    return "\n\n".join([HEADING, machine, *said, ABOUT, _table(theirs, ours)]) + "\n"


def _table(theirs: list[Run], ours: list[Run]) -> str:
    lines = [
        (
            "| what | pycocotools, loop | detmetrics, loop | CocoEvaluator | wanted "
            "| loops | reached |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for name, (*_, most) in PARTS.items():
        original, mine = figure(theirs, name), figure(ours, name)
        whole = figure(ours, f"CocoEvaluator: {name}")
        ratios = [one / other for one, other in zip(mine, original, strict=True)]
        target = Target(name, statistics.median(ratios), most=most)
        seconds = [f"{statistics.median(values):.2f} s" for values in (original, mine, whole)]
        reached = "yes" if target.reached else "**no**"
        lines.append(
            f"| {' | '.join([name, *seconds, target.wanted, f'{target.value:.2f}', reached])} |"
        )
    return "\n".join(lines)


def main() -> None:
    """One process, as a child of ``run.py``."""
    warnings.simplefilter("ignore")
    tool = sys.argv[1]
    index, evaluator = (importlib.import_module(name) for name in MODULES[tool])
    phases: Phases = {}
    numbers: list[float] = []
    with contextlib.redirect_stdout(io.StringIO()):
        for name, (images, each, batch, _) in PARTS.items():
            truth = truth_of(images, index.COCO)
            found = results_of(truth, each)
            start = time.perf_counter()
            stats = looped(truth, evaluator.COCOeval, found, batch)
            phases[name] = time.perf_counter() - start
            if tool == "detmetrics":
                start = time.perf_counter()
                again = collected(truth, found, batch)
                phases[f"CocoEvaluator: {name}"] = time.perf_counter() - start
                np.testing.assert_allclose(again, stats, atol=1e-12)
            numbers += stats
    print(json.dumps({"numbers": numbers, "phases": phases}))


if __name__ == "__main__":
    main()
