"""How much memory this process has taken."""

from __future__ import annotations

import re
import sys

__all__ = ["peak_memory"]


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
