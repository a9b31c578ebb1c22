"""Independent parts at once: NumPy lets go of the interpreter inside its kernels."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["each", "limit_threads", "started"]

Part = TypeVar("Part")
Result = TypeVar("Result")

# Two: the interpreter runs between the kernels, so more only wait for one another.
WORKERS = min(os.cpu_count() or 1, 2)
FEW = 10_000
"""Rows whose arithmetic takes no longer than the start of a thread."""


def limit_threads(most: int) -> None:
    """Let a call use so many threads at most from now on, where processes run side by side."""
    global WORKERS
    WORKERS = min(WORKERS, most)


def started(work: Callable[[], None]) -> threading.Thread | None:
    """A thread that does the work; None where the system gives none and it has been done here."""
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):  # can't start new thread: a limit of processes or memory
        work()
        return None
    return thread


def each(
    function: Callable[[Part], Result], parts: Iterable[Part], rows: int | None = None
) -> list[Result]:
    """The function of every part, in order of the parts.

    rows: how many a part has, where that is known: few are not worth a thread.

    >>> each(abs, [-2, 3])
    [2, 3]
    """
    # Threads of the call and not of a pool: nothing is left running, and calls may lie in one
    # another. pop and the writes below are atomic, so no lock is needed; parts go in order.
    waiting = list(enumerate(parts))[::-1]
    results: dict[int, Result] = {}
    failed: list[BaseException] = []

    def work() -> None:
        while not failed:
            try:
                index, part = waiting.pop()
            except IndexError:
                return
            try:
                results[index] = function(part)
            except BaseException as error:
                failed.append(error)

    # The caller works too, so that a single part, or a single processor, starts no thread.
    workers = 1 if rows is not None and rows <= FEW else min(WORKERS, len(waiting))
    threads = [started(work) for _ in range(workers - 1)]
    work()
    for thread in threads:
        if thread is not None:
            thread.join()
    if failed:
        raise failed[0]
    return [results[index] for index in range(len(results))]
