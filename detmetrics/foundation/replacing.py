"""A file or folder takes the place of another at once, and a run that was killed leaves no litter.

What is being written lies beside its target under a name that says which process of which machine
writes it. So the next run can tell what nobody will finish.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import re
import signal
from collections.abc import Iterator
from typing import Any

__all__ = ["abandoned", "replace_folder", "staging_prefix", "sweep", "undisturbed"]

AT_FDCWD, RENAME_EXCHANGE = -100, 2
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
STAGED = re.compile(r"\.detmetrics-([0-9a-f]{8})-([0-9]+)-")
NOTE = "README.txt"


def staging_prefix() -> str:
    """How names begin of what this process has not finished."""
    return f".detmetrics-{_machine()}-{os.getpid()}-"


def sweep(folder: str) -> None:
    """Remove what killed runs left in a folder; a folder that one of them had taken away is put
    back first.
    """
    for entry in abandoned(folder):
        with contextlib.suppress(OSError):
            _clear(entry)


def abandoned(folder: str) -> Iterator[os.DirEntry[str]]:
    """What killed runs of this machine left in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = STAGED.match(entry.name)
            if found and found[1] == _machine() and not _is_alive(int(found[2])):
                yield entry


def _clear(entry: os.DirEntry[str]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.path)
        return
    with contextlib.suppress(FileNotFoundError), open(os.path.join(entry.path, NOTE)) as note:
        target = note.readline().strip()
        old = os.path.join(entry.path, "old")
        if os.path.lexists(old) and not os.path.lexists(target):
            os.replace(old, target)
    import shutil

    shutil.rmtree(entry.path)


def replace_folder(fresh: str, target: str, stage: str) -> None:
    """Put a fresh folder, or file, where another one may be; the old one ends in the stage.

    stage: a folder beside the target, which holds the fresh one and is removed afterwards.
    """
    if not os.path.isdir(target) or os.path.islink(target):
        os.replace(fresh, target)
        return
    if _exchanged(fresh, target):
        return
    # Where the system cannot exchange two names, the old folder steps aside. Whoever is killed in
    # between leaves a note, which the next run heeds.
    old = os.path.join(stage, "old")
    with open(os.path.join(stage, NOTE), "w") as note:
        note.write(
            f"{target}\nThe folder of this name was being replaced when detmetrics was stopped. "
            "Move 'old' there to have it back.\n"
        )
    os.replace(target, old)
    try:
        os.replace(fresh, target)
    except OSError:
        os.replace(old, target)
        raise


def _exchanged(one: str, other: str) -> bool:
    """Whether two names were exchanged in one step."""
    call = _renameat2()
    if call is None:
        return False
    status = call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    if status == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))


@functools.cache
def _renameat2() -> Any:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return call


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that ask for the end wait until the last of several steps is done."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    waiting = {getattr(signal, name) for name in SIGNALS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@functools.cache
def _machine() -> str:
    """A short name of this machine: on shared disks the processes of others cannot be looked up."""
    import hashlib

    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
