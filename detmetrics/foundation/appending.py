"""Lines that are only added to a file, by any number of processes, and survive a killed one."""

from __future__ import annotations

import contextlib
import os

from detmetrics.foundation.errors import OutputError

__all__ = ["append_line"]


def append_line(path: str, line: str, what: str = "the row cannot be added") -> None:
    """Add a line at the end of a file, on a line of its own, and wait until it lies on disk.

    what: the beginning of the error.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _binary(), 0o666)
        try:
            data = f"{'' if _ends_a_line(handle) else chr(10)}{line}\n".encode()
            while data:
                data = data[os.write(handle, data) :]
            with contextlib.suppress(OSError):  # a pipe or a device has no disk to wait for
                os.fsync(handle)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{path}: {what}: {reason}") from None


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)


def _ends_a_line(handle: int) -> bool:
    size = os.fstat(handle).st_size
    if size == 0:
        return True
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"
