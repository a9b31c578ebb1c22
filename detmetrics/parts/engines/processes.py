"""Processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

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
            yield NamedEngine(pool.submit, workers)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """End this worker when the process that started it is killed: else it would wait for tasks for
    ever. Ctrl-C is for that process, and a traceback of each worker for nobody.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
