"""What ``DetectionMetric`` costs: 5,000 images of 100 detections and 7 objects, batches of 16.

Prints medians of five rounds without the first, which touches memory for the first time; and
where torchmetrics is installed, what its ``MeanAveragePrecision`` takes for the same, with each
backend that is there, once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import io
import statistics
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

import detmetrics as dm

IMAGES, DETECTIONS, OBJECTS, CLASSES, BATCH, ROUNDS = 5_000, 100, 7, 80, 16, 5
BACKENDS = {"pycocotools": "pycocotools", "faster_coco_eval": "faster_coco_eval"}


def images() -> list[tuple]:
    """For each its id, prediction and target, in float32 as detectors give them."""
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
    for start in range(0, IMAGES, BATCH):
        yield tuple(zip(*given[start : start + BATCH], strict=True))


def empty() -> dm.DetectionMetric:
    """A metric of the classes of the images."""
    return dm.DetectionMetric([f"class {number}" for number in range(CLASSES)])


def measured(given: list[tuple]) -> dict[str, float]:
    """Seconds of each step."""
    metric = empty()
    of_batch = []
    for batch in batches(given):
        start = time.perf_counter()
        metric.update(*batch)
        of_batch.append(time.perf_counter() - start)
    times = [time.perf_counter()]
    _ = metric.compute().summary
    times.append(time.perf_counter())
    data = metric.to_bytes()
    times.append(time.perf_counter())
    dm.DetectionMetric.from_bytes(data)
    times.append(time.perf_counter())
    later = zip(("compute", "to_bytes", "from_bytes"), np.diff(times).tolist(), strict=True)
    return {"a batch": statistics.median(of_batch), "update": sum(of_batch), **dict(later)}


def memory(given: list[tuple]) -> float:
    """Bytes a detection that an updated metric holds."""
    gc.collect()
    tracemalloc.start()
    metric = empty()
    for batch in batches(given):
        metric.update(*batch)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / (len(metric) * DETECTIONS)


def torchmetrics(given: list[tuple], backend: str) -> float:
    """Seconds that torchmetrics takes for updates and the result."""
    import torch
    from torchmetrics.detection import MeanAveragePrecision

    def tensors(one: dict) -> dict:
        return {name: torch.from_numpy(values) for name, values in one.items()}

    ready = [(image, tensors(found), tensors(there)) for image, found, there in given]
    metric = MeanAveragePrecision(backend=backend)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        for _, found, there in batches(ready):
            metric.update(list(found), list(there))
        metric.compute()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    given = images()
    rounds = [measured(given) for _ in range(ROUNDS + 1)][1:]
    medians = {step: statistics.median(one[step] for one in rounds) for step in rounds[0]}
    for step, seconds in medians.items():
        print(f"{step:>10}  {seconds * 1e3:8.2f} ms")
    print(f"{'memory':>10}  {memory(given):8.1f} bytes a detection, its objects included")
    whole = medians["update"] + medians["compute"]
    for backend, package in BACKENDS.items():
        if all(importlib.util.find_spec(name) for name in ("torchmetrics", package)):
            seconds = torchmetrics(given, backend)
            print(f"torchmetrics with {backend}: {seconds:.1f} s, {seconds / whole:.0f} times")


if __name__ == "__main__":
    main()
