"""Guards against hanging, so patient that no busy machine sets them off.

What they guard takes at most three seconds on an idle core.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 300  # seconds: a hundred times the usual


@contextmanager
def soon() -> Iterator[None]:
    """Fail where the block hangs."""

    def fail(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds, which another thread or process brings about."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
