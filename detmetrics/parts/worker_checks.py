"""Before the work: whether the workers of an engine can do it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import uuid4

from detmetrics.foundation.errors import DetmetricsError, InputError
from detmetrics.foundation.messages import few
from detmetrics.foundation.replacing import staging_prefix, sweep
from detmetrics.foundation.version import __version__
from detmetrics.parts.mapping import Mapper
from detmetrics.parts.storage import STORAGE, Storage, is_url, join
from detmetrics.parts.workers import SHARED, PathsTask, Sight, TokenTask, read_paths, signed

__all__ = ["check_reading", "check_writing"]

LONGEST = 300


def check_reading(mapper: Mapper, paths: Sequence[str], storage: Storage = STORAGE) -> None:
    """Refuse workers that cannot read these files and folders, or are of another release.

    Raises:
        InputError: one cannot, or detmetrics cannot be imported there.
    """
    if not mapper.elsewhere:
        return
    with _failures_told():
        _refuse_releases(mapper.releases())
        sights = mapper(read_paths, [PathsTask(tuple(paths), storage)] * mapper.workers)
    for sight in sights:
        if sight.fault:
            raise InputError(sight.fault)


def check_writing(mapper: Mapper, folder: str, storage: Storage = STORAGE) -> None:
    """Refuse workers that cannot write to the folder of the state, or have another one there.

    Raises:
        InputError: one cannot.
        OutputError: this process cannot.
    """
    if not mapper.elsewhere:
        return
    files = storage.of(folder)
    if not is_url(folder):
        sweep(folder)
    name = f"{staging_prefix()}token-{uuid4().hex}"
    token = TokenTask(join(folder, name), uuid4().hex, storage)
    files.write(token.path, token.content)
    sights: list[Sight] = []
    try:
        with _failures_told():
            sights += mapper(signed, [token] * mapper.workers)
        _refuse_strangers(sights, folder, storage)
    finally:
        for path in (token.path, *(sight.written for sight in sights)):
            with suppress(OSError):
                files.delete(path)


def _refuse_strangers(sights: Sequence[Sight], folder: str, storage: Storage) -> None:
    there = {one.name for one in storage.of(folder).entries(folder)}
    for sight in sights:
        fault = sight.fault
        if not fault and os.path.basename(sight.written) not in there:
            fault = f"{folder}: a worker on {sight.machine} writes to another folder of this name"
        if fault:
            raise InputError(f"{fault}. Fix: give a state folder {SHARED}, and may write to")


def _refuse_releases(releases: Sequence[str]) -> None:
    others = sorted({*releases} - {__version__})
    if others:
        raise InputError(
            f"engine: workers have detmetrics {few(others)}, and this is {__version__}, which may "
            f"match in another way. Fix: install detmetrics {__version__} for all workers"
        )


@contextmanager
def _failures_told() -> Iterator[None]:
    """What is raised before the work, where nothing of ours can fail."""
    try:
        yield
    except DetmetricsError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]
        raise InputError(
            f"engine: a worker cannot run detmetrics {__version__} ({reason}). Fix: install "
            f"detmetrics {__version__} for all workers, and for the scheduler"
        ) from error
