"""Engines by name.

Each gives an executor and closes what it started: without an address a cluster of so many workers
on this machine; with one only its own connection. Nothing of an engine is written to standard
output.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import no_such
from detmetrics.parts.engines.dask import dask
from detmetrics.parts.engines.executor import NamedEngine
from detmetrics.parts.engines.processes import processes
from detmetrics.parts.engines.ray import ray

__all__ = ["ENGINES", "named_engine"]

ENGINES = {"processes": processes, "dask": dask, "ray": ray}


def named_engine(
    name: str, workers: int, address: str | None = None
) -> AbstractContextManager[NamedEngine]:
    """What runs tasks, for as long as it is needed.

    name: ``processes``, ``dask`` or ``ray``; workers: how many to start where no address is given;
    address: of the cluster that is used: of a Dask scheduler (``tcp://head:8786``) or of Ray
    (``auto``, ``10.0.0.1:6379``, ``ray://head:10001``).

    Raises:
        InputError: there is no such engine, its package is missing, or nobody answers.
    """
    if name not in ENGINES:
        raise InputError(no_such("engine", name, ENGINES))
    return ENGINES[name](workers, address)
