"""What a metric costs a training loop: 5,000 images of 100 detections in batches of 16.

As a child, ``training.py TOOL MODE - -``, one tool in a fresh process prints its line of JSON as
``child.py`` does: ``loop`` times every ``update`` and then the result, ``memory`` counts the bytes
that an updated metric holds. Otherwise the section of the report that is made of these runs.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import Case, Run, alternately, figure, median, paired
from targets import Target

IMAGES, DETECTIONS, OBJECTS, CLASSES, BATCH = 5_000, 100, 7, 80, 16
CLOSE = 1e-9
HEADING = "## In a training loop"
PACKAGES = (
    *("detmetrics", "numpy", "torch", "torchmetrics", "pycocotools"),
    *("faster-coco-eval", "hotcoco", "ultrafast-pycocotools"),
)
ABOUT = """\
5,000 images of 100 detections and 7 objects of 80 classes, in batches of 16, made in memory as a
detector gives them (float32; tensors for torchmetrics, whose plug-in is `detmetrics.plugins`').
*update* is the sum over all batches, *a batch* the median of one, *result* all twelve numbers.
hotcoco's `StreamingEval` is given a matrix of detections and dicts of objects, which a loop would
have to make first; ultrafast-pycocotools' `DetectionMetrics` gives precision, recall and F1, no AP.
Everything is timed inside fresh processes that took turns, after a first batch that does not
count."""
FIGURES = {
    "whole": "update+result",
    "update": "update",
    "a batch": "batch",
    "result": "result",
    "process": "wall",
}

Feed = Callable[[tuple], None]
Numbers = Callable[[], list[float]]


def images() -> list[tuple]:
    """For each its id, prediction and target."""
    rng = np.random.default_rng(0)

    def one(image: int) -> tuple:
        start = rng.uniform(0, 500, (DETECTIONS, 2))
        boxes = np.concatenate([start, start + rng.uniform(10, 100, (DETECTIONS, 2))], axis=1)
        boxes = boxes.astype(np.float32)
        labels = rng.integers(0, CLASSES, DETECTIONS)
        scores = rng.random(DETECTIONS).astype(np.float32)
        found = {"boxes": boxes, "scores": scores, "labels": labels}
        return image, found, {"boxes": boxes[:OBJECTS] + 1, "labels": labels[:OBJECTS]}

    return [one(image) for image in range(IMAGES)]


def batches(given: list[tuple]) -> Iterator[tuple]:
    """Ids, predictions and targets of each batch."""
    for start in range(0, len(given), BATCH):
        yield tuple(map(list, zip(*given[start : start + BATCH], strict=True)))


def detmetrics() -> tuple[Feed, Numbers]:
    import detmetrics as dm

    metric = dm.DetectionMetric([f"class {number}" for number in range(CLASSES)])
    return lambda batch: metric.update(*batch), lambda: [*metric.compute().summary.values()]


def of_torchmetrics(kind: str, **options: Any) -> Callable[[], tuple[Feed, Numbers]]:
    """A metric of torchmetrics' form, theirs or ours: batches of tensors, a dict of results."""

    def start() -> tuple[Feed, Numbers]:
        import importlib

        metric = importlib.import_module(kind).MeanAveragePrecision(**options)
        order = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large", "mar_1")
        order += ("mar_10", "mar_100", "mar_small", "mar_medium", "mar_large")

        def numbers() -> list[float]:
            values = metric.compute()
            return [float(values[name]) for name in order]

        return lambda batch: metric.update(*batch[1:]), numbers

    return start


def hotcoco() -> tuple[Feed, Numbers]:
    from hotcoco import StreamingEval

    metric = StreamingEval([{"id": k, "name": str(k)} for k in range(CLASSES)])

    def numbers() -> list[float]:
        evaluation = metric.finalize()
        evaluation.accumulate()
        evaluation.summarize()
        return [float(value) for value in evaluation.stats[:12]]

    return lambda batch: metric.update(*batch), numbers


def ultrafast() -> tuple[Feed, Numbers]:
    from ultrafast_pycocotools.metrics import DetectionMetrics

    thresholds = np.linspace(0.5, 0.95, 10)
    metric = DetectionMetrics(iou_thrs=thresholds, max_dets=100, batch_results=False)

    def numbers() -> list[float]:
        metric.compute()
        return []

    return lambda batch: metric.update(*batch[1:]), numbers


THEIRS = "torchmetrics.detection"
TOOLS: dict[str, Callable[[], tuple[Feed, Numbers]]] = {
    "detmetrics": detmetrics,
    "detmetrics' torchmetrics": of_torchmetrics("detmetrics.plugins.torchmetrics"),
    "hotcoco": hotcoco,
    "ultrafast-pycocotools": ultrafast,
    "torchmetrics, faster-coco-eval": of_torchmetrics(THEIRS, backend="faster_coco_eval"),
    "torchmetrics, pycocotools": of_torchmetrics(THEIRS, backend="pycocotools"),
}
ROUNDS = {"torchmetrics, faster-coco-eval": 3, "torchmetrics, pycocotools": 2}


def ready(tool: str, given: list[tuple]) -> list[tuple]:
    """The batches in the form that a loop would have, or that the tool wants."""
    made = list(batches(given))
    if "torchmetrics" in tool:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        import torchvision_operators  # noqa: F401
        import torch  # isort: skip

        def tensors(side: list[dict]) -> list[dict]:
            return [{name: torch.from_numpy(part) for name, part in one.items()} for one in side]

        return [(ids, tensors(found), tensors(there)) for ids, found, there in made]
    return [_for_hotcoco(*batch) for batch in made] if tool == "hotcoco" else made


def _for_hotcoco(ids: list[int], found: list[dict], there: list[dict]) -> tuple:
    """Images, dicts of objects and the (N, 7) matrix of detections."""

    def sides(boxes: np.ndarray) -> np.ndarray:
        boxes = boxes.astype(np.float64)
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)

    matrix = [
        np.column_stack(
            [np.full(DETECTIONS, image), sides(one["boxes"]), one["scores"], one["labels"]]
        )
        for image, one in zip(ids, found, strict=True)
    ]
    objects = [
        {
            "id": image * OBJECTS + number + 1,
            "image_id": image,
            "category_id": int(label),
            "bbox": box.tolist(),
            "area": float(box[2] * box[3]),
            "iscrowd": 0,
        }
        for image, one in zip(ids, there, strict=True)
        for number, (box, label) in enumerate(zip(sides(one["boxes"]), one["labels"], strict=True))
    ]
    return [{"id": i, "width": 640, "height": 640} for i in ids], objects, np.concatenate(matrix)


def loop(tool: str) -> dict[str, Any]:
    """Seconds of all updates, of the median one, and of the result."""
    given = ready(tool, images())
    warm, _ = TOOLS[tool]()
    warm(given[0])
    feed, numbers = TOOLS[tool]()
    seconds = []
    for batch in given:
        start = time.perf_counter()
        feed(batch)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    told = numbers()
    result = time.perf_counter() - start
    phases = {"update": sum(seconds), "batch": statistics.median(seconds), "result": result}
    return {"phases": phases, "numbers": told}


def memory(tool: str) -> dict[str, Any]:
    """Bytes a detection that an updated metric holds, its objects included."""
    given = ready(tool, images())
    warm, _ = TOOLS[tool]()
    warm(given[0])  # what is imported is no part of a metric
    gc.collect()
    tracemalloc.start()
    feed, _ = TOOLS[tool]()
    for batch in given:
        feed(batch)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    return {"phases": {"bytes": held / (IMAGES * DETECTIONS)}, "numbers": []}


def section(machine: str, *, quick: bool) -> str:
    """Measure all tools and write it up."""
    tools = [tool for tool in TOOLS if not (quick and tool in ROUNDS)]
    cases = [
        Case(tool, "loop", rounds=1 if quick else ROUNDS.get(tool, 5), child="training.py")
        for tool in tools
    ]
    runs = {case.tool: found for case, found in alternately(cases).items()}
    (held,) = alternately([Case("detmetrics", "memory", rounds=1, child="training.py")]).values()
    rounds = ["**`--quick`: one round, without the slow tools. For development only.**"] * quick
    texts = [HEADING, machine, *rounds, ABOUT, _table(runs), _agreement(runs)]
    return "\n\n".join([*texts, _targets(runs, held)]) + "\n"


def _table(runs: dict[str, list[Run]]) -> str:
    lines = [
        f"| tool | {' | '.join(FIGURES)} | ratio | peak memory | runs |",
        f"|---|{'---|' * len(FIGURES)}---|---|---|",
    ]
    first = next(iter(FIGURES.values()))
    for tool, found in runs.items():
        cells = [_seconds(figure(found, name)) for name in FIGURES.values()]
        ratio = median(runs["detmetrics"], first) / median(found, first)
        cells += [f"{ratio:.3g}", f"{median(found, 'memory'):.0f} MiB", str(len(found))]
        lines.append(f"| {tool} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(values: list[float]) -> str:
    if max(values) < 0.1:
        low, middle, high = (1e3 * f(values) for f in (min, statistics.median, max))
        return f"{middle:.2f} ms [{low:.2f} to {high:.2f}]"
    return f"{statistics.median(values):.3f} s [{min(values):.3f} to {max(values):.3f}]"


def _agreement(runs: dict[str, list[Run]]) -> str:
    """How far the twelve numbers of each tool are from ours."""
    ours = np.array(runs["detmetrics"][0].numbers)
    told = []
    for tool, found in runs.items():
        if found[0].numbers:
            theirs = np.array(found[0].numbers)
            apart = np.nanmax(np.abs(np.where(theirs == -1, np.nan, theirs) - ours))
            told.append(f"{tool} {apart:.1g}")
    return f"The largest difference of the twelve numbers from ours: {', '.join(told)}."


def _targets(runs: dict[str, list[Run]], held: list[Run]) -> str:
    lines = ["| what | wanted | measured | paired | reached |", "|---|---|---|---|---|"]
    whole = "update+result"
    for tool, least in (("torchmetrics, pycocotools", 30), ("torchmetrics, faster-coco-eval", 5)):
        if tool in runs:
            pairs = paired(runs[tool], runs["detmetrics"], whole)
            value = median(runs[tool], whole) / median(runs["detmetrics"], whole)
            lines.append(
                _row(Target(f"the whole: times faster than {tool}", value, least=least), pairs)
            )
    batch = 1e3 * median(runs["detmetrics"], "batch")
    lines.append(_row(Target("`update` of a batch of 16, median, ms", batch, most=1)))
    size = median(held, "bytes")
    lines.append(_row(Target("bytes a detection held, objects included", size, most=64)))
    for tool in ("hotcoco", "ultrafast-pycocotools"):
        value = median(runs["detmetrics"], whole) / median(runs[tool], whole)
        pairs = paired(runs["detmetrics"], runs[tool], whole)
        lines.append(_row(Target(f"the whole: ratio to {tool}", value), pairs))
    return "\n".join(lines)


def _row(target: Target, pairs: list[float] | None = None) -> str:
    reached = {None: "", True: "yes", False: "**no**"}[target.reached]
    spread = ""
    if pairs:
        spread = f"{statistics.median(pairs):.3g} [{min(pairs):.3g} to {max(pairs):.3g}]"
    return f"| {target.what} | {target.wanted} | {target.value:.3g} | {spread} | {reached} |"


def main() -> None:
    """One tool, as a child of ``run.py``."""
    tool, mode = sys.argv[1:3]
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        told = {"loop": loop, "memory": memory}[mode](tool)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
