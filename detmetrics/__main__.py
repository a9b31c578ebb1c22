"""The way in of the command ``detmetrics``; ``python -m detmetrics`` is the same.

Signals are heard before the command is imported, which takes most of the time of a short one.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from types import FrameType

__all__ = ["main"]

SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides it."""
MESSAGES: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class _Stopped(BaseException):
    """A signal asked for the end while files are written, which are taken back then."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """Run the command line."""
    try:
        for number in MESSAGES:
            signal.signal(number, _stop)
        # NumPy's linear algebra, which nothing here uses, starts a spinning thread a processor.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # Nearly all that a start makes stays: to look for garbage after every 700 is in vain.
        gc.set_threshold(100_000)
        from detmetrics.cli import cli

        cli(prog_name="detmetrics")
    except KeyboardInterrupt:  # before it was heard
        _end(signal.SIGINT)
    except _Stopped as stopped:
        _end(stopped.number)
    finally:
        # Python would look through all that was made for cycles, several times: a tenth of the time
        # of a short command.
        gc.freeze()


def _stop(number: int, _: FrameType | None) -> None:
    # An exception may come up anywhere, also where Python only prints and forgets it (callbacks of
    # the import system, finalizers). So there is one only where something must be taken back.
    outputs = sys.modules.get("detmetrics.foundation.outputs")
    under_way = getattr(outputs, "under_way", None)  # it may be half imported
    if under_way is not None and under_way():
        raise _Stopped(number)
    _end(number)


def _end(number: int) -> None:
    """Say why, and end as shells expect; threads at work are not waited for."""
    with contextlib.suppress(Exception):  # standard error may be closed, or in use
        cursor = SHOW_CURSOR if os.isatty(2) else ""
        os.write(2, f"{cursor}{MESSAGES[number]}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    main()
