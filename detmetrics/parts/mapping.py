"""Where tasks run: in this process, on an engine with a name, or on one that is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, TypeAlias, TypeVar

from detmetrics.foundation.errors import InputError, WorkerError
from detmetrics.foundation.messages import counted, shown
from detmetrics.foundation.progress import Share
from detmetrics.parts.engines.executor import Each
from detmetrics.parts.engines.named import named_engine
from detmetrics.parts.lost_workers import is_lost, raised_by_task
from detmetrics.parts.workers import InWorker

__all__ = ["OUT_OF_ORDER", "Engine", "Mapper", "mapper_of"]

OUT_OF_ORDER = (
    "engine: the answers are not in the order of the tasks. Fix: return them in that order, as map "
    "does"
)

Task = TypeVar("Task")
Answer = TypeVar("Answer")

Engine: TypeAlias = Executor | Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""An Executor, or what is called as ``engine(function, tasks)`` and gives the answers in order."""

Way: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[tuple[int, Any]]]
"""Gives the places of tasks with their answers, in any order."""

RELEASE = "detmetrics.foundation.version:__version__"


@dataclass(frozen=True)
class Mapper:
    """Calls a function of a module with every task.

    way: how; workers: how many there are, as far as it is known; elsewhere: they may be on other
    machines, and see other files; each: has every worker call a function once, where an engine can.
    """

    way: Way
    workers: int = 1
    elsewhere: bool = True
    each: Each | None = None

    def __call__(
        self,
        function: Callable[[Task], Answer],
        tasks: Sequence[Task],
        done: Share | None = None,
    ) -> list[Answer]:
        """All answers, in the order of tasks; done is called with the share of tasks that are done.

        Raises:
            WorkerError: a worker was killed.
            InputError: a worker is of another release, or the engine lost answers.
        """
        answers: dict[int, Answer] = {}
        with _told(answers, len(tasks)):
            for place, answer in self.way(InWorker(function), tasks):
                answers[place] = answer
                if done is not None:
                    done(len(answers) / len(tasks))
        if len(answers) != len(tasks):
            raise InputError(
                f"engine: expected {counted(len(tasks), 'answer')}, one per task, got "
                f"{len(answers):,}"
            )
        return [answers[place] for place in range(len(tasks))]

    def releases(self) -> list[str]:
        """Which release of detmetrics the workers have.

        They call what Python brings: a worker of Dask that cannot import a function ends.

        Raises:
            WorkerError: a worker was killed.
        """
        with _told((), self.workers):
            if self.each is not None:
                return self.each(resolve_name, RELEASE)
            return [answer for _, answer in self.way(resolve_name, [RELEASE] * self.workers)]


@contextmanager
def _told(answers: Sized, tasks: int) -> Iterator[None]:
    """The error of a task as it was raised; that a worker was lost as ours."""
    try:
        yield
    except BaseException as error:
        raised = raised_by_task(error)
        if is_lost(raised):
            raise WorkerError(
                f"a worker process ended before its task was done ({type(raised).__name__}), after "
                f"{len(answers):,} of {tasks:,} tasks: was it killed, or out of memory? What is "
                "done is in the state. Fix: evaluate again, with fewer workers or smaller parts"
            ) from None
        if raised is not error:
            raise raised from None
        raise


@contextmanager
def mapper_of(
    engine: Engine | str | None, workers: int, address: str | None = None
) -> Iterator[Mapper]:
    """What runs tasks, for as long as it is needed.

    engine: a name (see :func:`~detmetrics.parts.engines.named.named_engine`); an executor of
    any kind or a callable, which stays the caller's; without one, workers: so many processes of
    this machine, or with 1 this process.

    Raises:
        InputError: the engine is none of these or cannot be had, or workers is no number of
            processes.
    """
    if type(workers) is not int or workers < 1:
        raise InputError(f"workers: expected a number of processes from 1, got {shown(workers)}")
    if address is not None and not isinstance(engine, str):
        raise InputError('address: expected with engine="dask" or engine="ray" alone')
    if engine is None and workers == 1:
        yield Mapper(_in_order(map), elsewhere=False)
    elif engine is None or isinstance(engine, str):
        name = "processes" if engine is None else engine
        with named_engine(name, workers, address) as executor:
            way = _as_they_finish(executor)
            yield Mapper(way, executor.workers, name != "processes", executor.each)
    else:
        yield Mapper(_way(engine), workers)


def _way(engine: Engine) -> Way:
    if isinstance(engine, Executor):
        return _as_they_finish(engine)
    found: Any = getattr(engine, "map", engine)
    if not callable(found):
        raise InputError(
            "engine: expected a name, an executor (concurrent.futures) or a callable that takes a "
            f"function and tasks, got {shown(engine)}"
        )
    return _in_order(found)


def _in_order(called: Callable[..., Iterable[Any]]) -> Way:
    return lambda function, tasks: enumerate(called(function, tasks))


def _as_they_finish(executor: Executor) -> Way:
    def way(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        futures = {executor.submit(function, task): place for place, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            for future in futures:
                future.cancel()

    return way
