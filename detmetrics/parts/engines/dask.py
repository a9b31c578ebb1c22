"""Dask: the workers of a cluster, or some of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from detmetrics.parts.engines.executor import RETRIES, NamedEngine, connecting, missing

__all__ = ["dask"]

PATIENCE = 60
"""Seconds in which a cluster must have a worker."""


@contextmanager
def dask(workers: int, address: str | None) -> Iterator[NamedEngine]:
    """A connection to the scheduler at an address, or a cluster that is closed at the end.

    Raises:
        InputError: Dask is not installed, nobody answers, or there are no workers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise missing("dask", error) from None
    with ExitStack() as started:
        with connecting("dask", address):
            cluster = address or started.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=1 / workers,  # of that of the machine
                    dashboard_address=None,
                )
            )
            client = started.enter_context(Client(cluster, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
        # Not pure: a task is run again though its like was run before, as files may have changed.
        submit = client.get_executor(pure=False, retries=RETRIES).submit
        count = len(client.nthreads())
        yield NamedEngine(submit, count, lambda *task: [*client.run(*task).values()])
