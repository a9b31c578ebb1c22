"""How much memory this process has taken."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress

__all__ = ["peak_memory", "spare_address_space"]

M_ARENA_MAX = -8  # as malloc.h of glibc has it


def peak_memory() -> int:
    """The most bytes of memory that this process has had so far; 0 where no system says it.

    >>> peak_memory() >= 0
    True
    """
    # getrusage begins at the peak of the process that started this one, where there is no /proc.
    try:
        with open("/proc/self/status", "rb") as file:
            if found := re.search(rb"VmHWM:\s*(\d+) kB", file.read()):
                return int(found[1]) << 10
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # pragma: no cover  (Windows)
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def spare_address_space() -> None:
    """Let this process reserve no more memory than it uses, for limits such as ``ulimit -v``.

    pyarrow's own allocator reserves a gibibyte at its start, and glibc 64 MiB for every thread.
    Settings of the user stay. It is in vain after pyarrow was imported.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(OSError, AttributeError, TypeError):  # there is no glibc
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
