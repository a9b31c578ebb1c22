"""Ray: the cluster at an address, that of this process, or one of this machine."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.parts.engines.executor import RETRIES, NamedEngine, connecting, missing

__all__ = ["ray"]

OBJECT_STORE = 150 << 20
"""Bytes of the store of answers, which are small: what is large goes through the state."""


@contextmanager
def ray(workers: int, address: str | None) -> Iterator[NamedEngine]:
    """A connection, or a cluster that is closed at the end; Ray that runs in this process stays.

    Raises:
        InputError: Ray is not installed, nobody answers, or Ray runs here and another is asked for.
    """
    try:
        import ray
    except ImportError as error:
        raise missing("ray", error) from None
    if ray.is_initialized():
        if address is not None:
            raise InputError(
                f"address: Ray is initialized in this process already, got {shown(address)}. Fix: "
                "leave it out, and that Ray is used"
            )
        with _off_standard_output():
            yield _engine(ray)
        return
    with _off_standard_output():
        try:
            _start(ray, workers, address)
            yield _engine(ray)
        finally:
            with redirect_stdout(sys.stderr):  # for what was held back
                ray.shutdown()


def _start(ray: Any, workers: int, address: str | None) -> None:
    """Connect to a cluster, or start one of this machine."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    with connecting("ray", address):
        if address is not None:
            _knock(address)
            ray.init(address, **quiet)
            return
        ray.init(
            "local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            **quiet,
        )


def _knock(address: str) -> None:
    """Find out whether anybody answers at an address, which takes Ray many minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _engine(ray: Any) -> NamedEngine:
    task = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_call)
    nodes = sum(node["Alive"] for node in ray.nodes())
    return NamedEngine(lambda *args: task.remote(*args).future(), nodes)


def _call(function: Callable[[Any], Any], task: Any) -> Any:
    """What Ray calls, which wants a plain function."""
    return function(task)


@contextmanager
def _off_standard_output() -> Iterator[None]:
    """What threads of Ray print, as that a worker died, goes to standard error: its own settings
    silence what workers print and not this, and a result may be written to standard output.
    """
    before = sys.stdout
    if before is None or sys.stderr is None:
        yield
        return
    with redirect_stdout(cast("TextIO", _Sorted(before, sys.stderr))):
        yield


class _Sorted:
    """Standard output, but for what threads of Ray write."""

    def __init__(self, output: TextIO, errors: TextIO) -> None:
        self._output, self._errors = output, errors

    def write(self, text: str) -> int:
        of_ray = threading.current_thread().name.startswith("ray_")
        return (self._errors if of_ray else self._output).write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)
