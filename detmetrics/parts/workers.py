"""What a worker is asked before the work, and how it does a task.

A worker may be a process of any machine, of any release of detmetrics, with other disks. So before
any part is matched each is asked whether it can read the inputs, and whether what it writes to the
state is seen by the process that asks; and with every task it is told which release asks.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple
from uuid import uuid4

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.memory import spare_address_space
from detmetrics.foundation.parallel import limit_threads
from detmetrics.foundation.version import __version__
from detmetrics.parts.storage import Storage

__all__ = ["SHARED", "InWorker", "PathsTask", "Sight", "TokenTask", "read_paths", "signed"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc has them


SHARED = "that all workers see by this path, such as one of a shared file system"


# --- how a worker does a task --------------------------------------------------------------------


def _process() -> str:
    return f"{_loaded}-{os.getpid()}"


_loaded = uuid4().hex  # this copy of the module; a fork has it too, but another process number


@dataclass(frozen=True)
class InWorker:
    """A function as workers call it.

    release: of detmetrics, of the process that asks; caller: that process; run: no two are equal,
    so that no engine takes the answer of an earlier one.
    """

    function: Callable[[Any], Any]
    release: str = __version__
    caller: str = field(default_factory=_process)
    run: str = field(default_factory=lambda: uuid4().hex)

    @property
    def __name__(self) -> str:
        """That of the function, which dashboards show."""
        return getattr(self.function, "__name__", "task")

    def __call__(self, task: Any) -> Any:
        """The answer.

        Raises:
            InputError: this is a worker of another release.
        """
        if self.release != __version__:
            raise InputError(
                f"engine: a worker on {platform.node()} has detmetrics {__version__}, and this is "
                f"{self.release}, which may match in another way. Fix: install detmetrics "
                f"{self.release} for all workers"
            )
        if self.caller != _process():
            _prepare()
        return self.function(task)


@cache
def _prepare() -> None:
    """Workers run side by side, one a core, so each has one thread.

    Dask sets ``MALLOC_TRIM_THRESHOLD_`` for its workers. Then glibc hands freed memory back,
    whatever :func:`~detmetrics.foundation.arrays.keep_freed_memory` asks of it, and matching takes
    longer; so the thresholds are set as glibc would set them. They stay for the life of the worker.
    """
    limit_threads(1)
    spare_address_space()
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        with suppress(OSError, AttributeError, TypeError):  # there is no glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_TRIM_THRESHOLD, 1 << 30)
            mallopt(M_MMAP_THRESHOLD, 32 << 20)


# --- what a worker is asked ----------------------------------------------------------------------


class Sight(NamedTuple):
    """What a worker says: the machine it is on, what is wrong, and the file that it wrote."""

    machine: str
    fault: str = ""
    written: str = ""


@dataclass(frozen=True)
class PathsTask:
    """Files and folders, and how they are reached."""

    paths: tuple[str, ...]
    storage: Storage


def read_paths(task: PathsTask) -> Sight:
    """Whether a worker can read all files and folders, and Parquet where there is some.

    It takes a while to import what reads Parquet, which workers do here side by side.
    """
    machine = platform.node()
    names = [*task.paths]
    for path in task.paths:
        files = task.storage.of(path)
        try:
            try:
                names += (entry.name for entry in files.entries(path))
            except NotADirectoryError:
                files.read(path, 0, 1)
        except OSError as error:
            return Sight(
                machine,
                f"{path}: a worker on {machine} cannot read it: {error.strerror}. Fix: give a path "
                f"{SHARED}",
            )
    if any(name.lower().endswith(".parquet") for name in names):
        try:
            import_module("pyarrow.parquet")
        except ImportError:
            return Sight(
                machine,
                f"engine: Parquet needs pyarrow, which a worker on {machine} lacks. Fix: pip "
                "install 'detmetrics[parquet]' for all workers",
            )
    return Sight(machine)


@dataclass(frozen=True)
class TokenTask:
    """A file of the state folder, what it holds, and how it is reached."""

    path: str
    content: str
    storage: Storage


def signed(task: TokenTask) -> Sight:
    """Whether a worker finds a file of the state folder, and can write another beside it."""
    machine = platform.node()
    folder = os.path.dirname(task.path)
    files, own = task.storage.of(folder), f"{task.path}-{uuid4().hex}"
    try:
        if files.read(task.path).decode("ascii", "replace") != task.content:
            return Sight(machine, f"{folder}: is another folder for a worker on {machine}")
        files.write(own, task.content)
    except OSError as error:
        told = f"{error.strerror}: {error.filename}" if error.strerror else str(error)
        return Sight(machine, f"{folder}: a worker on {machine} cannot use it: {told}")
    return Sight(machine, written=own)
