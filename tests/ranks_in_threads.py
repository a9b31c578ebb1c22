"""Processes of one metric as threads of this process, which count what they exchange."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import numpy as np

import detmetrics as dm
from detmetrics.training.ranks.evaluating import evaluated_by


@dataclass
class Meeting:
    """Where all ranks put what they exchange; sent: by rank what each gave, in words and bytes."""

    size: int
    sent: list[list[tuple[str, int]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sent = [[] for _ in range(self.size)]
        self.table: list[Any] = [None] * self.size
        self.barrier = Barrier(self.size, timeout=30)

    def bytes_of(self, *words: str) -> int:
        """What all ranks gave of these kinds."""
        return sum(size for rank in self.sent for what, size in rank if what in words)


@dataclass
class ThreadRank:
    """One rank: what the library asks of processes."""

    meeting: Meeting
    rank: int

    @property
    def size(self) -> int:
        return self.meeting.size

    def _exchanged(self, given: Any, what: str, size: int) -> list[Any]:
        self.meeting.sent[self.rank].append((what, size))
        self.meeting.table[self.rank] = (what, given)
        self.meeting.barrier.wait()
        told = list(self.meeting.table)
        self.meeting.barrier.wait()
        assert {name for name, _ in told} == {what}
        return [one for _, one in told]

    def gathered(self, data: bytes, what: str) -> list[bytes]:
        assert type(data) is bytes
        return self._exchanged(data, what, len(data))

    def summed(self, counts: np.ndarray, what: str) -> np.ndarray:
        told = self._exchanged(counts, what, counts.nbytes)
        assert len({(one.dtype, one.shape) for one in told}) == 1
        return np.sum(told, axis=0, dtype=counts.dtype)


def at_once(
    metrics: list[dm.DetectionMetric], of: Callable[[Any], Any] = lambda result: result
) -> tuple[list[Any], Meeting]:
    """What each rank computes of its metric, or the error that it ends in."""
    meeting = Meeting(len(metrics))

    def one(rank: int) -> Any:
        try:
            return of(evaluated_by(ThreadRank(meeting, rank), metrics[rank]._share()))
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(metrics)) as pool:
        return list(pool.map(one, range(len(metrics)))), meeting
