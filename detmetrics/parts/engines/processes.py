"""Processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.parts.engines.executor import NamedEngine

__all__ = ["processes"]


@contextmanager
def processes(workers: int, address: str | None) -> Iterator[NamedEngine]:
    """A pool of processes.

    Raises:
        InputError: they were to be somewhere else.
    """
    if address is not None:
        raise InputError(
            f"address: processes are of this machine, got {shown(address)}. Fix: leave it out, or "
            "use the engine dask or ray"
        )
    # Spawned and not forked: a fork copies whatever this process holds, locks among it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        try:
            yield NamedEngine(partial(_submitted, pool), workers)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _submitted(pool: ProcessPoolExecutor, function: Any, /, *args: Any, **more: Any) -> Future[Any]:
    """The answer to come; the pool may start a process for it."""
    with _without_interrupts():
        return pool.submit(function, *args, **more)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile ignore Ctrl-C, which is for the one that started them:
    each would end in a traceback.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
