"""One run of one tool in a fresh process: ``child.py TOOL MODE GROUND_TRUTH DETECTIONS``.

Prints a line of JSON: the seconds of each phase and the twelve numbers. Modes: ``files`` starts
from two JSON files, ``arrays`` from the columns of one npz file (named twice). Building a peer's
objects from arrays is the phase ``build`` and not part of ``evaluate``; detmetrics' tables are.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Phases = dict[str, float]


@contextlib.contextmanager
def phase(phases: Phases, name: str) -> Iterator[None]:
    """Add the seconds of the block to the phases."""
    start = time.perf_counter()
    yield
    phases[name] = time.perf_counter() - start


def detmetrics_files(phases: Phases, truth: str, found: str) -> list[float]:
    with phase(phases, "import"):
        import detmetrics as dm

        _ = dm.evaluate
    with phase(phases, "read"):
        gt = dm.read_ground_truth(truth)
        dt = dm.read_detections(found, gt)
    with phase(phases, "evaluate"):
        return list(dm.evaluate(gt, dt).summary.values())


def detmetrics_arrays(phases: Phases, path: str, _: str) -> list[float]:
    import workload

    work = workload.load(Path(path))
    with phase(phases, "import"):
        import detmetrics as dm

        _ = dm.evaluate
    catalog = dm.Catalog.from_ids(images=work.image_ids, categories=work.category_ids)
    with phase(phases, "tables"):
        gt = dm.GroundTruth.from_arrays(
            image_ids=work.gt_image,
            categories=work.gt_category,
            boxes=work.gt_boxes,
            areas=work.gt_area,
            crowd=work.gt_crowd,
            catalog=catalog,
        )
        dt = dm.Detections.from_arrays(
            image_ids=work.image,
            categories=work.category,
            boxes=work.boxes,
            scores=work.scores,
            catalog=catalog,
        )
    with phase(phases, "evaluate"):
        return list(dm.evaluate(gt, dt).summary.values())


PEERS = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": ("hotcoco", "hotcoco", "COCOeval"),
    "ultrafast-pycocotools": ("ultrafast_pycocotools", "ultrafast_pycocotools", "COCOeval"),
}


def peer(name: str) -> Callable[[Phases, str, str], list[float]]:
    """The usual calls of a tool with pycocotools' interface."""

    def run(phases: Phases, truth: str, found: str) -> list[float]:
        with phase(phases, "import"):
            module, evaluator, kind = PEERS[name]
            index = importlib.import_module(module).COCO
            make = getattr(importlib.import_module(evaluator), kind)
        if truth == found:
            with phase(phases, "build"):
                gt, dt = from_arrays(index, Path(truth))
        else:
            with phase(phases, "read"):
                gt = index(truth)
                dt = gt.loadRes(found)
        with phase(phases, "evaluate"):
            evaluation = make(gt, dt, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
        evaluation.summarize()
        return [float(value) for value in evaluation.stats[:12]]

    return run


def from_arrays(index: Any, path: Path) -> tuple[Any, Any]:
    """A peer's objects: ground truth from a document, detections from an (N, 7) array."""
    import numpy as np
    import workload

    work = workload.load(path)
    document = workload.ground_truth_document(work)
    if index.__module__.startswith("pycocotools"):
        gt = index()
        gt.dataset = document
        gt.createIndex()
    else:
        gt = index(document)
    columns = [work.image[:, None], work.boxes, work.scores[:, None], work.category[:, None]]
    return gt, gt.loadRes(np.concatenate(columns, axis=1))


def importing(statement: str) -> Callable[[Phases, str, str], list[float]]:
    """The seconds that an import statement takes."""

    def run(phases: Phases, _: str, __: str) -> list[float]:
        with phase(phases, "import"):
            exec(statement, {})
        return []

    return run


def main() -> None:
    """Run what the command line names."""
    tool, mode, truth, found = sys.argv[1:5]
    warnings.simplefilter("ignore")
    runs = {
        ("detmetrics", "files"): detmetrics_files,
        ("detmetrics", "arrays"): detmetrics_arrays,
        ("numpy", "import"): importing("import numpy"),
        ("detmetrics", "import"): importing("import detmetrics"),
    }
    run = runs.get((tool, mode)) or peer(tool)
    phases: Phases = {}
    with contextlib.redirect_stdout(io.StringIO()):
        numbers = run(phases, truth, found)
    print(json.dumps({"phases": phases, "numbers": numbers}))


if __name__ == "__main__":
    main()
