"""One run of one tool in a fresh process: ``child.py TOOL MODE GROUND_TRUTH DETECTIONS``.

Prints a line of JSON: the seconds of each phase and the twelve numbers. Modes: ``files`` starts
from two JSON files, ``arrays`` from the columns of one npz file (named twice), ``import`` takes
no files. What a tool builds from the arrays before it can evaluate is the phase ``build``, apart
from ``evaluate``; loading the npz file is in neither. With ``--profile`` at the end the run is
profiled and the JSON holds the top of it instead.
"""

from __future__ import annotations

import contextlib
import cProfile
import importlib
import io
import json
import pstats
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
    work = columns(Path(path))
    with phase(phases, "import"):
        import detmetrics as dm

        _ = dm.evaluate
    with phase(phases, "build"):
        catalog = dm.Catalog.from_ids(images=work.image_ids, categories=work.category_ids)
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
            work = columns(Path(truth))
            with phase(phases, "build"):
                gt = truth_from_arrays(index, work)
                dt = gt.loadRes(results_matrix(work))
        else:
            with phase(phases, "read"):
                gt = index(truth)
                dt = gt.loadRes(found)
        with phase(phases, "evaluate"):
            evaluation = make(gt, dt, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
        with phase(phases, "summarize"):
            evaluation.summarize()
        return [float(value) for value in evaluation.stats[:12]]

    return run


def columns(path: Path) -> Any:
    """The workload, loaded outside every phase."""
    import workload

    return workload.load(path)


def truth_from_arrays(index: Any, work: Any) -> Any:
    """A peer's ground truth by the quickest way it has: columns (hotcoco), else a document."""
    import workload

    if hasattr(index, "from_arrays"):
        return index.from_arrays(
            *workload.images_and_categories(work),
            work.gt_image,
            work.gt_category,
            work.gt_boxes,
            area=work.gt_area,
            iscrowd=work.gt_crowd,
        )
    document = workload.ground_truth_document(work)
    if not index.__module__.startswith("pycocotools"):
        return index(document)
    gt = index()
    gt.dataset = document
    gt.createIndex()
    return gt


def results_matrix(work: Any) -> Any:
    """The (D, 7) array that ``loadRes`` of every peer takes: image, box, score, category."""
    import numpy as np

    parts = [work.image[:, None], work.boxes, work.scores[:, None], work.category[:, None]]
    return np.concatenate(parts, axis=1)


def importing(statement: str) -> Callable[[Phases, str, str], list[float]]:
    """The seconds that an import statement takes."""

    def run(phases: Phases, _: str, __: str) -> list[float]:
        with phase(phases, "import"):
            exec(statement, {})
        return []

    return run


RUNS: dict[tuple[str, str], Callable[[Phases, str, str], list[float]]] = {
    ("detmetrics", "files"): detmetrics_files,
    ("detmetrics", "arrays"): detmetrics_arrays,
    ("numpy", "import"): importing("import numpy"),
    ("import detmetrics", "import"): importing("import detmetrics"),
}


def profiled(run: Callable[[], Any], rows: int = 20) -> str:
    """The functions that take most time by themselves, without the folders of their files."""
    profile = cProfile.Profile()
    profile.runcall(run)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(rows)
    return text.getvalue().strip()


def main() -> None:
    """Run what the command line names."""
    tool, mode, truth, found = sys.argv[1:5]
    warnings.simplefilter("ignore")
    run = RUNS.get((tool, mode)) or peer(tool)
    phases: Phases = {}
    with contextlib.redirect_stdout(io.StringIO()):
        if sys.argv[5:] == ["--profile"]:
            told = {"profile": profiled(lambda: run(phases, truth, found))}
        else:
            told = {"numbers": run(phases, truth, found), "phases": phases}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
