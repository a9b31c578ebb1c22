"""What a metric over processes costs: ``compute(distributed=True)`` beside ``sync().compute()``.

``ranks.py [--images 500]`` starts two gloo processes on this machine, each with half of the
images, 100 detections and 7.5 objects an image of 80 classes, and prints what each process gives to
collectives and the median of five seconds, in turns. Needs torch; no network is in between.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import workload

RANKS, DETECTIONS, CLASSES, TIMES = 2, 100, 80, 5


def main() -> None:
    """Print a table."""
    import torch.multiprocessing as mp

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_rank, (images, folder), nprocs=RANKS)


def _rank(rank: int, images: int, folder: str) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=RANKS
    )
    metric = fed(images, rank)
    ways: dict[str, Callable[[], Any]] = {
        "sync().compute()": lambda: metric.sync().compute(),
        "compute(distributed=True)": lambda: metric.compute(distributed=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results = {}
    for _ in range(TIMES):
        for name, of in ways.items():
            dist.barrier()
            began = time.perf_counter()
            results[name] = of()
            dict(results[name].summary)
            seconds[name].append(time.perf_counter() - began)
    first, second = results.values()
    assert first.summary == second.summary
    if rank == 0:
        anchors = sum(int(part.head.anchors.sum()) for part in second.index.parts)
        print(f"{images * DETECTIONS:,} detections, {anchors:,} anchors")
    for name, of in ways.items():
        given = bytes_given(of)
        if rank == 0:
            print(f"{name}: {given / 1e6:.2f} MB, {statistics.median(seconds[name]):.3f} s")
    dist.destroy_process_group()


def fed(images: int, rank: int) -> Any:
    """The metric of one process, with every second image."""
    import detmetrics as dm

    work = workload.make(images, images * 15 // 2, CLASSES, images * DETECTIONS)
    names = {int(known): f"class {known}" for known in work.category_ids}
    metric = dm.DetectionMetric(names, box_format="xywh")
    for image in work.image_ids[rank::RANKS].tolist():
        of, there = work.image == image, work.gt_image == image
        found = {"boxes": work.boxes[of], "scores": work.scores[of], "labels": work.category[of]}
        targets = {
            "boxes": work.gt_boxes[there],
            "labels": work.gt_category[there],
            "area": work.gt_area[there],
            "iscrowd": work.gt_crowd[there],
        }
        metric.update([image], [found], [targets])
    return metric


def bytes_given(of: Callable[[], Any]) -> int:
    """How many bytes this process gives to collectives."""
    import torch.distributed as dist

    given = 0

    def counted(collective: Callable[..., Any]) -> Callable[..., Any]:
        def called(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal given
            if not args or args[0] == dist.get_rank():
                given += tensor.numel() * tensor.element_size()
            return collective(tensor, *args, **kwargs)

        return called

    kept = {name: getattr(dist, name) for name in ("all_reduce", "broadcast")}
    for name, collective in kept.items():
        setattr(dist, name, counted(collective))
    of()
    for name, collective in kept.items():
        setattr(dist, name, collective)
    return given


if __name__ == "__main__":
    main()
