"""Where tasks run: in this process, in processes of this machine, or on an engine that is given."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

from detmetrics.foundation.errors import InputError, WorkerError
from detmetrics.foundation.messages import shown
from detmetrics.foundation.progress import Share

__all__ = ["Engine", "Mapper", "mapper_of"]

Task = TypeVar("Task")
Answer = TypeVar("Answer")

Engine: TypeAlias = Executor | Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""An Executor, or what is called as ``engine(function, tasks)`` and gives the answers in order."""


class Mapper(Protocol):
    """Calls a function of a module with every task; answers come in the order of tasks."""

    def __call__(
        self,
        function: Callable[[Task], Answer],
        tasks: Sequence[Task],
        done: Share | None = None,
    ) -> list[Answer]:
        """All answers; done is called with the share of tasks that are.

        Raises:
            WorkerError: a worker was killed.
        """
        ...


@contextmanager
def mapper_of(engine: Engine | None, workers: int) -> Iterator[Mapper]:
    """What runs tasks, for as long as it is needed.

    engine: an executor of any kind or a callable, which stays the caller's; without one,
    workers: so many processes of this machine, or with 1 this process.

    Raises:
        InputError: the engine is neither, or workers is no number of processes.
    """
    if type(workers) is not int or workers < 1:
        raise InputError(f"workers: expected a number of processes from 1, got {shown(workers)}")
    if engine is not None:
        yield _on(_ways(engine))
    elif workers == 1:
        yield _on(map)
    else:
        # Spawned and not forked: a fork copies whatever this process holds, locks among it.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
            try:
                yield _on(pool.map)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _end_with_parent() -> None:
    """End this worker when the process that started it is killed: else it would wait for tasks for
    ever.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _ways(engine: Engine) -> Callable[..., Iterable[Any]]:
    found: Any = getattr(engine, "map", engine)
    if not callable(found):
        raise InputError(
            "engine: expected an executor (concurrent.futures) or a callable that takes a function "
            f"and tasks, got {shown(engine)}"
        )
    way: Callable[..., Iterable[Any]] = found
    return way


def _on(way: Callable[..., Iterable[Any]]) -> Mapper:
    def mapper(
        function: Callable[[Task], Answer],
        tasks: Sequence[Task],
        done: Share | None = None,
    ) -> list[Answer]:
        answers: list[Answer] = []
        try:
            for answer in way(function, tasks):
                answers.append(answer)
                if done is not None:
                    done(len(answers) / len(tasks))
        except BrokenExecutor:
            raise WorkerError(
                f"a worker process ended before its task was done, after {len(answers):,} of "
                f"{len(tasks):,} tasks: was it killed, or out of memory? What is done is in the "
                "state. Fix: evaluate again, with fewer workers or smaller parts"
            ) from None
        if len(answers) != len(tasks):
            raise InputError(
                f"engine: expected {len(tasks):,} answers, one per task, got {len(answers):,}"
            )
        return answers

    return mapper
