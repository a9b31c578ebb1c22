"""Bytes and sums of all processes of ``torch.distributed``, in each of them.

Bytes and arrays and not objects: nothing that another process sends is executed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import numpy as np

from detmetrics.foundation.arrays import Counts
from detmetrics.foundation.errors import InputError, WorkerError
from detmetrics.foundation.messages import printable, shown

__all__ = ["Processes", "gathered", "processes", "several"]


def several() -> bool:
    """Whether there are processes of ``torch.distributed``; torch is not imported to ask it."""
    dist = sys.modules.get("torch.distributed")
    return dist is not None and bool(dist.is_available() and dist.is_initialized())


class Processes(Protocol):
    """Processes that exchange bytes and add integers; each calls the same methods in turn."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def gathered(self, data: bytes, what: str) -> list[bytes]:
        """The bytes of every process, in order of rank; what: they are, in words.

        Raises:
            WorkerError: a process ended, or does not answer in time.
        """
        ...

    def summed(self, counts: Counts, what: str) -> Counts:
        """(n,) the sum of the counts of all processes, in each of them; as of :meth:`gathered`."""
        ...


def gathered(data: bytes, group: Any = None) -> list[bytes]:
    """The bytes of every process in order of rank; these alone without a process group.

    Raises:
        InputError: torch is not installed.
        WorkerError: a process ended, or does not answer within the timeout of the group.
    """
    others = processes(group, None, "sync")
    return [data] if others is None else others.gathered(data, "metrics")


def processes(group: Any, timeout: float | None, caller: str) -> Processes | None:
    """The processes of a group, the whole world unless given; None without a process group.

    timeout: how many seconds a process waits for the others at each step, that of the group unless
    given; caller: what needs them, in words.

    Raises:
        InputError: torch is not installed, the timeout is none, or the group is without this
            process.
    """
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < 1e9):
        raise InputError(f"timeout: expected seconds above 0, got {shown(timeout)}")
    try:
        import torch.distributed as dist
    except ImportError:
        raise InputError(f"{caller} needs torch: pip install torch") from None
    if not dist.is_available() or not dist.is_initialized():
        return None
    if dist.get_rank(group) < 0:
        raise InputError(f"{caller}: this process is not in the group. Fix: call it in those alone")
    return _TorchProcesses(group, timeout, caller)


class _TorchProcesses:
    """The processes of a group of ``torch.distributed``."""

    def __init__(self, group: Any, timeout: float | None, caller: str) -> None:
        import torch
        import torch.distributed as dist

        self._torch, self._dist, self._group = torch, dist, group
        self._caller = caller
        self._timeout = None if timeout is None else timedelta(seconds=timeout)
        self.rank: int = dist.get_rank(group)
        self.size: int = dist.get_world_size(group)
        self._backend = dist.get_backend(group)

    def gathered(self, data: bytes, what: str) -> list[bytes]:
        """As of :class:`Processes`."""
        lengths = np.zeros(self.size, np.int64)
        lengths[self.rank] = len(data)
        lengths = self.summed(lengths, f"lengths of {what}")
        return [
            self._sent(rank, data, length, what) if length else b""
            for rank, length in enumerate(lengths.tolist())
        ]

    def _sent(self, rank: int, data: bytes, length: int, what: str) -> bytes:
        """The bytes of one process. One sends after the other, so that nothing has to be padded to
        the longest, which may be far longer than the others.
        """
        mine = rank == self.rank
        values = np.frombuffer(data, np.uint8).copy() if mine else np.empty(length, np.uint8)
        tensor = self._tensor(values)
        source = rank if self._group is None else self._dist.get_global_rank(self._group, rank)
        self._wait(lambda: self._dist.broadcast(tensor, source, self._group, async_op=True), what)
        return data if mine else tensor.cpu().numpy().tobytes()

    def summed(self, counts: Counts, what: str) -> Counts:
        """As of :class:`Processes`."""
        if not len(counts):
            return counts
        self._meet(what)
        tensor = self._tensor(counts.copy())
        self._wait(lambda: self._dist.all_reduce(tensor, group=self._group, async_op=True), what)
        total: Counts = tensor.cpu().numpy()
        return total

    def _tensor(self, values: Any) -> Any:
        """Where the backend has its tensors."""
        tensor = self._torch.from_numpy(values)
        return tensor.cuda() if self._backend == "nccl" else tensor

    def _meet(self, what: str) -> None:
        """Wait until all are here. A collective of gloo that nobody joins would be waited for again
        when the process ends, for as long as its group says; this leaves nothing behind.
        """
        if self._timeout is not None and self._backend == "gloo":
            with self._told(what):
                self._dist.monitored_barrier(self._group, self._timeout, wait_all_ranks=True)

    def _wait(self, collective: Callable[[], Any], what: str) -> None:
        with self._told(what):
            work = collective()
            if self._timeout is None or self._backend == "gloo":
                work.wait()
            else:
                work.wait(self._timeout)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Say what was waited for where a collective ends in an error.

        Raises:
            WorkerError: it did.
        """
        try:
            yield
        except RuntimeError as error:
            why = printable(str(error).strip().partition("\n")[0])[:200]
            raise WorkerError(
                f"{self._caller}: rank {self.rank} of {self.size} did not get the {what} of all "
                f"processes within {self._limit}: {why}. A process ended, is slow, or did not call "
                "it. Fix: read what the other processes report; all of them call it, those without "
                "a batch too"
            ) from None

    @property
    def _limit(self) -> str:
        if self._timeout is None:
            return "the timeout of the process group"
        return f"{self._timeout.total_seconds():g} s (timeout=)"
