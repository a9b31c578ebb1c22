"""``compute(distributed=True)`` in gloo processes: the bits of ``sync``, fewer bytes, no hang."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-peers")
import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402
from test_peer_distributed import FIXTURES, batches  # noqa: E402

import detmetrics as dm  # noqa: E402


def met(rank: int, ranks: int, folder: str, **options: Any) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks, **options
    )


def left(rank: int, folder: str, told: object) -> None:
    Path(folder, f"{rank}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


def told(folder: Path, ranks: int) -> list[Any]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(ranks)]


def metric_of(mine: list[tuple], classes: dict, rules: str, **options: Any) -> dm.DetectionMetric:
    metric = dm.DetectionMetric(classes, rules, "xywh", **options)
    for image, prediction, target in mine:
        metric.update([image], [prediction], [target])
    return metric


def part_of(images: list[tuple], rank: int, ranks: int, share: str) -> list[tuple]:
    if share == "padded":  # as DistributedSampler does: the first images again at the end
        images = [*images, *itertools.islice(itertools.cycle(images), -len(images) % ranks)]
        return images[rank::ranks]
    return images[rank :: ranks - 1] if rank < ranks - 1 else []  # the last one saw nothing


def in_words(result: Any) -> dict[str, Any]:
    """Every number of a result, as JSON has it to the last bit."""
    contract = result.to_dict()
    return {name: contract[name] for name in ("metrics", "undefined", "per_class", "counts")}


def _measured(rank: int, ranks: int, share: str, rules: str, folder: str) -> None:
    met(rank, ranks, folder)
    classes, images = batches()
    metric = metric_of(part_of(images, rank, ranks, share), classes, rules)
    ours = [in_words(metric.compute(distributed=True, timeout=limit)) for limit in (None, 60)]
    theirs = in_words(metric.sync().compute())
    pair = dist.new_group([0, 1])  # all call it, and two are in it
    if rank < 2:
        ours.append(in_words(metric.compute(distributed=True, group=pair)))
        theirs = [theirs, in_words(metric.sync(pair).compute())]
    else:
        with pytest.raises(dm.InputError, match="this process is not in the group"):
            metric.compute(distributed=True, group=pair)
        theirs = [theirs]
    assert ours[0] == ours[1]
    left(rank, folder, [ours[1:], theirs])


@pytest.mark.parametrize("share", ["padded", "one idle"])
@pytest.mark.parametrize(("ranks", "rules"), [(2, "coco"), (3, "voc2012"), (3, "ultralytics")])
def test_every_process_has_what_sync_gives(tmp_path, ranks, rules, share):
    mp.spawn(_measured, (ranks, share, rules, str(tmp_path)), nprocs=ranks)
    expected = in_words(dm.evaluate(*FIXTURES, rules))
    for ours, theirs in told(tmp_path, ranks):
        assert ours == theirs
        assert ours[0]["metrics"] == expected["metrics"]
        assert ours[0]["per_class"] == expected["per_class"]


def _refused(rank: int, ranks: int, folder: str) -> None:
    met(rank, ranks, folder)
    said = []
    classes, images = batches()
    for rules, names in (
        ("coco", {**classes, 1: "other"} if rank == 1 else classes),
        ("coco" if rank else "voc2007", classes),
        ("kitti", classes),
        ("lvis", classes),
    ):
        with pytest.raises(dm.DetmetricsError) as error:
            metric_of(images[rank::ranks], names, rules).compute(distributed=True, timeout=60)
        said.append(str(error.value))
    # Nobody is out of step afterwards.
    metric = metric_of(images[rank::ranks], classes, "coco")
    assert metric.compute(distributed=True).summary == metric.sync().compute().summary
    left(rank, folder, said)


def test_what_does_not_fit_is_refused_in_every_process(tmp_path):
    mp.spawn(_refused, (2, str(tmp_path)), nprocs=2)
    first, second = told(tmp_path, 2)
    assert first == second
    for said, what in zip(first, ("classes", "rules"), strict=False):
        assert said.startswith(f"ranks 0 and 1: cannot measure metrics of different {what}. Fix: ")
    assert "rules kitti cannot be evaluated with distributed=True" in first[2]


def _absent(rank: int, ranks: int, folder: str, how: str) -> None:
    met(rank, ranks, folder)
    classes, images = batches()
    metric = metric_of(images[rank::ranks], classes, "coco")
    dist.barrier()
    if rank == 1:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        while not all(Path(folder, f"{other}.json").exists() for other in (0, 2)):
            time.sleep(0.05)  # there, and does not call it
        os._exit(0)
    began = time.monotonic()
    with pytest.raises(dm.WorkerError) as error:
        metric.compute(distributed=True, timeout=3)
    took = time.monotonic() - began
    Path(folder, f"{rank}.json").write_text(json.dumps([took, str(error.value)]))
    os._exit(0)


@pytest.mark.parametrize("how", ["killed", "never calls"])
def test_a_process_that_is_not_there_ends_in_an_error(tmp_path, how):
    """Within the timeout, and in all others; not in a hang."""
    context = mp.get_context("spawn")
    started = [context.Process(target=_absent, args=(n, 3, str(tmp_path), how)) for n in range(3)]
    for one in started:
        one.start()
    for one in started:
        one.join(60)
        assert one.exitcode is not None, "hangs"
    for rank in (0, 2):
        took, said = json.loads((tmp_path / f"{rank}.json").read_text())
        assert took < 20
        assert f"compute(distributed=True): rank {rank} of 3 did not get the lengths of" in said
        assert "within 3 s (timeout=)" in said
        assert "all of them call it" in said


def _ended_well(rank: int, ranks: int, folder: str) -> None:
    """A process that raised ends at once, though its group would wait for half an hour."""
    met(rank, ranks, folder)
    metric = dm.DetectionMetric(["cat"])
    if rank == 0:
        with pytest.raises(dm.WorkerError):
            metric.compute(distributed=True, timeout=1)
        Path(folder, "done").touch()
    while not Path(folder, "done").exists():
        time.sleep(0.05)


def test_a_process_that_raised_ends(tmp_path):
    began = time.monotonic()
    mp.spawn(_ended_well, (2, str(tmp_path)), nprocs=2)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "1"])
def test_timeouts_that_are_none(timeout):
    with pytest.raises(dm.InputError, match="timeout: expected seconds above 0, got"):
        dm.DetectionMetric(["cat"]).compute(distributed=True, timeout=timeout)


def test_without_processes_it_is_the_evaluation_of_this_one():
    classes, images = batches()
    metric = metric_of(images, classes, "coco")
    result = metric.compute(distributed=True)
    assert isinstance(result, dm.Evaluation)
    assert result.summary == metric.compute().summary


def moved(of: Callable[[], Any]) -> tuple[int, Any]:
    """How many bytes this process gives to collectives, and what the call gives."""
    given = [0]

    def counted(collective: Callable[..., Any]) -> Callable[..., Any]:
        def called(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            source = args[0] if args else kwargs.get("src")
            if source in (None, dist.get_rank()):
                given[0] += tensor.numel() * tensor.element_size()
            return collective(tensor, *args, **kwargs)

        return called

    names = "all_reduce", "broadcast"
    kept = {name: getattr(dist, name) for name in names}
    for name in names:
        setattr(dist, name, counted(kept[name]))
    try:
        result = of()
    finally:
        for name in names:
            setattr(dist, name, kept[name])
    return given[0], result


def _weighed(rank: int, ranks: int, folder: str) -> None:
    met(rank, ranks, folder)
    classes, images = batches()
    metric = dm.DetectionMetric(classes, "coco", "xywh")
    for copy in range(40):
        for image, prediction, target in images[rank::ranks]:
            metric.update([image + 1000 * copy], [prediction], [target])
    ours, result = moved(lambda: metric.compute(distributed=True))
    theirs, whole = moved(lambda: metric.sync().compute())
    assert result.summary == whole.summary
    parts = result.index.parts
    own = int(parts[rank].head.anchors.sum())
    every = int(sum(part.head.anchors.sum() for part in parts))
    slots = len(result.rules.area_ranges) * (every + result.index.categories)
    left(rank, folder, [ours, theirs, own, slots, parts[rank].head.images])


def test_bytes_that_are_given_to_collectives(tmp_path):
    """At most 45 an anchor and 4 a range and slot, 10 an image, and settings once."""
    mp.spawn(_weighed, (2, str(tmp_path)), nprocs=2)
    for ours, theirs, anchors, slots, images in told(tmp_path, 2):
        assert ours <= 45 * anchors + 4 * slots + 10 * images + 10_000
        assert ours < theirs
