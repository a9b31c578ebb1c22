"""What ``DetectionMetric`` costs: 5,000 images of 100 detections and 7 objects, batches of 16.

Prints the median of five rounds; the first round, which touches memory for the first time, is
left out.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

import detmetrics as dm

IMAGES, DETECTIONS, OBJECTS, CLASSES, BATCH, ROUNDS = 5_000, 100, 7, 80, 16, 5


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


def measured(given: list[tuple]) -> dict[str, float]:
    """Seconds of each step."""
    metric = dm.DetectionMetric([f"class {number}" for number in range(CLASSES)])
    times = [time.perf_counter()]
    for start in range(0, IMAGES, BATCH):
        metric.update(*zip(*given[start : start + BATCH], strict=True))
    times.append(time.perf_counter())
    _ = metric.compute().summary
    times.append(time.perf_counter())
    data = metric.to_bytes()
    times.append(time.perf_counter())
    dm.DetectionMetric.from_bytes(data)
    times.append(time.perf_counter())
    return dict(zip(("update", "compute", "to_bytes", "from_bytes"), np.diff(times), strict=True))


def main() -> None:
    """Measure and print."""
    given = images()
    rounds = [measured(given) for _ in range(ROUNDS + 1)][1:]
    for step in rounds[0]:
        print(f"{step:>10}  {statistics.median(one[step] for one in rounds):.3f} s")


if __name__ == "__main__":
    main()
