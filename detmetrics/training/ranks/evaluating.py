"""One evaluation of the images of several processes: only anchors and counts are exchanged.

1. Each tells its settings and image ids; who measures which image follows (:mod:`.shares`).
2. Each matches its own images and tells its anchors (:mod:`.rank_parts`).
3. What is no anchor is counted between those of all, and the counts are added
   (:mod:`.rank_index`). Where a metric looks at every detection, these are exchanged instead.

In each step a process tells the others what went wrong, so that all end in an error and none waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detmetrics.foundation.errors import RulesError
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.summary import ClassCells, metrics_of
from detmetrics.parts.measuring import MeasuredClasses, measured_class
from detmetrics.parts.refusals import refuse_rules
from detmetrics.training.distributed import Processes
from detmetrics.training.notes import repeated
from detmetrics.training.ranks.rank_index import RankIndex, index_of, own_counts
from detmetrics.training.ranks.rank_parts import (
    RankPart,
    fault_bytes,
    part_of,
    part_to_bytes,
    told_part,
)
from detmetrics.training.ranks.rank_result import RanksEvaluation
from detmetrics.training.ranks.shares import Agreement, Share, agreed, share_bytes, told_share

__all__ = ["CALLER", "evaluated_by"]

CALLER = "compute(distributed=True)"
BY_COUNTS = "with distributed=True", "gather all images with metric.sync().compute()"

OwnPart = RankPart | Exception | None
"""The images of this process: matched, or why they are not; None without any."""


def evaluated_by(processes: Processes, share: Share) -> RanksEvaluation:
    """The evaluation of the images of all processes, the same in each.

    Raises:
        InputError: the metrics of the processes do not fit together, or images of one do not.
        RulesError: rules that need all images at once, or that lack something.
        WorkerError: a process ended, or does not answer in time.
    """
    told = processes.gathered(share_bytes(share.facts), "settings and image ids")
    agreement = agreed([told_share(data) for data in told])
    _refuse(share)
    own = _matched(share, agreement, processes.rank)
    every = _parts(processes, agreement, own)
    index = _counted(processes, index_of([part for part in every if part is not None]), every)
    told_of_repeats = repeated(agreement.repeats, agreement.size, agreement.on_repeat)
    return RanksEvaluation(index.rules, _measured(index), index, tuple(told_of_repeats))


def _measured(index: RankIndex) -> ClassCells:
    """All classes at once, or one after the other where every detection of a class is listed."""
    if index.between is not None:
        return Curves(index.all_classes())
    classes = [measured_class(index, category) for category in range(index.categories)]
    return MeasuredClasses(index, classes)


def _refuse(share: Share) -> None:
    """Refuse what is the same in all processes."""
    refuse_rules(share.rules, BY_COUNTS)
    if not share.scored:
        raise RulesError(
            "detections without scores have no order over processes. Fix: gather all images with "
            "metric.sync().compute()"
        )


def _matched(share: Share, agreement: Agreement, rank: int) -> OwnPart:
    """The images of this process; what goes wrong is told to the others before it is raised."""
    ids = agreement.images[rank]
    if not ids:
        return None
    try:
        return part_of(rank, share.evaluated(ids, agreement))
    except Exception as error:
        return error


def _parts(processes: Processes, agreement: Agreement, own: OwnPart) -> list[RankPart | None]:
    """The images of every process, in order of rank; None of those without any.

    Raises:
        InputError, RulesError: those of a process could not be measured.
    """
    parts: list[RankPart | None] = []
    told = processes.gathered(_as_bytes(own), "anchors")
    if isinstance(own, Exception):
        raise own
    for rank, (data, ids) in enumerate(zip(told, agreement.images, strict=True)):
        part = told_part(data, ids) if data else None
        if isinstance(part, Exception):
            raise type(part)(f"rank {rank}: {part}")
        if part is not None and own is not None and rank == processes.rank:
            part = replace(part, all_ranked=own.all_ranked)
        parts.append(part)
    return parts


def _as_bytes(own: OwnPart) -> bytes:
    if own is None:
        return b""
    return fault_bytes(own) if isinstance(own, Exception) else part_to_bytes(own)


def _counted(processes: Processes, index: RankIndex, every: Sequence[RankPart | None]) -> RankIndex:
    """With the counts of all processes, or with every detection where a metric looks at each."""
    own = every[processes.rank]
    if all(metric.kind.of_curves for metric in metrics_of(index.rules)):
        place = None if own is None else sum(part is not None for part in every[: processes.rank])
        return replace(index, between=processes.summed(own_counts(index, place), "counts"))
    mine = b"" if own is None or own.all_ranked is None else own.all_ranked.tobytes()
    told = processes.gathered(mine, "detections")
    parts = [
        part.with_ranked(data) for part, data in zip(every, told, strict=True) if part is not None
    ]
    return replace(index, parts=tuple(parts))
